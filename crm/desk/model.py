"""PURE. From what is known of a contact to queue, band, base, preferred agent and banner.

Rules are rows: the first whose conditions all hold decides; what it leaves open stays as it came. A
condition is {fact: {min, max, is}}, both bounds inclusive. An ambiguous contact (a shared number, a
switchboard) gets the best base of all who it may be, and nobody preferred, until somebody picks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final, Literal
from uuid import UUID

Greeting = Literal["neutral", "emergency_112", "assistance", "hail", "consorcio", "kept_turn"]
DANGER, LIVE, DEFERRED = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Known:
    """What is known when somebody comes in. Times are days; people are agents' ids by part.

    `here`: which of the people can take a contact now.
    """

    queue: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    people: Mapping[str, UUID] = field(default_factory=dict)
    here: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Advice:
    """What the routing is told, and the agent sees. `then`: who is asked after the preferred."""

    queue: str
    band: int = LIVE
    base: int = 50
    preferred: tuple[UUID, ...] = ()
    preferred_s: int = 0
    skill: str | None = None
    skill_level: int = 0
    then: str = "all"
    greeting: Greeting = "neutral"
    banner: str = ""
    task_for: str | None = None  # whose task it becomes besides
    fifo: bool = False  # everybody alike, in their order
    human_only: bool = False
    permission: str | None = None


FACTS: Final[Mapping[str, str]] = {
    "identified": "somebody on file, one or several",
    "verified": "passed the identity gate",
    "ambiguous": "several on file have this address",
    "language": "of the menu that was chosen",
    "key": "what was pressed: claim, receipts, new, file, catalan, person, injured, leak",
    "open": "whether the queue is served now",
    "claim_line": "of the open claim: SA, SH or SV",
    "claim_contacts": "contacts about it in the last 7 days, this one counted",
    "claims_near": "claims of one cause and postcode within 24 hours",
    "peril": "of a catastrophe that is on: hail, flood",
    "renewal_days": "until the end of the term, for a policy within 75 days of it",
    "renewal_open": "whether the policyholder can still say no in time",
    "first_receipt": "the first premium came back unpaid",
    "receipt_days": "since a later premium was due and is unpaid",
    "suspended": "cover is suspended for an unpaid premium",
    "complaint_day": "the working day that an open complaint is in",
    "company": "a company's number",
    "professional": "a workshop's or perito's number",
    "health_authorisation": "an authorisation is waited for",
    "segment": "of the customer",
    "returned": "left a queue within the last ten minutes",
}

Rule = tuple[str, Mapping[str, Mapping[str, Any]], Mapping[str, Any]]
"""Name, conditions, effects (fields of Advice; `preferred` and `deputy` name a part)."""

IS: Final = "is"


def rule(name: str, conditions: Mapping[str, Any], **effects: Any) -> Rule:
    """A rule; a bare value in a condition means {"is": value}."""
    return (
        name,
        {fact: c if isinstance(c, Mapping) else {IS: c} for fact, c in conditions.items()},
        effects,
    )


DEFAULTS: Final[tuple[Rule, ...]] = (
    rule("injured", {"key": "injured"}, queue="SA", band=DANGER, base=100, skill="SA",
         skill_level=3, greeting="emergency_112", banner="injured"),
    rule("leak_verified", {"key": "leak", "open": False, "verified": True}, queue="assistance",
         band=DANGER, base=90, greeting="assistance", banner="passed_on", task_for="handler"),
    rule("leak_unknown", {"key": "leak", "open": False}, queue="assistance_menu", band=DANGER,
         base=90, banner="passed_on", task_for="SH"),
    rule("flood", {"peril": "flood", "key": "claim"}, queue="SH", base=60, greeting="consorcio",
         banner="consorcio"),
    rule("hail", {"peril": "hail", "claims_near": {"min": 15}, "key": "claim"}, queue="SH", base=60,
         fifo=True, then="SA,PR:home>=2@60", greeting="hail", banner="hail"),
    rule("crash_unpaid", {"key": "claim", "suspended": True}, queue="SA", base=60,
         banner="suspended_promise_nothing"),
    rule("complaint", {"complaint_day": {"min": 0}}, queue="RE", base=80, preferred="complaint",
         preferred_s=60, then="supervisor", human_only=True, banner="complaint"),
    rule("authorisation", {"health_authorisation": True}, queue="SV", base=75,
         preferred="manager", preferred_s=20, permission="health", banner="authorisation"),
    rule("professional", {"professional": True}, queue="SA", base=45, preferred="handler",
         preferred_s=30, banner="professional_no_client_data"),
    rule("claim_repeat", {"claim_line": "SA", "claim_contacts": {"min": 3}}, queue="SA", base=75,
         preferred="handler", preferred_s=20, then="supervisor", banner="repeat"),
    rule("claim_repeat_home", {"claim_line": "SH", "claim_contacts": {"min": 3}}, queue="SH",
         base=75, preferred="handler", preferred_s=20, then="supervisor", banner="repeat"),
    rule("claim_motor", {"claim_line": "SA"}, queue="SA", base=60, preferred="handler",
         preferred_s=30, banner="claim"),
    rule("claim_home", {"claim_line": "SH"}, queue="SH", base=60, preferred="handler",
         preferred_s=30, banner="claim"),
    rule("claim_health", {"claim_line": "SV"}, queue="SV", base=60, preferred="handler",
         preferred_s=30, banner="claim"),
    rule("first_receipt", {"first_receipt": True}, queue="PR", base=70, preferred="issuer",
         preferred_s=15, banner="insurer_may_be_free"),
    rule("later_receipt", {"receipt_days": {"min": 0}}, queue="PR", base=60,
         banner="covered_until"),
    rule("renewal", {"renewal_days": {"min": 0, "max": 75}, "renewal_open": True}, queue="PR",
         base=65, skill="retention", skill_level=3, preferred="manager", preferred_s=20,
         banner="last_safe_day"),
    rule("renewal_late", {"renewal_days": {"min": 0, "max": 75}}, queue="PR", base=55,
         preferred="manager", preferred_s=20, banner="period_passed_ask_insurer"),
    rule("fleet", {"company": True}, queue="CO", base=65, preferred="manager", preferred_s=30,
         banner="ambiguous_number"),
    rule("vip", {"segment": "vip"}, base=65, preferred="manager", preferred_s=20, banner="vip"),
    rule("catalan", {"language": "ca"}, queue="CO", base=40, skill="ca", skill_level=3,
         preferred_s=60),
    rule("unknown", {"identified": False}, base=40),
)  # fmt: skip


def advise(known: Known, rules: Iterable[Rule] = DEFAULTS) -> Advice:
    """What the first rule that holds says."""
    for name, conditions, effects in rules:
        if all(_holds(known.facts.get(fact), c) for fact, c in conditions.items()):
            return _applied(known, name, effects)
    return Advice(known.queue, banner="")


def advise_any(candidates: Sequence[Known], rules: Iterable[Rule] = DEFAULTS) -> Advice:
    """For a contact who may be several: the highest priority of them, and nobody preferred."""
    table = tuple(rules)
    best = min(
        (advise(known, table) for known in candidates),
        key=lambda advice: (advice.band, -advice.base),
    )
    if len(candidates) == 1:
        return best
    return replace(best, queue=candidates[0].queue, preferred=(), preferred_s=0, banner="ambiguous")


def _applied(known: Known, name: str, effects: Mapping[str, Any]) -> Advice:
    values = {"banner": name, **effects}
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
    if known.facts.get("returned"):
        advice = replace(advice, greeting="kept_turn")
    return advice


def check_rules(rules: Iterable[Rule]) -> None:
    """ValueError unless `advise` can read them."""
    fields = set(Advice.__dataclass_fields__)
    for name, conditions, effects in rules:
        if unknown := conditions.keys() - FACTS.keys():
            raise ValueError(f"{name}: {sorted(unknown)[0]} is not known of a contact")
        if unknown := effects.keys() - fields:
            raise ValueError(f"{name}: {sorted(unknown)[0]} is nothing that routing is told")
        base, band = effects.get("base", 50), effects.get("band", LIVE)
        if not isinstance(base, int) or not 0 <= base <= 100 or band not in {1, 2, 3}:
            raise ValueError(f"{name}: a base lies between 0 and 100, a band between 1 and 3")


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
