"""PURE. From what is known of a contact to queue, band, base, preferred agent and banner.

Rules are rows: the first whose conditions all hold decides; what it leaves open stays as it came.
In a queue that the contact chose it is the first of those that speak of this queue or of none,
unless somebody is in danger. A condition is {fact: {min, max, is}}, both bounds inclusive. An
ambiguous contact (a shared number, a switchboard) gets the best base of all who it may be, and
nobody preferred, until somebody picks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final, Literal, get_args
from uuid import UUID

from contactcenter.interactions.model import Band

Peril = Literal["hail", "flood", "extraordinary_wind", "earthquake", "volcano", "terrorism"]
Greeting = Literal["neutral", "emergency_112", "assistance", "hail", "consorcio", "kept_turn"]
USUAL: Final = 50  # the base of a queue that says nothing of it


@dataclass(frozen=True, slots=True)
class Known:
    """What is known when somebody comes in. Times are days; people are agents' ids by part.

    `here`: which of the people can take a contact now; `chosen`: they chose the queue.
    """

    queue: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    people: Mapping[str, UUID] = field(default_factory=dict)
    here: frozenset[UUID] = frozenset()
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Advice:
    """What the routing is told, and the agent sees. `then`: who is asked after the preferred."""

    queue: str
    rule: str = ""  # which decided; none: everything is as it came
    band: int = Band.LIVE
    base: int | None = None  # None: the queue's own
    preferred: tuple[UUID, ...] = ()
    preferred_s: int = 0
    skill: str | None = None  # only who has it, for so long
    skill_level: int = 0
    skill_s: int = 0
    then: str = "all"
    overflow: tuple[Mapping[str, int], ...] = ()  # then also who has all skills of one of these
    overflow_s: int = 0  # after so long
    greeting: Greeting = "neutral"
    banner: str = ""
    task_for: str | None = None  # whose task it becomes besides: of PEOPLE, or a queue's
    task_agent: UUID | None = None  # who that is
    fifo: bool = False  # everybody alike, in their order: nobody's own agent comes first
    permission: str | None = None  # a skill: nobody without it is asked


@dataclass(frozen=True, slots=True)
class Fact:
    """What a condition may ask of a contact. `of`: what it is compared with, a yes or no, a number,
    or one of these words; none: whatever the office calls it."""

    meaning: str
    of: type[bool] | type[int] | tuple[str, ...]


FACTS: Final[Mapping[str, Fact]] = {
    "key": Fact(
        "what was pressed, or chosen in a list",
        ("claim", "receipts", "new", "file", "catalan", "person", "injured", "leak"),
    ),
    "language": Fact("of the menu that was chosen", ("es", "ca", "en")),
    "claim_line": Fact("of the open claim", ("SA", "SH", "SV")),
    "peril": Fact(
        "of a catastrophe that is on where they are, or anywhere while that is not known",
        get_args(Peril),
    ),
    "segment": Fact("of the customer", ()),
    "identified": Fact("somebody on file, one or several", bool),
    "verified": Fact("passed the identity gate", bool),
    "ambiguous": Fact("several on file have this address", bool),
    "open": Fact("whether the queue is served now", bool),
    "renewal_open": Fact("whether the policyholder can still say no in time", bool),
    "first_receipt": Fact("the first premium was due and is unpaid", bool),
    "suspended": Fact("cover is suspended for a later premium that is unpaid, or over", bool),
    "extinct": Fact("over for a later premium neither paid nor claimed in time", bool),
    "company": Fact("a company's number", bool),
    "professional": Fact("a workshop's or perito's number", bool),
    "health_authorisation": Fact("an authorisation is waited for", bool),
    "returned": Fact("left a queue within the last ten minutes", bool),
    "claim_contacts": Fact("contacts about it in the last 7 days, this one counted", int),
    "claims_near": Fact("claims of one cause and postcode within 24 hours", int),
    "renewal_days": Fact("until the end of the term, for a policy within 75 days of it", int),
    "receipt_days": Fact("since a later premium was due and is unpaid", int),
    "complaint_day": Fact("the working day that an open complaint is in", int),
}

Rule = tuple[str, Mapping[str, Mapping[str, Any]], Mapping[str, Any]]
"""Name, conditions, effects (fields of Advice; `preferred` names one of PEOPLE)."""

THEN: Final = ("all", "supervisor")
PEOPLE: Final = ("handler", "manager", "issuer", "complaint")
"""Who can be preferred; each one's deputy stands in at once where the person is away."""
IS: Final = "is"


def advise(known: Known, rules: Iterable[Rule]) -> Advice:
    """What the first rule that holds says, for whoever may be sent to its queue. What stands out
    is shown in a queue of their choice too."""
    banner = ""
    for name, conditions, effects in rules:
        if not all(_holds(known.facts.get(fact), c) for fact, c in conditions.items()):
            continue
        queue = effects.get("queue")
        if not known.chosen or queue in {None, known.queue} or effects.get("band") == Band.DANGER:
            advice = _applied(known, name, effects)
            return replace(advice, banner=banner) if banner and queue is None else advice
        banner = banner or str(effects.get("banner", name))
    return Advice(known.queue, banner=banner)


