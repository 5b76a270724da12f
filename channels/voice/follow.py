"""What happens to calls by itself: facts of routing, reports of the media, deadlines.

Routing says who has the customer; a call follows. The media says whose sound is there. Each is
taken in once, in one unit of work, and finds nothing to do where a command has done it already.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final
from uuid import UUID

import structlog

from channels.ports import Desks, Parts, Queueing
from channels.voice import call as calls
from channels.voice import line, recording_store, store
from channels.voice.call import Call, Leg
from channels.voice.cards import desk_channels
from channels.voice.consults import VANISHED
from channels.voice.line import Said, said
from channels.voice.media.client import MediaClient
from channels.voice.media.protocol import (
    HelloData,
    LegBack,
    LegConnected,
    LegEnded,
    LegLost,
    LegMeasured,
    RecordingFinished,
    RecordingStarted,
    Report,
)
from channels.voice.recorder import record_by_rule, record_on
from channels.voice.service import AgentCalls
from channels.voice.store import CallRow
from channels.voice.visitors import end_by_customer, withdraw_request
from contactcenter.core.clock import Clock, ClockWatch, SystemClock
from contactcenter.core.errors import Conflict, Unavailable
from contactcenter.core.event import Event
from contactcenter.core.eventlog import Recorded
from contactcenter.core.ids import new_id
from contactcenter.core.jobs import JobQueue
from contactcenter.core.work import Work, WorkFactory
from contactcenter.events.calls import (
    CallAnswered,
    CallConsultEnded,
    CallHeld,
    CallLegBack,
    CallLegChanged,
    CallLegJoined,
    CallLegLeft,
    CallLegLost,
    CallRecordingChanged,
    CallResumed,
    CallTransferred,
)
from contactcenter.events.interactions import (
    InteractionClosed,
    InteractionEnded,
    InteractionHeld,
    InteractionResumed,
    InteractionTransferred,
    InteractionWrappedUp,
    InteractionWrapStarted,
)
from contactcenter.events.routing import ReservationAccepted, RoutingClockSet
from contactcenter.interactions import cards as hall_cards
from contactcenter.interactions import service as hall
from db import Connection

MEDIA: Final = "media"
"""The actor of what the media reports."""
STORE_RECORDING: Final = "voice.store_recording"
MOVED_SECONDS: Final = 5.0
"""Within this time after the clock was set, deadlines are moved with it."""
ORPHANED: Final = timedelta(seconds=30)
"""After so long, units without a leg are nobody's."""

log = structlog.get_logger(__name__)


