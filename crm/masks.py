"""PURE. What of a file is not shown to whoever looks at it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from contactcenter.interactions.model import UNSAID

Eyes = Literal["office", "closed", "customer"]
"""The office's, the office's while a matter of health is hidden, and the customer's own."""

OFFICE_ONLY: Final[Mapping[str, Any]] = {
    "notes": None,
    "metadata": {},
    "tags": [],
    "segment": None,
    "lead_source": None,
    "lifetime_value": None,
    "open_tasks": None,
    "reserve": None,
    "fraud_score": None,
    "approvals": [],
    "warnings": [],
    "commission": None,
    "settled_at": None,
    "settlement": None,
    "reason": "",
    "note": "",
    "actor": "",
}
"""Fields of any answer that the office writes for itself → what a customer sees in them."""
MASK: Final = UNSAID
MASKED: Final = "It is hidden from you: leave it as it is, or type what it is."
Masked = Literal["•••"]
HEALTH_MATTER: Final[Mapping[str, Any]] = {
    "notes": MASK,
    "metadata": {},
    "covers": [],
    "claim_type": MASK,
    "cause": MASK,
    "injuries": None,
    "description": MASK,
    "documents": [],
    "denial_reason": MASK,
    "decision_document": None,
    "payment_document": None,
    "note": MASK,
    "reason": MASK,
    "coverage_details": {},
    "needs": MASK,
    "rejection_reason": MASK,
    "subject": MASK,
    "body": MASK,
}
"""Fields in which somebody's health can be read → what is seen while the gate is closed."""
HEALTH: Final = frozenset({"health", "life"})
"""Lines whose files speak of somebody's health."""
BLANK: Final[Mapping[str, Any]] = {"birth_date": None}
"""Fields of a person that a closed gate leaves empty."""
SAID_BY_SILENCE: Final = frozenset({"injuries"})
"""Fields that say something when they are empty too."""
WITHIN: Final = frozenset({"terms", "changes", "mediation"})
"""Fields that hold such fields."""
TOLD: Final = frozenset({"moved", "document"})
"""Entries of a claim's history that its customer sees; the others are the office's work."""


def shown(values: Mapping[str, Any], eyes: Eyes) -> dict[str, Any]:
    """The fields of an answer as those eyes see them."""
    if eyes == "customer":
        return for_customer(values)
    if eyes == "closed":
        return {name: _masked(name, value) for name, value in values.items()}
    return dict(values)


def _masked(name: str, value: Any) -> Any:
    if name == "masked":
        return True
    if name in WITHIN:
        return shown(value, "closed")
    return HEALTH_MATTER.get(name, value) if value or name in SAID_BY_SILENCE else value


def sent_back(given: Mapping[str, Any], stored: Mapping[str, Any], line: str) -> str | None:
    """Of what is to be written over what is stored, while its gate is closed: a field whose value
    is only what the gate shows in its place, and would be lost. None: there is no such field."""
    of_line = HEALTH_MATTER if line in HEALTH else {}
    for name, value in given.items():
        empty = BLANK.get(name, of_line.get(name, ...))
        if value == empty and value in (None, [], {}) and stored[name] not in (None, [], {}):
            return name
    return None


def for_customer(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an answer, without what is only the office's."""
    return {name: OFFICE_ONLY.get(name, value) for name, value in values.items()}
