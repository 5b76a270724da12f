"""What agents and supervisors ask of the router, and when the answer is no."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from routing.core import offers, segments, signoff, staff
from routing.core.agent_state import Agent, Status
from routing.core.capacity import Kind, NoRoom, handles, no_room, takes
from routing.core.decisions import AgentStatusSet, RequestRefused, UnitsGranted
from routing.core.inputs import (
    PullRequested,
    PushRequested,
    Request,
    StatusRequested,
    UnitsRequested,
)
from routing.core.model import (
    DEFAULT_POLICIES,
    Disposal,
    OpenWork,
    Refusal,
    Segment,
    Visit,
    VisitState,
    Will,
)
from routing.core.world import World

_LEAVING = (Will.AWAY, Will.OFFLINE)
_BUSY = (Status.COOLDOWN, Status.WRAPPING, Status.OVER_BUDGET, Status.LEAVING, Status.ONE_DONE)


def refuse(
    world: World,
    request: Request,
    code: Refusal,
    detail: str,
    ctx: Mapping[str, object] | None = None,
) -> None:
    world.out.append(RequestRefused(request.request_id, code, detail, ctx or {}))


def pull(world: World, request: PullRequested) -> None:
    found = _both(world, request, request.agent, request.work_item)
    if found is None:
        return
    agent, visit = found
    if visit.state is not VisitState.QUEUED:
        refuse(world, request, Refusal.CONFLICT, "It is being offered to somebody.")
    elif not world.member_of(agent, world.queue(visit)):
        refuse(world, request, Refusal.FORBIDDEN, "You are not a member of its queue.")
    elif not _at_work(agent):
        refuse(world, request, Refusal.CONFLICT, "Sign in with a connected desk first.")
    elif agent.offers:
        refuse(world, request, Refusal.CONFLICT, "Answer the offer that is ringing first.")
    elif _can_handle(world, request, agent, visit) and _has_room(world, request, agent, visit):
        offers.assign(world, visit, agent, "pull", request_id=request.request_id)


def push(world: World, request: PushRequested) -> None:
    found = _both(world, request, request.agent, request.work_item)
    if found is None:
        return
    agent, visit = found
    if not _at_work(agent):
        refuse(world, request, Refusal.CONFLICT, "The agent's desk is not connected.")
        return
    if not _can_handle(world, request, agent, visit):
        return
    if not request.force:
        if not agent.counts_as_staff or agent.status in _BUSY:
            refuse(
                world,
                request,
                Refusal.CONFLICT,
                "The agent takes nothing just now.",
                {"status": agent.status.label},
            )
            return
        if not _has_room(world, request, agent, visit):
            return
    offers.assign(world, visit, agent, "push", request_id=request.request_id, forced=request.force)


def _both(
    world: World, request: Request, agent_id: str, work_item: str
) -> tuple[Agent, Visit] | None:
    agent, visit = world.agents.get(agent_id), world.visits.get(work_item)
    if agent is None:
        refuse(world, request, Refusal.NOT_FOUND, "There is no such agent.")
    elif visit is None:
        refuse(world, request, Refusal.NOT_FOUND, "It is not waiting any more.")
    else:
        world.refresh_touched()
        return agent, visit
    return None


def _at_work(agent: Agent) -> bool:
    return agent.row.present and agent.row.will is not Will.OFFLINE


def _can_handle(world: World, request: Request, agent: Agent, visit: Visit) -> bool:
    """Whether the connected desk has the item's channel: no force puts a call on a desk
    that has no telephone."""
    channel = visit.item.channel
    if handles(agent, world.kind(visit.item)):
        return True
    ctx = {"reason": NoRoom.CHANNEL.value, "channel": channel.value}
    refuse(world, request, Refusal.CAPACITY, "The desk cannot handle this channel.", ctx)
    return False


def _has_room(world: World, request: Request, agent: Agent, visit: Visit) -> bool:
    item = visit.item
    own = {offer.id: offer for offer in agent.offers.values() if offer.work_item != item.id}
    beside = Agent(agent.config, agent.row)
    beside.offers, beside.segments = own, agent.segments  # its own offer of this item is no bar
    why = no_room(beside, world.kind(item), item.takes_over)
    blocked = agent.status in (Status.WRAPPING, Status.OVER_BUDGET)
    if why is None and not blocked:
        return True
    reason = agent.status.label if why is None else why.value
    refuse(world, request, Refusal.CAPACITY, "There is no room for it.", {"reason": reason})
    return False


def units(world: World, request: UnitsRequested) -> None:
    """A call that the agent dials holds its units before the first ring."""
    agent = world.agents.get(request.agent)
    if agent is None:
        refuse(world, request, Refusal.NOT_FOUND, "There is no such agent.")
        return
    if not _at_work(agent):
        refuse(world, request, Refusal.CONFLICT, "Sign in with a connected desk first.")
        return
    queue = world.queues.get(request.queue or "")
    policies = queue.policies if queue else DEFAULT_POLICIES
    policy = policies[request.channel]
    kind = Kind(request.channel, request.cost, policy.interrupts, policy.barred_by)
    why = no_room(agent, kind)
    if why is not None:
        refuse(world, request, Refusal.CAPACITY, "There is no room for it.", {"reason": why.value})
        return
    offers.make_room(world, agent, kind, None)
    segment = Segment(
        id=world.new_id(),
        interaction=request.interaction,
        agent=agent.id,
        channel=request.channel,
        queue=request.queue,
        full_cost=request.cost,
        cost=request.cost,
        started_at=world.now,
        state_since=world.now,
    )
    segments.hold(world, segment)
    world.out.append(UnitsGranted(request.request_id, replace(segment)))


def status(world: World, request: StatusRequested) -> None:
    """Another will, at once or after the open work; refused if somebody is left in the lurch."""
    agent = world.agents.get(request.agent)
    if agent is None:
        refuse(world, request, Refusal.NOT_FOUND, "There is no such agent.")
        return
    later = request.after_this and agent.working()
    goes = request.will is Will.OFFLINE
    work = signoff.open_work(agent) if goes else []
    if later:  # what is at hand is finished first
        work = [segment for segment in work if signoff.left_behind(world, agent, segment)]
    if not _settled(world, request, agent, work, later=later and goes):
        return
    waiting = _left_waiting(world, agent) if request.will in _LEAVING else {}
    if waiting and not request.confirm:
        refuse(
            world,
            request,
            Refusal.CONFLICT,
            "You are the last one for those who wait.",
            {"waiting": waiting},
        )
        return
    how = _disposal(request)
    if how is not None:
        signoff.dispose(world, work, how)
    if later:
        noted = how if goes else None
        staff.note_after_this(world, agent, request.will, request.reason, noted)
        world.out.append(
            AgentStatusSet(
                agent.id,
                agent.row.will,
                agent.row.will_reason,
                "agent",
                after_this=request.will,
                after_this_reason=request.reason,
                after_this_open=noted,
                request_id=request.request_id,
            )
        )
        return
    staff.set_will(
        world,
        agent,
        request.will,
        request.reason,
        cause="agent",
        request_id=request.request_id,
    )


def _left_waiting(world: World, agent: Agent) -> dict[str, int]:
    """Queues with waiters whom this agent could serve and nobody else who stays, and how many
    they are."""
    if not agent.counts_as_staff:
        return {}
    mine = frozenset(agent.queues)
    waiting = Counter(
        (visit.item.queue, world.kind(visit.item))
        for visit in world.visits.values()
        if visit.item.queue in mine
    )
    left: dict[str, int] = {}
    for (queue, kind), count in waiting.items():
        others = (o for o in world.agents.values() if o is not agent and o.stays)
        if takes(agent, kind) and not any(queue in o.queues and takes(o, kind) for o in others):
            left[queue] = left.get(queue, 0) + count
    return dict(sorted(left.items()))


def _disposal(request: StatusRequested) -> Disposal | None:
    if request.open_work is None:
        return None
    return Disposal(request.open_work, request.snooze_until, request.hand_over_to)


def _settled(
    world: World, request: StatusRequested, agent: Agent, work: list[Segment], *, later: bool
) -> bool:
    """Whether the request says what becomes of the open work; refuses it if not. `later`: what
    it says is kept until the agent goes."""
    if not work and not (later and request.open_work):
        return True
    finish = [s.id for s in work if signoff.must_be_finished(world, s)]
    if finish:
        detail = "Finish the call and the wrap-up first."
        ctx = {"open_work": finish, "finish": True}
        refuse(world, request, Refusal.CONFLICT, detail, ctx)
        return False
    if request.open_work is None:
        ctx = {"open_work": [segment.id for segment in work]}
        detail = "Say what becomes of the open work: queue, snooze or hand over."
        refuse(world, request, Refusal.CONFLICT, detail, ctx)
        return False
    if request.open_work is OpenWork.SNOOZE and (request.snooze_until or 0) <= world.now:
        refuse(world, request, Refusal.INVALID, "Snooze until a time to come.")
        return False
    if request.open_work is OpenWork.HAND_OVER:
        heir = world.agents.get(request.hand_over_to or "")
        if heir is None or heir is agent:
            refuse(world, request, Refusal.NOT_FOUND, "There is no such agent.")
            return False
        if heir.row.will is Will.OFFLINE:
            refuse(world, request, Refusal.CONFLICT, "That agent is not signed in.")
            return False
    return True
