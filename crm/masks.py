"""PURE. What of a file is not shown to whoever looks at it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

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
TOLD: Final = frozenset({"moved", "document"})
"""Entries of a claim's history that its customer sees; the others are the office's work."""


def for_customer(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an answer, without what is only the office's."""
    return {name: OFFICE_ONLY.get(name, value) for name, value in values.items()}
