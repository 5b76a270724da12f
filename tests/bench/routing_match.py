"""Matching 10,000 agents with 10,000 waiting items: the code that the engine runs.

One walk of `routing.core.matching` decides each of the 10,000 items: an agent, or nobody. The
work: five levels of 32 skills, four channels of different cost, five bases, a third of the
agents with chats already open, a fifth of the items with a preferred agent. `match` has 200
kinds of agents and 100 kinds of needs, `match_adversarial` 10,000 different agents and as
many needs. The baseline looks at all agents for each of the first items; its choices must be
the same.
"""

from __future__ import annotations

import gc
import random
import time
from dataclasses import dataclass

from routing.core.agent_state import Agent
from routing.core.capacity import Kind, kind_of
from routing.core.matching import Matcher
from routing.core.model import (
    DEFAULT_POLICIES,
    AgentConfig,
    AgentRow,
    Channel,
    Requirement,
    Segment,
    StrategyName,
    Visit,
    Will,
    WorkItem,
)
from routing.core.need import Ring
from tests.bench._report import Baseline, report
from tests.simulation import oracle
from tests.simulation.test_matching import play

AREA = "routing"
SIZE = 10_000
SKILLS = 32
NOW = 1_000_000
RUNS = 15
COMPARED = 40
CASES = 1_000


@dataclass(frozen=True, slots=True)
class Scene:
    agents: list[Agent]
    items: list[tuple[Visit, Kind, tuple[Ring, ...]]]


def scene(seed: int, *, profiles: int | None, needs: int | None) -> Scene:
    """None: every agent, or every need, is its own kind."""
    dice = random.Random(seed)

    def profile() -> dict[str, int]:
        skills = dice.sample(range(SKILLS), dice.randint(4, 12))
        return {f"s{skill}": dice.randint(1, 5) for skill in skills}

    def ring() -> Ring:
        skills = dice.sample(range(SKILLS), dice.randint(1, 3))
        return Ring(tuple(Requirement(f"s{skill}", dice.randint(1, 4)) for skill in skills))

    kinds_of_agents = [profile() for _ in range(profiles or 0)]
    kinds_of_needs = [(ring(),) for _ in range(needs or 0)]
    idle = dice.sample(range(SIZE), SIZE)
    agents = []
    for number in range(SIZE):
        skills = dice.choice(kinds_of_agents) if kinds_of_agents else profile()
        config = AgentConfig(f"a{number:05}", skills)
        row = AgentRow(config.id, Will.AVAILABLE, present=True, idle_since=idle[number])
        agent = Agent(config, row)
        agent.queues = ("q",)
        for chat in range(dice.choice([0, 0, 0, 0, 1, 2])):
            name = f"c{number}-{chat}"
            agent.segments[name] = Segment(name, "i", config.id, Channel.CHAT, "q", 25, 0, 0, 25)
        agents.append(agent)
    items: list[tuple[Visit, Kind, tuple[Ring, ...]]] = []
    channels = [Channel.VOICE, Channel.CHAT, Channel.WHATSAPP, Channel.EMAIL]
    for number in range(SIZE):
        channel = dice.choices(channels, [3, 3, 2, 2])[0]
        policy = DEFAULT_POLICIES[channel]
        item = WorkItem(
            id=f"w{number:05}",
            interaction=f"i{number}",
            queue="q",
            channel=channel,
            band=policy.band,
            base=dice.choice([40, 50, 60, 70, 80]),
            boost=policy.boost,
            target_ms=policy.target_ms,
            cost=policy.cost,
            virtual_start=NOW - dice.randrange(NOW),
            entered_at=NOW,
        )
        rings: tuple[Ring, ...] = dice.choice(kinds_of_needs) if kinds_of_needs else (ring(),)
        if dice.random() < 0.2:
            rings = (Ring(agents=(f"a{dice.randrange(SIZE):05}",)), *rings)
        items.append((Visit(item), kind_of(item, policy), rings))
    return Scene(agents, items)


def loaded(given: Scene) -> Matcher:
    matcher = Matcher()
    for agent in given.agents:
        agent.rooms = 0
        agent.refresh(NOW)
        matcher.touch(agent)
    for visit, kind, rings in given.items:
        visit.place = None
        matcher.add(visit, kind, rings, StrategyName.LONGEST_IDLE)
    matcher.flush()
    return matcher


def measure(given: Scene) -> tuple[list[float], list[tuple[str, str]]]:
    """Items decided per CPU second in each run, and the choices."""
    runs, choices = [], list[tuple[str, str]]()
    for _ in range(RUNS):
        matcher = loaded(given)
        gc.collect()
        gc.freeze()  # as a router that has loaded its tables does
        start = time.process_time()
        picks = matcher.walk(NOW)
        runs.append(SIZE / (time.process_time() - start))
        gc.unfreeze()
        choices = [(pick.visit.item.id, pick.agents[0].id) for pick in picks]
    return runs, choices


def naive(given: Scene, choices: list[tuple[str, str]]) -> list[float]:
    """Items per CPU second when every agent is looked at for each of the first few."""
    waiting = [
        oracle.Waiting(visit, kind, rings, StrategyName.LONGEST_IDLE)
        for visit, kind, rings in given.items
    ]
    waiting.sort(key=lambda each: each.visit.item.order_key(NOW))
    agents = {agent.id: agent for agent in given.agents}
    runs = []
    for _ in range(3):
        start = time.process_time()
        found = oracle.match(waiting[:COMPARED], agents, {}, NOW)
        runs.append(COMPARED / (time.process_time() - start))
    assert [(item, *who) for item, who in found] == choices[: len(found)], "the choices differ"
    return runs


def main() -> None:
    plain = scene(1, profiles=200, needs=100)
    runs, choices = measure(plain)
    baseline = Baseline("every agent looked at for each item", naive(plain, choices))
    report("routing.match", runs, "decisions/s", "higher", baseline)
    strange = scene(1, profiles=None, needs=None)
    hard, choices = measure(strange)
    naive(strange, choices)
    report(
        "routing.match_adversarial", hard, "decisions/s", "higher", Baseline("routing.match", runs)
    )
    differences = 0
    for seed in range(CASES):
        try:
            play(seed)
        except AssertionError:
            differences += 1
    report("routing.match_differences", [differences], "of 1000 cases", "lower")
