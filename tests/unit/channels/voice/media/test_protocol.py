from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from channels.voice.media import protocol
from channels.voice.media.protocol import (
    Accepted,
    CallMix,
    Gap,
    Hear,
    LegPlay,
    MixData,
    ProtocolError,
    RecordingFinished,
    RecordingOrder,
    Refused,
)

CALL, A, B = UUID(int=1), UUID(int=2), UUID(int=3)
AT = datetime(2027, 3, 16, 9, 0, tzinfo=UTC)


def test_a_request_survives_the_line() -> None:
    order = RecordingOrder(recording_id=uuid4(), left=(A,), right=(B,), writing=True, notice=True)
    legs = {A: Hear(hears=(B,)), B: Hear(hears=(A,), tone="music")}
    mix = CallMix(id=7, call_id=CALL, version=3, legs=legs, recording=order)
    line = protocol.encode(mix)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert protocol.decode_request(line) == mix


@pytest.mark.parametrize(
    "message",
    [
        Accepted(id=1, data=MixData(version=4)),
        Refused(id=None, code="invalid", detail="do: Field required"),
        RecordingFinished(
            seq=9, at=AT, recording_id=CALL, path="a.wav", seconds=1.5, bytes=24_058, sha256="0",
            gaps=(Gap(start=AT),),
        ),
    ],
    ids=lambda message: type(message).__name__,
)  # fmt: skip
def test_what_media_says_survives_the_line(message: Accepted | Refused | RecordingFinished) -> None:
    assert protocol.decode_from_media(protocol.encode(message)) == message


def test_a_gap_is_called_from_and_to() -> None:
    assert json.loads(Gap(start=AT).model_dump_json()) == {
        "from": "2027-03-16T09:00:00Z",
        "to": None,
    }


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"garbage", "Invalid JSON"),
        (b"[]", "Input should be"),
        (b'{"id": 1, "do": "format.disk"}', "does not match"),
        (b'{"id": -1, "do": "stats"}', "greater than or equal to 0"),
        (b'{"id": 1, "do": "stats", "more": 1}', "Extra inputs"),
        (b'{"id": 1, "do": "leg.close", "leg_id": "../../etc"}', "valid UUID"),
    ],
)
def test_garbage_is_refused_in_words(line: bytes, why: str) -> None:
    with pytest.raises(ProtocolError, match=why):
        protocol.decode_request(line)


def test_a_leg_hears_only_legs_of_its_call() -> None:
    with pytest.raises(ValueError, match="not in the mix"):
        CallMix(id=1, call_id=CALL, version=1, legs={A: Hear(hears=(B,))})


def test_a_leg_is_on_one_channel() -> None:
    with pytest.raises(ValueError, match="both channels"):
        CallMix(
            id=1, call_id=CALL, version=1, legs={},
            recording=RecordingOrder(
                recording_id=CALL, left=(A,), right=(A,), writing=True, notice=False
            ),
        )  # fmt: skip


@pytest.mark.parametrize("digits", ["", "12x", "1" * 33, None])
def test_digits_that_are_none(digits: str | None) -> None:
    with pytest.raises(ValueError, match="digits"):
        LegPlay(id=1, leg_id=A, sound="dtmf", digits=digits)


def test_a_line_too_long_is_refused() -> None:
    with pytest.raises(ProtocolError, match="too long"):
        protocol.encode(Refused(id=1, code="invalid", detail="x" * protocol.MAX_LINE))


def test_serving_loads_no_media_library() -> None:
    """They cost seconds and memory that only the media process needs."""
    heavy = {"aiortc", "aioice", "av", "numpy", "pylibsrtp"}
    code = (
        "import sys, contactcenter.app, channels.voice.media.protocol; "
        f"print(*sorted({heavy!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_a_full_house_is_one_line() -> None:
    calls = [uuid4() for _ in range(1000)]
    legs = [
        protocol.LegState(leg_id=uuid4(), connected=True, lost=False, call_id=call)
        for call in calls
        for _ in range(2)
    ]
    data = protocol.HelloData(
        node=uuid4(), journal=uuid4(), started_at=datetime(2027, 3, 16, 9, tzinfo=UTC),
        legs=tuple(legs), ceiling=1000, live_calls=1000,
        calls=tuple(protocol.CallVersion(call_id=call, version=2**50) for call in calls),
    )  # fmt: skip
    assert len(protocol.encode(data)) < protocol.MAX_LINE
