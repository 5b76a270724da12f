from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from contactcenter.realtime.transport import Json, encode, text_frame


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65535, b"\x81\x7e\xff\xff"),
        (65536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_frames_are_those_of_rfc_6455(size: int, head: bytes) -> None:
    frame = text_frame(b"x" * size)
    assert frame == head + b"x" * size


def test_json_is_what_browsers_read() -> None:
    moment = datetime(2027, 3, 16, 9, 0, 1, 5000, tzinfo=UTC)
    assert encode({"id": UUID(int=1), "at": moment, "n": None}) == (
        b'{"id":"00000000-0000-0000-0000-000000000001","at":"2027-03-16T09:00:01.005000Z","n":null}'
    )
    assert Json.loads(Json.dumps(["ñ"], separators=(",", ":"))) == ["ñ"]
