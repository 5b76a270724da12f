"""Small pure parts of voice: byte ranges, TURN credentials, waveforms, what orders say."""

from __future__ import annotations

import base64
import hashlib
import hmac
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.voice.cards import ice_servers, quality
from channels.voice.routes import byte_range
from channels.voice.waveform import BadRecordingError, peaks, sound_of
from config.settings import load_settings
from tests.conftest import TEST_ENVIRON


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=10-", (10, 100)),
        ("bytes=-5", (95, 100)),
        ("bytes=-500", (0, 100)),
        ("bytes=90-500", (90, 100)),
        ("bytes=100-", None),
        ("bytes=9-3", None),
        ("bytes=-0", None),
        ("bytes=-", None),
        ("bytes=0-1,4-5", None),
        ("items=0-1", None),
        ("bytes=a-b", None),
        ("bytes=" + "9" * 5000 + "-", None),
        ("bytes=-" + "9" * 5000, None),
    ],
)
def test_byte_ranges(header: str, part: tuple[int, int] | None) -> None:
    assert byte_range(header, 100) == part


def test_turn_credentials_are_those_of_coturn_s_rest_scheme() -> None:
    settings = load_settings(
        {**TEST_ENVIRON, "TURN_URLS": "turn:turn.example.com:3478", "TURN_SECRET": "north"}
    )
    (server,) = ice_servers(settings.media, "agent:1")
    assert server.username is not None
    expiry, _, who = server.username.partition(":")
    assert int(expiry) > 1_700_000_000
    assert "agent" not in who
    digest = hmac.new(b"north", server.username.encode(), hashlib.sha1).digest()
    assert server.credential == base64.b64encode(digest).decode()
    assert server.urls == ["turn:turn.example.com:3478"]
    assert ice_servers(load_settings(TEST_ENVIRON).media, "agent:1") == []


@pytest.mark.parametrize(
    ("secret", "told"),
    [("", [["stun:s.example.com"]]), ("north", [["stun:s.example.com"], ["turn:t.example.com"]])],
)
def test_stun_asks_for_no_credentials(secret: str, told: list[list[str]]) -> None:
    urls = "stun:s.example.com,turn:t.example.com"
    given_ = {**TEST_ENVIRON, "TURN_URLS": urls} | ({"TURN_SECRET": secret} if secret else {})
    servers = ice_servers(load_settings(given_).media, "agent:1")
    assert [server.urls for server in servers] == told
    assert (servers[0].username, servers[0].credential) == (None, None)


@given(st.binary(max_size=4000), st.integers(1, 50))
def test_a_waveform_fits_its_sound(sound: bytes, bars: int) -> None:
    drawn = peaks(memoryview(sound), bars)
    for side in ("left", "right"):
        assert len(drawn[side]) == min(bars, len(sound) // 2)
        assert all(0 <= bar <= 100 for bar in drawn[side])


@pytest.mark.parametrize("wrong", [b"", b"RIFF\0\0\0\0WAVE", b"ID3" * 20])
def test_another_kind_of_file_is_no_recording(wrong: bytes) -> None:
    with pytest.raises(BadRecordingError):
        sound_of(memoryview(wrong))


@pytest.mark.parametrize(("mos", "word"), [(4.3, "good"), (3.7, "fair"), (2.0, "poor")])
def test_quality_has_a_word(mos: float, word: str) -> None:
    shown = quality({"loss": 0.02, "jitter_ms": 3.0, "rtt_ms": None, "mos": mos})
    assert shown is not None
    assert (shown.word, shown.loss) == (word, 0.02)
    assert quality({"mos": None}) is None


def test_ids_in_orders_are_the_media_s_legs() -> None:
    from channels.voice.call import Call, Leg
    from channels.voice.mixes import orders

    leg = UUID(int=7)
    ears, tape = orders(
        Call(UUID(int=1), "inbound", (Leg(leg, UUID(int=2), "customer", "connected"),))
    )
    assert list(ears) == [leg]
    assert ears[leg].tone == "music"
    assert tape is None