class Followers:
    def __init__(
        self,
        work: WorkFactory,
        clock: Clock,
        jobs: JobQueue,
        desk: AgentCalls,
        queueing: Queueing,
        parts: Parts,
        desks: Desks,
        media: MediaClient,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._work = work
        self._clock = clock
        self._media = media
        self._monotonic = monotonic
        self._watch = ClockWatch(clock, monotonic)
        self._blind_until = 0.0
        self._jobs = jobs
        self._desk = desk
        self._queueing = queueing
        self._parts = parts
        self._desks = desks

    # Facts of routing (a durable listener)

    async def routed(self, work: Work, recorded: Recorded) -> None:
        """Let a call follow what routing did with its interaction."""
        event: Any = recorded.event
        if isinstance(event, RoutingClockSet):
            by = timedelta(milliseconds=event.by_ms)
            await store.clock_set(work.conn, by, event.known_after, event.known_until)
            return
        if getattr(event, "channel", "voice") != "voice":
            return
        call_id = await store.of_interaction(work.conn, event.interaction_id)
        if call_id is None:
            await self._requested(work, event)
            return
        row = await line.locked(work, call_id)
        if not row.call.ended:
            await self.REACTIONS[type(event)](self, work, row, event)

    async def _requested(
        self, work: Work, event: ReservationAccepted | InteractionClosed | Event
    ) -> None:
        """What became of the request for somebody of a queue. Nothing for what is another
        channel's, a simulated customer's, or over."""
        if not isinstance(event, ReservationAccepted | InteractionClosed):
            return
        call_id = await store.of_request(work.conn, event.interaction_id)
        if call_id is None:
            return
        row = await line.locked(work, call_id)
        consult = row.call.consult
        if isinstance(event, ReservationAccepted):
            await self._desk.come_in(work, row, event.interaction_id, event.agent_id)
        elif consult is not None and consult.request == event.interaction_id:
            await self._desk.end_consult(work, row, "no_answer")

    async def _accepted(self, work: Work, row: CallRow, e: ReservationAccepted) -> None:
        """An agent has taken the customer: both hear each other from now on."""
        softphone = (await store.softphones(work.conn, [e.agent_id])).get(e.agent_id)
        if row.call.leg_of(e.agent_id) is not None:
            return
        sounds = softphone is not None and softphone.state == "connected"
        leg = Leg(
            softphone.leg_id if softphone else new_id(),
            new_id(),
            "agent",
            "connected" if sounds else "lost",
            agent_id=e.agent_id,
            segment_id=e.segment_id,
            deadline=None if sounds else work.now + VANISHED,
        )
        after = await record_by_rule(work, row, calls.add(row.call, leg), e.queue)
        facts = [said(CallAnswered, agent_id=e.agent_id)]
        if after.recording != row.call.recording:
            state = after.recording.state
            facts.append(said(CallRecordingChanged, state=state, cause="rule"))
        await line.change(work, row, after, *facts)

    async def _left(
        self,
        work: Work,
        row: CallRow,
        e: InteractionTransferred | InteractionWrapStarted | InteractionWrappedUp,
    ) -> None:
        """An agent's part in it is over: the leg leaves, with what depends on it."""
        leg = row.call.leg_of(e.agent_id)
        if leg is None or leg.segment_id != e.segment_id:
            return
        if row.call.direction == "internal":
            await self._parts.close(work, row.interaction_id)
            await line.change(work, row, calls.end(row.call), reason="agent_hung_up")
            return
        if row.call.consult is not None and row.call.consult.by == leg.id:
            await withdraw_request(work, row, self._parts)
        gone = said(CallLegLeft, leg_id=leg.id, agent_id=e.agent_id)
        facts = await self._consult_goes_on(work, row, leg)
        if isinstance(e, InteractionTransferred) and not facts:
            to = {"to_agent_id": e.to_agent_id, "to_queue": e.to_queue}
            facts = [said(CallTransferred, agent_id=e.agent_id, **to, cause=e.cause)]
        await line.change(work, row, calls.leave(row.call, leg.id), gone, *facts)

    async def _consult_goes_on(self, work: Work, row: CallRow, gone: Leg) -> list[Said]:
        """Of two in a consult one has left: who asked is with the customer again, and a colleague
        who has answered has the customer."""
        consult = row.call.consult
        if consult is None or gone.id not in {consult.by, consult.leg}:
            return []
        asked = gone.id == consult.by
        other = row.call.leg(consult.leg if asked else consult.by)
        if other is None or other.agent_id is None or not other.on_the_line:
            return []  # one that still rings is answered, or gives the customer back to the line
        if not await self._parts.has_part(work.conn, row.interaction_id, other.agent_id):
            return []
        if asked:
            await self._parts.take_over(work, row.interaction_id, other.agent_id)
            agents = {"agent_id": gone.agent_id, "to_agent_id": other.agent_id}
            return [said(CallTransferred, **agents)]
        await self._parts.turn(work, row.interaction_id, other.agent_id, "active")
        agents = {"agent_id": other.agent_id, "with_agent_id": gone.agent_id}
        return [said(CallConsultEnded, **agents, reason="left")]

    async def _held(self, work: Work, row: CallRow, e: InteractionHeld) -> None:
        await self._hold(work, row, e.agent_id, on=True)

    async def _resumed(self, work: Work, row: CallRow, e: InteractionResumed) -> None:
        await self._hold(work, row, e.agent_id, on=False)

    async def _hold(self, work: Work, row: CallRow, agent_id: UUID, *, on: bool) -> None:
        leg = row.call.leg_of(agent_id)
        if leg is None or not leg.on_the_line or row.call.held is on or row.call.consult:
            return
        fact = said(CallHeld if on else CallResumed, agent_id=agent_id)
        await line.change(work, row, calls.hold(row.call, leg.id, on=on), fact)

    async def _ended(self, work: Work, row: CallRow, e: InteractionEnded) -> None:
        reason = {"agent": "agent_hung_up", "visitor": "customer_hung_up"}.get(e.by, "ended")
        await withdraw_request(work, row, self._parts)
        await line.change(work, row, calls.end(row.call), reason=reason)

    async def _closed(self, work: Work, row: CallRow, e: InteractionClosed) -> None:
        await withdraw_request(work, row, self._parts)
        await line.change(work, row, calls.end(row.call), reason=e.reason)

    REACTIONS: ClassVar[dict[type[Event], Callable[[Any, Work, CallRow, Any], Awaitable[None]]]] = {
        ReservationAccepted: _accepted,
        InteractionTransferred: _left,
        InteractionWrapStarted: _left,
        InteractionWrappedUp: _left,
        InteractionHeld: _held,
        InteractionResumed: _resumed,
        InteractionEnded: _ended,
        InteractionClosed: _closed,
    }

    # Reports of the media

    async def reported(self, report: Report, journal: UUID) -> None:
        """Take a report in, once. `journal` is the one in which it stands."""
        async with self._work.begin("voice.report", MEDIA) as work:
            if report.seq is not None and not await recording_store.take_report(
                work.conn, journal, report.seq, report.at
            ):
                return
            if isinstance(report, LegConnected | LegBack):
                await self._sounds(work, report.leg_id)
            elif isinstance(report, LegLost):
                await self._silent(work, report.leg_id)
            elif isinstance(report, LegEnded):
                await self._leg_ended(work, report)
            elif isinstance(report, LegMeasured):
                stats = report.stats.model_dump()
                await store.leg_stats(work.conn, report.call_id, report.leg_id, stats)
            elif isinstance(report, RecordingStarted):
                await self._recording_started(work, report)
            elif isinstance(report, RecordingFinished):
                await self._recording_finished(work, report)

    async def _sounds(self, work: Work, leg_id: UUID) -> None:
        await self._softphone(work, leg_id, "connected")
        for call_id in await store.of_leg(work.conn, leg_id):
            row = await line.locked(work, call_id)
            leg = row.call.leg(leg_id)
            if leg is None or leg.state not in {"inviting", "lost"}:
                continue
            first = leg.state == "inviting"
            fact = said(CallLegJoined if first else CallLegBack, leg_id=leg_id)
            await line.change(work, row, calls.connect(row.call, leg_id), fact)
            if first and leg.kind == "customer":
                await self._stand_in_line(work, row)

    async def _stand_in_line(self, work: Work, row: CallRow) -> None:
        """The customer's sound is there: the call waits in its queue, for the agent of the chat
        that it was begun in first."""
        assert row.queue is not None
        preferred, segment_id = await _chat_partner(work.conn, row.visitor_id)
        about = await hall.interaction(work.conn, row.interaction_id)
        assert about is not None
        await self._queueing.enqueue(
            work,
            interaction_id=row.interaction_id,
            queue=row.queue,
            preferred=preferred,
            takes_over=segment_id,
            said=about.routing_facts.get("said"),
        )

    async def _silent(self, work: Work, leg_id: UUID) -> None:
        """Nothing comes from the leg: the others hear music, until it is back or given up."""
        for call_id in await store.of_leg(work.conn, leg_id):
            row = await line.locked(work, call_id)
            after = calls.lose(row.call, leg_id, work.now + VANISHED)
            await line.change(work, row, after, said(CallLegLost, leg_id=leg_id))

    async def _leg_ended(self, work: Work, report: LegEnded) -> None:
        if report.reason in {"replaced", "closed"}:
            return
        await self._softphone(work, report.leg_id, "lost")
        await self._silent(work, report.leg_id)

    async def _softphone(self, work: Work, leg_id: UUID, state: str) -> None:
        """If the leg is a softphone's: its desk takes calls from now on, or none any more."""
        agent_id = await store.softphone_state(work.conn, leg_id, state, work.now)
        if agent_id is None:
            return
        work.emit(CallLegChanged(agent_id=agent_id, state=state))
        await self._desks.can_handle(work, agent_id, desk_channels(state == "connected"))

    async def _recording_started(self, work: Work, report: RecordingStarted) -> None:
        call_id = await recording_store.call_of(work.conn, report.recording_id)
        if call_id is None:
            return
        row = await line.locked(work, call_id)
        at = self._by_our_clock(report.at)
        await recording_store.started(work.conn, report.recording_id, at)
        after = calls.recording_started(row.call, report.recording_id)
        state = after.recording.state
        await line.change(work, row, after, said(CallRecordingChanged, state=state, cause=MEDIA))

    async def _recording_finished(self, work: Work, report: RecordingFinished) -> None:
        call_id = await recording_store.call_of(work.conn, report.recording_id)
        if call_id is None:
            return
        row = await line.locked(work, call_id)
        known = await recording_store.finished(
            work.conn,
            report.recording_id,
            self._by_our_clock(report.at),
            path=report.path,
            seconds=report.seconds,
            size=report.bytes,
            sha256=report.sha256,
            gaps=[
                (self._by_our_clock(gap.start), self._by_our_clock(gap.end) if gap.end else None)
                for gap in report.gaps
            ],
            recovered=report.recovered,
        )
        if known:  # each report that is new has a job of its own: an earlier one may still run
            await self._jobs.enqueue(
                work.conn, STORE_RECORDING, {"recording_id": str(report.recording_id)}
            )
        if known and row.call.recording.id == report.recording_id:
            await self._recording_cut(work, row, goes_on=report.recovered)

    async def _recording_cut(self, work: Work, row: CallRow, *, goes_on: bool) -> None:
        """The media has closed a file that nobody had ended. After its restart the call is recorded
        on, as another recording; a disk that fails would fail again."""
        with line.moves:
            after = await record_on(work, row, row.call) if goes_on else calls.stop(row.call)
        state = after.recording.state
        await line.change(work, row, after, said(CallRecordingChanged, state=state, cause=MEDIA))

    def _by_our_clock(self, at: datetime) -> datetime:
        """The media tells the machine's time; the centre may play another hour."""
        return at + (self._clock.now() - SystemClock().now())

    async def reconcile(self, hello: HelloData | None) -> None:
        """The media is there (again) and has these legs, or is gone (None): what it does not
        have has vanished, what it has is there.

        Other webs go on meanwhile: a leg may be negotiated, and its report taken in there, after
        the media said what it has. So each leg that seems gone is asked for once more while its
        rows are locked; whoever negotiates it anew writes after that.
        """
        sounds = (
            {leg.leg_id for leg in hello.legs if leg.connected and not leg.lost} if hello else set()
        )
        known = {leg.leg_id for leg in hello.legs} if hello else set()
        async with self._work.reading("voice.reconcile") as conn:
            live = await store.live(conn)
            rows = await store.calls(conn, live)
            up = set(await store.softphones_up(conn))
        legs = [leg for row in rows.values() for leg in row.call.open_legs]
        on_line = {leg.id for leg in legs if leg.on_the_line}
        missed = {leg.id for leg in legs if leg.state in {"inviting", "lost"}}
        for leg_id in sorted((on_line | up) - known):
            async with self._work.begin("voice.reconcile", MEDIA) as work:
                await store.lock_leg(work.conn, leg_id)
                if hello is None or leg_id not in await self._media.legs():
                    await self._softphone(work, leg_id, "lost")
                    await self._silent(work, leg_id)
        for leg_id in sorted(missed & sounds):
            async with self._work.begin("voice.reconcile", MEDIA) as work:
                await self._sounds(work, leg_id)

    # Deadlines

    async def look_at_deadlines(self) -> int:
        """Deal with every leg whose time is up; how many calls had one.

        Deadlines are on the centre's clock. When that is set the router says so, and they are
        moved with it (`routed`); until then nothing is late.
        """
        if self._watch.moved() is not None:
            self._watch.settled()
            self._blind_until = self._monotonic() + MOVED_SECONDS
            log.warning("deadlines_wait_for_the_clock")
        if self._monotonic() < self._blind_until:
            return 0
        now = self._clock.now()
        async with self._work.reading("voice.due") as conn:
            due = await store.due(conn, now)
        for call_id in due:
            try:
                async with self._work.begin("voice.deadline", "system") as work:
                    row = await line.locked(work, call_id)
                    late = [leg for leg in row.call.open_legs if _is_late(leg, work.now)]
                    if late:
                        await self._given_up(work, row, late[0])
            except Unavailable:
                raise
            except Conflict:  # somebody else was quicker: the next look sees what is left
                log.warning("deadline_not_met", call_id=str(call_id))
            except Exception:  # one call that cannot be dealt with keeps no other waiting
                log.exception("deadline_failed", call_id=str(call_id))
        return len(due)

    async def free_orphans(self) -> None:
        """Give back units that were taken for a leg that never came."""
        async with self._work.reading("voice.orphans") as conn:
            left = await store.orphans(conn, self._clock.now() - ORPHANED)
        for row in left:
            with contextlib.suppress(Conflict):
                async with self._work.begin("voice.orphan", "system") as work:
                    if row["direction"] == "internal":
                        await self._parts.close(work, row["interaction_id"])
                    else:
                        await self._parts.let_go(work, row["interaction_id"], row["agent_id"])

    async def _given_up(self, work: Work, row: CallRow, leg: Leg) -> None:
        """One leg that is late; the next look finds the others, if the call goes on. A softphone
        that vanished takes no calls until its desk offers again."""
        if leg.kind == "agent" and leg.state == "lost":
            await self._softphone(work, leg.id, "lost")
        if leg.kind == "customer":
            reason = "not_connected" if leg.state == "inviting" else "customer_lost"
            await end_by_customer(work, row, self._queueing, self._parts, reason)
        elif leg.state == "ringing":
            await self._desk.stop_ringing(work, row, leg, "no_answer")
        elif self._is_main(row.call, leg):
            await self._give_back(work, row, leg)
        elif row.call.direction == "internal":
            await self._parts.close(work, row.interaction_id)
            await line.change(work, row, calls.end(row.call), reason="agent_lost")
        else:
            await self._desk.leave(work, row, leg)

    def _is_main(self, call: Call, leg: Leg) -> bool:
        """Whether the customer has nobody else, or only somebody whom this agent asked in."""
        asked = call.consult is not None and call.consult.by == leg.id
        return call.direction != "internal" and (asked or len(call.agents) == 1)

    async def _give_back(self, work: Work, row: CallRow, leg: Leg) -> None:
        """A vanished agent's customer: with the colleague who is on the line too, or in line
        again; never with one whose softphone only rings."""
        consult = row.call.consult
        colleague = row.call.leg(consult.leg) if consult else None
        if colleague is None:
            row = await self._desk.end_consult(work, row, "cancelled")
        elif not colleague.on_the_line:
            await self._desk.stop_ringing(work, row, colleague, "cancelled")
            row = await line.locked(work, row.call.id)
        await self._desk.drop(work, row, leg)


def _is_late(leg: Leg, now: datetime) -> bool:
    return leg.deadline is not None and leg.deadline <= now


async def _chat_partner(
    conn: Connection, visitor_id: UUID | None
) -> tuple[tuple[UUID, ...], UUID | None]:
    """(the agent of the visitor's chat, the agent's segment in it), if somebody has it."""
    if visitor_id is None:
        return (), None
    holders = (await hall_cards.holders_of_conversations(conn, [visitor_id])).get(visitor_id)
    if not holders:
        return (), None
    agent_id, interaction_id = holders[0]
    mine = (await hall_cards.cards(conn, agent_id, [interaction_id])).get(interaction_id)
    segment = mine.segment if mine else None
    talks = segment is not None and segment.state in {"active", "held", "parked"}
    return (agent_id,), segment.segment_id if segment is not None and talks else None


FOLLOWED: Final = (*Followers.REACTIONS, RoutingClockSet)
"""The facts of routing that calls follow."""
