"""Reports of the media that cannot be taken in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import pytest

from channels.voice import switch as module
from channels.voice.media.protocol import LegLost, Report
from channels.voice.switch import Switch
from contactcenter.core.errors import Conflict, NotFound, Unavailable

REPORT = LegLost(at=datetime(2027, 3, 16, 9, tzinfo=UTC), leg_id=UUID(int=1), seq=1)


class Followers:
    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.asked = 0

    async def reported(self, _: Report, journal: UUID) -> None:
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)


async def taken(*errors: Exception) -> int:
    followers: Any = Followers(*errors)
    nobody = cast("Any", None)
    await Switch(nobody, nobody, nobody, followers, nobody).take(REPORT, UUID(int=9))
    return cast("int", followers.asked)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", (0.0,))


async def test_a_report_waits_for_the_database_as_long_as_it_takes() -> None:
    assert await taken(*(Unavailable("away") for _ in range(50)), Conflict("busy")) == 52


@pytest.mark.parametrize("error", [Conflict("never"), NotFound("gone"), ValueError("wrong")])
async def test_a_report_that_nobody_can_take_in_stops_no_other(error: Exception) -> None:
    assert await taken(*(error for _ in range(50))) == module.ATTEMPTS
