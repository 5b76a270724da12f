"""Rules of a queue visit: how it begins, its steps and rounds, limits, and how it comes back."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from routing.core.agent_state import Status
from routing.core.decisions import (
    BandRaised,
    MessageOffered,
    RoundStarted,
    StepStarted,
    VisitClosed,
    VisitOpened,
    VisitRequeued,
)
from routing.core.model import (
    Band,
    Entry,
    Outcome,
    RoutingStep,
    SkipIf,
    Visit,
    VisitState,
    WorkItem,
)
from routing.core.world import Timer, World, is_message, place_of

UNKNOWN: Final = -1
"""A step that is none: whichever begins next is noted."""


def enter(world: World, item: WorkItem) -> None:
    """The visit waits from now on, unless its queue is full and another takes it."""
    visit = Visit(item)
    world.add_visit(visit)
    most = world.policy(item).max_waiting
    full = most is not None and world.length[place_of(item)] > most
    if full and not is_message(item) and overflow(world, visit, "length"):
        return
    start = item.virtual_start if item.entry is Entry.RETURN else world.now
    begin_step(world, visit, 0, start)
    wait(world, visit)
    arm(world, visit)


def leave(world: World, visit: Visit) -> None:
    """The visit is over. Its pending offers are the caller's to end."""
    item = visit.item
    del world.visits[item.id]
    world.matcher.remove(visit)
    world.count(item, -1)


def wait(world: World, visit: Visit) -> None:
    """Stand among those that can be matched, with the pools of the steps so far."""
    item = visit.item
    rings = world.rings(item, world.steps(item)[: visit.step + 1])
    world.matcher.add(visit, world.kind(item), rings, world.queue(visit).strategy)


def requeue(world: World, visit: Visit) -> None:
    """Nobody is being offered it any more."""
    visit.state = VisitState.QUEUED
    wait(world, visit)
    world.arm(Timer.LIMIT, visit.item.id)
    world.arm(Timer.ROUND, visit.item.id)


def requeue_as_known(world: World, visit: Visit) -> None:
    """As `requeue`, where the tables still have it as offered."""
    world.out.append(VisitRequeued(visit.item.id))
    requeue(world, visit)


def reconsider(world: World, visit: Visit) -> None:
    """Its queue's configuration is another: stand anew, in the step that there is."""
    last = len(world.steps(visit.item)) - 1
    if visit.step >= last or visit.step_until is None:
        begin_step(world, visit, min(visit.step, last), world.now)
    arm(world, visit)
    if visit.state is VisitState.QUEUED:
        wait(world, visit)


def readvised(world: World, visit: Visit, item: WorkItem) -> None:
    """It is `item` by now, as the tables have it: with other steps it begins at the first."""
    before, visit.item = visit.item, item
    world.count(before, -1)
    world.count(item, 1)
    if world.steps(before) != world.steps(item):
        visit.step = UNKNOWN
        begin_step(world, visit, 0, world.now)
    arm(world, visit)
    if visit.state is VisitState.QUEUED:
        wait(world, visit)


def arm(world: World, visit: Visit) -> None:
    for timer in (Timer.STEP, Timer.RETURN, Timer.DUE, Timer.LIMIT, Timer.ROUND):
        world.arm(timer, visit.item.id)


def begin_step(world: World, visit: Visit, step: int, start: int) -> None:
    """Make a step the active one, or the first after it that is not to be skipped.

    `start` is when it began: a returning customer's steps count from the old place.
    """
    steps = world.steps(visit.item)
    last = len(steps) - 1
    while step < last:
        lasts = steps[step].for_ms
        if lasts is None or (start + lasts > world.now and not _skip(world, visit, steps[step])):
            break
        start = min(start + lasts, world.now)
        step += 1
    lasts = steps[step].for_ms
    until = None if lasts is None else start + lasts
    # A queue with a limit notes its first step too: whoever was let in is not counted again.
    limited = world.policy(visit.item).max_waiting is not None
    if limited or (step, until) != (visit.step, visit.step_until):
        visit.step, visit.step_until = step, until
        world.out.append(StepStarted(visit.item.id, step, until))


