"""One browser's transport: ICE and DTLS by aiortc, then SRTP by the packet.

Once DTLS is up, a datagram is decrypted where it arrives and its payload handed on at once: no
queue, no task, no decoder. Sending is as direct. RTCP is written and read here as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog
from aioice import Candidate
from aiortc import RTCCertificate, RTCIceServer, RTCIceTransport
from aiortc.rtcicetransport import connection_kwargs

from channels.voice.media import rtp, sdp
from channels.voice.media.continuity import Continuity
from channels.voice.media.network import Gatherer, IcePath, Network, Path, SecurePath
from channels.voice.media.protocol import EndReason, LegStats
from channels.voice.media.sdp import MAX_CANDIDATES, Offer, OfferError
from channels.voice.media.srtp import MAX_PAYLOAD, Srtp
from channels.voice.media.ulaw import RATE

SETUP_SECONDS = 20.0
"""From the answer until DTLS is up; then the attempt has failed."""
REPORT_SECONDS = 2.0
"""Between RTCP reports of ours, on average half as long again as RFC 3550's reduced minimum."""

_MAX_PACKETS_A_SECOND = 250  # of one leg: five times what 20 ms frames need
_MAX_SOURCES = 16  # SSRCs that one browser may use in turn: libsrtp keeps each
_MARKER = 0x80

log = structlog.get_logger(__name__)


class Owner(Protocol):
    """Who is told. Calls come from the event loop and may close the peer."""

    def connected(self, peer: Peer) -> None: ...
    def received(
        self, peer: Peer, payload: bytes, sequence: int, timestamp: int, now: float
    ) -> None: ...
    def ended(self, peer: Peer, reason: EndReason) -> None: ...


