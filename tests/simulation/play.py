"""A centre in which anything may happen: actions drawn by numbers, checked after each step."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import count

from routing.core import inputs as i
from routing.core.decisions import Decision
from routing.core.engine import Engine
from routing.core.items import inherit_place, new_item, transferred, wrap_after
from routing.core.model import (
    DEFAULT_POLICIES,
    SEGMENT_EDGES,
    AgentConfig,
    Band,
    CentreConfig,
    Channel,
    Constants,
    OpenWork,
    Outcome,
    ParkReason,
    QueueConfig,
    Requirement,
    RoutingStep,
    Segment,
    SegmentState,
    SkipIf,
    StrategyName,
    Will,
    WorkItem,
)
from tests.simulation.checker import LIVE, Checker
from tests.simulation.tables import Tables

CHANNELS = tuple(Channel)


def centre(strategy: StrategyName = StrategyName.LONGEST_IDLE) -> CentreConfig:
    """Three small queues with steps, limits and overflow; six agents."""
    limited = dict(DEFAULT_POLICIES)
    limited[Channel.CHAT] = replace(
        limited[Channel.CHAT], max_waiting=2, max_wait_ms=90_000, overflow="B"
    )
    limited[Channel.VOICE] = replace(limited[Channel.VOICE], max_wait_ms=120_000)
    full = dict(DEFAULT_POLICIES)
    full[Channel.CHAT] = replace(full[Channel.CHAT], max_waiting=3, overflow="A")
    queues = (
        QueueConfig(
            "A",
            (Requirement("A"),),
            strategy,
            (
                RoutingStep((Requirement("A", 3),), for_ms=20_000),
                RoutingStep(
                    (Requirement("A", 2),),
                    prefer=(Requirement("de"),),
                    for_ms=15_000,
                    skip_if=SkipIf.NONE_FREE,
                ),
                RoutingStep(),
            ),
            limited,
        ),
        QueueConfig("B", (Requirement("B"),), strategy, (RoutingStep(),), full),
        QueueConfig(
            "C",
            (Requirement("C"),),
            StrategyName.RING_ALL,
            (RoutingStep((Requirement("C", 2),), for_ms=30_000, skip_if=SkipIf.NONE_AVAILABLE),),
        ),
    )
    agents = (
        AgentConfig("ana", {"A": 5, "B": 2, "de": 1}, 125, position=3),
        AgentConfig("ben", {"A": 3, "C": 2}, position=1),
        AgentConfig("cid", {"A": 1, "B": 4, "C": 3}, 125, position=2),
        AgentConfig("dot", {"B": 3, "C": 1, "de": 2}, maxima={Channel.CHAT: 2}),
        AgentConfig("eva", {"A": 2, "B": 1}, maxima={Channel.VOICE: 0}, position=4),
        AgentConfig("fin", {"C": 5}, 125, position=5),
    )
    return CentreConfig(
        {queue.id: queue for queue in queues},
        {agent.id: agent for agent in agents},
        Constants(named=50),
    )


class Ids:
    """Ids in a row, for the router's own rows."""

    def __init__(self, last: int = 0) -> None:
        self.last = last

    def __call__(self) -> str:
        self.last += 1
        return f"router{self.last:06}"


