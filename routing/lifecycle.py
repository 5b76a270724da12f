"""What happens to an interaction in routing, in the caller's unit of work.

Each function assumes the interaction's row locked, leaves tables and facts in agreement, and
raises Conflict when the interaction is not where the change begins.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from contactcenter.core.errors import Conflict
from contactcenter.core.moments import from_ms, to_ms
from contactcenter.core.work import Work
from contactcenter.events.interactions import (
    InteractionClosed,
    InteractionConsulted,
    InteractionDequeued,
    InteractionHeld,
    InteractionResumed,
    InteractionTransferred,
    InteractionWrappedUp,
    InteractionWrapStarted,
)
from contactcenter.interactions import service as hall
from contactcenter.interactions.model import Change, CloseReason, Interaction, State
from db import UniqueViolation
from routing import rows, store
from routing.config import Queue
from routing.core.items import wrap_after
from routing.core.model import Channel, WorkItem
from routing.rows import VisitRow
from routing.store import SegmentRow

NO_DISPOSITION = "none"


async def begin_visit(work: Work, item: WorkItem, contact_id: UUID) -> None:
    """The interaction enters a queue."""
    if not await enter(work, item, contact_id):
        raise Conflict("the interaction cannot become queued from where it is")


async def enter(work: Work, item: WorkItem, contact_id: UUID, version: int | None = None) -> bool:
    """As `begin_visit`, for an interaction that need not be locked: False when it cannot, or is
    not at that version any more."""
    try:
        visit, fact = rows.row_of(item, contact_id), rows.event_of(item, contact_id)
        return await store.begin_visit(work, visit, fact, version)
    except UniqueViolation:
        raise Conflict("the interaction is in a queue already") from None


async def end_visit(work: Work, visit: VisitRow, outcome: str) -> None:
    """The wait ends otherwise than by an answer. A pending offer of it is the router's to
    cancel: it hears of the fact."""
    if not await store.end_visit(work.conn, visit.id, outcome, work.now):
        raise Conflict("The interaction is not waiting any more.")
    work.emit(
        InteractionDequeued(
            interaction_id=visit.interaction_id,
            work_item_id=visit.id,
            queue=visit.queue,
            channel=visit.channel,
            outcome=outcome,
            waited_ms=ms_between(visit.entered_at, work.now),
            ringing=visit.state == "offered",
        )
    )


async def turn(
    work: Work,
    interaction: Interaction,
    segment: SegmentRow,
    state: Literal["active", "held", "consulting"],
    *,
    cause: str = "agent",
) -> None:
    """A call's segment is held, consulting, or active again, and the interaction with it unless
    another agent talks in it too. It takes the same units in all three."""
    if segment.state == state:
        return
    if segment.state not in {"active", "held", "consulting"}:
        raise Conflict(f"It cannot become {state} while it is {segment.state}.")
    cost = segment.full_cost
    if await store.change_segment(work.conn, segment, state, work.now, cost=cost) is None:
        raise Conflict("Somebody else has just changed this.")
    of_all: State = "held" if state == "held" else "active"
    alone = len(talking(await store.open_segments(work.conn, interaction.id))) == 1
    if alone and interaction.state in {"active", "held"} and interaction.state != of_all:
        await hall.set_state(work.conn, Change(interaction.id, of_all, work.now))
    about: dict[str, Any] = {
        "interaction_id": segment.interaction_id,
        "segment_id": segment.id,
        "agent_id": segment.agent_id,
        "channel": segment.channel,
    }
    if state == "held":
        work.emit(InteractionHeld(**about))
    elif state == "consulting":
        work.emit(InteractionConsulted(**about))
    else:
        work.emit(InteractionResumed(**about, cause=cause, cost=cost))


async def leave(
    work: Work,
    interaction: Interaction,
    segment: SegmentRow,
    queue: Queue | None,
    *,
    wanted: bool,
    disposition: str | None = None,
    note: str | None = None,
) -> None:
    """An agent leaves the conversation; the last one who does ends the customer's part too."""
    others = [
        other
        for other in talking(await store.open_segments(work.conn, interaction.id))
        if other.id != segment.id
    ]
    if not others:
        await hall.end_customer_part(work, interaction.id, by="agent")
    await end_talk(work, segment, queue, wanted=wanted, disposition=disposition, note=note)
    if not others:
        await settle(work, interaction, outcome=disposition)


