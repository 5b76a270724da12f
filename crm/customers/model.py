"""PURE. What a customer is: identity documents, names as they are searched, likeness, segments.

A document's check character is computed as Real Decreto 1553/2005 (DNI), Orden INT/2058/2008 (NIE)
and Orden EHA/451/2008 (NIF of companies, the former CIF) say; an IBAN's by ISO 13616, modulo 97.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, Literal, get_args

from stdnum import exceptions, iban
from stdnum.es import cif, dni, nie

from contactcenter.interactions.model import sort_key

Kind = Literal["person", "company"]
KINDS: Final = get_args(Kind)
CENT: Final = Decimal("0.01")


def personal_document(text: str) -> str:
    """A DNI or NIE without separators, in capitals. ValueError when it is neither."""
    compact = dni.compact(text).upper()
    try:
        return str(nie.validate(compact) if compact[:1] in "XYZ" else dni.validate(compact))
    except exceptions.ValidationError as error:
        raise ValueError("not a DNI or NIE") from error


def company_document(text: str) -> str:
    """A company's NIF without separators, in capitals. ValueError when it is none."""
    try:
        return str(cif.validate(text.upper()))
    except exceptions.ValidationError as error:
        raise ValueError("not a company's NIF") from error


def bank_account(text: str) -> str:
    """An IBAN without spaces, in capitals. ValueError when it is none."""
    try:
        return str(iban.validate(text))
    except exceptions.ValidationError as error:
        raise ValueError("not an IBAN") from error


# Finding -----------------------------------------------------------------------------------------


