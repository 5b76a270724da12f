"""The agents in one order, as big-integer bitmaps.

Bit p of every bitmap stands for the agent at position p, so "who has German ≥ 3, room for a
chat and no load" is two ANDs. Whoever comes first in the order stands at the highest
position, because the highest bit of a Python integer is known at once: "who of them has been
idle longest" costs nothing.

In the idle order an agent who becomes idle again takes the next position below all others
and leaves a dead one. When the positions are used up all agents are dealt out anew. Dead
positions are in no bitmap but those of skills, which are always combined with another.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from routing.core.agent_state import Agent, Status
from routing.core.model import AgentConfig, AgentRow
from routing.core.strategies import LAYERS, Order

_Facts = tuple[int, ...]
_BitmapKey = tuple[str, int]


NOBODY = Agent(AgentConfig(""), AgentRow(""))


def bitmap(positions: Sequence[int]) -> int:
    """The bitmap with these bits set."""
    if len(positions) < 16:
        bits = 0
        for position in positions:
            bits |= 1 << position
        return bits
    array = bytearray((max(positions) >> 3) + 1)
    for position in positions:
        array[position >> 3] |= 1 << (position & 7)
    return int.from_bytes(array, "little")


class BitRoster:
    """`free` are the agents whom the present walk has not given anything yet."""

    def __init__(self, order: Order) -> None:
        self._idle_order = order is Order.IDLE
        self._layers: tuple[str, ...] = ()
        self.agents: list[Agent] = []
        """By position; `NOBODY` where it is dead or not yet given."""
        self._below = 0
        """Positions from here on are given or dead."""
        self.positions: dict[str, int] = {}
        self._keys: dict[str, tuple[int, str]] = {}
        self._facts: dict[str, _Facts] = {}
        self._skills: dict[str, Mapping[str, int]] = {}
        self._holders: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self._bits: dict[_BitmapKey, int] = {}
        self._values: dict[str, list[int]] = {}
        self._by_value: dict[str, list[int]] = {}
        self.skill_bits: list[int] = []
        """Who has at least a level of a skill; `skill_number` tells which."""
        self._skill_numbers: dict[tuple[str, int], int] = {}
        self._minima: dict[str, list[int]] = {}
        self._levels: dict[str, list[int]] = {}
        self.everyone = 0
        self.free = 0

    # What strategies and the matcher read.

    @property
    def width(self) -> int:
        return len(self.agents)

    def of(self, agents: Iterable[str]) -> int:
        positions = self.positions
        return bitmap([positions[agent] for agent in agents if agent in positions])

    def take(self, agent: str) -> None:
        """The agent is out of the present walk."""
        self.free ^= 1 << self.positions[agent]

    def room(self, kind: int) -> int:
        """Agents with room for the matcher's kind."""
        return self._bits.get(("room", kind), 0)

    def in_status(self, status: Status) -> int:
        return self._bits.get(("status", status), 0)

    def layer(self, name: str) -> Sequence[int]:
        found = self._by_value.get(name)
        if found is None:
            bits = self._bits
            found = [bits[name, value] for value in self._values.get(name, ())]
            self._by_value[name] = found
        return found

    def skill_number(self, skill: str, level: int) -> int:
        """The place in `skill_bits` of those with at least this level."""
        number = self._skill_numbers.get((skill, level))
        if number is None:
            number = self._skill_numbers[skill, level] = len(self.skill_bits)
            self.skill_bits.append(self._holding(skill, level))
            self._minima.setdefault(skill, []).append(level)
        return number

    def meeting(self, skill: str, level: int) -> int:
        return self.skill_bits[self.skill_number(skill, level)]

    def _holding(self, skill: str, level: int) -> int:
        positions = self.positions
        holders = self._holders.get(skill, {})
        return bitmap([positions[agent] for agent, has in holders.items() if has >= level])

    def levels(self, skill: str) -> Sequence[int]:
        levels = self._levels.get(skill)
        if levels is None:
            levels = sorted(set(self._holders.get(skill, {}).values()), reverse=True)
            self._levels[skill] = levels
        return levels

    # Keeping it.

    def use(self, layers: Iterable[str]) -> None:
        """Keep bitmaps of these numbers too."""
        wanted = tuple(sorted({*self._layers, *layers}))
        if wanted != self._layers:
            self._layers = wanted
            self._deal_out(self._living())

    def update(self, changed: Sequence[Agent]) -> None:
        """Bring the bitmaps up to date with agents that are new or have changed."""
        flips: defaultdict[_BitmapKey, list[int]] = defaultdict(list)
        skill_flips: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
        moving = [agent for agent in changed if self._keys.get(agent.id) != self._key(agent)]
        moved = self._move(moving, flips) if moving else {}
        for agent in (moved | {agent.id: agent for agent in changed}).values():
            position = self.positions[agent.id]
            new, old = self._facts_of(agent), self._facts.get(agent.id)
            if new != old:
                self._flip(flips, position, old, new)
                self._facts[agent.id] = new
            if agent.id in moved or self._skills[agent.id] is not agent.config.skills:
                self._flip_skills(skill_flips, position, agent, moved=agent.id in moved)
        self._apply(flips)
        for key, positions in skill_flips.items():
            self.skill_bits[self._skill_numbers[key]] ^= bitmap(positions)

    def remove(self, agent: str) -> None:
        """Forget an agent."""
        position = self.positions.pop(agent)
        flips: defaultdict[_BitmapKey, list[int]] = defaultdict(list)
        self._flip(flips, position, self._facts.pop(agent), None)
        self._apply(flips)
        self.agents[position] = NOBODY
        self.everyone ^= 1 << position
        for skill in self._skills.pop(agent):
            del self._holders[skill][agent]
        del self._keys[agent]
        self._levels.clear()

    def _key(self, agent: Agent) -> tuple[int, str]:
        if self._idle_order:
            return agent.row.idle_since, agent.id
        return agent.config.position, agent.id

    def _facts_of(self, agent: Agent) -> _Facts:
        return (agent.rooms, agent.status, *[LAYERS[layer](agent) for layer in self._layers])

    def _living(self) -> list[Agent]:
        return [agent for agent in self.agents if agent is not NOBODY]

    def _deal_out(self, agents: list[Agent]) -> None:
        """Give everybody a new position, with half as many again left below."""
        agents.sort(key=self._key, reverse=True)
        self._below = len(agents) // 2 + 64
        self.agents = [NOBODY] * self._below + agents
        self.positions = {agent.id: n for n, agent in enumerate(agents, self._below)}
        self._keys = {agent.id: self._key(agent) for agent in agents}
        self._skills = {agent.id: agent.config.skills for agent in agents}
        self._holders.clear()
        for agent in agents:
            for skill, level in agent.config.skills.items():
                self._holders[skill][agent.id] = level
        self._facts = {}
        self._bits.clear()
        self._values.clear()
        self._levels.clear()
        self.everyone = ((1 << len(agents)) - 1) << self._below
        flips: defaultdict[_BitmapKey, list[int]] = defaultdict(list)
        for position, agent in enumerate(agents, self._below):
            facts = self._facts[agent.id] = self._facts_of(agent)
            self._flip(flips, position, None, facts)
        self._apply(flips)
        for (skill, level), number in self._skill_numbers.items():
            self.skill_bits[number] = self._holding(skill, level)

    def _move(
        self, moved: list[Agent], flips: defaultdict[_BitmapKey, list[int]]
    ) -> dict[str, Agent]:
        """New positions for agents whose key changed, and for the few that sort after them;
        gives back all of these, without facts or skills yet."""
        going = {agent.id: agent for agent in moved}
        first = min(self._key(agent) for agent in moved)
        for agent in self.agents[self._below :]:
            if agent is not NOBODY and agent.id not in going:
                if self._keys[agent.id] < first:
                    break
                going[agent.id] = agent
        if len(going) > self._below or not self._idle_order:
            everybody = {agent.id: agent for agent in self._living()} | going
            self._deal_out(list(everybody.values()))
            return {}
        dead = []
        for agent in sorted(going.values(), key=self._key):
            old = self.positions.get(agent.id)
            if old is not None:
                self._flip(flips, old, self._facts.pop(agent.id), None)
                self.agents[old] = NOBODY
                dead.append(old)
            self._below -= 1
            self.positions[agent.id] = self._below
            self.agents[self._below] = agent
            self._keys[agent.id] = self._key(agent)
        given = ((1 << len(going)) - 1) << self._below
        self.everyone ^= bitmap(dead) | given
        return going

    def _flip(
        self,
        flips: defaultdict[_BitmapKey, list[int]],
        position: int,
        old: _Facts | None,
        new: _Facts | None,
    ) -> None:
        """Note which bitmaps change at this position; None: the agent is in none of them."""
        rooms = (old[0] if old else 0) ^ (new[0] if new else 0)
        while rooms:
            kind = rooms & -rooms
            flips["room", kind.bit_length() - 1].append(position)
            rooms ^= kind
        for number, layer in enumerate(("status", *self._layers), 1):
            before = None if old is None else old[number]
            after = None if new is None else new[number]
            if before != after:
                if before is not None:
                    flips[layer, before].append(position)
                if after is not None:
                    flips[layer, after].append(position)

    def _flip_skills(
        self,
        flips: defaultdict[tuple[str, int], list[int]],
        position: int,
        agent: Agent,
        *,
        moved: bool,
    ) -> None:
        """Note which skill bitmaps change at the position of a moved or retrained agent."""
        old, new = self._skills.get(agent.id, {}), agent.config.skills
        for skill in {*old, *new}:
            if skill in new:
                self._holders[skill][agent.id] = new[skill]
            else:
                del self._holders[skill][agent.id]
            for level in self._minima.get(skill, ()):
                had = not moved and old.get(skill, 0) >= level
                if had != (new.get(skill, 0) >= level):
                    flips[skill, level].append(position)
        self._skills[agent.id] = new
        self._levels.clear()

    def _apply(self, flips: Mapping[_BitmapKey, Sequence[int]]) -> None:
        self._by_value.clear()
        for key, positions in flips.items():
            before = self._bits.get(key, 0)
            after = before ^ bitmap(positions)
            if after:
                self._bits[key] = after
            else:
                self._bits.pop(key, None)
            layer, value = key
            if layer in LAYERS and (not before) != (not after):
                values = self._values.setdefault(layer, [])
                place = bisect_left(values, value)
                if after:
                    values.insert(place, value)
                else:
                    del values[place]
