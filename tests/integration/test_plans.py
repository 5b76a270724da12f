"""What is asked of the past reads what it asks for, however long the past is."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import db
from contactcenter.agents import store
from routing import recorded

BEGIN = datetime(2027, 3, 16, tzinfo=UTC)
END = BEGIN + timedelta(days=1)
# A year up to the day's end: of the log one fact in ten is an agent's, and visits are evenly there.
PAST = """
SET session_replication_role = replica;
INSERT INTO agents (id, user_id, name, sort_key, status_since, created_at)
SELECT md5(n::text)::uuid, md5(n::text)::uuid, n, n, now(), now() FROM generate_series(0, 9) n;
INSERT INTO event_log (type, version, subject, data, actor, occurred_at)
SELECT CASE WHEN n % 10 > 0 THEN 'message.received' WHEN n % 20 > 0 THEN 'agent.status_changed'
            ELSE 'agent.presence_changed' END,
       1, md5((CASE WHEN n % 10 > 0 THEN n ELSE n / 20 % 10 END)::text)::uuid::text,
       '{"status": "available", "present": true}', 'test',
       '2027-03-17T00:00Z'::timestamptz - (20000 - n) * interval '26 minutes'
FROM generate_series(1, 20000) n;
INSERT INTO work_items (id, interaction_id, contact_id, queue, channel, entry, state, outcome, band,
                        base, boost, target_ms, cost, virtual_start, entered_at, answered_at,
                        ended_at)
SELECT md5(n::text)::uuid, md5(n::text)::uuid, md5(n::text)::uuid, 'SA', 'voice', 'new', 'ended',
       'answered', 2, 0, 0, 1000, 100, at, at, at, at
FROM generate_series(1, 4000) n,
     LATERAL (SELECT '2027-03-17T00:00Z'::timestamptz - (4000 - n) * interval '2 hours' AS at) m;
INSERT INTO segments (id, interaction_id, work_item_id, agent_id, channel, state, cost, full_cost,
                      started_at, state_since, ended_at)
SELECT id, interaction_id, id, md5('1')::uuid, 'voice', 'ended', 100, 100, entered_at, entered_at,
       entered_at
FROM work_items;
SET session_replication_role = origin;
ANALYZE event_log, work_items, segments, agents;
"""


def rows_read(node: dict[str, Any]) -> float:
    """By the scans of a plan that was run: what they gave, and what they read and left out."""
    found = sum(rows_read(child) for child in node.get("Plans", ()))
    if "Scan" in node["Node Type"] and "Relation Name" in node:
        found += node["Actual Loops"] * (
            node["Actual Rows"]
            + node.get("Rows Removed by Filter", 0)
            + node.get("Rows Removed by Index Recheck", 0)
        )
    return found


async def test_the_past_is_read_by_its_indexes(conn: db.Connection) -> None:
    await conn.execute(PAST)
    agent = str(await conn.fetchval("SELECT id FROM agents WHERE name = '1'"))
    asked: dict[str, tuple[str, tuple[Any, ...], int]] = {
        "visits": (recorded.VISITS, (BEGIN, END), 100),
        "attendance": (recorded.ATTENDANCE, (list(recorded.ATTENDS), BEGIN, END), 400),
        "history": (store.HISTORY, (agent, BEGIN, END), 150),
    }
    for name, (statement, given, most) in asked.items():
        assert await conn.fetch(statement, *given), name
        said = await conn.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *given)
        ((plan,),) = (json.loads(said) if isinstance(said, str) else said,)
        read = rows_read(plan["Plan"])
        assert 0 < read < most, (name, read)
