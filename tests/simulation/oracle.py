"""A naive matcher to compare with: every waiting item against every agent, nothing remembered.

Written from the rules, not from the code: it looks at all agents for each item, and at all
items each time. It shares only the words of `routing.core.model` with what it checks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from routing.core.agent_state import Agent, Status
from routing.core.capacity import Kind, no_room
from routing.core.model import StrategyName, Visit
from routing.core.need import Ring


@dataclass(frozen=True, slots=True)
class Waiting:
    visit: Visit
    kind: Kind
    rings: tuple[Ring, ...]
    strategy: StrategyName


def able(agent: Agent, waiting: Waiting) -> bool:
    """Whether the agent may be offered the item at all."""
    if agent.status not in (Status.FREE, Status.OFFERED):
        return False
    if agent.id in waiting.visit.excluded:
        return False
    return no_room(agent, waiting.kind) is None


def ring_of(agent: Agent, waiting: Waiting) -> tuple[int, int] | None:
    """The first ring that admits the agent, and 0 if its wishes are met, else 1."""
    skills = agent.config.skills
    for number, ring in enumerate(waiting.rings):
        if ring.agents is not None and agent.id not in ring.agents:
            continue
        if all(skills.get(need.skill, 0) >= need.min for need in ring.require):
            wished = all(skills.get(need.skill, 0) >= need.min for need in ring.prefer)
            return number, 0 if wished else 1
    return None


def key(
    agent: Agent, waiting: Waiting, order: Sequence[Agent], last: str | None
) -> tuple[int | str, ...]:
    """The strategy's order key, as its table in the documentation says it."""
    item, row = waiting.visit.item, agent.row
    idle = (agent.load, row.idle_since, agent.id)
    fixed = (agent.config.position, agent.id)
    ring = ring_of(agent, waiting)
    assert ring is not None
    match waiting.strategy:
        case StrategyName.LONGEST_IDLE | StrategyName.RING_ALL:
            return idle
        case StrategyName.LEAST_OCCUPIED:
            return (agent.open_items, row.idle_since, agent.id)
        case StrategyName.FEWEST_CALLS:
            return (row.calls, *fixed)
        case StrategyName.LEAST_TALK:
            return (row.talk_ms // 1000, *fixed)
        case StrategyName.LINEAR:
            return fixed
        case StrategyName.PREFERRED_FIRST:
            return (agent.id not in item.preferred, *idle)
        case StrategyName.BEST_SKILL:
            better = 0
            for need in waiting.rings[ring[0]].scored:
                level = agent.config.skills.get(need.skill, 0)
                better += need.weight * max(0, level - need.min)
            return (-better, *idle)
        case StrategyName.ROUND_ROBIN:
            ids = [each.id for each in order]
            after = ids.index(last) + 1 if last in ids else 0
            return ((ids.index(agent.id) - after) % len(ids),)
        case _:
            raise AssertionError(waiting.strategy)


def match(
    waiting: Sequence[Waiting],
    agents: Mapping[str, Agent],
    last_offered: Mapping[str, str],
    now: int,
) -> list[tuple[str, tuple[str, ...]]]:
    """Item → agents by id, in the order of the items; each agent gets one at most."""
    last = dict(last_offered)
    order = sorted(agents.values(), key=lambda agent: (agent.config.position, agent.id))
    taken: set[str] = set()
    found = []
    for each in sorted(waiting, key=lambda w: w.visit.item.order_key(now)):
        candidates = []
        for agent in agents.values():
            ring = ring_of(agent, each)
            if agent.id not in taken and ring is not None and able(agent, each):
                rank = key(agent, each, order, last.get(each.visit.item.queue))
                candidates.append((ring, rank, agent.id))
        if not candidates:
            continue
        candidates.sort()
        if each.strategy is StrategyName.RING_ALL:
            winners = tuple(agent for _, _, agent in candidates)
        else:
            winners = (candidates[0][2],)
        taken.update(winners)
        last[each.visit.item.queue] = winners[-1]
        found.append((each.visit.item.id, tuple(sorted(winners))))
        if any(agents[name].offers for name in winners):
            break  # what rang there waits again, perhaps before the rest
    return found