async def end_talk(
    work: Work,
    segment: SegmentRow,
    queue: Queue | None,
    *,
    wanted: bool,
    disposition: str | None = None,
    note: str | None = None,
) -> bool:
    """The customer's part in a segment is over: its wrap-up begins, or it ends at once.

    `wanted`: the agent takes an optional wrap-up. A `disposition` ends the segment at once.
    True: a wrap-up began.
    """
    policy = queue.core.policies[Channel(segment.channel)] if queue else None
    wrap = (
        wrap_after(policy, to_ms(work.now), wanted=wanted) if policy and not disposition else None
    )
    deadline = from_ms(wrap.until) if wrap else work.now
    blocks = wrap.blocks if wrap else False
    cost = segment.full_cost if wrap else 0
    held_ms = await store.change_segment(
        work.conn,
        segment,
        "wrapping" if wrap else "ended",
        work.now,
        cost=cost,
        wrap_deadline=deadline if wrap else None,
        wrap_blocks=blocks,
        disposition=disposition or (None if wrap else NO_DISPOSITION),
        note=note,
    )
    if held_ms is None:
        raise Conflict("Somebody else has just changed this.")
    work.emit(
        InteractionWrapStarted(
            interaction_id=segment.interaction_id,
            segment_id=segment.id,
            agent_id=segment.agent_id,
            channel=segment.channel,
            wrap_deadline=deadline,
            blocks=blocks,
            cost=cost,
            talked_ms=ms_between(segment.started_at, work.now) - held_ms,
            held_ms=held_ms,
        )
    )
    if wrap is None:
        await _wrapped(work, segment, disposition or NO_DISPOSITION, since=work.now)
    return wrap is not None


async def end_wrap(work: Work, segment: SegmentRow, disposition: str, note: str | None) -> None:
    """The agent's paperwork is done."""
    changed = await store.change_segment(
        work.conn, segment, "ended", work.now, cost=0, disposition=disposition, note=note
    )
    if changed is None:
        raise Conflict("Somebody else has just changed this.")
    await _wrapped(work, segment, disposition, since=segment.talk_ended_at or segment.state_since)


async def let_go(work: Work, segment: SegmentRow) -> None:
    """A part without paperwork ends: of a colleague who was asked in, of an internal call."""
    changed = await store.change_segment(
        work.conn, segment, "ended", work.now, cost=0, disposition=NO_DISPOSITION
    )
    if changed is None:
        raise Conflict("Somebody else has just changed this.")
    await _wrapped(work, segment, NO_DISPOSITION, since=work.now)


async def _wrapped(work: Work, segment: SegmentRow, disposition: str, *, since: datetime) -> None:
    await store.note_ended(work.conn, segment.agent_id, work.now)
    work.emit(
        InteractionWrappedUp(
            interaction_id=segment.interaction_id,
            segment_id=segment.id,
            agent_id=segment.agent_id,
            channel=segment.channel,
            disposition=disposition,
            wrap_ms=ms_between(since, work.now),
        )
    )


async def send_on(
    work: Work,
    segment: SegmentRow,
    item: WorkItem,
    contact_id: UUID,
    cause: Literal["agent", "supervisor"],
) -> None:
    """The agent's part ends and the interaction waits again, as `item` says."""
    held_ms = await store.change_segment(work.conn, segment, "ended", work.now, cost=0)
    if held_ms is None:
        raise Conflict("Somebody else has just changed this.")
    await store.note_ended(work.conn, segment.agent_id, work.now)
    work.emit(
        InteractionTransferred(
            interaction_id=segment.interaction_id,
            segment_id=segment.id,
            agent_id=segment.agent_id,
            channel=segment.channel,
            to_queue=item.queue,
            to_agent_id=UUID(item.direct_to) if item.direct_to else None,
            talked_ms=ms_between(segment.started_at, work.now) - held_ms,
            held_ms=held_ms,
            cause=cause,
        )
    )
    await begin_visit(work, item, contact_id)


async def settle(
    work: Work,
    interaction: Interaction,
    *,
    reason: CloseReason = "completed",
    outcome: str | None = None,
) -> None:
    """After the customer's part is over: the interaction wraps up as long as a segment does,
    and closes when nothing is open."""
    segments = await store.open_segments(work.conn, interaction.id)
    if segments:
        if interaction.state != "wrapping":
            await hall.set_state(
                work.conn,
                Change(
                    interaction.id,
                    "wrapping",
                    work.now,
                    customer_present=False,
                    outcome=outcome,
                ),
            )
        return
    await hall.set_state(
        work.conn,
        Change(
            interaction.id,
            "closed",
            work.now,
            customer_present=False,
            close_reason=reason,
            outcome=outcome,
        ),
    )
    work.emit(
        InteractionClosed(
            interaction_id=interaction.id,
            conversation_id=interaction.conversation_id,
            channel=interaction.channel,
            reason=reason,
        )
    )


def talking(segments: Iterable[SegmentRow]) -> list[SegmentRow]:
    """The segments in which an agent is with the customer, set aside or not."""
    return [segment for segment in segments if segment.state != "wrapping"]


def ms_between(start: datetime, end: datetime) -> int:
    return max(0, to_ms(end) - to_ms(start))
