"""Where a work item gets its numbers, and when a wrap-up ends.

Used at the edges too, where a visit or a wrap-up is written before the router sees it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from routing.core.model import (
    Band,
    Channel,
    ChannelPolicy,
    Constants,
    Entry,
    QueueConfig,
    RoutingStep,
    SkipIf,
    WorkItem,
    WrapMode,
)


def new_item(
    queue: QueueConfig,
    channel: Channel,
    *,
    id: str,  # noqa: A002 - the field's name
    interaction: str,
    now: int,
    virtual_start: int | None = None,
    band: Band | None = None,
    base: int | None = None,
    cost: int | None = None,
    entry: Entry = Entry.NEW,
    steps: tuple[RoutingStep, ...] | None = None,
    preferred: tuple[str, ...] = (),
    preferred_ms: int = 0,
    takes_over: str | None = None,
    shuns: tuple[str, ...] = (),
    due_at: int | None = None,
) -> WorkItem:
    """A visit that begins now, with the queue's numbers where none are given.

    `virtual_start` may lie in the past (a callback, a transfer), never in the future.
    """
    policy = queue.policies[channel]
    return WorkItem(
        id=id,
        interaction=interaction,
        queue=queue.id,
        channel=channel,
        band=policy.band if band is None else band,
        base=policy.base if base is None else base,
        boost=policy.boost,
        target_ms=policy.target_ms,
        cost=policy.cost if cost is None else cost,
        virtual_start=now if virtual_start is None else min(virtual_start, now),
        entered_at=now,
        entry=entry,
        steps=steps,
        preferred=preferred,
        preferred_ms=preferred_ms,
        takes_over=takes_over,
        shuns=shuns,
        due_at=due_at,
    )


def inherit_place(item: WorkItem, left: WorkItem, left_at: int, window_ms: int) -> WorkItem:
    """The returning customer's visit in the old place, whatever the channel.

    `left` is the same customer's abandoned visit to the same queue. Within the window the
    new one takes its band, base, boost, target, virtual start and, without one of its own, due
    time; otherwise it stays as it is.
    """
    if left.queue != item.queue or not 0 <= item.entered_at - left_at <= window_ms:
        return item
    return replace(
        item,
        band=left.band,
        base=left.base,
        boost=left.boost,
        target_ms=left.target_ms,
        virtual_start=min(left.virtual_start, item.virtual_start),
        due_at=left.due_at if item.due_at is None else item.due_at,
        entry=Entry.RETURN,
    )


def transferred(
    item: WorkItem,
    *,
    id: str,  # noqa: A002 - the field's name
    now: int,
    waited_ms: int,
    queue: QueueConfig,
    constants: Constants,
    to_agent: str | None = None,
    from_agent: str | None = None,
) -> WorkItem:
    """The visit after a blind transfer: the wait suffered so far counts, the talk does not.

    `queue` is the target queue, or the origin's when `to_agent` names a person; then the
    item comes back to `from_agent` if nobody answered within the return time.
    """
    policy = queue.policies[item.channel]
    return replace(
        item,
        id=id,
        queue=queue.id,
        boost=policy.boost,
        target_ms=policy.target_ms,
        virtual_start=now - waited_ms,
        entered_at=now,
        entry=Entry.TRANSFER,
        steps=None,
        preferred=(),
        preferred_ms=0,
        direct_to=to_agent,
        return_to=from_agent if to_agent is not None else None,
        return_at=now + constants.transfer_return_ms if to_agent is not None else None,
        front=False,
        takes_over=None,
        overflowed=(),
        readvised=None,
    )


def steps_of(item: WorkItem, queue: QueueConfig) -> tuple[RoutingStep, ...]:
    """The item's steps from first to last; the last one has no end."""
    if item.direct_to is not None:
        return (RoutingStep(agents=(item.direct_to,)),)
    steps = queue.steps if item.steps is None else item.steps
    if item.preferred and item.preferred_ms:
        preferred = RoutingStep(
            agents=item.preferred,
            for_ms=item.preferred_ms,
            skip_if=SkipIf.NONE_AVAILABLE,
        )
        steps = (preferred, *steps)
    if not steps or steps[-1].for_ms is not None:
        steps = (*steps, RoutingStep())
    return steps


@dataclass(frozen=True, slots=True)
class Wrap:
    """A wrap-up: until when, and whether it bars every offer."""

    until: int
    blocks: bool


def wrap_after(policy: ChannelPolicy, now: int, *, wanted: bool) -> Wrap | None:
    """The wrap-up that begins when the customer's part ends; None: the segment ends at once."""
    if policy.wrap is WrapMode.NONE or (policy.wrap is WrapMode.OPTIONAL and not wanted):
        return None
    return Wrap(now + policy.wrap_ms, policy.wrap_blocks)
