"""Signing off with open work: what there is, what can only be finished, what else becomes of it."""

from __future__ import annotations

from routing.core import segments, staff
from routing.core.agent_state import Agent
from routing.core.model import Disposal, OpenWork, ParkReason, Segment, SegmentState, Will
from routing.core.world import World


def open_work(agent: Agent) -> list[Segment]:
    """Open work that somebody must see to: all but what is snoozed. By id."""
    return [
        segment
        for _, segment in sorted(agent.segments.items())
        if segment.park_reason is not ParkReason.SNOOZED
    ]


def left_behind(world: World, agent: Agent, segment: Segment) -> bool:
    """Whether this open work would still be there when all else at hand has ended: what is set
    aside and, of an agent who is absent, what nobody finishes and no absence takes back."""
    if segment.state is SegmentState.PARKED and segment.park_reason is not ParkReason.INTERRUPTED:
        return True
    policy = world.segment_policy(segment)
    stays = policy is not None and policy.requeue_absent_ms is None
    return not agent.row.present and stays and not must_be_finished(world, segment)


def must_be_finished(world: World, segment: Segment) -> bool:
    policy = world.segment_policy(segment)
    spoken = policy is None or policy.park_free_ms is None
    return spoken or segment.state is SegmentState.WRAPPING


def dispose(world: World, work: list[Segment], how: Disposal) -> None:
    for segment in work:
        if how.open_work is OpenWork.SNOOZE:
            segments.pause(world, segment, ParkReason.SNOOZED, how.snooze_until)
        elif how.open_work is OpenWork.HAND_OVER:
            segments.take_back(world, segment, "sign_off", direct_to=how.hand_over_to)
        else:
            segments.take_back(world, segment, "sign_off")


def after_this(world: World, agent: Agent) -> None:
    """The status that was noted for later comes to pass; whoever goes leaves nothing behind."""
    row = agent.row
    assert row.after_this is not None
    if row.after_this is Will.OFFLINE:
        dispose(world, open_work(agent), _as_things_stand(world, agent, row.after_this_open))
    staff.set_will(world, agent, row.after_this, row.after_this_reason, cause="after_this")


def _as_things_stand(world: World, agent: Agent, how: Disposal | None) -> Disposal:
    """The choice that was noted, or back to the queue when it cannot be followed any more."""
    if how is None:
        return Disposal()
    if how.open_work is OpenWork.SNOOZE and (how.snooze_until or 0) <= world.now:
        return Disposal()
    if how.open_work is OpenWork.HAND_OVER:
        heir = world.agents.get(how.hand_over_to or "")
        if heir is None or heir is agent or heir.row.will is Will.OFFLINE:
            return Disposal()
    return how
