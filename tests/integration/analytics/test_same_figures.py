"""Real-time equals historical equals the tables; and a planted wrong fold is caught."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from contactcenter.analytics.ledger import Ledger, Reader
from contactcenter.analytics.metrics import (
    DEFERRED_CHANNELS,
    HALF_HOUR_MS,
    CellKey,
    Spent,
    Tally,
    half_hour,
)
from contactcenter.analytics.schemas import IntervalQuery
from contactcenter.core.access import SYSTEM
from contactcenter.core.moments import to_ms
from contactcenter.events import interactions, routing
from tests.integration.analytics.conftest import Watched

# One row per half hour, queue and channel, counted from the tables alone.
RECOUNT = """
WITH visits AS (
    SELECT w.*,
           CASE WHEN w.channel = 'chat' AND w.band = 3 THEN 'message' ELSE w.channel END AS line,
           (extract(epoch FROM w.entered_at) * 1000)::bigint AS entered_ms,
           (extract(epoch FROM coalesce(w.answered_at, w.ended_at)) * 1000)::bigint
             - (extract(epoch FROM w.entered_at) * 1000)::bigint AS waited_ms,
           CASE WHEN w.channel = 'voice' THEN 20000
                WHEN w.channel = 'email' OR w.channel = 'chat' AND w.band = 3 THEN 28800000
                WHEN w.channel = 'chat' THEN 60000 ELSE 900000 END AS target
    FROM work_items w
), offers AS (
    SELECT work_item_id, count(*) FILTER (WHERE how IN ('offer', 'transfer')) AS made,
           count(*) FILTER (WHERE state = 'timed_out') AS missed
    FROM reservations GROUP BY work_item_id
), parts AS (
    SELECT work_item_id, count(*) AS handled,
           count(*) FILTER (WHERE disposition = 'none' AND ended_at >= wrap_deadline) AS lapsed,
           sum((extract(epoch FROM talk_ended_at - started_at) * 1000)::bigint - held_ms) AS talk,
           sum(held_ms) AS held,
           sum((extract(epoch FROM ended_at - talk_ended_at) * 1000)::bigint) AS wrap
    FROM segments WHERE state = 'ended' GROUP BY work_item_id
), callers AS (
    SELECT DISTINCT ON (i.id) w.id AS work_item_id,
           (extract(epoch FROM greatest(i.created_at, w.entered_at)) * 1000)::bigint AS since_ms,
           (SELECT (extract(epoch FROM min(a.answered_at)) * 1000)::bigint FROM work_items a
            WHERE a.interaction_id = i.id) AS connected_ms,
           i.closed_at IS NOT NULL AS closed
    FROM interactions i JOIN work_items w ON w.interaction_id = i.id
    WHERE i.channel = 'voice' AND i.direction = 'inbound'
    ORDER BY i.id, w.entered_at, w.id
)
SELECT v.entered_ms - v.entered_ms % 1800000 AS half, v.queue, v.line AS channel,
       count(*) AS offered,
       count(*) FILTER (WHERE v.entry IN ('transfer', 'overflow', 'moved', 'requeue')) AS moved_in,
       count(*) FILTER (WHERE v.outcome = 'answered') AS answered,
       count(*) FILTER (WHERE v.outcome = 'answered' AND v.waited_ms <= v.target) AS answered_in,
       count(*) FILTER (WHERE v.outcome = 'abandoned') AS abandoned,
       count(*) FILTER (WHERE v.outcome = 'abandoned' AND v.waited_ms <= v.target) AS abandoned_in,
       count(*) FILTER (WHERE v.outcome = 'abandoned' AND v.waited_ms < 5000) AS short,
       count(*) FILTER (WHERE v.outcome = 'moved') AS moved,
       count(*) FILTER (WHERE v.outcome IS NULL) AS waiting,
       count(*) FILTER (WHERE v.outcome IS NULL AND $1 - v.entered_ms > v.target) AS waiting_late,
       coalesce(sum(v.waited_ms) FILTER (WHERE v.outcome = 'answered'), 0)::bigint
           AS answered_wait_ms,
       coalesce(sum(v.waited_ms) FILTER (WHERE v.outcome = 'abandoned'), 0)::bigint
           AS abandoned_wait_ms,
       count(*) FILTER (WHERE c.connected_ms IS NOT NULL) AS person,
       count(*) FILTER (WHERE c.connected_ms - c.since_ms < 180000) AS person_in,
       count(*) FILTER (WHERE c.connected_ms IS NULL AND c.closed) AS no_person,
       count(*) FILTER (WHERE c.connected_ms IS NULL AND NOT c.closed
                          AND $1 - c.since_ms >= 180000) AS person_late,
       coalesce(sum(o.made), 0)::bigint AS offers, coalesce(sum(o.missed), 0)::bigint AS missed,
       coalesce(sum(p.handled), 0)::bigint AS handled,
       coalesce(sum(p.lapsed), 0)::bigint AS wrap_lapsed,
       coalesce(sum(p.talk), 0)::bigint AS talk_ms,
       coalesce(sum(p.held), 0)::bigint AS hold_ms, coalesce(sum(p.wrap), 0)::bigint AS wrap_ms
