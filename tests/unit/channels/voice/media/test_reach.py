from __future__ import annotations

from typing import Any

import pytest

from channels.voice.media.reach import reach
from config.settings import Media

TURN = {"TURN_URLS": "turn:turn.example.com:3478?transport=udp", "TURN_SECRET": "s" * 32}
STUN = {"TURN_URLS": "stun:s.example.com"}
TLS = {**TURN, "TURN_URLS": "turns:turn.example.com:5349"}


@pytest.mark.parametrize(
    ("given", "told", "fit", "says", "never"),
    [
        ({}, ["198.51.100.7"], False, "in the network of 198.51.100.7", "Any browser"),
        ({}, ["8.8.8.8"], True, "UDP to 8.8.8.8, any port: the firewall", "Nobody else"),
        ({"MEDIA_UDP_PORTS": "40000-40099"}, ["8.8.8.8"], True, "ports 40000 to 40099", "any port"),
        ({"MEDIA_UDP_PORTS": "40000-40099"}, ["8.8.8.8"], True, "room for 100 parties", "Nobody"),
        ({}, ["10.0.0.5"], False, "Nobody else: set MEDIA_PUBLIC_IP", "this machine only"),
        ({}, ["127.0.0.1"], False, "Browsers on this machine only.", "in the network"),
        (TURN, ["10.0.0.5"], True, "reaches turn:turn.example.com:3478", "Nobody else"),
        (
            TURN,
            ["10.0.0.5"],
            True,
            "Where no UDP is let out there is no sound",
            "needs TURN_SECRET",
        ),
        (TLS, ["10.0.0.5"], True, "reaches turns:turn.example.com", "no UDP is let out"),
        ({**TURN, "TURN_SECRET": None}, ["8.8.8.8"], False, "needs TURN_SECRET", "Nobody else"),
        (
            {"TURN_URLS": "stun:s.example.com"},
            ["10.0.0.5"],
            False,
            "passes no sound on",
            "which passes sound",
        ),
    ],
)
def test_words(given: dict[str, Any], told: list[str], fit: bool, says: str, never: str) -> None:
    found = reach(Media.model_validate(given), told, production=True)
    text = " ".join(found.words)
    assert found.fit is fit
    assert says in text
    assert never not in text


def test_development_may_stay_at_home() -> None:
    assert reach(Media.model_validate({}), ["127.0.0.1"], production=False).fit
