"""Where a figure comes from: its formula, both operands in parts, the items behind it. PURE.

What an item adds to either operand is the figure's own formula over that item alone, so the
items add up to the operands by construction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from contactcenter.analytics.ledger import Reader
from contactcenter.analytics.metrics import (
    AGENT_FIGURES,
    COUNTS,
    DEFAULT_FORMULA,
    FIGURES,
    AgentTime,
    Caller,
    Formula,
    Parts,
    Spent,
    Tally,
    Visit,
    formula,
    occupancy,
    tally,
    utilisation,
)

Kind = Literal["percent", "seconds", "count"]

EXPLAINED = ("service_level", *FIGURES, *COUNTS, "longest_wait", *AGENT_FIGURES)


@dataclass(frozen=True, slots=True)
class Part:
    """One summand of an operand: a count of the tally, added or taken away."""

    name: str
    sign: int
    value: int


@dataclass(frozen=True, slots=True)
class Operand:
    value: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """A visit behind a figure, and what it adds to each operand."""

    visit: Visit
    outcome: str
    waited_ms: int
    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True)
class Share:
    """An agent behind a figure, and what they add to each operand."""

    agent_id: UUID
    spent: Spent
    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True)
class Explanation:
    figure: str
    formula: str | None
    kind: Kind
    numerator: Operand
    denominator: Operand | None
    items: tuple[Item, ...]
    shares: tuple[Share, ...] = ()


def outcome_of(visit: Visit, reader: Reader, now_ms: int) -> str:
    """A visit's end as people say it: late and short are told apart under the present limits."""
    limits = reader.limits(visit.queue)
    if visit.is_short(limits):
        return "short_abandon"
    if visit.outcome in {None, "answered"} and not visit.in_time(limits, now_ms):
        return "waiting_late" if visit.outcome is None else "answered_late"
    return visit.outcome or "waiting"


def explain(
    figure: str,
    visits: Iterable[Visit],
    reader: Reader,
    now_ms: int,
    service_level: str = DEFAULT_FORMULA,
) -> Explanation:
    """A figure over these visits. KeyError for a figure or formula that is none."""
    if figure == "longest_wait":
        return _longest(visits, reader, now_ms)
    if figure in COUNTS:
        counted = Formula(((1, figure),), (), "percent")
        kind: Kind = "count"
    else:
        counted = formula(figure, service_level)
        kind = counted.kind
    whole = Tally()
    items = []
    for visit in visits:
        alone = tally((visit,), reader.limits(visit.queue), now_ms)
        numerator, denominator = counted.read(alone)
        whole += alone
        if numerator or denominator:
            item = _item(visit, reader, now_ms, numerator, denominator)
            if figure == "statutory" and visit.caller is not None:
                item = _of_caller(item, visit.caller, now_ms)
            items.append(item)
    return Explanation(
        figure,
        service_level if figure == "service_level" else None,
        kind,
        _operand(counted.numerator, whole),
        _operand(counted.denominator, whole) if counted.denominator else None,
        tuple(sorted(items, key=lambda item: (-item.visit.entered_ms, item.visit.work_item_id))),
    )


def explain_agents(
    figure: str,
    agents: Iterable[AgentTime],
    spent: Callable[[AgentTime], Spent],
) -> Explanation:
    """Occupancy or utilisation over these agents."""
    read = occupancy if figure == "occupancy" else utilisation
    shares = []
    whole = Spent()
    for agent in agents:
        own = spent(agent)
        whole += own
        if any(read(own)):
            shares.append(Share(agent.agent_id, own, *read(own)))
    if figure == "occupancy":
        above = _parts(whole, "on_contact", "wrap_up")
        below = _parts(whole, "on_contact", "wrap_up", "available")
    else:
        above = _parts(whole, "units_used")
        below = _parts(whole, "units_offered")
    numerator, denominator = read(whole)
    shares.sort(key=lambda share: (-share.numerator, share.agent_id))
    return Explanation(
        figure,
        None,
        "percent",
        Operand(numerator, above),
        Operand(denominator, below),
        (),
        tuple(shares),
    )


def _longest(visits: Iterable[Visit], reader: Reader, now_ms: int) -> Explanation:
    waiting = sorted(
        (visit for visit in visits if visit.waiting),
        key=lambda v: (v.entered_ms, v.work_item_id),
    )
    items = tuple(_item(visit, reader, now_ms, visit.wait(now_ms), 0) for visit in waiting)
    longest = items[0].waited_ms if items else 0
    part = Part("longest_wait_ms", 1, longest)
    return Explanation("longest_wait", None, "seconds", Operand(longest, (part,)), None, items)


def _item(visit: Visit, reader: Reader, now_ms: int, numerator: int, denominator: int) -> Item:
    outcome = outcome_of(visit, reader, now_ms)
    return Item(visit, outcome, visit.wait(now_ms), numerator, denominator)


def _of_caller(item: Item, caller: Caller, now_ms: int) -> Item:
    """The whole call's end and wait, in whatever queue."""
    outcome = caller.outcome or "waiting"
    if outcome != "abandoned" and not caller.in_time(now_ms):
        outcome += "_late"
    return replace(item, outcome=outcome, waited_ms=caller.wait(now_ms))


def _operand(parts: Parts, counted: Tally) -> Operand:
    read = tuple(Part(name, sign, int(getattr(counted, name))) for sign, name in parts)
    return Operand(sum(part.sign * part.value for part in read), read)


def _parts(spent: Spent, *names: str) -> tuple[Part, ...]:
    return tuple(Part(name, 1, int(getattr(spent, name))) for name in names)
