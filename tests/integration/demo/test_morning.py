"""The first start's history: whole, lifelike, played once."""

from __future__ import annotations

import db
from contactcenter.core.module import Deps
from contactcenter.demo.morning import Morning
from tests.integration.demo.conftest import PHONES
from tests.integration.demo.crowds import TestCrowd


async def test_the_morning_is_played_once(deps: Deps, conn: db.Connection) -> None:
    published = await Morning(deps, TestCrowd(), PHONES).play()
    assert published > 1_000
    counted = await conn.fetchval("SELECT count(*) FROM event_log")
    print(published, counted)
    for row in await conn.fetch(
        "SELECT channel, outcome, count(*), avg(answered_at-entered_at) FROM work_items GROUP BY 1,2 ORDER BY 1,2"
    ):
        print(tuple(row))
    for row in await conn.fetch(
        "SELECT state, channel, count(*) FROM interactions GROUP BY 1,2 ORDER BY 1,2"
    ):
        print(tuple(row))
    for row in await conn.fetch("SELECT state, count(*) FROM segments GROUP BY 1 ORDER BY 1"):
        print(tuple(row))
    for row in await conn.fetch("SELECT type, count(*) FROM event_log GROUP BY 1 ORDER BY 1"):
        print(tuple(row))
    for row in await conn.fetch("SELECT name,status, status_reason FROM agents"):
        print(tuple(row))
