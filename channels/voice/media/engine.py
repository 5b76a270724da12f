"""Legs, calls and the sound between them: requests answered, mixes realised, calls recorded.

A leg that hears exactly one other and no tone gets that one's payloads undecoded, the moment they
arrive. Whatever else a leg hears is mixed every 20 ms, for all calls in one pass. A leg in a call
that hears nothing is sent silence; one outside any call is sent nothing.
"""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from uuid import UUID

import structlog
from aiortc import RTCCertificate, RTCIceServer

from channels.voice.media import sdp, tones, ulaw
from channels.voice.media.admission import Admission
from channels.voice.media.legs import (
    BusyRefusal,
    Call,
    ConflictRefusal,
    Leg,
    NotFoundRefusal,
    Reports,
    UnavailableRefusal,
)
from channels.voice.media.mixing import Mixing
from channels.voice.media.network import Network
from channels.voice.media.peer import Peer
from channels.voice.media.protocol import (
    CallMix,
    CallVersion,
    EndReason,
    LegConnected,
    LegEnded,
    LegOffer,
    LegState,
    RecordingFinished,
    RecordingOrder,
    RecordingStarted,
    StatsData,
)
from channels.voice.media.recording import Recording, Writer
from channels.voice.media.ulaw import RATE
from channels.voice.media.watch import Watch
from contactcenter.core.clock import Clock

MAX_LEGS = 2000

_CERTIFICATE_DAYS = 7

log = structlog.get_logger(__name__)


