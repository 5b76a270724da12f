"""What the demo looks up for itself, and the few settings it keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from db import Connection

MARK = "simulated"
"""Key in interactions.metadata: this one is played by the demo."""

SETTINGS = "SELECT key, value FROM centre_settings WHERE key = ANY ($1)"


async def settings(conn: Connection, keys: Sequence[str]) -> dict[str, Any]:
    return {row["key"]: row["value"] for row in await conn.fetch(SETTINGS, list(keys))}


PUT_SETTING = """
INSERT INTO centre_settings (key, value, updated_at) VALUES ($1, $2, $3)
ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at
"""


async def put_setting(conn: Connection, key: str, value: dict[str, Any], at: datetime) -> None:
    await conn.execute(PUT_SETTING, key, value, at)


HAS_HISTORY = "SELECT EXISTS (SELECT FROM interactions WHERE NOT metadata ? 'seeded')"


async def has_history(conn: Connection) -> bool:
    return bool(await conn.fetchval(HAS_HISTORY))


@dataclass(frozen=True, slots=True)
class Player:
    """An agent whom the demo plays while nobody is signed in as that agent."""

    agent_id: UUID
    channels: tuple[str, ...]
    """What its simulated desk can handle: those without a maximum of zero."""
    person: bool
    """A person's desk is connected as this agent just now."""
    status: str
    reason: str | None


# A real desk declares web chat, a simulated one never does: that is how they are told apart.
PLAYERS = """
SELECT a.id, a.maxima, a.status, a.status_reason,
       coalesce(s.present AND 'chat' = ANY (s.channels), false) AS person
FROM agents a
LEFT JOIN agent_states s ON s.agent_id = a.id
WHERE NOT EXISTS (SELECT FROM agent_skills k WHERE k.agent_id = a.id AND k.skill = 'supervisor')
ORDER BY a.ordinal, a.id
"""
CHANNELS = ("voice", "chat", "whatsapp", "sms", "email")


async def players(conn: Connection) -> list[Player]:
    """The demo's agents; supervisors are people or absent."""
    return [
        Player(
            row["id"],
            tuple(c for c in CHANNELS if row["maxima"].get(c) != 0),
            row["person"],
            row["status"],
            row["status_reason"],
        )
        for row in await conn.fetch(PLAYERS)
    ]


FREE_CUSTOMER = """
SELECT c.id FROM contacts c
JOIN contact_addresses a ON a.contact_id = c.id AND a.kind = 'phone' AND a.address = ANY ($1)
WHERE $3 = 'email' OR NOT EXISTS (SELECT FROM interactions i WHERE i.contact_id = c.id
                                  AND i.channel = $3 AND i.state <> 'closed')
ORDER BY md5($2 || c.id::text)
LIMIT 1
"""


async def free_customer(
    conn: Connection, phones: Sequence[str], channel: str, salt: str
) -> UUID | None:
    """One of these people whom we do not have on this channel already; mail has no such bound.

    Which one is the salt's choice.
    """
    found: UUID | None = await conn.fetchval(FREE_CUSTOMER, list(phones), salt, channel)
    return found


OPEN_THREAD = """
SELECT id FROM conversations
WHERE contact_id = $1 AND channel = $2 AND state = 'open' AND channel IN ('chat', 'whatsapp', 'sms')
"""


async def open_thread(conn: Connection, contact_id: UUID, channel: str) -> UUID | None:
    """The person's open conversation on a channel that has one for each person."""
    found: UUID | None = await conn.fetchval(OPEN_THREAD, contact_id, channel)
    return found


@dataclass(frozen=True, slots=True)
class OpenPart:
    """A simulated interaction as the tables have it: who has it, and since when."""

    interaction_id: UUID
    conversation_id: UUID
    channel: str
    queue: str
    script: dict[str, Any]
    queued_at: datetime
    agent_id: UUID | None
    segment_state: str | None
    park_reason: str | None
    started_at: datetime | None


OPEN_PARTS = f"""
SELECT i.id AS interaction_id, i.conversation_id, i.channel, i.queue,
       i.metadata->'{MARK}' AS script, coalesce(i.queued_at, i.created_at) AS queued_at,
       s.agent_id, s.state AS segment_state, s.park_reason, s.started_at
FROM interactions i
LEFT JOIN segments s ON s.interaction_id = i.id AND s.state <> 'ended'
WHERE i.state <> 'closed' AND i.metadata ? '{MARK}' AND i.queue IS NOT NULL
  AND ($1::uuid IS NULL OR i.id = $1)
ORDER BY i.created_at, i.id, s.state = 'wrapping'
"""  # noqa: S608 - a constant


async def open_parts(conn: Connection) -> list[OpenPart]:
    """Simulated work that is open, one row for each open agent's part or for its wait."""
    return [OpenPart(**row) for row in await conn.fetch(OPEN_PARTS, None)]


async def open_part(conn: Connection, interaction_id: UUID) -> OpenPart | None:
    """One simulated interaction as it is now; of several open parts, one that talks.

    None for what is closed, or is a person's.
    """
    row = await conn.fetchrow(OPEN_PARTS, interaction_id)
    return None if row is None else OpenPart(**row)


PENDING = """
SELECT r.id AS reservation_id, r.agent_id, r.interaction_id, i.channel
FROM reservations r
JOIN interactions i ON i.id = r.interaction_id
WHERE r.state = 'pending'
ORDER BY r.created_at, r.id
"""


async def ringing(conn: Connection) -> list[tuple[UUID, UUID, UUID, str]]:
    """(reservation, agent, interaction, channel) of every pending offer."""
    return [tuple(row) for row in await conn.fetch(PENDING)]
