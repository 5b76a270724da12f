from __future__ import annotations

import pytest

from contactcenter.identity.model import password_lacks


@pytest.mark.parametrize(
    ("password", "lacks"),
    [
        ("Abcdef1!", []),
        ("Ábcdéf1!", []),
        ("ABCDEFG1a!", []),
        ("A long sentence with 1 digit.", []),
        ("Пароль-Много1", []),
        ("aA1!aA1!aA1!", []),
        ("Abcde1!", ["length"]),
        ("test123", ["length", "upper", "symbol"]),
        ("password123", ["upper", "symbol"]),
        ("abcdefg1!", ["upper"]),
        ("ABCDEFG1!", ["lower"]),
        ("Abcdefgh!", ["digit"]),
        ("Abcdefgh1", ["symbol"]),
        ("Abcdef 1", ["symbol"]),
        ("", ["length", "lower", "upper", "digit", "symbol"]),
        ("        ", ["lower", "upper", "digit", "symbol"]),
        ("Aa1!" * 18, []),
        ("Aa1!" * 18 + "x", ["too_long"]),
        ("Aa1!" + "é" * 34, []),
        ("Aa1!" + "é" * 35, ["too_long"]),
    ],
)
def test_what_a_password_lacks(password: str, lacks: list[str]) -> None:
    assert password_lacks(password) == lacks
