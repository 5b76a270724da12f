from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from contactcenter.realtime import relay


async def test_every_outage_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "AWAY_SECONDS", 0)
    comes_back = iter([False, False, True, False, False])  # at each try
    over = asyncio.Event()

    async def what(there: Callable[[], None]) -> None:
        back = next(comes_back, None)
        if back is None:
            over.set()
            await asyncio.Future()
        if back:
            there()
        raise OSError

    with capture_logs() as said:
        task = asyncio.create_task(relay._again_and_again(what, (OSError,)))
        await over.wait()
        task.cancel()
    assert [line["event"] for line in said] == ["hints_not_shared"] * 2
