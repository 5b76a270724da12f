"""A small centre for table tests: say what happens, see what is decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from routing.core import decisions as d
from routing.core import inputs as i
from routing.core.engine import Engine
from routing.core.items import new_item, wrap_after
from routing.core.model import (
    DEFAULT_POLICIES,
    AgentConfig,
    CentreConfig,
    Channel,
    QueueConfig,
    Requirement,
    RoutingStep,
    Segment,
    SegmentState,
    StrategyName,
    Will,
)

START = 1_700_000_000_000
D = TypeVar("D")


def queue(
    name: str = "SA",
    steps: Sequence[RoutingStep] = (RoutingStep(),),
    strategy: StrategyName = StrategyName.LONGEST_IDLE,
    **policies: Mapping[str, Any],
) -> QueueConfig:
    """`voice={"max_waiting": 2}` changes the channel's default policy."""
    changed = {
        channel: replace(policy, **policies.get(channel.value, {}))
        for channel, policy in DEFAULT_POLICIES.items()
    }
    return QueueConfig(name, (Requirement(name),), strategy, tuple(steps), changed)


def agent(name: str, skills: Mapping[str, int] | None = None, **settings: Any) -> AgentConfig:
    return AgentConfig(name, {"SA": 3} if skills is None else skills, **settings)


class Centre:
    """All agents are signed in, present and available unless `away` names them."""

    def __init__(
        self,
        *configured: QueueConfig | AgentConfig,
        away: Sequence[str] = (),
        seed: int = 1,
    ) -> None:
        queues = [each for each in configured if isinstance(each, QueueConfig)] or [queue()]
        agents = [each for each in configured if isinstance(each, AgentConfig)]
        self.config = CentreConfig(
            {each.id: each for each in queues}, {each.id: each for each in agents}
        )
        self.seed = seed
        self.now = START
        self.numbers = 0
        self.engine = Engine(self.config, seed, self.new_id)
        self.said: list[d.Decision] = []
        for each in agents:
            if each.id not in away:
                self.available(each.id)
                self.now += 1000

    def new_id(self) -> str:
        self.numbers += 1
        return f"r{self.numbers}"

    def send(self, *inputs: i.Input) -> list[d.Decision]:
        self.said = self.engine.step(inputs, self.now)
        return self.said

    def after(self, ms: int, *inputs: i.Input) -> list[d.Decision]:
        self.now += ms
        return self.send(*inputs)

    # What was decided

    def all(self, kind: type[D]) -> list[D]:
        return [each for each in self.said if isinstance(each, kind)]

    def one(self, kind: type[D]) -> D:
        found = self.all(kind)
        assert len(found) == 1, self.said
        return found[0]

    @property
    def offers(self) -> list[tuple[str, str]]:
        """(agent, item) offered by the last step."""
        return [(each.agent, each.work_item) for each in self.all(d.OfferMade)]

    def refusal(self) -> tuple[str, Mapping[str, object]]:
        refused = self.one(d.RequestRefused)
        return refused.code.value, refused.ctx

    # What happens

    def available(self, name: str) -> list[d.Decision]:
        return self.send(
            i.AgentStatusChanged(name, Will.AVAILABLE), i.AgentPresenceChanged(name, True)
        )

    def away(self, name: str, will: Will = Will.AWAY) -> list[d.Decision]:
        return self.send(i.AgentStatusChanged(name, will))

    def silent(self, name: str) -> list[d.Decision]:
        return self.send(i.AgentPresenceChanged(name, False))

    def arrive(
        self, name: str, channel: Channel = Channel.VOICE, to: str = "SA", **changes: Any
    ) -> list[d.Decision]:
        item = new_item(
            self.config.queues[to], channel, id=name, interaction=f"i-{name}", now=self.now
        )
        return self.send(i.ItemQueued(replace(item, **changes)))

    def pending(self, item: str) -> str:
        """The reservation that rings for the item."""
        (offer,) = [each for each in self.engine.snapshot().reservations if each.work_item == item]
        return offer.id

    def accept(self, item: str) -> list[d.Decision]:
        return self.send(i.ReservationAccepted(self.pending(item), f"s-{item}"))

    def reject(self, item: str) -> list[d.Decision]:
        return self.send(i.ReservationRejected(self.pending(item), "busy"))

    def serve(
        self, name: str, channel: Channel = Channel.VOICE, to: str = "SA", **changes: Any
    ) -> str:
        """Arrive, be offered, be accepted; gives the agent."""
        self.arrive(name, channel, to, **changes)
        taker = {item: who for who, item in self.offers}[name]
        self.accept(name)
        return taker

    def close(self, item: str, *, wanted: bool = False) -> list[d.Decision]:
        """The customer's part is over: the wrap-up that its queue asks for, or none."""
        segment = self.segment(item)
        assert segment.queue is not None
        policy = self.config.queues[segment.queue].policies[segment.channel]
        wrap = wrap_after(policy, self.now, wanted=wanted)
        if wrap is None:
            return self.send(i.SegmentEnded(segment.id))
        return self.send(i.WrapStarted(segment.id, wrap.until, wrap.blocks))

    def end(self, item: str) -> list[d.Decision]:
        return self.send(i.SegmentEnded(self.segment(item).id))

    def hold(self, item: str) -> list[d.Decision]:
        return self.send(i.SegmentStateChanged(self.segment(item).id, SegmentState.HELD))

    # What there is

    def segment(self, item: str) -> Segment:
        for each in self.engine.snapshot().segments:
            if each.item is not None and each.item.id == item:
                return each
        raise AssertionError(f"no segment of {item}")

    def load(self, name: str) -> int:
        snapshot = self.engine.snapshot()
        return sum(s.cost for s in snapshot.segments if s.agent == name) + sum(
            o.cost for o in snapshot.reservations if o.agent == name
        )

    def crash(self) -> None:
        """A new engine takes over from the rows."""
        snapshot = self.engine.snapshot()
        self.engine = Engine(self.config, self.seed, self.new_id)
        self.engine.load(snapshot, self.now)