def next_step(world: World, work_item: str) -> None:
    """The active step has run out."""
    visit = world.visits[work_item]
    begin_step(world, visit, visit.step + 1, world.now)
    world.arm(Timer.STEP, work_item)
    if visit.state is VisitState.QUEUED:
        wait(world, visit)


def _skip(world: World, visit: Visit, step: RoutingStep) -> bool:
    """Whether the step lasts 0 s because nobody of its pool is there."""
    if step.skip_if is SkipIf.NEVER:
        return False
    matcher = world.matcher
    kind = matcher.number(world.kind(visit.item))
    world.refresh_touched()
    matcher.flush()
    roster = matcher.roster
    (ring,) = world.rings(visit.item, (step,))
    pool = matcher.pool(roster, ring)
    if step.skip_if is SkipIf.NONE_FREE:
        return not pool & roster.room(kind)
    pool &= ~roster.in_status(Status.OFFLINE)
    if step.skip_if is SkipIf.NONE_AVAILABLE:
        pool &= ~(roster.in_status(Status.AWAY) | roster.in_status(Status.ABSENT))
    return not pool


def due_soon(world: World, work_item: str) -> None:
    """Mail that must be answered soon: it is served among the live ones."""
    visit = world.visits[work_item]
    visit.item = replace(visit.item, band=Band.LIVE)
    world.out.append(BandRaised(work_item, visit.item.band))
    if visit.state is VisitState.QUEUED:
        wait(world, visit)


def new_round(world: World, work_item: str) -> None:
    """Nobody who has not refused could take it: everybody may be asked again."""
    visit = world.visits[work_item]
    visit.round += 1
    visit.excluded = frozenset()
    visit.refused_at = None
    world.out.append(RoundStarted(work_item, visit.round))
    wait(world, visit)


def waited_too_long(world: World, work_item: str) -> None:
    overflow(world, world.visits[work_item], "wait")


def overflow(world: World, visit: Visit, reason: str) -> bool:
    """Move to the overflow queue with the wait so far; True if it went.

    Without one, or when that is full itself or has been left the same way, the customer is
    offered to leave a message, once, and the visit keeps its place.
    """
    item = visit.item
    target = world.policy(item).overflow
    queue = world.queues.get(target or "")
    if queue is not None and queue.id not in (*item.overflowed, item.queue):
        policy = queue.policies[item.channel]
        length = world.length.get(place_of(replace(item, queue=queue.id)), 0)
        if policy.max_waiting is None or length < policy.max_waiting:
            moved = replace(
                item,
                id=world.new_id(),
                queue=queue.id,
                boost=policy.boost,
                target_ms=policy.target_ms,
                entered_at=world.now,
                entry=Entry.OVERFLOW,
                steps=None,
                overflowed=(*item.overflowed, item.queue),
            )
            leave(world, visit)
            world.out.append(VisitClosed(item.id, Outcome.MOVED, reason, moved.id))
            world.out.append(VisitOpened(moved))
            enter(world, moved)
            return True
    if not visit.message_offered:
        visit.message_offered = True
        world.out.append(MessageOffered(item.id, reason))
    return False


def again(world: World, item: WorkItem, **changes: object) -> WorkItem:
    """A visit that takes up where an earlier one was, with its virtual start."""
    fresh = replace(
        item,
        id=world.new_id(),
        entered_at=world.now,
        entry=Entry.REQUEUE,
        steps=None,
        preferred=(),
        preferred_ms=0,
        direct_to=None,
        return_to=None,
        return_at=None,
        front=False,
        takes_over=None,
        overflowed=(),
        readvised=None,
    )
    return replace(fresh, **changes)  # type: ignore[arg-type]
