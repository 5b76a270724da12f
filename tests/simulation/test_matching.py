"""The matcher against the naive one: 1,000 random cases, no difference.

Each case is a small centre that lives for a few rounds: items come and leave, agents get busy
and free, lose a skill, go away, come back, are excluded. After each round both must say the
same, item by item; the naive one looks at everything each time, so a match that the
event-driven one overlooked would show as well.
"""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from routing.core.agent_state import Agent
from routing.core.capacity import kind_of
from routing.core.matching import Matcher
from routing.core.model import (
    DEFAULT_POLICIES,
    AgentConfig,
    AgentRow,
    Band,
    Channel,
    Requirement,
    Reservation,
    Segment,
    SegmentState,
    StrategyName,
    Visit,
    Will,
    WorkItem,
)
from routing.core.need import Pick, Ring
from tests.simulation.oracle import Waiting, match

NOW = 10_000_000
SKILLS = ("s0", "s1", "s2", "s3")
ORDERED = [name for name in StrategyName if name is not StrategyName.RANDOM]


class Case:
    """A random centre; the same seed gives the same one."""

    def __init__(self, seed: int, strategies: list[StrategyName] | None = None) -> None:
        self.dice = random.Random(seed)
        self.now = NOW
        self.matcher = Matcher(seed)
        self.agents: dict[str, Agent] = {}
        self.waiting: dict[str, Waiting] = {}
        self.rings: dict[tuple[object, ...], tuple[Ring, ...]] = {}
        self.queues = {f"q{n}": self.dice.choice(strategies or ORDERED) for n in range(2)}
        self.next_id = 0
        for _ in range(self.dice.randint(1, 14)):
            self.hire()
        for _ in range(self.dice.randint(0, 14)):
            self.enqueue()

    def new_id(self, letter: str) -> str:
        self.next_id += 1
        return f"{letter}{self.next_id}"

    def touch(self, agent: Agent, *, eager: bool = False) -> None:
        agent.refresh(self.now)
        agent.queues = tuple(self.queues)
        self.matcher.touch(agent, eager=eager)

    def hire(self) -> None:
        dice = self.dice
        name = self.new_id("a")
        levels = {skill: dice.randint(1, 5) for skill in SKILLS if dice.random() < 0.6}
        maxima = {Channel.CHAT: dice.randint(0, 3)} if dice.random() < 0.3 else {}
        config = AgentConfig(
            name, levels, dice.choice([100, 100, 125, 60]), maxima, dice.randint(0, 3)
        )
        row = AgentRow(
            name,
            dice.choice([Will.AVAILABLE] * 4 + [Will.AWAY]),
            present=dice.random() < 0.9,
            idle_since=dice.randint(0, 5),
            calls=dice.randint(0, 2),
            talk_ms=dice.randint(0, 4000),
        )
        agent = Agent(config, row)
        if dice.random() < 0.1:
            row.channels = frozenset({Channel.CHAT, Channel.EMAIL})
        self.agents[name] = agent
        for _ in range(dice.choice([0, 0, 0, 1, 2])):
            self.occupy(agent)
        self.touch(agent)

    def occupy(self, agent: Agent) -> None:
        channel = self.dice.choice(list(Channel))
        cost = DEFAULT_POLICIES[channel].cost
        state = self.dice.choice([SegmentState.ACTIVE] * 3 + [SegmentState.PARKED])
        taken = 0 if state is SegmentState.PARKED and self.dice.random() < 0.5 else cost
        name = self.new_id("s")
        agent.segments[name] = Segment(
            name, "i", agent.id, channel, "q0", cost, 0, 0, taken, state=state
        )

    def enqueue(self) -> None:
        dice = self.dice
        channel = dice.choice(list(Channel))
        policy = DEFAULT_POLICIES[channel]
        queue = dice.choice(list(self.queues))
        names = list(self.agents)
        item = WorkItem(
            self.new_id("w"),
            "i",
            queue,
            channel,
            dice.choice([policy.band, policy.band, Band.DANGER, Band.LIVE]),
            dice.choice([40, 50, 60]),
            policy.boost,
            policy.target_ms,
            policy.cost,
            self.now - dice.choice([0, 1, 500, 30_000, 10**6]),
            self.now,
            preferred=tuple(dice.sample(names, min(2, len(names)))),
            front=dice.random() < 0.1,
        )
        refused = frozenset(name for name in names if dice.random() < 0.1)
        self.stand(Visit(item, excluded=refused))

    def stand(self, visit: Visit) -> None:
        """Let it wait with some rings; equal rings are one object, as the engine has them."""
        dice = self.dice
        rings = []
        for _ in range(dice.randint(1, 3)):
            require = tuple(
                Requirement(skill, dice.randint(1, 4), dice.randint(1, 2))
                for skill in dice.sample(SKILLS, dice.randint(0, 2))
            )
            prefer = (Requirement("s3", 2),) if dice.random() < 0.2 else ()
            people = (
                tuple(dice.sample(list(self.agents), min(2, len(self.agents))))
                if dice.random() < 0.2
                else None
            )
            shape = (require, prefer, people)
            self.rings.setdefault(shape, (Ring(require, prefer, people, require),))
            rings.append(self.rings[shape][0])
        item = visit.item
        waiting = Waiting(
            visit,
            kind_of(item, DEFAULT_POLICIES[item.channel]),
            tuple(rings),
            self.queues[item.queue],
        )
        self.waiting[item.id] = waiting
        self.matcher.add(visit, waiting.kind, waiting.rings, waiting.strategy)

    def disturb(self) -> None:
        """Something happens to some agents and items, as it does in a centre."""
        dice = self.dice
        self.now += dice.randint(0, 2000)
        for agent in list(self.agents.values()):
            chance = dice.random()
            if chance < 0.3 and (agent.offers or agent.segments):
                agent.offers.clear()
                agent.segments.clear()
                agent.row.idle_since = self.now
                agent.row.calls += 1
                agent.row.talk_ms += dice.randint(0, 3000)
                self.touch(agent)
            elif chance < 0.4:
                agent.row.will = dice.choice([Will.AVAILABLE, Will.AWAY])
                self.touch(agent)
            elif chance < 0.5:
                self.occupy(agent)
                self.touch(agent)
            elif chance < 0.55:
                skills = {skill: dice.randint(1, 5) for skill in SKILLS if dice.random() < 0.5}
                agent.config = replace(agent.config, skills=skills)
                self.touch(agent, eager=True)
        if dice.random() < 0.3:
            self.hire()
        for name in list(self.waiting):
            chance = dice.random()
            if chance < 0.1:
                self.matcher.remove(self.waiting.pop(name).visit)
            elif chance < 0.25:
                visit = self.waiting[name].visit
                visit.excluded = frozenset(dice.sample(list(self.agents), 1))
                self.stand(visit)
        for _ in range(dice.randint(0, 6)):
            self.enqueue()

    def walk(self) -> list[Pick]:
        picks = self.matcher.walk(self.now)
        for pick in picks:
            item = pick.visit.item
            del self.waiting[item.id]
            for agent in pick.agents:
                offer = Reservation(
                    self.new_id("r"), item.id, agent.id, 1, item.channel, item.cost, self.now, 0
                )
                agent.offers[offer.id] = offer
                self.touch(agent)
        return picks


