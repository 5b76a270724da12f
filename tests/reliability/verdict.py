"""What the tables say against what was promised; nothing here asks the server."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol
from uuid import UUID

import db
from tests.reliability.load import Ledger

GRACE: Final = timedelta(seconds=1)
"""An item counts as overtaken if it stood before the other in the log, and so long before the
other's offer: the router hears of items in the order of their transactions, not of their clocks."""


class Row(Protocol):
    """A row of a table, by column."""

    def __getitem__(self, column: str, /) -> Any: ...


MESSAGES: Final = """
SELECT conversation_id, sender, body FROM messages WHERE kind = 'text' ORDER BY id
"""
ACCEPTED_TWICE: Final = """
SELECT count(*) FROM (SELECT FROM reservations WHERE state = 'accepted'
                      GROUP BY work_item_id HAVING count(*) > 1) twice
"""
SERVED_TWICE: Final = """
SELECT count(*) FROM (SELECT FROM segments GROUP BY interaction_id HAVING count(*) > 1) twice
"""
# A chat whose customer has been silent for long is parked, and costs nothing from then on.
SEGMENTS: Final = """
SELECT s.agent_id, s.full_cost, s.started_at, least(s.ended_at, parked.at) AS ended_at
FROM segments s LEFT JOIN (
    SELECT (data ->> 'segment_id')::uuid AS segment_id, min(occurred_at) AS at
    FROM event_log WHERE type = 'interaction.parked' GROUP BY 1
) parked ON parked.segment_id = s.id
ORDER BY s.started_at
"""
BUDGETS: Final = "SELECT id, budget FROM agents"
OPEN: Final = "SELECT count(*) FROM interactions WHERE closed_at IS NULL"
LOG: Final = """
SELECT type, data, created_at FROM event_log
WHERE type LIKE 'reservation.%' OR type IN ('interaction.queued', 'interaction.dequeued')
ORDER BY xid, id
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many promises were broken, by kind. All zero is right."""

    lost: int
    """acknowledged, and not there"""
    stored_twice: int
    begun_twice: int
    """requests to begin that led to two conversations"""
    out_of_order: int
    """conversations whose messages are not in the order in which they were acknowledged"""
    assigned_twice: int
    over_budget: int
    """times at which an agent had more than the budget allows"""
    overtaken: int
    """offers of an item while an earlier one waited"""
    refused: int
    """answers that no client should have got"""

    @property
    def faults(self) -> dict[str, int]:
        return {name: count for name, count in asdict(self).items() if count}


async def judge(conn: db.Connection, ledger: Ledger) -> Verdict:
    """Compare the tables with the ledger, once everything has settled. Every text is unique."""
    stored = await conn.fetch(MESSAGES)
    there = {(row["conversation_id"], row["sender"], row["body"]) for row in stored}
    bodies = Counter(row["body"] for row in stored)
    twice = await conn.fetchval(ACCEPTED_TWICE) + await conn.fetchval(SERVED_TWICE)
    return Verdict(
        lost=sum(
            (said.conversation_id, said.sender, said.body) not in there for said in ledger.said
        ),
        stored_twice=sum(count - 1 for count in bodies.values()),
        begun_twice=sum(len(answers) - 1 for answers in ledger.begun.values()),
        out_of_order=out_of_order(stored, ledger),
        assigned_twice=twice,
        over_budget=over_budget(
            await conn.fetch(SEGMENTS),
            {row["id"]: row["budget"] for row in await conn.fetch(BUDGETS)},
        ),
        overtaken=len(overtaken(await conn.fetch(LOG))),
        refused=len(ledger.refused),
    )


async def still_open(conn: db.Connection) -> int:
    """Interactions that nobody has finished yet."""
    return int(await conn.fetchval(OPEN))


async def left_over(conn: db.Connection) -> dict[str, list[str]]:
    """Who still waits, and what the agents do meanwhile."""
    return {
        name: [str(dict(row)) for row in await conn.fetch(query)]
        for name, query in LEFT_OVER.items()
    }


def out_of_order(stored: Sequence[Row], ledger: Ledger) -> int:
    promised: dict[UUID, list[str]] = defaultdict(list)
    for said in ledger.said:
        if said.sender == "visitor":
            promised[said.conversation_id].append(said.body)
    kept: dict[UUID, list[str]] = defaultdict(list)
    for row in stored:
        if row["sender"] == "visitor" and row["body"] in promised[row["conversation_id"]]:
            kept[row["conversation_id"]].append(row["body"])
    wrong = 0
    for conversation, order in promised.items():
        there = list(dict.fromkeys(kept[conversation]))
        wrong += there != [body for body in order if body in there]
    return wrong


def over_budget(segments: Sequence[Row], budgets: Mapping[UUID, int]) -> int:
    open_parts: dict[UUID, list[tuple[datetime | None, int]]] = defaultdict(list)
    over = 0
    for row in segments:
        mine = open_parts[row["agent_id"]]
        mine[:] = [part for part in mine if part[0] is None or part[0] > row["started_at"]]
        mine.append((row["ended_at"], row["full_cost"]))
        over += sum(cost for _, cost in mine) > budgets[row["agent_id"]]
    return over


def overtaken(log: Sequence[Row]) -> list[tuple[str, str]]:
    """(item offered, item passed over) wherever the queue's order was not kept.

    All items here have the same band, base and skill, so the order is that of the virtual start.
    What waits for a preferred agent is left out; so is an agent who has let an offer of the item
    pass (while the server was down for longer than it rang), who is not asked again at once.
    """
    waiting: dict[str, datetime] = {}  # item → since when, in the log's order
    starts: dict[str, str] = {}
    places: dict[str, int] = {}
    let_pass: dict[str, set[str]] = defaultdict(set)  # item → agents
    wrong = []
    for place, row in enumerate(log):
        data = row["data"]
        item = data["work_item_id"]
        if row["type"] == "interaction.queued":
            if data["routing"].get("preferred"):
                continue
            starts[item], places[item] = data["virtual_start"], place
            waiting[item] = row["created_at"]
        elif item not in starts:
            continue
        elif row["type"] == "reservation.created":
            waiting.pop(item, None)
            wrong += [
                (item, other)
                for other, since in waiting.items()
                if starts[other] < starts[item]
                and places[other] < places[item]
                and data["agent_id"] not in let_pass[other]
                and since < row["created_at"] - GRACE
            ]
        elif row["type"] in {"reservation.accepted", "interaction.dequeued"}:
            waiting.pop(item, None)
        else:  # the offer ended, the item waits on
            waiting[item] = row["created_at"]
            if row["type"] in {"reservation.timed_out", "reservation.rejected"}:
                let_pass[item].add(data["agent_id"])
    return wrong


LEFT_OVER: Final = {
    "interactions": """
SELECT state, agent_id, queued_at, answered_at, ended_at FROM interactions
WHERE closed_at IS NULL ORDER BY id LIMIT 20""",
    "waiting": """
SELECT state, round, step, entered_at FROM work_items
WHERE ended_at IS NULL ORDER BY id LIMIT 20""",
    "reservations": "SELECT state, agent_id, expires_at FROM reservations WHERE state = 'pending'",
    "segments": """
SELECT state, agent_id, park_reason, state_since FROM segments WHERE state <> 'ended'""",
    "agents": """
SELECT a.id, a.status, a.status_reason, s.present, s.present_until, s.cooldown_until, s.channels
FROM agents a LEFT JOIN agent_states s ON s.agent_id = a.id""",
}
