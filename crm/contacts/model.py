"""PURE. The identity gate: who may be told what.

A number or mail address that matches *identifies*: it routes, and greets with neither name nor
state. Two of three checks *verify*: the last four characters of the document, the birth date, a
policy's number or plate. Until then document, account, birth date and health stay masked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final, Literal

from crm.customers.model import company_document, fold, personal_document

Check = Literal["document", "birth_date", "policy"]
Level = Literal["unknown", "identified", "verified"]
Topic = Literal[
    "general", "take_report", "emergency", "name", "policies", "claims", "receipts", "change_data"
]
GATE: Final = 2
"""So many checks open it."""
MOST_WRONG: Final = 5
"""Wrong answers in one interaction; then only a supervisor goes on asking."""
ANYBODY: Final[tuple[Topic, ...]] = ("general", "take_report", "emergency")
MAY_TELL: Final[Mapping[Level, tuple[Topic, ...]]] = {
    "unknown": ANYBODY,
    "identified": ANYBODY,
    "verified": (*ANYBODY, "name", "policies", "claims", "receipts", "change_data"),
}
"""What may be spoken of. Whoever is not verified is helped and can report; they hear nothing of
what is on file, not even that there is a file."""


def verified(given: Mapping[str, str | date | None], known: Mapping[str, Any]) -> frozenset[Check]:
    """Which of the three checks what a caller says passes."""
    passed: set[Check] = set()
    document = fold(str(given.get("document") or "")).replace(" ", "")
    if len(document) == 4 and any(fold(d).endswith(document) for d in known["documents"]):
        passed.add("document")
    if given.get("birth_date") is not None and given["birth_date"] == known["birth_date"]:
        passed.add("birth_date")
    policy = fold(str(given.get("policy") or "")).replace(" ", "")
    if policy and policy in {fold(p).replace(" ", "") for p in known["policies"]}:
        passed.add("policy")
    return frozenset(passed)


def level(customer_id: object | None, passed: int) -> Level:
    if customer_id is None:
        return "unknown"
    return "verified" if passed >= GATE else "identified"


_LIKE_A_DOCUMENT: Final = re.compile(
    r"(?<![0-9A-Za-z])([0-9XYZ][ .-]?[0-9](?:[ .-]?[0-9]){5,6}[ .-]?[A-Z]"
    r"|[A-HJNP-SUVW][ .-]?[0-9](?:[ .-]?[0-9]){6}[ .-]?[0-9A-J])(?![0-9A-Za-z])",
    re.ASCII | re.IGNORECASE,
)


def documents_in(text: str) -> Iterator[str]:
    """The valid DNI, NIE and NIF that somebody has written, compact."""
    for match in _LIKE_A_DOCUMENT.finditer(text[:2000]):
        for check in (personal_document, company_document):
            try:
                yield check(match[1].replace(".", ""))
            except ValueError:
                continue
            break
