"""Who gets what: waiting items against agents, without looking at all of either.

Items that the same agents can take and that stand in the same order group form one `Need`.
Inside a need the order is fixed (virtual start, then id: the score grows with the wait, and
equal waits score alike), so only its head can be next. The heads of all needs of a queue
and order group stand in a `Lane`, sorted; lanes differ only by a score that time moves, so a
walk merges a handful of lanes and meets the waiting items in their exact order.

A walk begins where something changed: needs that got a new item, and agents who got room.
Everything else was settled by the walk before: no waiting item has an agent, or it would
not be waiting. A walk ends when none of them is left, and gives each agent one item at most;
an agent with room left comes back with the next walk. The cost of one decision is a few ANDs
of bitmaps (`roster`), whatever the number of idle agents and waiting items.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from heapq import heapify, heappop, heappush, heapreplace
from itertools import count

from routing.core.agent_state import Agent, Status
from routing.core.capacity import Kind, no_room
from routing.core.model import StrategyName, Visit
from routing.core.need import Head, Lane, Need, NeedKey, Option, Pick, Ring
from routing.core.roster import BitRoster
from routing.core.strategies import STRATEGIES, Order, Strategy

_MANY = 32  # from so many changes on, sorting everything is cheaper than merging
_Group = tuple[int, bool, int, int, int]  # band, front, base, boost, target


_TAKING = (Status.FREE, Status.OFFERED)

_Place = tuple[int, int, str, int, Visit, Need]  # rank, virtual start, id, the need's tick
_Entry = tuple[int, int, str, int, Lane | None, Head]  # rank, the head's place, tick, source


class Matcher:
    """Waiting visits and agents. `touch` what changed, then `walk`.

    A picked visit is no longer waiting here; the caller gives its agents their new load and
    touches them.
    """

    def __init__(self, seed: int = 0) -> None:
        self.agents: dict[str, Agent] = {}
        self.last_offered: dict[str, str] = {}
        self._seed = seed
        self._rosters = {Order.IDLE: BitRoster(Order.IDLE)}
        self._kinds: dict[Kind, int] = {}
        self._kind_list: list[Kind] = []
        self._ringing: list[tuple[bool, bool]] = []
        """Of each kind: whether it may take back what rings, and whether it may be taken back."""
        self._needs: dict[NeedKey, Need] = {}
        self._queue_lanes: defaultdict[str, dict[_Group, Lane]] = defaultdict(dict)
        self._agent_lanes: defaultdict[str, dict[_Group, Lane]] = defaultdict(dict)
        self._changed: dict[str, Agent] = {}
        self._eager: dict[str, Agent] = {}
        self._fresh: dict[Need, None] = {}
        self._eager_rooms: dict[tuple[int, int], int] = {}
        self._waiting = 0
        self._gone = 0
        """Visits that big walks took, whose traces are still in needs and lanes."""
        self._walk = 0
        self._ticks = count()

    # Agents

    def touch(self, agent: Agent, *, eager: bool = False) -> None:
        """The agent is new or has changed. `eager`: look for work even without more room."""
        self.agents[agent.id] = agent
        self._changed[agent.id] = agent
        if eager:
            self._eager[agent.id] = agent

    def forget(self, agent: str) -> None:
        self.flush()
        del self.agents[agent]
        self._eager.pop(agent, None)
        for roster in self._rosters.values():
            roster.remove(agent)

    @property
    def roster(self) -> BitRoster:
        """All agents, longest idle first. `flush` brings it up to date."""
        return self._rosters[Order.IDLE]

    # Visits

    def add(
        self, visit: Visit, kind: Kind, rings: tuple[Ring, ...], strategy: StrategyName
    ) -> None:
        """The visit waits. Its rings are the pools of its steps up to the active one."""
        item = visit.item
        group = (item.band, item.front, item.base, item.boost, item.target_ms)
        number = self.number(kind)
        preferred = item.preferred if strategy is StrategyName.PREFERRED_FIRST else ()
        key = (
            item.queue,
            number,
            rings,
            strategy,
            group,
            visit.excluded,
            preferred,
            item.takes_over,
        )
        need = self._needs.get(key)
        if need is None:
            roster = self._roster_for(STRATEGIES[strategy])
            need = Need(key, visit, number, rings, strategy, roster, self._seed)
            need.tick = next(self._ticks)
            need.others = [each for each in self._rosters.values() if each is not roster]
            need.lanes = self._lanes_for(item.queue, rings, group)
            need.plan = tuple((ring, self._skills_of(ring, roster)) for ring in rings)
            self._needs[key] = need
        self._waiting += visit.place is None
        visit.place = need
        heappush(need.waiting, (item.virtual_start, item.id, visit))
        self._head(need)
        self._fresh[need] = None

    @staticmethod
    def _skills_of(ring: Ring, roster: BitRoster) -> tuple[int, ...] | None:
        """The places of a ring's requirements in `skill_bits`; None: it names agents."""
        if ring.agents is not None:
            return None
        return tuple(roster.skill_number(wanted.skill, wanted.min) for wanted in ring.require)

    def remove(self, visit: Visit) -> None:
        """The visit no longer waits; nothing happens if it did not."""
        need = visit.place
        if isinstance(need, Need):
            visit.place = None
            self._waiting -= 1
            self._head(need)

    def pool(self, roster: BitRoster, ring: Ring) -> int:
        """The agents whom a ring admits, with room or without."""
        pool = roster.everyone if ring.agents is None else roster.of(ring.agents)
        for wanted in ring.require:
            pool &= roster.meeting(wanted.skill, wanted.min)
        return pool

    def rivals(self, agent: Agent, now: int, most: int) -> list[Visit]:
        """The next items that the agent could have, at most one of each need."""
        homes = [self._queue_lanes[queue] for queue in agent.queues if queue in self._queue_lanes]
        homes += [self._agent_lanes[agent.id]] if agent.id in self._agent_lanes else []
        found: dict[str, tuple[int, int, str, Visit]] = {}
        for home in homes:
            for lane in home.values():
                place = taken = 0
                while place < len(lane) and taken < most:
                    start, work_item, _, need, visit = lane[place]
                    if visit.place is not need:
                        self._head(need)
                        continue
                    if self._fits(need, agent):
                        found[work_item] = (need.rank(now, start), start, work_item, visit)
                        taken += 1
                    place += 1
        return [visit for _, _, _, visit in sorted(found.values())[:most]]

    def _fits(self, need: Need, agent: Agent) -> bool:
        return (
            bool(agent.rooms >> need.kind & 1)
            and agent.id not in need.excluded
            and any(ring.admits(agent) for ring in need.rings)
        )

    # Matching

    def walk(self, now: int) -> list[Pick]:
        """Match what changed since the last walk, in the order of the waiting items.

        A pick that takes something ringing from its agent ends the walk: what rang waits
        again, perhaps before the rest.
        """
        self.flush()
        fresh = self._fresh
        eager = {name: agent for name, agent in self._eager.items() if self._hopes(agent)}
        self._fresh, self._eager = {}, {}
        if not fresh and not eager:
            return []
        many = self._begin_walk(fresh, eager)
        walk = self._walk
        last: dict[str, Agent] = {}
        picks, new = list[Pick](), tuple.__new__  # half the cost of calling Pick
        for _, _, _, _, visit, need in self._all(now) if many else self._few(fresh, eager, now):
            if need.dead == walk or visit.place is not need:
                continue
            if need.walk != walk:
                self._begin_need(need, None if many or need in fresh else eager)
            roster = need.roster
            free = roster.free
            found = self._best(need, free)
            if not found:
                need.dead = walk
                continue
            if need.in_order:
                position = found.bit_length() - 1
                agents: tuple[Agent, ...] = (roster.agents[position],)
                roster.free = free ^ (1 << position)
                start = None
            else:
                agents, start = self._choose(need, visit, found)
            for other in need.others:
                for agent in agents:
                    other.take(agent.id)
            last[need.queue] = agents[-1]
            picks.append(new(Pick, (visit, agents, need, start)))
            visit.place = None
            if need.yielding:
                self._eager.update((agent.id, agent) for agent in agents)
            if need.superseding and any(agent.offers for agent in agents):
                self._fresh.update(fresh)
                self._eager.update(eager)
                break
        self.last_offered.update((queue, agent.id) for queue, agent in last.items())
        self._waiting -= len(picks)
        self._gone += len(picks) if many else 0
        return picks

    def _begin_walk(self, fresh: Mapping[Need, None], eager: Mapping[str, Agent]) -> bool:
        """Nobody is taken yet. True if so much changed that everything is to be sorted."""
        if 2 * self._gone > self._waiting:
            self._sweep()
        self._walk += 1
        self._eager_rooms.clear()
        for roster in self._rosters.values():
            roster.free = roster.everyone
        return len(fresh) > _MANY or len(eager) > _MANY

    def _begin_need(self, need: Need, eager: Mapping[str, Agent] | None) -> None:
        """Who has room for it in this walk; of a need that is not fresh, only the eager."""
        need.walk = self._walk
        need.superseding, need.yielding = self._ringing[need.kind]
        need.layers = need.roster.layer(need.plugin.lowest) if need.plugin.lowest else ()
        need.room = need.roster.room(need.kind)
        if eager is not None:
            key = id(need.roster), need.kind
            limited = self._eager_rooms.get(key)
            if limited is None:
                limited = self._eager_rooms[key] = need.room & need.roster.of(eager)
            need.room = limited

    def _best(self, need: Need, free: int) -> int:
        """The best layer of the first ring that has somebody; 0: there is nobody. Nothing of
        it is kept from item to item: the bitmaps that all needs share stay in the processor's
        cache, one of each need's own would not."""
        roster = need.roster
        skill_bits = roster.skill_bits
        room = need.room & free
        for ring, skills in need.plan:
            if skills is None:
                bits = self._named(need, ring) & free
            else:
                bits = room
                for skill in skills:
                    bits &= skill_bits[skill]
            if need.excluded:
                bits &= ~roster.of(need.excluded)
            if bits:
                if ring.prefer:
                    bits = self._wished(ring, roster, bits) or bits
                for layer in need.layers:
                    found = bits & layer
                    if found:
                        return found
                need.draw.require = ring.scored
                return need.plugin.best(bits, roster, need.draw)
        return 0

    @staticmethod
    def _wished(ring: Ring, roster: BitRoster, bits: int) -> int:
        """Those who meet the ring's wishes too."""
        if not ring.prefer:
            return 0
        for wish in ring.prefer:
            bits &= roster.meeting(wish.skill, wish.min)
        return bits

    def _choose(self, need: Need, visit: Visit, found: int) -> tuple[tuple[Agent, ...], int | None]:
        """Who of the best layer gets it, and where the turns began. They leave the walk."""
        roster, draw = need.roster, need.draw
        draw.item = visit.item
        draw.round = visit.round
        draw.refusals = len(visit.excluded)
        draw.last_offered = self.last_offered.get(need.queue)
        draw.start = None
        if need.strategy is StrategyName.RING_ALL:
            agents = self._everybody(need)
        else:
            agents = (roster.agents[need.plugin.first(found, roster, draw)],)
        for agent in agents:
            roster.take(agent.id)
        self.last_offered[need.queue] = agents[-1].id
        return agents, draw.start

    def _everybody(self, need: Need) -> tuple[Agent, ...]:
        """All who could have it, ring by ring, the longest idle first in each layer."""
        agents: dict[str, Agent] = {}
        for option in self.options(need, need.room):
            rest = option.layer & need.roster.free
            while rest:
                position = rest.bit_length() - 1
                rest ^= 1 << position
                agent = need.roster.agents[position]
                agents.setdefault(agent.id, agent)
        return tuple(agents.values())

    def _few(
        self, fresh: Mapping[Need, None], eager: Mapping[str, Agent], now: int
    ) -> Iterator[_Place]:
        """The items of the fresh needs and of the eager agents' lanes, in order, by merging.

        Ends when no fresh need is undecided and every eager agent has something. What was
        picked must be removed before the next is asked for.
        """
        heap = self._starts(fresh, eager.values(), now)
        undecided = sum(entry[4] is None for entry in heap)
        idle = self.roster
        hoping = idle.of(eager)
        while heap and (undecided or hoping & idle.free):
            rank, start, work_item, _, lane, head = heap[0]
            need, visit = head[3:]
            if self._head(need) is head and need.dead != self._walk:
                yield rank, start, work_item, need.tick, visit, need
            self._head(need)
            if lane is not None:
                following = self._next(lane, head)
            else:
                following = need.head if need.dead != self._walk else None
            if following is None:
                heappop(heap)
                undecided -= lane is None
            else:
                heapreplace(heap, self._entry(following, lane, now))

    def _all(self, now: int) -> list[_Place]:
        """Every waiting item, in order; some that no longer wait may be among them."""
        places = []
        for need in self._needs.values():
            prefix, boost, target, tick = need.prefix, need.boost, need.target_ms, need.tick
            for start, work_item, visit in need.waiting:
                waited = now - start
                if waited >= target:
                    rank = prefix - boost
                else:
                    rank = prefix - boost * waited // target if waited > 0 else prefix
                places.append((rank, start, work_item, tick, visit, need))
        places.sort()
        return places

    def flush(self) -> None:
        """Bring rooms and bitmaps up to date with the agents touched."""
        if not self._changed:
            return
        changed = list(self._changed.values())
        self._changed.clear()
        for agent in changed:
            rooms = self._rooms(agent)
            if rooms & ~agent.rooms or agent.id in self._agent_lanes:
                self._eager[agent.id] = agent
            agent.rooms = rooms
        for roster in self._rosters.values():
            roster.update(changed)

    def _hopes(self, agent: Agent) -> bool:
        """Whether a walk may find something for the agent: a call in an own chat fits even
        where there is no room."""
        named = agent.id in self._agent_lanes
        return bool(agent.rooms) or (named and agent.status in _TAKING)

    def _rooms(self, agent: Agent) -> int:
        """Bit k: the agent has room for kind k."""
        if agent.status not in _TAKING:
            return 0
        rooms = 0
        for kind, number in self._kinds.items():
            if agent.offers and not kind.interrupts:
                continue
            if no_room(agent, kind) is None:
                rooms |= 1 << number
        return rooms

    def number(self, kind: Kind) -> int:
        """The kind's bit in `Agent.rooms`; a new kind has every agent's room measured."""
        number = self._kinds.get(kind)
        if number is None:
            number = self._kinds[kind] = len(self._kind_list)
            kinds = self._kind_list
            kinds.append(kind)
            self._ringing = [
                (bool(each.interrupts), any(each.channel in other.interrupts for other in kinds))
                for each in kinds
            ]
            self._changed.update(self.agents)
        return number

    def _roster_for(self, strategy: Strategy) -> BitRoster:
        self.flush()
        roster = self._rosters.get(strategy.order)
        if roster is None:
            roster = self._rosters[strategy.order] = BitRoster(strategy.order)
            roster.update(list(self.agents.values()))
            for need in self._needs.values():
                need.others.append(roster)
        roster.use(strategy.layers)
        return roster

    def _lanes_for(self, queue: str, rings: tuple[Ring, ...], group: _Group) -> list[Lane]:
        """A need is found by its queue's members, and by the agents that a ring names."""
        named = dict.fromkeys(agent for ring in rings for agent in ring.agents or ())
        homes = [self._agent_lanes[agent] for agent in named]
        if any(ring.agents is None for ring in rings):
            homes.append(self._queue_lanes[queue])
        return [home.setdefault(group, []) for home in homes]

    def _head(self, need: Need) -> Head | None:
        """The need's first item that still waits; its lanes learn of a new one."""
        waiting, old = need.waiting, need.head
        while waiting and waiting[0][2].place is not need:
            heappop(waiting)
        if waiting and old is not None and old[1] == waiting[0][1]:
            return old
        if not waiting:
            need.head = None
            self._needs.pop(need.key, None)
        else:
            need.head = (*waiting[0][:2], next(self._ticks), need, waiting[0][2])
        for lane in need.lanes:
            if old is not None:
                del lane[bisect_left(lane, old)]
            if need.head is not None:
                insort(lane, need.head)
        return need.head

    def _next(self, lane: Lane, after: Head | None) -> Head | None:
        """The lane's next standing head."""
        place = 0 if after is None else bisect_right(lane, after)
        while place < len(lane):
            head = lane[place]
            if head[4].place is not head[3]:
                self._head(head[3])  # gone: a later one of its need comes in further on
            elif head[3].dead == self._walk:
                place += 1
            else:
                return head
        return None

    def _sweep(self) -> None:
        """Drop what is left of visits that are gone."""
        self._gone = 0
        for home in (*self._queue_lanes.values(), *self._agent_lanes.values()):
            for lane in home.values():
                lane.clear()
        for need in list(self._needs.values()):
            need.waiting = [entry for entry in need.waiting if entry[2].place is need]
            heapify(need.waiting)
            need.head = None
            self._head(need)

    def _starts(self, fresh: Iterable[Need], eager: Iterable[Agent], now: int) -> list[_Entry]:
        """Where the walk begins: the fresh needs, and the lanes of the eager agents."""
        heads = [self._head(need) for need in fresh]
        heap = [self._entry(head, None, now) for head in heads if head is not None]
        queues: dict[str, None] = {}
        homes = []
        for agent in eager:
            queues.update(dict.fromkeys(agent.queues))
            if agent.id in self._agent_lanes:
                homes.append(self._agent_lanes[agent.id])
        homes += [self._queue_lanes[queue] for queue in queues if queue in self._queue_lanes]
        for home in homes:
            for lane in home.values():
                head = self._next(lane, None)
                if head is not None:
                    heap.append(self._entry(head, lane, now))
        heapify(heap)
        return heap

    def _entry(self, head: Head, lane: Lane | None, now: int) -> _Entry:
        start, work_item, _, need, _ = head
        return (need.rank(now, start), start, work_item, next(self._ticks), lane, head)

    def options(self, need: Need, room: int) -> Iterator[Option]:
        """All with this room who meet the need's rings, layer by layer, best first."""
        roster, draw = need.roster, need.draw
        excluded = roster.of(need.excluded)
        for number, ring in enumerate(need.rings):
            named = ring.agents is not None
            bits = self._named(need, ring) if named else room & self.pool(roster, ring)
            bits &= ~excluded
            draw.require = ring.scored
            wished = self._wished(ring, roster, bits)
            for preferred, rest in ((True, wished), (False, bits ^ wished)):
                while rest:
                    layer = need.plugin.best(rest, roster, draw)
                    yield Option(number, preferred, layer)
                    rest ^= layer

    def _named(self, need: Need, ring: Ring) -> int:
        """Those of a ring's named agents who can take the item, a call in a chat included."""
        takes_over = need.draw.item.takes_over
        bits = 0
        for name in ring.agents or ():
            agent = self.agents.get(name)
            if agent is None or (ring.require and not ring.admits(agent)):
                continue
            if takes_over is not None and takes_over in agent.segments:
                takes = agent.status in _TAKING
                fits = takes and no_room(agent, self._kind_list[need.kind], takes_over) is None
            else:
                fits = bool(agent.rooms >> need.kind & 1)
            if fits:
                bits |= 1 << need.roster.positions[name]
        return bits
