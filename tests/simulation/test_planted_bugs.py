"""Bugs planted one at a time, each of which the checks must find: their negative control.

A bug is one changed function of the core. The same random runs that pass without it must
break a promise with it, within so many runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from routing.core import engine, facts, matching, need, offers, requests, segments, staff, visits
from routing.core.agent_state import Agent, Status
from routing.core.capacity import Kind, NoRoom, no_room
from routing.core.decisions import SegmentReactivated
from routing.core.explaining import Explainer
from routing.core.model import ReservationState, VisitState, Will
from routing.core.need import Pick
from routing.core.roster import BitRoster
from routing.core.strategies import LongestIdle
from routing.core.world import Timer, World
from tests.simulation.play import random_run

RUNS, ACTIONS = 60, 250

Plant = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True, slots=True)
class Bug:
    name: str
    plant: Plant


BUGS: list[Bug] = []


def bug(plant: Plant) -> Plant:
    BUGS.append(Bug(plant.__name__, plant))
    return plant


def never(timer: Timer) -> Plant:
    """A timer that is not set."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        arm = World.arm
        patch.setattr(World, "arm", lambda self, kind, name: kind is timer or arm(self, kind, name))

    return plant


def overlook(*statuses: Status) -> Plant:
    """A status that keeps nobody from being offered something."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        refresh = Agent.refresh

        def blind(self: Agent, now: int) -> None:
            refresh(self, now)
            if self.status in statuses:
                self.status = Status.FREE

        patch.setattr(Agent, "refresh", blind)

    return plant


def overlook_room(*reasons: NoRoom) -> Plant:
    """A reason against an item that is not seen."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        def blind(agent: Agent, kind: Kind, takes_over: str | None = None) -> NoRoom | None:
            found = no_room(agent, kind, takes_over)
            return None if found in reasons else found

        for module in (matching, requests, offers):
            patch.setattr(module, "no_room", blind)

    return plant


for timer in Timer:
    if timer is not Timer.COOLDOWN:
        BUGS.append(Bug(f"the {timer.name.lower()} timer never fires", never(timer)))
for status in (
    Status.AWAY,
    Status.ABSENT,
    Status.LEAVING,
    Status.ONE_DONE,
    Status.COOLDOWN,
    Status.WRAPPING,
):
    BUGS.append(Bug(f"agents who are {status.label} are offered items", overlook(status)))
for reason in NoRoom:
    BUGS.append(Bug(f"an item that does not fit ({reason}) is offered", overlook_room(reason)))


@bug
def a_miss_excludes_nobody(patch: pytest.MonkeyPatch) -> None:
    def forgiving(world: World, visit: Any, agent: Agent, at: int, *, missed: bool) -> None:
        refused(world, visit, agent, at, missed=missed)
        if visit is not None:
            visit.excluded = frozenset()

    refused = offers.refused
    patch.setattr(offers, "refused", forgiving)


@bug
def a_missed_call_leaves_the_agent_available(patch: pytest.MonkeyPatch) -> None:
    set_will = staff.set_will

    def lenient(world: World, agent: Agent, will: Will, *args: Any, **kwargs: Any) -> None:
        if kwargs.get("cause") != "missed":
            set_will(world, agent, will, *args, **kwargs)

    patch.setattr(staff, "set_will", lenient)


@bug
def the_losers_of_a_race_keep_ringing(patch: pytest.MonkeyPatch) -> None:
    end_all = offers.end_all

    def forgetful(world: World, work_item: str, state: ReservationState, reason: str) -> None:
        if reason != "answered_elsewhere":
            end_all(world, work_item, state, reason)

    patch.setattr(offers, "end_all", forgetful)


@bug
def a_customer_who_left_keeps_ringing(patch: pytest.MonkeyPatch) -> None:
    end_all = offers.end_all

    def forgetful(world: World, work_item: str, state: ReservationState, reason: str) -> None:
        if state is not ReservationState.CANCELLED:
            end_all(world, work_item, state, reason)

    patch.setattr(offers, "end_all", forgetful)


