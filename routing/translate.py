"""The log's facts in the words of the router's core.

Only facts that somebody else wrote come this way: what the router itself decided is in its
memory already. `Reload` says that a fact changes more than one input can tell.
"""

# ruff: noqa: ARG001 - the handlers of one table take the same arguments

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from contactcenter.core.event import Event
from contactcenter.core.eventlog import Recorded
from contactcenter.core.moments import to_ms
from contactcenter.events import agents, calls, interactions, routing
from routing import rows
from routing.core import inputs
from routing.core.model import (
    Band,
    Channel,
    OpenWork,
    Outcome,
    ParkReason,
    Segment,
    SegmentState,
    Will,
)
from routing.snapshot import Memory, Part, Place, agent_config

ROUTER: Final = "router"
"""The actor of the router's own facts."""


class Reload(Exception):  # noqa: N818 - it says what to do
    """Configuration changed: read everything again."""


def translate(recorded: Recorded, memory: Memory) -> list[inputs.Input]:
    """The inputs that a fact amounts to; memory is kept up with it."""
    return _TABLE[type(recorded.event)](recorded.event, to_ms(recorded.occurred_at), memory)


def _queued(e: interactions.InteractionQueued, at: int, memory: Memory) -> list[inputs.Input]:
    item = rows.item_of_event(e)
    memory.add_place(
        item.id,
        Place(e.interaction_id, e.contact_id, e.queue, e.channel, item.entered_at, item.preferred),
    )
    return [inputs.ItemQueued(item)]


def _readvised(e: interactions.InteractionReadvised, at: int, memory: Memory) -> list[inputs.Input]:
    work_item, extras = str(e.work_item_id), rows.from_extras(e.routing)
    preferred = extras.get("preferred", ())
    if (place := memory.places.get(work_item)) is not None:
        memory.places[work_item] = replace(place, preferred=preferred)
    return [
        inputs.ItemReadvised(
            work_item,
            Band(e.band),
            e.base,
            extras.get("steps"),
            preferred,
            extras.get("preferred_ms", 0),
            (e.cause, e.rule),
        )
    ]


def _dequeued(e: interactions.InteractionDequeued, at: int, memory: Memory) -> list[inputs.Input]:
    memory.is_over(str(e.work_item_id))
    return [inputs.ItemLeft(str(e.work_item_id), Outcome(e.outcome))]


def _accepted(e: routing.ReservationAccepted, at: int, memory: Memory) -> list[inputs.Input]:
    work_item, segment = str(e.work_item_id), str(e.segment_id)
    place = memory.places.get(work_item)
    if place is not None:
        memory.add_part(
            segment, Part(e.interaction_id, place.contact, e.agent_id, e.channel, e.queue)
        )
    memory.is_over(work_item)
    return [inputs.ReservationAccepted(str(e.reservation_id), segment, at=at)]


def _rejected(e: routing.ReservationRejected, at: int, memory: Memory) -> list[inputs.Input]:
    return [inputs.ReservationRejected(str(e.reservation_id), e.reason or "", at=at)]


def _presence(e: agents.AgentPresenceChanged, at: int, memory: Memory) -> list[inputs.Input]:
    channels = frozenset(Channel(channel) for channel in e.channels)
    if not e.present:
        return [inputs.AgentPresenceChanged(str(e.agent_id), present=False, at=to_ms(e.at))]
    return [
        inputs.AgentPresenceChanged(
            str(e.agent_id), present=True, channels=channels, at=to_ms(e.at)
        )
    ]


def _skills(e: agents.AgentSkillsChanged, at: int, memory: Memory) -> list[inputs.Input]:
    known = memory.agents.get(str(e.agent_id))
    if known is None:
        raise Reload
    config = agent_config(str(e.agent_id), e.skills, e.budget, e.maxima, known.position)
    memory.agents[config.id] = config
    return [inputs.AgentConfigChanged(config)]


def _status(e: agents.AgentStatusChanged, at: int, memory: Memory) -> list[inputs.Input]:
    return [
        inputs.AgentStatusChanged(
            str(e.agent_id),
            Will(e.status),
            e.reason,
            Will(e.after_this) if e.after_this else None,
            e.after_this_reason,
            at=at,
        )
    ]


def _queue_changed(e: routing.QueueChanged, at: int, memory: Memory) -> list[inputs.Input]:
    raise Reload


def _held(e: interactions.InteractionHeld, at: int, memory: Memory) -> list[inputs.Input]:
    return [inputs.SegmentStateChanged(str(e.segment_id), SegmentState.HELD, at=at)]


def _resumed(e: interactions.InteractionResumed, at: int, memory: Memory) -> list[inputs.Input]:
    return [inputs.SegmentStateChanged(str(e.segment_id), SegmentState.ACTIVE, at=at)]


def _consulted(e: interactions.InteractionConsulted, at: int, memory: Memory) -> list[inputs.Input]:
    return [inputs.SegmentStateChanged(str(e.segment_id), SegmentState.CONSULTING, at=at)]


def _agent_dropped(e: calls.CallAgentDropped, at: int, memory: Memory) -> list[inputs.Input]:
    return [inputs.AgentDropped(str(e.segment_id))]


