from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from config.settings import load_settings
from contactcenter.identity.model import password_lacks
from contactcenter.identity.passwords import NICENESS, Passwords
from tests.conftest import TEST_ENVIRON


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


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no niceness of their own")
async def test_hashing_steps_back_and_nothing_else_does() -> None:
    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    passwords = Passwords(4)
    hashed = await passwords.hash("a password of the test")
    assert await passwords.check("a password of the test", hashed)
    (thread,) = passwords._threads._threads
    assert thread.native_id is not None
    assert os.getpriority(os.PRIO_PROCESS, thread.native_id) == min(before + NICENESS, 19)
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before
    passwords.close()


async def test_a_password_is_hashed_with_twelve_rounds(tmp_path: Path) -> None:
    without = {name: value for name, value in TEST_ENVIRON.items() if name != "BCRYPT_ROUNDS"}
    rounds = load_settings({**without, "DATA_DIR": str(tmp_path)}).auth.bcrypt_rounds
    assert rounds == 12
    passwords = Passwords(rounds)
    try:
        assert (await passwords.hash("Tr4mvía-azul")).startswith("$2b$12$")
    finally:
        passwords.close()