def play(seed: int) -> int:
    """The case's decisions, each compared with the naive matcher's."""
    case = Case(seed)
    decisions = 0
    for turn in range(4):
        for _ in range(20):
            expected = match(
                list(case.waiting.values()), case.agents, case.matcher.last_offered, case.now
            )
            found = [
                (pick.visit.item.id, tuple(sorted(agent.id for agent in pick.agents)))
                for pick in case.walk()
            ]
            assert found == expected, (seed, turn)
            decisions += len(found)
            if not found:
                break
        case.disturb()
    return decisions


@pytest.mark.parametrize("hundred", range(10))
def test_no_difference_from_the_naive_matcher(hundred: int) -> None:
    decisions = sum(play(seed) for seed in range(hundred * 100, hundred * 100 + 100))
    assert decisions > 500


def test_the_comparison_notices_a_wrong_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: a matcher that overlooks the load is caught."""
    monkeypatch.setattr("routing.core.roster.BitRoster.layer", lambda self, name: [self.everyone])
    with pytest.raises(AssertionError):
        sum(play(seed) for seed in range(100))


def test_the_comparison_notices_an_overlooked_match(monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: an agent who rings has room for what may interrupt that."""
    walk = Matcher.walk

    def forgetful(self: Matcher, now: int) -> list[Pick]:
        picks = walk(self, now)
        for pick in picks:
            for agent in pick.agents:
                self._eager.pop(agent.id, None)
        return picks

    monkeypatch.setattr(Matcher, "walk", forgetful)
    with pytest.raises(AssertionError):
        sum(play(seed) for seed in range(1000))


def test_the_bulk_way_and_the_merging_way_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("routing.core.matching._MANY", 0)
    assert sum(play(seed) for seed in range(300)) > 1500


def test_random_is_uniform_and_the_same_on_a_replay() -> None:
    counts: dict[str, int] = {}
    for seed in range(2):
        matcher = Matcher(7)
        agents = [
            Agent(
                AgentConfig(f"a{n}", {"s0": 1}),
                AgentRow(f"a{n}", Will.AVAILABLE, present=True, idle_since=n),
            )
            for n in range(5)
        ]
        rings = (Ring((Requirement("s0"),)),)
        policy = DEFAULT_POLICIES[Channel.CHAT]
        chosen = []
        for number in range(2000):
            for agent in agents:
                agent.offers.clear()
                agent.refresh(NOW)
                matcher.touch(agent)
            item = WorkItem(
                f"w{number}", "i", "q", Channel.CHAT, policy.band, 50, 40, 60_000, 25, NOW, NOW
            )
            matcher.add(Visit(item), kind_of(item, policy), rings, StrategyName.RANDOM)
            (pick,) = matcher.walk(NOW)
            chosen.append(pick.agents[0].id)
            offer = Reservation("r", item.id, pick.agents[0].id, 1, Channel.CHAT, 25, NOW, 0)
            pick.agents[0].offers["r"] = offer
            matcher.touch(pick.agents[0])
        if seed == 0:
            first = chosen
        assert chosen == first
        counts = {name: chosen.count(name) for name in set(chosen)}
    # 2,000 draws of 5: mean 400, standard deviation 17.9; five of them leave 310..490.
    assert len(counts) == 5
    assert all(310 < count < 490 for count in counts.values()), counts