class Peer:
    """Answer an offer once, then send and receive until closed or ended."""

    def __init__(
        self,
        owner: Owner,
        network: Network,
        certificate: RTCCertificate,
        unix_time: Callable[[], float],
        ice_servers: Sequence[RTCIceServer] = (),
    ) -> None:
        """Raises OfferError if the servers' addresses make no sense."""
        try:
            servers = connection_kwargs(list(ice_servers))
        except ValueError as error:
            raise OfferError("an ICE server's address cannot be read") from error
        servers.pop("stun_server", None)  # MEDIA_PUBLIC_IP tells what STUN would
        self._owner = owner
        self._network = network
        self._path = IcePath(network, **servers)
        self._ice = RTCIceTransport(Gatherer(self._path))
        self._dtls = SecurePath(self._ice, [certificate])
        self._unix_time = unix_time
        self._connecting: asyncio.Task[None] | None = None
        self._candidates = 0
        self._ended = False
        self._srtp: Srtp | None = None  # once DTLS is up
        self.ssrc = secrets.randbits(32)
        self.cname = secrets.token_hex(8)
        self._payload_type = 0
        # From the lower half, so that SRTP's roll-over counter starts without doubt (RFC 3711).
        self._stream = Continuity(secrets.randbits(15), secrets.randbits(32))
        self._sent = self._sent_octets = self._sent_before = 0
        self._report_at = 0.0

        self.reception = rtp.Reception()
        self._source: int | None = None
        self._sources: set[int] = set()
        self._budget_second = self._budget = 0
        self.rtt: float | None = None
        self.fraction_lost_out = 0.0
        self.refused = 0
        """Packets that were not authentic, malformed, or too many."""

    @property
    def ready(self) -> bool:
        """Whether it can send and receive."""
        return self._srtp is not None

    @property
    def sent(self) -> int:
        """Packets so far."""
        return self._sent

    # Setup ---------------------------------------------------------------------------------------

    async def answer(self, offer: Offer) -> str:
        """Gather candidates, answer, and go on connecting. Raises OSError if no socket is free."""
        for candidate in offer.candidates:
            await self.add_candidate(candidate)
        await self._ice.iceGatherer.gather()
        self._payload_type = offer.payload_type
        self._dtls.take_role(client=sdp.we_are_client(offer))
        ours = self._dtls.getLocalParameters().fingerprints
        fingerprint = next(f.value for f in ours if f.algorithm == "sha-256")
        path = self._path
        text = sdp.write_answer(
            offer,
            path=(path.local_username, path.local_password, path.local_candidates),
            fingerprint=fingerprint,
            ssrc=self.ssrc,
            cname=self.cname,
        )
        self._connecting = asyncio.create_task(self._connect(offer))
        return text

    async def add_candidate(self, candidate: Candidate) -> None:
        """One of the browser's; more than MAX_CANDIDATES are not tried."""
        self._candidates += 1
        if self._candidates <= MAX_CANDIDATES and self._network.may_try(candidate):
            candidate.component = 1
            await self._path.add_remote_candidate(candidate)

    async def _connect(self, offer: Offer) -> None:
        try:
            async with asyncio.timeout(SETUP_SECONDS):
                await self._ice.start(offer.ice)
                if self._ice.state == "completed":
                    await self._dtls.start(offer.dtls)
        except TimeoutError:
            pass
        except Exception as error:  # whatever a stranger's answers may do to the libraries
            log.warning("leg_not_connected", error=type(error).__name__)
        if self._dtls.state != "connected":
            self._end("dtls_closed" if self._ice.state == "completed" else "ice_failed")
            return
        self._dtls.on("statechange", self._dtls_changed)
        self._srtp = self._dtls.srtp()
        self._path.on_media = self._datagram
        self._report_at = time.monotonic() + secrets.randbelow(1000) / 1000
        self._owner.connected(self)

    def _dtls_changed(self) -> None:
        if self._dtls.state in {"closed", "failed"}:
            self._end("ice_failed" if self._path.closing else "dtls_closed")

    def _end(self, reason: EndReason) -> None:
        if not self._ended:
            self._ended = True
            self._srtp = None
            self._owner.ended(self, reason)

    async def close(self) -> None:
        """Close the transport and its sockets. The owner is not told."""
        self._ended = True
        self._srtp = None
        if self._connecting is not None and self._connecting is not asyncio.current_task():
            self._connecting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._connecting
        await self._dtls.stop()
        await self._ice.stop()
        self._dtls.remove_all_listeners()

    # In ------------------------------------------------------------------------------------------

    def _datagram(self, data: bytes) -> None:
        if self._srtp is None or len(data) < rtp.HEADER_BYTES or not self._may_take():
            self.refused += 1
        elif rtp.is_rtcp(data[1]):
            self._report_came(self._srtp.open_report(data))
        elif not self._packet_came(self._srtp, data):
            self.refused += 1

    def _packet_came(self, srtp: Srtp, data: bytes) -> bool:
        """Take an RTP packet; False if it is refused."""
        _, kind, sequence, timestamp, source = rtp.HEADER.unpack_from(data)
        if kind & 0x7F != self._payload_type:
            return False
        if source != self._source and not self._takes_source(source):
            return False
        plain = srtp.open(data)
        bounds = None if plain is None else rtp.payload_bounds(plain, len(plain))
        if plain is None or bounds is None:
            return False
        if source != self._source:
            self._source = source
            self._sources.add(source)
            self.reception = rtp.Reception()
        now = time.monotonic()
        self.reception.add(sequence, timestamp, now)
        self._owner.received(self, bytes(plain[bounds[0] : bounds[1]]), sequence, timestamp, now)
        return True

    def _may_take(self) -> bool:
        second = int(time.monotonic())
        if second != self._budget_second:
            self._budget_second, self._budget = second, 0
        self._budget += 1
        return self._budget <= _MAX_PACKETS_A_SECOND

    def _takes_source(self, source: int) -> bool:
        return source in self._sources or len(self._sources) < _MAX_SOURCES

    def _report_came(self, plain: bytes | None) -> None:
        if plain is None:
            self.refused += 1
            return
        for found in rtp.parse_reports(plain):
            if isinstance(found, rtp.SenderReport) and found.ssrc == self._source:
                self.reception.heard_sender(found.ntp, time.monotonic())
            if not isinstance(found, rtp.Goodbye):
                for block in found.blocks:
                    self._heard_of_us(block)

    def _heard_of_us(self, block: rtp.ReportBlock) -> None:
        if block.ssrc == self.ssrc:
            self.fraction_lost_out = block.fraction_lost / 256
            trip = block.round_trip(rtp.ntp_time(self._unix_time()))
            if trip is not None:
                self.rtt = trip if self.rtt is None else self.rtt + (trip - self.rtt) / 4

    # Out -----------------------------------------------------------------------------------------

    def send(
        self, source: object, payload: bytes, sequence: int, timestamp: int, now: float
    ) -> None:
        """Send a payload of `source`, which numbers its packets from anywhere."""
        path, srtp = self._path.path, self._srtp
        if srtp is None or path is None or len(payload) > MAX_PAYLOAD:
            return
        place = self._stream.next(source, sequence, timestamp, int(now * RATE))
        if place is None:
            return
        outgoing, stamp, fresh = place
        kind = self._payload_type | _MARKER if fresh else self._payload_type
        packet = srtp.seal(kind, outgoing, stamp, self.ssrc, payload)
        if packet is not None and _transmit(path, packet):
            self._sent += 1
            self._sent_octets += len(payload)

    def release(self) -> None:
        """What is sent next comes from another source, even if it calls itself the same."""
        self._stream.release()

    def report(self, now: float) -> None:
        """Send a sender or receiver report, if one is due."""
        path, srtp = self._path.path, self._srtp
        if srtp is None or path is None or now < self._report_at:
            return
        self._report_at = now + REPORT_SECONDS * (0.5 + secrets.randbelow(1000) / 1000)
        block = None if self._source is None else self.reception.block(self._source, now)
        sent = None
        if self._sent != self._sent_before:
            self._sent_before = self._sent
            stamp = self._stream.at(int(now * RATE))
            sent = rtp.ntp_time(self._unix_time()), stamp, self._sent, self._sent_octets
        data = rtp.report(self.ssrc, self.cname, block, sent)
        _transmit(path, srtp.seal_report(data))

    def stats(self, mos: float | None) -> LegStats:
        """Of the leg's life so far; `mos` is the caller's estimate."""
        return LegStats(
            packets_in=self.reception.received,
            packets_out=self._sent,
            lost=max(0, self.reception.lost),
            jitter_ms=round(self.reception.jitter_ms, 2),
            rtt_ms=None if self.rtt is None else round(self.rtt * 1000, 2),
            mos=mos,
        )


def _transmit(path: Path, packet: bytes) -> bool:
    try:
        path[0].sendto(packet, path[1])
    except (OSError, RuntimeError):  # the socket is closing: uvloop says so, asyncio does not
        return False
    return True
