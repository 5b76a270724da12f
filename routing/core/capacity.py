"""Capacity in units: whether an agent has room for an item, and what would be set aside.

Σ cost of ringing, active, held, consulting and wrapping ≤ budget. Work that waits for the
customer, is snoozed or interrupted costs 0 (`Segment.cost` holds what it takes now).

    item            sets aside                           is kept away by
    voice           active mail, any parked work         a live chat, anything ringing but mail
    chat            nothing                              anything ringing
    messages, mail  nothing                              anything ringing
    call in a chat  as voice, and that very chat         the agent's other live chats

A queue's `ChannelPolicy` may say otherwise (`interrupts`, `barred_by`). Something is set
aside only if the item would not fit beside it; what rings is taken back without a miss.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from routing.core.agent_state import Agent
from routing.core.model import Channel, ChannelPolicy, Segment, SegmentState, WorkItem

_LIVE = (SegmentState.ACTIVE, SegmentState.HELD, SegmentState.CONSULTING)


class Kind(NamedTuple):
    """All that an agent's room for an item depends on."""

    channel: Channel
    cost: int
    interrupts: frozenset[Channel]
    barred_by: frozenset[Channel]
    shuns: frozenset[str] = frozenset()


class NoRoom(StrEnum):
    CHANNEL = "channel"
    """The agent's desk cannot handle the channel now."""
    OFFERED = "offered"
    BARRED = "barred"
    MAXIMUM = "maximum"
    CAPACITY = "capacity"


def kind_of(item: WorkItem, policy: ChannelPolicy) -> Kind:
    shuns = frozenset(item.shuns)
    return Kind(item.channel, item.cost, policy.interrupts, policy.barred_by, shuns)


def handles(agent: Agent, kind: Kind) -> bool:
    """Whether the agent's desk is one for items of this kind."""
    channels = agent.row.channels
    return kind.channel in channels and kind.shuns.isdisjoint(channels)


def takes(agent: Agent, kind: Kind) -> bool:
    """Whether the agent ever has items of this channel, on the desk that is connected."""
    return handles(agent, kind) and agent.config.maxima.get(kind.channel) != 0


def yields(segment: Segment, kind: Kind) -> bool:
    """Whether the segment is set aside when the item does not fit beside it."""
    if segment.state is SegmentState.PARKED:
        return bool(kind.interrupts)
    return segment.state in _LIVE and segment.channel in kind.interrupts


def no_room(agent: Agent, kind: Kind, takes_over: str | None = None) -> NoRoom | None:
    """What keeps an item of this kind away from the agent's desk; None: it fits.

    `takes_over` is the chat segment that the call began in: it counts for nothing.
    """
    if not handles(agent, kind):
        return NoRoom.CHANNEL
    for offer in agent.offers.values():
        if offer.channel not in kind.interrupts:
            return NoRoom.OFFERED
    kept = same = 0
    for segment in agent.segments.values():
        if segment.id == takes_over:
            continue
        if segment.channel in kind.barred_by and segment.state in _LIVE:
            return NoRoom.BARRED
        if segment.channel is kind.channel and segment.state is not SegmentState.PARKED:
            same += 1
        if not yields(segment, kind):
            kept += segment.cost
    most = agent.config.maxima.get(kind.channel)
    if most is not None and same >= most:
        return NoRoom.MAXIMUM
    if kept + kind.cost > agent.config.budget:
        return NoRoom.CAPACITY
    return None


def set_aside(agent: Agent, kind: Kind, takes_over: str | None = None) -> list[Segment]:
    """The segments to interrupt so that the item fits; none if it fits beside them."""
    yielding = [
        segment
        for segment in agent.segments.values()
        if segment.cost and segment.id != takes_over and yields(segment, kind)
    ]
    load = sum(s.cost for s in agent.segments.values() if s.id != takes_over)
    return yielding if load + kind.cost > agent.config.budget else []