@bug
def a_refused_visit_is_lost(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(offers, "refused_by_all", lambda world, visit: None)


@bug
def a_visit_that_rang_is_not_put_back(patch: pytest.MonkeyPatch) -> None:
    def forgetful(world: World, visit: Any) -> None:
        visit.state = VisitState.QUEUED

    patch.setattr(visits, "requeue", forgetful)


@bug
def the_newest_is_served_first(patch: pytest.MonkeyPatch) -> None:
    add = matching.Matcher.add

    def backwards(self: matching.Matcher, visit: Any, *args: Any) -> None:
        start = visit.item.virtual_start
        visit.item = replace(visit.item, virtual_start=-start)
        add(self, visit, *args)
        visit.item = replace(visit.item, virtual_start=start)

    patch.setattr(matching.Matcher, "add", backwards)


@bug
def the_wait_raises_nobody(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(need.Need, "rank", lambda self, now, start: self.prefix)


@bug
def bands_do_not_matter(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(need, "_BAND", 0)


@bug
def the_freed_agent_is_overlooked(patch: pytest.MonkeyPatch) -> None:
    flush = matching.Matcher.flush

    def forgetful(self: matching.Matcher) -> None:
        flush(self)
        self._eager.clear()

    patch.setattr(matching.Matcher, "flush", forgetful)


@bug
def the_longest_idle_is_last(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LongestIdle, "in_order", False)
    patch.setattr(
        LongestIdle,
        "first",
        lambda self, layer, roster, draw: (layer & -layer).bit_length() - 1,
    )


@bug
def skills_are_not_asked(patch: pytest.MonkeyPatch) -> None:
    meeting = BitRoster.meeting
    patch.setattr(
        BitRoster, "meeting", lambda self, skill, level: meeting(self, skill, level) and -1
    )
    ring = World._ring

    def careless(self: World, queue: str, step: Any) -> Any:
        return replace(ring(self, queue, step), require=())

    patch.setattr(World, "_ring", careless)


@bug
def a_retrained_agent_keeps_the_old_bits(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(BitRoster, "_flip_skills", lambda *args, **kwargs: None)


@bug
def a_silent_desk_keeps_its_offer(patch: pytest.MonkeyPatch) -> None:
    settle = engine.Engine._settle_agent

    def patient(self: engine.Engine, agent: Agent) -> None:
        present, agent.row.present = agent.row.present, True
        settle(self, agent)
        agent.row.present = present

    patch.setattr(engine.Engine, "_settle_agent", patient)


@bug
def an_interruption_never_ends(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(segments, "resume_interrupted", lambda world, agent: None)


@bug
def the_status_after_this_never_comes(patch: pytest.MonkeyPatch) -> None:
    working = Agent.working
    patch.setattr(Agent, "working", lambda self: self.row.after_this is not None or working(self))


@bug
def nothing_is_set_aside_for_a_call(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(offers, "set_aside", lambda agent, kind, takes_over=None: [])


@bug
def work_above_the_budget_is_not_flagged(patch: pytest.MonkeyPatch) -> None:
    def unflagged(segment: str, agent: str, cause: str, cost: int, _over: bool) -> Any:
        return SegmentReactivated(segment, agent, cause, cost, over_budget=False)

    patch.setattr(segments, "SegmentReactivated", unflagged)


@bug
def a_push_is_always_forced(patch: pytest.MonkeyPatch) -> None:
    push = requests.push
    patch.setitem(
        facts.TAKE,
        engine_input("PushRequested"),
        lambda world, request: push(world, replace(request, force=True)),
    )
    patch.setattr(
        offers,
        "assign",
        _unforced(offers.assign),
    )


def _unforced(assign: Callable[..., None]) -> Callable[..., None]:
    def quiet(*args: Any, **kwargs: Any) -> None:
        assign(*args, **{**kwargs, "forced": False})

    return quiet


@bug
def a_pull_asks_for_no_room(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(requests, "_has_room", lambda *args: True)


@bug
def a_refused_request_hears_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(requests, "refuse", lambda *args: None)


@bug
def the_record_forgets_some_agents(patch: pytest.MonkeyPatch) -> None:
    removed = Explainer._removed
    patch.setattr(Explainer, "_removed", lambda self, *args: list(removed(self, *args))[1:])


@bug
def the_record_lists_those_who_could_not(patch: pytest.MonkeyPatch) -> None:
    offer = Explainer.offer

    def careless(self: Explainer, pick: Pick) -> Any:
        self._taken.clear()
        return offer(self, pick)

    patch.setattr(Explainer, "offer", careless)


@bug
def a_rebuild_forgets_who_refused(patch: pytest.MonkeyPatch) -> None:
    load = engine.Engine.load

    def forgetful(self: engine.Engine, snapshot: Any, now: int) -> None:
        fresh = tuple(replace(visit, excluded=frozenset()) for visit in snapshot.visits)
        load(self, replace(snapshot, visits=fresh), now)

    patch.setattr(engine.Engine, "load", forgetful)


@bug
def a_rebuild_forgets_whose_turn_it_is(patch: pytest.MonkeyPatch) -> None:
    load = engine.Engine.load
    patch.setattr(
        engine.Engine,
        "load",
        lambda self, snapshot, now: load(self, replace(snapshot, last_offered={}), now),
    )


@bug
def the_dice_remember(patch: pytest.MonkeyPatch) -> None:
    """A choice that depends on how often was drawn before is another one after a crash."""
    drawn = iter(range(10**9))
    patch.setattr(
        "routing.core.strategies.nth",
        lambda bitmap, n: _nth(bitmap, (n + next(drawn)) % bitmap.bit_count()),
    )


def _nth(bitmap: int, n: int) -> int:
    for _ in range(n):
        bitmap &= bitmap - 1
    return (bitmap & -bitmap).bit_length() - 1


def engine_input(name: str) -> type:
    from routing.core import inputs

    found = getattr(inputs, name)
    assert isinstance(found, type)
    return found


def test_without_a_bug_nothing_is_found() -> None:
    for seed in range(RUNS // 4):
        random_run(seed, ACTIONS, crashes=0.2)


@pytest.mark.parametrize("planted", BUGS, ids=lambda planted: planted.name)
def test_a_planted_bug_is_found(planted: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    planted.plant(monkeypatch)
    with pytest.raises((AssertionError, KeyError)):
        sum(random_run(seed, ACTIONS, crashes=0.2).steps for seed in range(RUNS))


def test_there_are_enough_of_them() -> None:
    assert len(BUGS) >= 20
    assert len({planted.name for planted in BUGS}) == len(BUGS)