class Engine:
    """All legs and calls of the process; everything happens in its event loop."""

    def __init__(
        self, network: Network, reports: Reports, writer: Writer, clock: Clock, max_calls: int
    ) -> None:
        self.legs: dict[UUID, Leg] = {}
        self.calls: dict[UUID, Call] = {}
        self.admission = Admission(max_calls)
        self._network, self._reports, self._writer, self._clock = network, reports, writer, clock
        self._certificate: RTCCertificate | None = None
        self._owners: dict[Peer, Leg] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._mixing = Mixing(self._realise)
        self._watch = Watch(self.legs, self.calls, self.admission, reports, clock, self._look_at)

    async def run(self) -> None:
        """Mix, watch and measure until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._mixing.run())
            tasks.create_task(self._watch.run())

    async def close(self) -> None:
        """End every recording and leg."""
        for call_id in list(self.calls):
            self.end_call(call_id)
        for leg in list(self.legs.values()):
            for peer in (leg.peer, leg.coming):
                self._drop(leg, peer, "shutdown")
        self.legs.clear()
        await asyncio.gather(*self._closing, return_exceptions=True)

    # Requests ------------------------------------------------------------------------------------

    async def offer(self, request: LegOffer) -> str:
        """Answer a leg's offer. Raises OfferError and Refusal; then nothing has changed."""
        offer = sdp.read_offer(request.sdp)
        known = self.legs.get(request.leg_id)
        if known is None and len(self.legs) >= MAX_LEGS:
            raise BusyRefusal(f"{MAX_LEGS} legs are negotiated already")
        if known is not None and known.negotiating:
            raise ConflictRefusal("an earlier offer of this leg is not answered yet")
        servers = [
            RTCIceServer(list(s.urls), s.username, s.credential) for s in request.ice_servers
        ]
        peer = Peer(self, self._network, self._own_certificate(), self._unix_time, servers)
        leg = self.legs.setdefault(request.leg_id, Leg(request.leg_id))
        before, leg.coming, leg.negotiating = leg.coming, peer, True
        self._owners[peer] = leg
        try:
            answer = await peer.answer(offer)
        except BaseException as error:
            leg.coming = before
            self._forget(leg, peer)
            if known is None and self.legs.get(leg.id) is leg:
                del self.legs[leg.id]
            if isinstance(error, OSError):
                raise UnavailableRefusal(str(error)) from error
            raise
        finally:
            leg.negotiating = False
        if self.legs.get(leg.id) is not leg:
            self._forget(leg, peer)
            raise NotFoundRefusal("the leg was closed meanwhile")
        if before is not None:
            self._drop(leg, before, "replaced")
        self._join(leg)
        return answer

    async def candidate(self, leg_id: UUID, text: str | None) -> None:
        """A candidate of the browser. Raises OfferError and Refusal."""
        leg = self._leg(leg_id)
        found = sdp.read_candidate(text) if text else None
        peer = leg.coming or leg.peer
        if found is not None and peer is not None:
            await peer.add_candidate(found)

    def close_leg(self, leg_id: UUID) -> None:
        leg = self.legs.pop(leg_id, None)
        if leg is None:
            return
        call = leg.call
        self._leave(leg)
        for peer in (leg.peer, leg.coming):
            self._drop(leg, peer, "closed")
        if call is not None:
            self._realise(call)

    def play(self, leg_id: UUID, sound: str, digits: str) -> None:
        leg = self._leg(leg_id)
        if leg.call is None:
            raise ConflictRefusal("the leg is in no call")
        self._play(leg, sound, digits)
        self._realise(leg.call)

    def mix(self, request: CallMix) -> int:
        """Put a mix in force. Returns the version in force. Raises BusyRefusal."""
        call = self.calls.get(request.call_id)
        if call is None:
            if self.admission.overloaded and not request.admitted:
                raise BusyRefusal(f"{len(self.calls)} calls are running, as many as go")
            call = self.calls[request.call_id] = Call(request.call_id, -1, {})
            self._watch.tell_overload()
        if request.version < call.version:
            return call.version
        gone = call.hears.keys() - request.legs.keys()
        call.version, call.hears = request.version, request.legs
        call.ends_at = None if request.seconds is None else time.monotonic() + request.seconds
        for leg_id in gone:
            leg = self.legs.get(leg_id)
            if leg is not None and leg.call is call:
                self._leave(leg)
                self._retire(leg)
        for leg_id in request.legs:
            if leg_id in self.legs:
                self._join(self.legs[leg_id], call)
        self._record(call, request.recording)
        self._realise(call)
        return call.version

    def end_call(self, call_id: UUID) -> None:
        call = self.calls.pop(call_id, None)
        if call is None:
            return
        self._record(call, None)
        for leg in self._members(call):
            self._leave(leg)
            self._retire(leg)
        self._mixing.plan(self.calls.values(), self._members)
        self._watch.tell_overload()

    def leg_states(self) -> tuple[LegState, ...]:
        return tuple(
            LegState(
                leg_id=leg.id,
                connected=leg.ready,
                lost=leg.lost,
                call_id=None if leg.call is None else leg.call.id,
            )
            for leg in self.legs.values()
        )

    def call_versions(self) -> tuple[CallVersion, ...]:
        return tuple(CallVersion(call_id=c.id, version=c.version) for c in self.calls.values())

    def stats(self) -> StatsData:
        return StatsData(
            calls=len(self.calls),
            legs=len(self.legs),
            tasks=len(asyncio.all_tasks()),
            ceiling=self.admission.ceiling,
            cpu_percent=round(self._watch.cpu_percent, 1),
        )

    # Peers tell ----------------------------------------------------------------------------------

    # One that is being closed may have something to tell for a moment yet.

    def connected(self, peer: Peer) -> None:
        leg = self._owners.get(peer)
        if leg is None:
            return
        self._watch.measure(leg)  # the last of the one before
        before, leg.peer, leg.coming = leg.peer, peer, None
        leg.heard_at = time.monotonic()
        leg.expected_before = leg.lost_before = leg.sent_before = 0
        self._drop(leg, before, "replaced")
        self._reports.keep(LegConnected(at=self._clock.now(), leg_id=leg.id))
        self._watch.recovered(leg)
        if leg.call is not None:
            self._realise(leg.call)

    def received(
        self, peer: Peer, payload: bytes, sequence: int, timestamp: int, now: float
    ) -> None:
        leg = self._owners.get(peer)
        if leg is None or leg.peer is not peer:
            return
        leg.heard_at = now
        leg.spoke = True
        if leg.lost:
            self._watch.recovered(leg)
        leg.packets += 1
        if leg.packets % 8 == 0:
            leg.level = max(leg.level, ulaw.level(payload))
        if leg.recording is not None:
            leg.recording.take(leg.id, timestamp, payload, now)
        for listener in leg.listeners:
            if listener.peer is not None:
                listener.peer.send(peer.reception, payload, sequence, timestamp, now)
        if leg.buffer is not None:
            leg.buffer.push(timestamp, payload, int(now * RATE))

    def ended(self, peer: Peer, reason: EndReason) -> None:
        leg = self._owners.get(peer)
        if leg is None:
            return
        if leg.coming is peer:
            leg.coming = None
        if leg.peer is peer:
            self._watch.measure(leg)
            leg.peer = None
        self._drop(leg, peer, reason)
        if leg.call is not None:
            self._realise(leg.call)
        self._retire(leg)

    # Mixes realised ------------------------------------------------------------------------------

    def _join(self, leg: Leg, call: Call | None = None) -> None:
        """Take a leg into the call whose mix names it: this one, or the newest that does."""
        if call is None:
            call = next((c for c in reversed(self.calls.values()) if leg.id in c.hears), None)
        if call is None or leg.call is call:
            return
        former = leg.call
        self._leave(leg)
        leg.call = call
        self._watch.joined(leg)
        leg.heard_at = time.monotonic()
        if former is not None:
            self._realise(former)

    def _leave(self, leg: Leg) -> None:
        if leg.call is not None:
            self._watch.left(leg, leg.call)
        leg.call = leg.recording = leg.direct = leg.buffer = leg.tone = leg.sound = None
        leg.listeners = []
        leg.lost = leg.spoke = False
        for other in self.legs.values():
            if other.direct is leg:
                other.direct = None
            if leg in other.listeners:
                other.listeners.remove(leg)
        if leg.peer is not None:
            leg.peer.release()

    def _retire(self, leg: Leg) -> None:
        """Forget a leg that has no transport left and no place in a call."""
        if leg.call is None and leg.peer is None and leg.coming is None:
            self.legs.pop(leg.id, None)

    def _members(self, call: Call) -> list[Leg]:
        """The legs that are in the call now."""
        found = (self.legs.get(leg_id) for leg_id in call.hears)
        return [leg for leg in found if leg is not None and leg.call is call]

    def _realise(self, call: Call) -> None:
        """Lay the call's paths anew, from what each leg is to hear."""
        members = {leg.id: leg for leg in self._members(call)}
        for leg in members.values():
            leg.listeners = []
        for leg in members.values():
            hear = call.hears[leg.id]
            if hear.tone != leg.tone:
                leg.tone = hear.tone
                leg.tone_from = 0 if hear.tone == "music" else self._mixing.tick
            source = members.get(hear.hears[0]) if len(hear.hears) == 1 else None
            direct = hear.tone is None and leg.sound is None and source is not None
            source = source if direct and source is not None and source.ready else None
            if source is not leg.direct and leg.peer is not None:
                leg.peer.release()
            leg.direct = source
            if source is not None:
                source.listeners.append(leg)
            leg.recording = call.recording
        self._mixing.plan(self.calls.values(), self._members)

    def _play(self, leg: Leg, sound: str, digits: str = "") -> None:
        leg.sound, leg.sound_at = tones.signal(sound, digits), 0

    # Recordings ----------------------------------------------------------------------------------

    def _record(self, call: Call, order: RecordingOrder | None) -> None:
        """Follow an order: begin, pause, go on, move legs between channels, or end."""
        now = time.monotonic()
        if call.order is not None and (
            order is None or order.recording_id != call.order.recording_id
        ):
            if call.recording is not None:
                call.recording.finish(now, self._recorded)
            call.order = call.recording = call.notice_ends = None
            for leg in self._members(call):
                leg.recording = None
        if order is not None and call.order is None and self._writer.knows(order.recording_id):
            log.warning("recording_is_whole", recording_id=str(order.recording_id))
            order = None
        call.order = order
        if order is not None and call.recording is not None:
            call.recording.arrange(order.left, order.right)
            call.recording.write(order.writing, now)

    def _look_at(self, call: Call, now: float) -> None:
        """What is due in a call: its end, or its recording."""
        if call.ends_at is not None and now >= call.ends_at:
            self.end_call(call.id)
        else:
            self._begin_recording(call, now)

    def _begin_recording(self, call: Call, now: float) -> None:
        """Once everybody on it is connected: the notice, then the first frame."""
        order = call.order
        if order is None or call.recording is not None:
            return
        members = {leg.id: leg for leg in self._members(call)}
        named = [members.get(leg_id) for leg_id in (*order.left, *order.right)]
        if not named or not all(leg is not None and leg.ready for leg in named):
            return
        if order.notice and call.notice_ends is None:
            for leg in members.values():
                self._play(leg, "notice")
            call.notice_ends = now + len(tones.signal("notice")) / RATE
            self._realise(call)
        if call.notice_ends is not None and now < call.notice_ends:
            return
        call.notice_ends = None
        at = self._clock.now()
        call.recording = Recording(order.recording_id, self._writer, at, now)
        call.recording.arrange(order.left, order.right)
        call.recording.write(order.writing, now)
        for leg in members.values():
            leg.recording = call.recording
        self._reports.keep(RecordingStarted(at=at, recording_id=order.recording_id))

    def _recorded(self, report: RecordingFinished) -> None:
        self._reports.keep(report)
        self._writer.settled(report.recording_id)

    # Transports ----------------------------------------------------------------------------------

    def _leg(self, leg_id: UUID) -> Leg:
        leg = self.legs.get(leg_id)
        if leg is None:
            raise NotFoundRefusal("no such leg")
        return leg

    def _drop(self, leg: Leg, peer: Peer | None, reason: EndReason) -> None:
        """Close a leg's transport, and tell web what it was like."""
        if peer is None or peer not in self._owners:
            return
        stats = peer.stats(leg.mos)
        self._forget(leg, peer)
        self._reports.keep(
            LegEnded(at=self._clock.now(), leg_id=leg.id, reason=reason, stats=stats)
        )

    def _forget(self, leg: Leg, peer: Peer) -> None:
        self._owners.pop(peer, None)
        if leg.peer is peer:
            leg.peer = None
        if leg.coming is peer:
            leg.coming = None
        task = asyncio.create_task(peer.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _own_certificate(self) -> RTCCertificate:
        """One for all legs, made anew in time: a key costs milliseconds that a call would wait."""
        least = self._clock.now() + timedelta(days=_CERTIFICATE_DAYS)
        if self._certificate is None or self._certificate.expires < least:
            self._certificate = RTCCertificate.generateCertificate()
        return self._certificate

    def _unix_time(self) -> float:
        return self._clock.now().timestamp()
