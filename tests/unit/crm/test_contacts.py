"""The identity gate's rules, and documents in what people write."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from crm.contacts.model import ANYBODY, MAY_TELL, documents_in, level, verified


def test_the_gate() -> None:
    known: dict[str, Any] = {
        "documents": ["12345678Z"],
        "birth_date": date(1980, 5, 1),
        "policies": ["AL-001/22", "1234BCD"],
    }
    both: dict[str, str | date] = {"document": "678z", "birth_date": date(1980, 5, 1)}
    assert verified(both, known) == {"document", "birth_date"}
    assert verified({"policy": "1234 bcd"}, known) == {"policy"}
    assert (
        verified({"document": "78Z", "policy": "", "birth_date": date(1980, 5, 2)}, known) == set()
    )
    assert verified(both, {"documents": [], "birth_date": None, "policies": []}) == set()


def test_what_may_be_told() -> None:
    assert [level(None, 3), level("x", 0), level("x", 1), level("x", 2)] == [
        "unknown", "identified", "identified", "verified"
    ]  # fmt: skip
    assert MAY_TELL["identified"] == MAY_TELL["unknown"] == ANYBODY
    assert "name" not in ANYBODY
    assert "name" in MAY_TELL["verified"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Mi DNI es 12345678Z, gracias", ["12345678Z"]),
        ("12.345.678-z", ["12345678Z"]),
        ("nie X1234567L y cif A58818501.", ["X1234567L", "A58818501"]),
        ("12345678A", []),  # its letter is wrong
        ("póliza 99912345678Z1, tel 600550010", []),
        ("", []),
    ],
)
def test_documents_in_what_people_write(text: str, found: list[str]) -> None:
    assert list(documents_in(text)) == found