def fold(text: str) -> str:
    """Text as it is searched: no case, no accents (ñ is n), words of letters and digits."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    plain = unicodedata.normalize("NFKD", plain).casefold()  # a capital can hide in a ligature
    kept = (c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    return " ".join("".join(kept).split())


def search_text(parts: Iterable[str | None]) -> str:
    """What a row is found by: the folded parts, a digit run also without its separators."""
    words: dict[str, None] = {}
    for part in parts:
        if part:
            folded = fold(part)
            words.update(dict.fromkeys(folded.split()))
            if any(c.isdigit() for c in folded):
                words[folded.replace(" ", "")] = None
    return " ".join(words)


@dataclass(frozen=True, slots=True)
class Needle:
    """A search as the index understands it: `grams` narrow it down, `words` decide.

    Of each word all its three-letter pieces; any of them will do to narrow a search down.
    """

    pieces: tuple[tuple[str, ...], ...]
    words: tuple[str, ...]

    @property
    def grams(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(gram for each in self.pieces for gram in each))

    def rarest(self, shares: Mapping[str, float]) -> list[str]:
        """The grams that tell most apart, where these shares of all rows have them: few, since each
        costs the index a list, and not of one word alone, since those of a word come together."""

        def share(gram: str) -> float:
            return shares.get(gram, 0.0)

        of_each = 4 if len(self.pieces) == 1 else 2
        best = [gram for each in self.pieces for gram in sorted(each, key=share)[:of_each]]
        return sorted(dict.fromkeys(best), key=share)[:4]


NOTHING: Final = Needle((("",),), ("",))
"""Finds nobody."""


@dataclass(frozen=True, slots=True)
class Needles:
    """One search three ways, the surest first: for whole words, beginnings of words, parts. Of a
    number only the parts are looked for, and it has neither name nor words.

    `name` is what the sort key of those begins with whose name begins so.
    """

    name: str | None
    words: tuple[str, ...]
    begun: Needle
    parts: Needle


def needles(query: str) -> Needles | None:
    """None when nothing of the query can be searched: every word has fewer than two characters.

    A word of two characters is found at the beginning of words, a longer one anywhere in them; a
    number is also found when it is written with other separators.
    """
    folded = fold(query)
    joined = folded.replace(" ", "")
    numeric = sum(c.isdigit() for c in joined) * 2 > len(joined)
    words = [joined] if numeric else folded.split()
    if numeric and joined.startswith("00") and len(joined) > 4:
        words = [joined[2:]]
    words = [word for word in dict.fromkeys(words) if len(word) >= 2]
    if not words:
        return None
    parts = _needle([f" {word}" if len(word) == 2 else word for word in words])
    if numeric:
        return Needles(None, (), NOTHING, parts)
    begun = _needle([f" {word}" for word in words])
    return Needles(sort_key(query), tuple(words), begun, parts)


def needle(query: str) -> Needle | None:
    """A search for parts of words; None when nothing of the query can be searched."""
    found = needles(query)
    return None if found is None else found.parts


def _needle(parts: Sequence[str]) -> Needle:
    pieces = (tuple(part[at : at + 3] for at in range(len(part) - 2)) for part in parts)
    return Needle(tuple(pieces), tuple(f"%{part}%" for part in parts))


# Telling apart -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Traits:
    """What two customers are compared by."""

    name: str  # folded
    documents: frozenset[str]
    birth_date: date | None
    ways: frozenset[str]  # numbers and mail addresses
    postal_code: str | None


def likeness(one: Traits, other: Traits) -> tuple[int, tuple[str, ...]]:
    """How surely two are the same, from 0 to 100, and by what.

    Two different documents are two people, whatever else agrees: relatives share name, telephone
    and address.
    """
    if one.documents and other.documents:
        return (100, ("document",)) if one.documents & other.documents else (0, ())
    same_name = bool(one.name) and set(one.name.split()) == set(other.name.split())
    found = [
        (name, weight)
        for name, weight, holds in (
            ("name", 40, same_name),
            ("birth_date", 30, one.birth_date is not None and one.birth_date == other.birth_date),
            ("contact", 35, bool(one.ways & other.ways)),
            (
                "postal_code",
                15,
                one.postal_code is not None and one.postal_code == other.postal_code,
            ),
        )
        if holds
    ]
    if one.birth_date and other.birth_date and one.birth_date != other.birth_date:
        return 0, ()
    return min(99, sum(weight for _, weight in found)), tuple(name for name, _ in found)


ALIKE: Final = 50
"""From here two customers are offered as one."""


# Segments and value ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Standing:
    """What the centre has with a customer; the facts of segment rules."""

    kind: Kind
    policies: int = 0  # in force
    past_policies: int = 0
    vehicles: int = 0  # insured now
    annual_premium: Decimal = Decimal(0)  # of what is in force
    years: int = 0  # whole years since the first policy
    open_claims: int = 0
    unpaid_receipts: int = 0

    def facts(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


FACTS: Final = frozenset(Standing.__dataclass_fields__)


def segment_of(
    standing: Standing, rules: Sequence[tuple[str, Mapping[str, Mapping[str, Any]]]]
) -> str | None:
    """The first rule's segment whose conditions all hold; None when none does.

    A condition is {"min", "max", "is"} over a fact of `Standing`; both bounds are inclusive.
    """
    facts = standing.facts()
    for segment, conditions in rules:
        if all(_holds(facts[fact], condition) for fact, condition in conditions.items()):
            return segment
    return None


def check_rule(conditions: Mapping[str, Any]) -> None:
    """ValueError unless `segment_of` can read it."""
    for fact, condition in conditions.items():
        if fact not in FACTS:
            raise ValueError(f"{fact} is not a fact about a customer")
        if not isinstance(condition, Mapping) or not condition.keys() <= {"min", "max", "is"}:
            raise ValueError(f"{fact}: a condition has min, max or is")
        if fact == "kind" and (condition.keys() != {"is"} or condition["is"] not in KINDS):
            raise ValueError(f"{fact}: it is {' or '.join(KINDS)}")
        for bound in condition.keys() & {"min", "max", "is"} if fact != "kind" else ():
            if not _number(condition[bound]):
                raise ValueError(f"{fact}: {bound} is a number")


def _number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return False
    try:
        return abs(_exact(value)) < 10**12
    except ArithmeticError:
        return False


def _exact(value: float | str) -> Decimal:
    return Decimal(str(value))


def _holds(value: Any, condition: Mapping[str, Any]) -> bool:
    if "is" in condition:
        told = condition["is"]
        same = value == told if isinstance(value, str) else _number(told) and value == _exact(told)
        if not same:
            return False
    if "min" in condition and Decimal(value) < Decimal(str(condition["min"])):
        return False
    return "max" not in condition or Decimal(value) <= Decimal(str(condition["max"]))


HORIZON_YEARS: Final = 10
DISCOUNT: Final = Decimal("0.05")


def lifetime_value(earned: Decimal, yearly: Iterable[tuple[Decimal, Decimal, Decimal]]) -> Decimal:
    """What a customer brings the broker over their time with it, in euros to the cent.

    A broker earns commission, so the value is the commission of the receipts that are paid (net of
    that of paid extornos) plus, for each policy in force, its expected future commission. With net
    annual premium p, commission rate c, yearly retention r (its line's share of policies renewed)
    and discount rate d = 5 %:

        LTV = earned + Σ p · c · Σ_{k=1..10} (r / (1 + d))^k

    `yearly`: (p, c, r) of each policy in force. Example: earned 200.00, one policy of 500.00 at
    12 % and r = 0.84: the quotient is 0.8, Σ = 0.8 · (1 − 0.8¹⁰) / 0.2 = 3.570503, so the value is
    200.00 + 60.00 · 3.570503 = 414.23.
    """
    total = earned
    for premium, commission, retention in yearly:
        quotient = retention / (1 + DISCOUNT)
        total += (
            premium
            * commission
            * sum((quotient**year for year in range(1, HORIZON_YEARS + 1)), Decimal(0))
        )
    return total.quantize(CENT, ROUND_HALF_UP)


# Identity ----------------------------------------------------------------------------------------


def masked(text: str | None, shown: int = 3) -> str | None:
    """The end of a document or account, for whoever has not passed the gate."""
    return None if text is None else "•••" + text[-shown:]