FROM visits v
LEFT JOIN offers o ON o.work_item_id = v.id
LEFT JOIN parts p ON p.work_item_id = v.id
LEFT JOIN callers c ON c.work_item_id = v.id
GROUP BY 1, 2, 3
"""

Cells = dict[CellKey, Tally]


def cells(ledger: Ledger, now_ms: int) -> Cells:
    reader = Reader(ledger, {})
    return {key: reader.tally(key, now_ms) for key in ledger.cells}


def times(ledger: Ledger, start_ms: int, now_ms: int) -> dict[tuple[UUID, int], Spent]:
    """(agent, half hour) → how it went, from a moment on."""
    halves = range(half_hour(start_ms), now_ms, HALF_HOUR_MS)
    return {
        (agent_id, half): spent
        for agent_id, agent in ledger.agents.items()
        for half in halves
        if (spent := agent.during(half, half + HALF_HOUR_MS, now_ms)) != Spent()
    }


def worked(ledger: Ledger) -> dict[UUID, int]:
    """Part of an agent in deferred work → what counts of its time."""
    return {
        segment_id: handling.worked_ms
        for segment_id, handling in ledger.handlings.items()
        if handling.channel in DEFERRED_CHANNELS
    }


async def rebuilt(watched: Watched) -> Ledger:
    """The day from the log alone."""
    ledger, _ = await watched.analytics.rebuild(*watched.wallboard.day)
    return ledger


async def recounted(watched: Watched, now: datetime) -> dict[CellKey, dict[str, int]]:
    async with watched.deps.pool.acquire() as conn:
        rows = await conn.fetch(RECOUNT, to_ms(now))
    return {
        (row["half"], row["queue"], row["channel"]): {
            name: value for name, value in row.items() if name not in {"half", "queue", "channel"}
        }
        for row in rows
    }


def differences(counted: Cells, tables: dict[CellKey, dict[str, int]]) -> Counter[str]:
    """Figure → in how many cells fold and tables disagree."""
    found: Counter[str] = Counter()
    for key in counted.keys() | tables.keys():
        mine = asdict(counted.get(key, Tally()))
        theirs = tables.get(key, {})
        for name, value in theirs.items():
            # Talk and hold of a part that was set aside are told apart by the fold only.
            found[name] += mine[name] != value
        found["offered"] += not theirs
    return +found


async def test_a_day_rebuilt_from_the_log_equals_the_live_one(watched: Watched) -> None:
    await watched.play()
    now = to_ms(watched.clock.now())
    start = to_ms(watched.wallboard.day[0])
    live = watched.wallboard.board.ledger
    again = await rebuilt(watched)
    assert cells(live, now) == cells(again, now)
    assert times(live, start, now) == times(again, start, now)
    assert live.waiting.keys() == again.waiting.keys()
    assert worked(live) == worked(again)
    assert len(worked(live)) > 5
    assert {a: (t.state, t.state_since_ms) for a, t in live.agents.items()} == {
        a: (t.state, t.state_since_ms) for a, t in again.agents.items()
    }
    assert sum(tally.offered for tally in cells(live, now).values()) > 100


async def test_the_tables_agree(played: Watched) -> None:
    now = played.clock.now()
    tables = await recounted(played, now)
    counted = cells(played.wallboard.board.ledger, to_ms(now))
    assert differences(counted, tables) == Counter()
    assert sum(row["answered"] for row in tables.values()) > 150
    assert sum(row["abandoned"] for row in tables.values()) > 5
    assert sum(row["wrap_ms"] for row in tables.values()) > 0
    assert sum(row["wrap_lapsed"] for row in tables.values()) > 0
    assert sum(row["person_in"] for row in tables.values()) > 50
    assert sum(row["no_person"] for row in tables.values()) > 5


async def test_a_half_hour_over_http_is_the_live_one(played: Watched) -> None:
    now = to_ms(played.clock.now())
    start, end = played.wallboard.day
    told = await played.analytics.intervals(
        SYSTEM, IntervalQuery.model_validate({"from": start, "to": end, "queue": "SA"})
    )
    live = cells(played.wallboard.board.ledger, now)
    assert {
        (to_ms(row.start), row.queue, row.channel): row.figures.offered for row in told.items
    } == {key: tally.offered for key, tally in live.items() if key[1] == "SA"}
    assert sum(row.available_ms for row in told.staff) > 0


Plant = Callable[[Ledger], None]


def _belongs_to_its_end(ledger: Ledger) -> None:
    """A visit counted in the half hour in which it ended."""
    ended = ledger._end_visit

    def wrong(visit: Any, outcome: str, waited_ms: int, at_ms: int) -> None:
        ended(visit, outcome, waited_ms, at_ms)
        del ledger.cells[visit.cell][visit.work_item_id]
        visit.entered_ms = at_ms
        ledger.cells.setdefault(visit.cell, {})[visit.work_item_id] = visit

    ledger._end_visit = wrong  # type: ignore[method-assign]


def _ringing_is_no_wait(ledger: Ledger) -> None:
    """The wait ends when it rings."""
    apply = ledger._apply[routing.ReservationAccepted]

    def wrong(event: Any, at_ms: int) -> None:
        apply(event, at_ms)
        visit = ledger.visits[event.work_item_id]
        visit.waited_ms = max(0, visit.waited_ms - 2_000)

    ledger._apply[routing.ReservationAccepted] = wrong


def _a_customer_who_leaves_is_a_miss(ledger: Ledger) -> None:
    """An offer that the customer ended, counted against the agent."""
    ledger._apply[routing.ReservationCancelled] = ledger._timed_out


def _no_wrap_up(ledger: Ledger) -> None:
    """Handling without the paperwork."""
    ledger._apply[interactions.InteractionWrapStarted] = lambda e, at: ledger._move(
        e.segment_id, "ended", at
    )


def _no_wrap_up_runs_out(ledger: Ledger) -> None:
    """A wrap-up that ran out, counted as one that was finished."""
    wrapped_up = ledger._apply[interactions.InteractionWrappedUp]
    ledger._apply[interactions.InteractionWrappedUp] = lambda e, at: wrapped_up(
        replace(e, timed_out=False), at
    )


def _abandoned_is_moved(ledger: Ledger) -> None:
    """Another outcome than the fact's."""
    ended = ledger._end_visit
    ledger._end_visit = lambda visit, outcome, waited_ms, at_ms: ended(  # type: ignore[method-assign]
        visit, "moved" if outcome == "abandoned" else outcome, waited_ms, at_ms
    )


