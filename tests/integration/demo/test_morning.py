"""The first start's history: whole, lifelike, played once, whatever cuts it off."""

from __future__ import annotations

from datetime import timedelta

import pytest

import db
from contactcenter.core.module import Deps
from contactcenter.demo import morning
from contactcenter.demo.morning import MAILS_AT_OPENING, Morning, Theatre, VirtualClock
from tests.integration.demo.conftest import PHONES, TEN_FIFTY
from tests.integration.demo.crowds import TestCrowd

CENSUS = """
WITH interactions AS (SELECT * FROM public.interactions WHERE NOT metadata ? 'seeded')
SELECT (SELECT count(*) FROM interactions) AS interactions,
       (SELECT count(*) FROM interactions WHERE NOT metadata ? 'simulated') AS of_people,
       (SELECT count(*) FROM interactions WHERE created_at < $1) AS early,
       (SELECT count(*) FROM work_items WHERE outcome = 'answered') AS answered,
       (SELECT count(*) FROM work_items WHERE outcome = 'abandoned') AS abandoned,
       (SELECT count(DISTINCT agent_id) FROM segments) AS at_work,
       (SELECT count(*) FROM segments s JOIN interactions i ON i.id = s.interaction_id
        WHERE i.state = 'closed' AND s.state <> 'ended') AS left_open,
       (SELECT count(*) FROM event_log) AS facts,
       (SELECT count(*) FROM event_log WHERE origin IS DISTINCT FROM 'demo') AS of_now,
       (SELECT count(*) FROM event_log WHERE occurred_at > $2) AS of_later,
       (SELECT count(*) FROM (SELECT occurred_at < lag(occurred_at) OVER (ORDER BY id) AS back
                              FROM event_log) o WHERE back) AS backwards
"""


async def census(conn: db.Connection) -> dict[str, int]:
    row = await conn.fetchrow(CENSUS, TEN_FIFTY - timedelta(hours=1, minutes=50), TEN_FIFTY)
    assert row is not None
    return dict(row)


async def test_the_morning_is_whole_and_played_once(deps: Deps, conn: db.Connection) -> None:
    published = await Morning(deps, TestCrowd(0.6), PHONES).play()
    found = await census(conn)
    assert found["facts"] == published
    assert found["early"] == MAILS_AT_OPENING
    assert found["answered"] > 60
    assert 0 < found["abandoned"] < found["answered"]
    assert found["at_work"] == 12
    nothing = ("of_people", "left_open", "of_now", "of_later", "backwards")
    assert {name: found[name] for name in nothing} == dict.fromkeys(nothing, 0)
    assert await Morning(deps, TestCrowd(0.6), PHONES).play() == 0
    assert await census(conn) == found


async def test_a_morning_that_was_cut_off_is_gone_on_with(
    deps: Deps, conn: db.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(morning, "CHUNK_SECONDS", 0.2)
    perform = Theatre.perform
    chunks = 0

    async def killed(self: Theatre, *given: object) -> object:
        nonlocal chunks
        chunks += 1
        done = await perform(self, *given)  # type: ignore[arg-type]
        if chunks == 3:
            raise ConnectionError("the power went")
        return done

    monkeypatch.setattr(Theatre, "perform", killed)
    with pytest.raises(ConnectionError):
        await Morning(deps, TestCrowd(0.6), PHONES).play()
    before = await census(conn)
    assert before["facts"] > 0
    await Morning(deps, TestCrowd(0.6), PHONES).play()
    after = await census(conn)
    assert after["early"] == MAILS_AT_OPENING
    assert after["answered"] > before["answered"]
    assert (after["left_open"], after["backwards"]) == (0, 0)
    assert await Morning(deps, TestCrowd(0.6), PHONES).play() == 0


async def test_a_centre_with_a_history_gets_no_other(
    deps: Deps, clock: VirtualClock, conn: db.Connection
) -> None:
    await Morning(deps, TestCrowd(0.1), PHONES).play()
    await conn.execute("DELETE FROM centre_settings WHERE key = $1", morning.SETTING)
    assert await Morning(deps, TestCrowd(0.1), PHONES).play() == 0
    assert clock.now() == TEN_FIFTY


async def test_a_first_start_before_opening_has_no_morning(
    deps: Deps, clock: VirtualClock, conn: db.Connection
) -> None:
    clock.at = TEN_FIFTY - timedelta(hours=3)
    assert await Morning(deps, TestCrowd(0.6), PHONES).play() == 0
    assert (await census(conn))["facts"] == 0