class Play:
    """Keeps an engine and its tables in step. `rebuilt` is a second engine that is thrown
    away and loaded from the tables again and again: it must say the same as the first."""

    def __init__(self, config: CentreConfig, seed: int = 1) -> None:
        self.seed = seed
        self.now = 1_700_000_000_000
        self.tables = Tables(config)
        self.checker = Checker(self.tables)
        self.ids = Ids()
        self.engine = Engine(config, seed, self.ids)
        self.rebuilt: Engine | None = None
        self.names = count(1)
        self.inputs: list[i.Input] = []
        self.log: list[Decision] = []
        self.steps = 0
        self.left: dict[str, tuple[WorkItem, int]] = {}
        self.last: tuple[list[i.Input], list[Decision]] = ([], [])

    def name(self, letter: str) -> str:
        return f"{letter}{next(self.names):06}"

    # Steps

    def take(self, *inputs: i.Input) -> None:
        """Several inputs may come in one step, as long as they are about different things."""
        self.inputs += inputs

    def step(self) -> list[Decision]:
        inputs, self.inputs = self.inputs, []
        decisions = self.engine.step(inputs, self.now)
        self.last = (inputs, decisions)
        self.steps += 1
        if self.rebuilt is not None:
            again = self.rebuilt.step(inputs, self.now)
            assert again == decisions, f"a rebuilt engine says the same: {again}"
        self.checker.step(inputs, decisions, self.now)
        deadline = self.engine.next_deadline()
        assert deadline is None or deadline > self.now, "nothing is left undone"
        self.log += decisions
        return decisions

    def pass_time(self, ms: int) -> None:
        self.now += ms
        self.step()

    def to_deadline(self) -> None:
        deadline = self.engine.next_deadline()
        if deadline is not None:
            self.pass_time(deadline - self.now)

    def rebuild(self) -> None:
        """A second engine that knows the tables only; from now on it goes along."""
        self.rebuilt = self.loaded(Ids(self.ids.last))

    def crash(self) -> None:
        """The engine is gone; another takes over from the tables."""
        self.engine = self.loaded(self.ids)

    def loaded(self, ids: Ids) -> Engine:
        engine = Engine(self.tables.centre(), self.seed, ids)
        engine.load(self.tables.snapshot(), self.now)
        return engine

    # Actions. Each draws from what there is by the number n.

    def arrive(self, n: int) -> None:
        queue = self.tables.queues["ABC"[n % 3]]
        channel = CHANNELS[(n // 3) % 5]
        agents = sorted(self.tables.configs)
        preferred = (agents[(n // 15) % len(agents)],) if (n // 100) % 3 == 0 else ()
        item = new_item(
            queue,
            channel,
            id=self.name("w"),
            interaction=self.name("i"),
            now=self.now,
            virtual_start=self.now - (n // 300) % 3 * 7_000,
            preferred=preferred,
            preferred_ms=10_000 if preferred and (n // 900) % 2 else 0,
            base=(None, 60, 40)[(n // 1800) % 3],
            band=Band.DEFERRED if channel is Channel.CHAT and (n // 13) % 4 == 0 else None,
            due_at=self.now + 1_800_000 + (n // 7) % 9 * 5_000 if (n // 11) % 3 == 0 else None,
        )
        self.take(i.ItemQueued(item))

    def come_back(self, n: int) -> None:
        """A customer who left returns by another channel."""
        if self.left:
            name = sorted(self.left)[n % len(self.left)]
            old, left_at = self.left.pop(name)
            queue = self.tables.queues[old.queue]
            item = new_item(
                queue,
                CHANNELS[n % 5],
                id=self.name("w"),
                interaction=self.name("i"),
                now=self.now,
            )
            self.take(i.ItemQueued(inherit_place(item, old, left_at, 600_000)))

    def leave(self, n: int) -> None:
        names = sorted(self.tables.visits)
        if names:
            name = names[n % len(names)]
            self.left[name] = (self.tables.visits[name].item, self.now)
            outcomes = (Outcome.ABANDONED, Outcome.CANCELLED)
            self.take(i.ItemLeft(name, outcomes[n % 2]))

    def accept(self, n: int) -> None:
        names = sorted(self.tables.offers)
        if names:
            self.take(i.ReservationAccepted(names[n % len(names)], self.name("s"), self.now))

    def reject(self, n: int) -> None:
        names = sorted(self.tables.offers)
        if names:
            self.take(i.ReservationRejected(names[n % len(names)], "busy", self.now))

    def status(self, n: int) -> None:
        agent = self._agent(n)
        will = list(Will)[n // 7 % 4]
        row = self.tables.agents[agent]
        if will is Will.OFFLINE and any(s.agent == agent for s in self.tables.segments.values()):
            will = Will.AWAY
        later = Will.AWAY if n // 28 % 4 == 0 and row.will is will else None
        self.take(i.AgentStatusChanged(agent, will, "r", later, "later" if later else None))

    def ask_status(self, n: int) -> None:
        agents = sorted(self.tables.configs)
        self.take(
            i.StatusRequested(
                self.name("q"),
                self._agent(n),
                list(Will)[n // 7 % 4],
                "asked",
                after_this=n // 28 % 2 == 0,
                confirm=n // 56 % 2 == 0,
                open_work=(None, *OpenWork)[n // 112 % 4],
                snooze_until=self.now + 30_000 if n // 448 % 3 else None,
                hand_over_to=agents[n // 448 % len(agents)],
            )
        )

    def presence(self, n: int) -> None:
        channels = frozenset(Channel) if n // 14 % 3 else frozenset({Channel.CHAT, Channel.EMAIL})
        self.take(i.AgentPresenceChanged(self._agent(n), n // 7 % 3 != 0, channels, self.now))

    def retrain(self, n: int) -> None:
        config = self.tables.configs[self._agent(n)]
        skills = dict(config.skills)
        skill = ("A", "B", "C", "de")[n // 7 % 4]
        level = n // 28 % 6
        if level:
            skills[skill] = level
        else:
            skills.pop(skill, None)
        budget = (100, 125, 60)[n // 168 % 3]
        self.take(i.AgentConfigChanged(replace(config, skills=skills, budget=budget)))

    def reconfigure(self, n: int) -> None:
        queue = self.tables.queues["ABC"[n % 3]]
        steps = (RoutingStep(),) if n // 3 % 2 else centre().queues[queue.id].steps
        strategies = [each for each in StrategyName if each is not StrategyName.RING_ALL]
        strategy = strategies[n // 6 % len(strategies)] if queue.id != "C" else queue.strategy
        self.take(i.QueueConfigChanged(replace(queue, steps=steps, strategy=strategy)))

    def change(self, n: int) -> None:
        """A segment goes where its machine lets it."""
        segment = self._segment(n)
        if segment is None:
            return
        edges = sorted(SEGMENT_EDGES[segment.state])
        to = edges[n // 50 % len(edges)]
        text = segment.channel is not Channel.VOICE
        if to is SegmentState.PARKED and text:
            reason = (ParkReason.WAITING_CUSTOMER, ParkReason.SNOOZED)[n // 350 % 2]
            until = self.now + 40_000 if reason is ParkReason.SNOOZED else None
            self.take(i.SegmentParked(segment.id, reason, until, self.now))
        elif to is SegmentState.WRAPPING:
            self.close(n)
        elif to is SegmentState.ENDED:
            self.take(i.SegmentEnded(segment.id, self.now))
        elif to is not SegmentState.PARKED and (segment.park_reason is not ParkReason.INTERRUPTED):
            self.take(i.SegmentStateChanged(segment.id, to, self.now))

    def close(self, n: int) -> None:
        segment = self._segment(n)
        if segment is not None and SegmentState.WRAPPING in SEGMENT_EDGES[segment.state]:
            queue = self.tables.queues.get(segment.queue or "A")
            assert queue is not None
            wrap = wrap_after(queue.policies[segment.channel], self.now, wanted=n // 50 % 2 == 0)
            if wrap is None:
                self.take(i.SegmentEnded(segment.id, self.now))
            else:
                self.take(i.WrapStarted(segment.id, wrap.until, wrap.blocks, self.now))

    def finish(self, n: int) -> None:
        segment = self._segment(n, SegmentState.WRAPPING)
        if segment is not None:
            if n // 50 % 3 == 0 and not segment.wrap_extended and segment.wrap_deadline:
                self.take(i.WrapExtended(segment.id, segment.wrap_deadline + 60_000))
            else:
                self.take(i.SegmentEnded(segment.id, self.now))

    def customer_writes(self, n: int) -> None:
        segment = self._segment(n)
        if segment is not None and segment.channel is not Channel.VOICE:
            self.take(i.CustomerWrote(segment.id, self.now))

    def agent_writes(self, n: int) -> None:
        segment = self._segment(n)
        if segment is not None and segment.channel is not Channel.VOICE:
            self.take(i.AgentWrote(segment.id, self.now))

    def drop(self, n: int) -> None:
        segment = self._segment(n, *LIVE)
        if segment is not None:
            self.take(i.AgentDropped(segment.id))

    def transfer(self, n: int) -> None:
        """A blind transfer, to another queue or to an agent; the transferor wraps up."""
        segment = self._segment(n, SegmentState.ACTIVE, SegmentState.HELD)
        if segment is None or segment.item is None:
            return
        to_agent = self._agent(n // 50) if n // 400 % 2 else None
        queue = segment.item.queue if to_agent else "ABC"[n // 50 % 3]
        item = transferred(
            segment.item,
            id=self.name("w"),
            now=self.now,
            waited_ms=max(0, segment.started_at - segment.item.virtual_start),
            queue=self.tables.queues[queue],
            constants=self.tables.config.constants,
            to_agent=to_agent,
            from_agent=segment.agent,
        )
        wrap = wrap_after(
            self.tables.queues[segment.item.queue].policies[segment.channel],
            self.now,
            wanted=False,
        )
        if wrap is None:
            self.take(i.SegmentEnded(segment.id, self.now))
        else:
            self.take(i.WrapStarted(segment.id, wrap.until, wrap.blocks, self.now))
        self.take(i.ItemQueued(item))

    def call_from_chat(self, n: int) -> None:
        segment = self._segment(n, SegmentState.ACTIVE)
        if segment is not None and segment.channel is Channel.CHAT and segment.queue:
            item = new_item(
                self.tables.queues[segment.queue],
                Channel.VOICE,
                id=self.name("w"),
                interaction=self.name("i"),
                now=self.now,
                preferred=(segment.agent,),
                preferred_ms=30_000,
                takes_over=segment.id,
            )
            self.take(i.ItemQueued(item))

    def pull(self, n: int) -> None:
        names = [*sorted(self.tables.visits), "nothing"]
        agent = self._agent(n) if n // 350 % 20 else "nobody"
        self.take(i.PullRequested(self.name("q"), agent, names[n // 7 % len(names)]))

    def push(self, n: int) -> None:
        names = [*sorted(self.tables.visits), "nothing"]
        self.take(
            i.PushRequested(
                self.name("q"),
                self._agent(n),
                names[n // 7 % len(names)],
                force=n // 350 % 4 == 0,
            )
        )

    def dial(self, n: int) -> None:
        self.take(
            i.UnitsRequested(
                self.name("q"),
                self._agent(n),
                self.name("i"),
                Channel.VOICE,
                100,
                "ABC"[n // 7 % 3] if n // 21 % 2 else None,
            )
        )

    def midnight(self, _n: int) -> None:
        self.take(i.DayStarted())

    def _agent(self, n: int) -> str:
        agents = sorted(self.tables.configs)
        return agents[n % len(agents)]

    def _segment(self, n: int, *states: SegmentState) -> Segment | None:
        names = sorted(
            name
            for name, segment in self.tables.segments.items()
            if not states or segment.state in states
        )
        return self.tables.segments[names[n % len(names)]] if names else None


ACTIONS: tuple[tuple[int, Callable[[Play, int], None]], ...] = (
    (22, Play.arrive),
    (3, Play.come_back),
    (5, Play.leave),
    (22, Play.accept),
    (5, Play.reject),
    (8, Play.status),
    (3, Play.ask_status),
    (5, Play.presence),
    (1, Play.retrain),
    (1, Play.reconfigure),
    (5, Play.change),
    (8, Play.close),
    (8, Play.finish),
    (5, Play.customer_writes),
    (5, Play.agent_writes),
    (1, Play.drop),
    (4, Play.transfer),
    (2, Play.call_from_chat),
    (4, Play.pull),
    (4, Play.push),
    (1, Play.dial),
    (1, Play.midnight),
)
"""How often each happens in a random run, of 100 or so, and what it does."""


def random_run(
    seed: int,
    actions: int,
    *,
    strategy: StrategyName | None = None,
    crashes: float = 0.1,
) -> Play:
    """So many random actions, the same for the same seed; everything checked on the way."""
    dice, falls = random.Random(seed), random.Random(seed + 1)
    usual = [name for name in StrategyName if name is not StrategyName.RING_ALL]
    play = Play(centre(strategy or dice.choice(usual)), seed)
    for agent in sorted(play.tables.configs):
        play.take(
            i.AgentStatusChanged(agent, Will.AVAILABLE, at=play.now),
            i.AgentPresenceChanged(agent, True, at=play.now),
        )
    play.step()
    weights = [weight for weight, _ in ACTIONS]
    for _ in range(actions):
        ((_, action),) = dice.choices(ACTIONS, weights)
        action(play, dice.randrange(10**6))
        chance = dice.random()
        if chance < 0.5:
            play.pass_time(dice.choice([0, 1, 100, 1_000, 5_000, 15_000]))
        elif chance < 0.6 and not play.inputs:
            play.to_deadline()
        elif chance < 0.62:
            play.pass_time(dice.choice([60_000, 400_000]))
        else:
            play.step()
        if falls.random() < crashes:
            (play.rebuild if falls.random() < 0.7 else play.crash)()
    return play