def _forgets_one_queue(ledger: Ledger) -> None:
    """One visit in a hundred is not seen at all."""
    queued = ledger._apply[interactions.InteractionQueued]
    seen = 0

    def wrong(event: Any, at_ms: int) -> None:
        nonlocal seen
        seen += 1
        if seen % 100:
            queued(event, at_ms)

    ledger._apply[interactions.InteractionQueued] = wrong


def _leaves_short_ones_out_of_the_law(ledger: Ledger) -> None:
    """Who abandons at once is no caller."""
    gone = ledger._got_nobody

    def wrong(interaction_id: UUID, at_ms: int) -> None:
        sought = ledger.seeking.get(interaction_id)
        if sought is not None and at_ms - sought.entered_ms < 5_000:
            sought.caller = None
        gone(interaction_id, at_ms)

    ledger._got_nobody = wrong  # type: ignore[method-assign]


PLANTS: tuple[Plant, ...] = (
    _leaves_short_ones_out_of_the_law,
    _belongs_to_its_end,
    _ringing_is_no_wait,
    _a_customer_who_leaves_is_a_miss,
    _no_wrap_up,
    _no_wrap_up_runs_out,
    _abandoned_is_moved,
    _forgets_one_queue,
)


async def test_a_planted_wrong_fold_is_caught(
    played: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the same comparisons with folds that are wrong in one place each."""
    now = played.clock.now()
    right = cells(played.wallboard.board.ledger, to_ms(now))
    tables = await recounted(played, now)
    for plant in PLANTS:

        class Wrong(Ledger):
            def __init__(self, plant: Plant = plant) -> None:
                super().__init__()
                plant(self)

        monkeypatch.setattr("contactcenter.analytics.service.Ledger", Wrong)
        wrong = cells(await rebuilt(played), to_ms(now))
        assert wrong != right, plant.__doc__
        assert differences(wrong, tables) != Counter(), plant.__doc__