def advise_any(candidates: Sequence[Known], rules: Iterable[Rule]) -> Advice:
    """For a contact who may be several: the highest priority of them, and nobody preferred; where
    they came in, unless somebody is in danger."""
    table = tuple(rules)
    best = min(
        (advise(known, table) for known in candidates),
        key=lambda advice: (advice.band, -(USUAL if advice.base is None else advice.base)),
    )
    if len(candidates) == 1:
        return best
    queue = best.queue if best.band == Band.DANGER else candidates[0].queue
    return replace(
        best, queue=queue, preferred=(), preferred_s=0, banner="ambiguous",
        task_agent=None,
    )  # fmt: skip


def _applied(known: Known, name: str, effects: Mapping[str, Any]) -> Advice:
    values = {"banner": name, "rule": name, **effects}
    values["overflow"] = tuple(values.get("overflow", ()))
    part = values.pop("preferred", None)
    advice = Advice(**{"queue": known.queue, **values})
    chosen = None if part is None else known.people.get(part)
    if chosen is not None and chosen not in known.here:  # away: the deputy, at once
        deputy = known.people.get(f"{part}_deputy")
        chosen = deputy if deputy in known.here else None
    if part is None:
        pass
    elif chosen is None:
        advice = replace(advice, preferred_s=0)
    else:
        advice = replace(advice, preferred=(chosen,))
    if advice.task_for is not None:
        advice = replace(advice, task_agent=known.people.get(advice.task_for))
    if known.facts.get("returned"):
        advice = replace(advice, greeting="kept_turn")
    return advice


def check_rules(rules: Iterable[Rule]) -> None:
    """ValueError unless `advise` can read them."""
    seen: set[str] = set()
    for name, conditions, effects in rules:
        if name in seen:
            raise ValueError(f"{name}: two rules have this name")
        seen.add(name)
        if unknown := conditions.keys() - FACTS.keys():
            raise ValueError(f"{name}: {sorted(unknown)[0]} is not known of a contact")
        for fact, condition in conditions.items():
            _check_condition(f"{name}: {fact}", condition, FACTS[fact].of)
        if unknown := effects.keys() - EFFECTS.keys():
            raise ValueError(f"{name}: {sorted(unknown)[0]} is nothing that routing is told")
        for effect, value in effects.items():
            if not EFFECTS[effect](value):
                raise ValueError(f"{name}: {effect} cannot be that")


def _check_condition(
    where: str, condition: Any, of: type[bool] | type[int] | tuple[str, ...]
) -> None:
    if not isinstance(condition, Mapping) or not condition.keys() <= {"min", "max", IS}:
        raise ValueError(f"{where}: a condition has min, max or is")
    for bound in ("min", "max"):
        if bound in condition and (of is not int or not _number(condition[bound])):
            raise ValueError(f"{where}: {bound} is of a number, and a number")
    if IS in condition and not _can_be(condition[IS], of):
        raise ValueError(f"{where}: it is never that")


def _can_be(value: Any, of: type[bool] | type[int] | tuple[str, ...]) -> bool:
    """Whether a fact can be this; of a word or number, nothing means that it is not known."""
    if of is bool:
        return isinstance(value, bool)
    if value is None:
        return True
    if isinstance(of, tuple):
        return value in of if of else isinstance(value, str)
    return _number(value)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 10**9


def _whole(lowest: int, highest: int) -> Callable[[Any], bool]:
    def fits(value: Any) -> bool:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and lowest <= value <= highest

    return fits


_level = _whole(1, 5)
_seconds = _whole(0, 3600)


def _one_of(*words: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value in words


def _word(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 60


def _skills(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(each, Mapping)
        and each
        and all(_word(skill) and _level(level) for skill, level in each.items())
        for each in value
    )


EFFECTS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "queue": _word,
    "band": _whole(Band.DANGER, Band.DEFERRED),
    "base": _whole(0, 100),
    "preferred": _one_of(*PEOPLE),
    "preferred_s": _seconds,
    "skill": _word,
    "skill_level": _level,
    "skill_s": _seconds,
    "then": _one_of(*THEN),
    "overflow": _skills,
    "overflow_s": _seconds,
    "greeting": _one_of(*get_args(Greeting)),
    "banner": _word,
    "task_for": _word,
    "fifo": lambda value: isinstance(value, bool),
    "permission": _word,
}


def _holds(value: Any, condition: Mapping[str, Any]) -> bool:
    if IS in condition:
        return bool(value == condition[IS])
    if value is None or isinstance(value, str | bool):
        return False
    number = Decimal(value)
    low, high = condition.get("min"), condition.get("max")
    return (low is None or number >= Decimal(str(low))) and (
        high is None or number <= Decimal(str(high))
    )
