"""A walk with many picks is explained briefly, and says the same."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from routing.core import explaining
from routing.core.decisions import OfferMade
from routing.core.engine import Engine
from routing.core.explanation import Explanation, Removed
from routing.core.inputs import ItemQueued, ReservationRejected
from routing.core.items import new_item
from routing.core.model import (
    AgentConfig,
    AgentRow,
    CentreConfig,
    Channel,
    QueueConfig,
    Requirement,
    RouterSnapshot,
    RoutingStep,
    StrategyName,
    Will,
)

NOW = 1_763_891_400_000
STRATEGIES = list(StrategyName)


def flood(strategy: StrategyName) -> list[Explanation]:
    """Sixty agents of several skills and loads; ninety customers in three queues at once."""
    ids = (f"{n:08}" for n in itertools.count())
    queues = {
        "SA": QueueConfig("SA", (Requirement("SA"),), strategy),
        "SH": QueueConfig(
            "SH",
            (Requirement("SH"),),
            strategy,
            (
                RoutingStep((Requirement("SH", 4),), (Requirement("CA"),), None, 30_000),
                RoutingStep(),
            ),
        ),
        "CO": QueueConfig("CO", (Requirement("CO", 2),), strategy),
    }
    agents = {
        f"a{n:02}": AgentConfig(
            f"a{n:02}",
            {
                "SA": 1 + n % 5,
                **({"SH": 1 + n % 5} if n % 3 else {}),
                **({"CO": n % 6} if n % 6 else {}),
                **({"CA": 3} if n % 7 == 0 else {}),
            },
            position=n % 11,
        )
        for n in range(60)
    }
    rows = tuple(
        AgentRow(
            agent,
            will=Will.AWAY if n % 13 == 0 else Will.AVAILABLE,
            present=n % 17 != 0,
            idle_since=NOW - (n * 7919) % 100_000,
            calls=n % 4,
            talk_ms=(n % 9) * 60_000,
        )
        for n, agent in enumerate(agents)
    )
    engine = Engine(CentreConfig(queues, agents), 7, lambda: next(ids))
    engine.load(RouterSnapshot(agents=rows), NOW)
    items = [
        new_item(
            queues[("SA", "SH", "CO")[n % 3]],
            (Channel.CHAT, Channel.VOICE)[n % 2],
            id=f"w{n:02}",
            interaction=f"i{n:02}",
            now=NOW - 90 + n,
        )
        for n in range(90)
    ]
    first = engine.step([ItemQueued(item) for item in items], NOW)
    offers = [decision for decision in first if isinstance(decision, OfferMade)]
    refused = [ReservationRejected(offer.reservation, "busy") for offer in offers[::2]]
    second = engine.step(refused, NOW + 1)
    third = engine.step([], NOW + 12_000)
    return [
        decision.explanation
        for decision in (*first, *second, *third)
        if isinstance(decision, OfferMade)
    ]


def told(removed: tuple[Removed, ...]) -> list[tuple[str, int]]:
    """Reasons and counts; whoever is named is among those counted."""
    assert all(len(entry.agents) <= entry.count for entry in removed)
    return [(entry.reason, entry.count) for entry in removed]


def without_reasons_for_room(removed: tuple[Removed, ...]) -> list[tuple[str, int]]:
    """A brief record counts together those for whom the item is too big."""
    rooms = {"channel", "offered", "barred", "maximum", "capacity", "no_room"}
    kept = [(reason, count) for reason, count in told(removed) if reason not in rooms]
    return [*kept, ("room", sum(count for reason, count in told(removed) if reason in rooms))]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_brief_records_say_what_full_ones_say(
    strategy: StrategyName, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explaining, "MANY_PICKS", 10_000)
    full = flood(strategy)
    monkeypatch.setattr(explaining, "MANY_PICKS", 0)
    brief = flood(strategy)
    assert len(full) == len(brief) > 40
    for long, short in zip(full, brief, strict=True):
        assert short.winners() == short.chosen == long.chosen
        assert short.candidates == long.candidates[: len(short.candidates)]
        assert len(short.candidates) >= min(explaining.BRIEF_NAMES, long.candidate_count)
        assert without_reasons_for_room(short.removed) == without_reasons_for_room(long.removed)
        bare = {"candidates": (), "removed": (), "rivals": ()}
        assert replace(short, **bare) == replace(long, **bare)  # type: ignore[arg-type]