def _joined(e: interactions.InteractionJoined, at: int, memory: Memory) -> list[inputs.Input]:
    """A part that began beside the router: a colleague came from a queue into a call."""
    known = [memory.parts[segment] for segment in memory.open.get(e.interaction_id, ())]
    if not known:
        raise Reload
    segment = Segment(
        id=str(e.segment_id),
        interaction=str(e.interaction_id),
        agent=str(e.agent_id),
        channel=Channel(e.channel),
        queue=e.queue,
        full_cost=e.cost,
        cost=e.cost,
        started_at=at,
        state_since=at,
    )
    contact = known[0].contact
    memory.add_part(segment.id, Part(e.interaction_id, contact, e.agent_id, e.channel, e.queue))
    return [inputs.SegmentOpened(segment)]


def _parked(e: interactions.InteractionParked, at: int, memory: Memory) -> list[inputs.Input]:
    until = None if e.until is None else to_ms(e.until)
    return [inputs.SegmentParked(str(e.segment_id), ParkReason(e.why), until=until, at=at)]


def _ended(
    e: interactions.InteractionTransferred | interactions.InteractionWrappedUp,
    at: int,
    memory: Memory,
) -> list[inputs.Input]:
    memory.is_over(str(e.segment_id))
    return [inputs.SegmentEnded(str(e.segment_id), at=at)]


def _wrap_started(
    e: interactions.InteractionWrapStarted,
    at: int,
    memory: Memory,
) -> list[inputs.Input]:
    until = None if e.wrap_deadline is None else to_ms(e.wrap_deadline)
    if until is not None and until <= at:
        return []  # no paperwork: the segment's end follows in the same transaction
    return [inputs.WrapStarted(str(e.segment_id), until, e.blocks, at=at)]


def _wrap_extended(
    e: interactions.InteractionWrapExtended,
    at: int,
    memory: Memory,
) -> list[inputs.Input]:
    return [inputs.WrapExtended(str(e.segment_id), to_ms(e.wrap_deadline))]


def _message(e: interactions.MessageCreated, at: int, memory: Memory) -> list[inputs.Input]:
    if e.interaction_id is None or e.kind != "text":
        return []
    parts = [(s, memory.parts[s]) for s in memory.open.get(e.interaction_id, ())]
    if e.sender == "visitor":
        return [inputs.CustomerWrote(segment, at=at) for segment, _ in parts]
    if e.sender == "agent":
        return [inputs.AgentWrote(s, at=at) for s, part in parts if part.agent == e.agent_id]
    return []


def _requested(e: routing.RoutingRequested, at: int, memory: Memory) -> list[inputs.Input]:
    request_id, agent = str(e.request_id), str(e.agent_id)
    if e.kind == "status":
        wish = e.wish
        memory.asked[request_id] = wish.get("cause", "agent")
        open_work = wish.get("open")
        return [
            inputs.StatusRequested(
                request_id,
                agent,
                Will(wish["status"]),
                wish.get("reason"),
                after_this=wish.get("after_this", False),
                confirm=wish.get("confirm", False),
                open_work=OpenWork(open_work) if open_work else None,
                snooze_until=_moment(wish.get("snooze_until")),
                hand_over_to=wish.get("hand_over_to"),
            )
        ]
    if e.kind == "units":
        return [_units(e, memory)]
    work_item = memory.waiting.get(e.interaction_id, "") if e.interaction_id else ""
    if e.kind == "pull":
        return [inputs.PullRequested(request_id, agent, work_item)]
    return [inputs.PushRequested(request_id, agent, work_item, force=e.force)]


def _units(e: routing.RoutingRequested, memory: Memory) -> inputs.UnitsRequested:
    assert e.interaction_id is not None
    memory.contacts[e.interaction_id] = UUID(e.wish["contact_id"])
    return inputs.UnitsRequested(
        str(e.request_id),
        str(e.agent_id),
        str(e.interaction_id),
        Channel.VOICE,
        e.wish["cost"],
        e.wish["queue"],
    )


def _moment(text: str | None) -> int | None:
    return None if text is None else to_ms(datetime.fromisoformat(text))


_TABLE: Final[dict[type[Event], Callable[[Any, int, Memory], list[inputs.Input]]]] = {
    interactions.InteractionQueued: _queued,
    interactions.InteractionReadvised: _readvised,
    interactions.InteractionDequeued: _dequeued,
    interactions.InteractionHeld: _held,
    interactions.InteractionResumed: _resumed,
    interactions.InteractionParked: _parked,
    interactions.InteractionConsulted: _consulted,
    interactions.InteractionJoined: _joined,
    interactions.InteractionTransferred: _ended,
    interactions.InteractionWrapStarted: _wrap_started,
    interactions.InteractionWrapExtended: _wrap_extended,
    interactions.InteractionWrappedUp: _ended,
    interactions.MessageCreated: _message,
    routing.ReservationAccepted: _accepted,
    routing.ReservationRejected: _rejected,
    routing.RoutingRequested: _requested,
    routing.QueueChanged: _queue_changed,
    calls.CallAgentDropped: _agent_dropped,
    agents.AgentPresenceChanged: _presence,
    agents.AgentSkillsChanged: _skills,
    agents.AgentStatusChanged: _status,
}

HEARD: Final = tuple(_TABLE)
"""What the router listens to."""
