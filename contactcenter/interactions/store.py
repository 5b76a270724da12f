"""SQL of contacts, conversations, interactions and messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from contactcenter.interactions.model import (
    Address,
    Change,
    Contact,
    Conversation,
    Interaction,
    Message,
    sources,
)
from db import Connection, Record

INSERT_CONTACT = """
INSERT INTO contacts (id, name, sort_key, locale, created_at) VALUES ($1, $2, $3, $4, $5)
"""

INSERT_ADDRESSES = """
INSERT INTO contact_addresses (contact_id, kind, address)
SELECT $1, kind, address FROM unnest($2::text[], $3::text[]) AS given (kind, address)
ON CONFLICT DO NOTHING
"""


async def insert_contact(conn: Connection, contact: Contact, sort_key: str) -> None:
    await conn.execute(
        INSERT_CONTACT, contact.id, contact.name, sort_key, contact.locale, contact.created_at
    )
    await insert_addresses(conn, contact.id, contact.addresses)


async def insert_addresses(
    conn: Connection, contact_id: UUID, addresses: Sequence[Address]
) -> None:
    if addresses:
        await conn.execute(
            INSERT_ADDRESSES,
            contact_id,
            [a.kind for a in addresses],
            [a.address for a in addresses],
        )


CONTACTS_WITH = """
SELECT DISTINCT a.contact_id
FROM contact_addresses a
JOIN unnest($1::text[], $2::text[]) AS given (kind, address)
  ON a.kind = given.kind AND a.address = given.address
WHERE $3::text IS NULL OR NOT EXISTS (
    SELECT FROM conversations c
    WHERE c.contact_id = a.contact_id AND c.channel = $3 AND c.channel_address = $4
      AND c.state = 'open')
LIMIT 2
"""


async def contacts_with(
    conn: Connection, addresses: Sequence[Address], free_for: tuple[str, str] | None
) -> list[UUID]:
    """Up to two contacts that have one of the addresses (two are as ambiguous as ten)."""
    channel, channel_address = free_for or (None, None)
    rows = await conn.fetch(
        CONTACTS_WITH,
        [a.kind for a in addresses],
        [a.address for a in addresses],
        channel,
        channel_address,
    )
    return [row["contact_id"] for row in rows]


SELECT_CONTACT = """
SELECT c.id, c.customer_id, c.name, c.locale, c.verified, c.created_at, c.version,
       (SELECT coalesce(jsonb_agg(jsonb_build_array(a.kind, a.address)
                                  ORDER BY a.kind, a.address), '[]')
        FROM contact_addresses a WHERE a.contact_id = c.id) AS addresses
FROM contacts c WHERE c.id = $1
"""


async def contact(conn: Connection, contact_id: UUID) -> Contact | None:
    row = await conn.fetchrow(SELECT_CONTACT, contact_id)
    if row is None:
        return None
    values = dict(row)
    values["addresses"] = tuple(Address(kind, address) for kind, address in row["addresses"])
    return Contact(**values)


EDIT_CONTACT = """
UPDATE contacts
SET name = coalesce($2, name), sort_key = coalesce($3, sort_key),
    locale = coalesce($4, locale), verified = coalesce($5, verified), version = version + 1
WHERE id = $1
RETURNING id
"""
LOCK_CONTACT = "SELECT FROM contacts WHERE id = $1 FOR UPDATE"


async def locked_contact(conn: Connection, contact_id: UUID) -> Contact | None:
    """The contact as it is, and stays until the end of the transaction."""
    await conn.execute(LOCK_CONTACT, contact_id)
    return await contact(conn, contact_id)


async def edit_contact(
    conn: Connection,
    contact_id: UUID,
    *,
    name: str | None,
    sort_key: str | None,
    locale: str | None,
    verified: bool | None,
) -> bool:
    return (
        await conn.fetchval(EDIT_CONTACT, contact_id, name, sort_key, locale, verified)
    ) is not None


INSERT_CONVERSATION = """
INSERT INTO conversations (id, contact_id, channel, channel_address, subject, queue, locale,
                           visitor_token_hash, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (contact_id, channel, channel_address)
    WHERE state = 'open' AND channel IN ('chat', 'whatsapp', 'sms') DO NOTHING
RETURNING id
"""


async def insert_conversation(
    conn: Connection, conversation: Conversation, visitor_token_hash: bytes | None
) -> bool:
    """False: this contact has an open conversation there already."""
    inserted = await conn.fetchval(
        INSERT_CONVERSATION,
        conversation.id,
        conversation.contact_id,
        conversation.channel,
        conversation.channel_address,
        conversation.subject,
        conversation.queue,
        conversation.locale,
        visitor_token_hash,
        conversation.created_at,
    )
    return inserted is not None


CONVERSATION = """
SELECT id, contact_id, channel, channel_address, subject, state, queue, locale, visitor_read,
       agent_read, last_message_at, created_at, closed_at
"""
SELECT_CONVERSATION = f"{CONVERSATION} FROM conversations WHERE id = $1"


async def conversation(conn: Connection, conversation_id: UUID) -> Conversation | None:
    row = await conn.fetchrow(SELECT_CONVERSATION, conversation_id)
    return Conversation(**row) if row else None


CONVERSATIONS_OF_TOKENS = f"""
{CONVERSATION}, visitor_token_hash
FROM conversations WHERE visitor_token_hash = ANY ($1::bytea[])
"""


async def conversations_of_tokens(
    conn: Connection, token_hashes: Sequence[bytes]
) -> dict[bytes, Conversation]:
    found = {}
    for row in await conn.fetch(CONVERSATIONS_OF_TOKENS, token_hashes):
        columns = dict(row)
        token_hash = columns.pop("visitor_token_hash")
        found[token_hash] = Conversation(**columns)
    return found


INTERACTIONS_OF = "SELECT id FROM interactions WHERE conversation_id = $1"


async def interactions_of(conn: Connection, conversation_id: UUID) -> list[UUID]:
    """In no order."""
    return [row["id"] for row in await conn.fetch(INTERACTIONS_OF, conversation_id)]


CLOSE_CONVERSATION = """
UPDATE conversations SET state = 'closed', closed_at = $2
WHERE id = $1 AND state = 'open' RETURNING id
"""


async def close_conversation(conn: Connection, conversation_id: UUID, at: datetime) -> bool:
    return await conn.fetchval(CLOSE_CONVERSATION, conversation_id, at) is not None


INTERACTION_COLUMNS = """
    id, conversation_id, contact_id, customer_id, channel, direction, state, close_reason,
    customer_present, queue, agent_id, subject, outcome, routing_facts, metadata, tags, version,
    created_at, queued_at, virtual_start, first_offered_at, answered_at, ended_at, closed_at
"""

INSERT_INTERACTION = """
INSERT INTO interactions (id, conversation_id, contact_id, customer_id, channel, direction, state,
                          routing_facts, metadata, created_at)
SELECT $1, $2, $3, c.customer_id, $4, $5, $6, $7, $8, $9 FROM contacts c WHERE c.id = $3
ON CONFLICT (conversation_id) WHERE closed_at IS NULL DO NOTHING
RETURNING customer_id, version
"""


async def insert_interaction(conn: Connection, interaction: Interaction) -> bool:
    """False: the conversation has an open interaction already."""
    return (
        await conn.fetchrow(
            INSERT_INTERACTION,
            interaction.id,
            interaction.conversation_id,
            interaction.contact_id,
            interaction.channel,
            interaction.direction,
            interaction.state,
            interaction.routing_facts,
            interaction.metadata,
            interaction.created_at,
        )
        is not None
    )


def interaction_of(row: Record | Mapping[str, Any]) -> Interaction:
    values = dict(row)
    values["tags"] = tuple(values["tags"])
    return Interaction(**values)


SELECT_INTERACTION = f"SELECT {INTERACTION_COLUMNS} FROM interactions WHERE id = $1"  # noqa: S608

LOCK_INTERACTION = SELECT_INTERACTION + " FOR NO KEY UPDATE"


async def interaction(
    conn: Connection, interaction_id: UUID, *, lock: bool = False
) -> Interaction | None:
    row = await conn.fetchrow(LOCK_INTERACTION if lock else SELECT_INTERACTION, interaction_id)
    return interaction_of(row) if row else None


OPEN_INTERACTION = f"""
SELECT {INTERACTION_COLUMNS} FROM interactions
WHERE conversation_id = $1 AND closed_at IS NULL
FOR NO KEY UPDATE
"""  # noqa: S608 - a constant


async def open_interaction(conn: Connection, conversation_id: UUID) -> Interaction | None:
    row = await conn.fetchrow(OPEN_INTERACTION, conversation_id)
    return interaction_of(row) if row else None


LAST_AGENTS = """
SELECT agent_id FROM interactions
WHERE conversation_id = $1 AND agent_id IS NOT NULL AND closed_at >= $2
ORDER BY closed_at DESC LIMIT 1
"""


async def last_agents(conn: Connection, conversation_id: UUID, since: datetime) -> tuple[UUID, ...]:
    rows = await conn.fetch(LAST_AGENTS, conversation_id, since)
    return tuple(row["agent_id"] for row in rows)


CHANGE_INTERACTIONS = """
UPDATE interactions i
SET state = c.state,
    version = i.version + 1,
    queue = coalesce(c.queue, i.queue),
    agent_id = coalesce(c.agent_id, i.agent_id),
    virtual_start = coalesce(c.virtual_start, i.virtual_start),
    customer_present = coalesce(c.customer_present, i.customer_present),
    outcome = coalesce(c.outcome, i.outcome),
    close_reason = coalesce(c.close_reason, i.close_reason),
    queued_at = CASE WHEN c.state = 'queued' THEN coalesce(i.queued_at, c.at)
                ELSE i.queued_at END,
    first_offered_at = CASE WHEN c.state = 'offered' THEN coalesce(i.first_offered_at, c.at)
                       ELSE i.first_offered_at END,
    answered_at = CASE WHEN c.state = 'active' THEN coalesce(i.answered_at, c.at)
                  ELSE i.answered_at END,
    ended_at = CASE WHEN c.customer_present THEN NULL
               WHEN c.state IN ('wrapping', 'closed') OR NOT c.customer_present
               THEN coalesce(i.ended_at, c.at)
               ELSE i.ended_at END,
    closed_at = CASE WHEN c.state = 'closed' THEN c.at END
FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::uuid[],
            $7::timestamptz[], $8::boolean[], $9::text[], $10::text[])
     AS c (id, state, at, expect, queue, agent_id, virtual_start, customer_present, close_reason,
           outcome)
WHERE i.id = c.id AND i.state = ANY (string_to_array(c.expect, ' '))
RETURNING i.id
"""


async def change_interactions(conn: Connection, changes: Sequence[Change]) -> set[UUID]:
    """Apply those whose interaction stands in an expected state. At most one for each id."""
    if not changes:
        return set()
    columns = list(
        zip(
            *(
                (
                    c.interaction_id,
                    c.to,
                    c.at,
                    " ".join(sources(c.to) if c.expect is None else c.expect),
                    c.queue,
                    c.agent_id,
                    c.virtual_start,
                    c.customer_present,
                    c.close_reason,
                    c.outcome,
                )
                for c in changes
            ),
            strict=True,
        )
    )
    rows = await conn.fetch(CHANGE_INTERACTIONS, *columns)
    return {row["id"] for row in rows}


ENTER_QUEUE = """
UPDATE interactions
SET state = 'queued', version = version + 1, queue = $3, virtual_start = $4,
    queued_at = coalesce(queued_at, $2), closed_at = NULL
WHERE id = $1 AND state = ANY ($5::text[]) AND ($6::integer IS NULL OR version = $6)
RETURNING id
"""


MOVE_TOGETHER = """
UPDATE interactions
SET state = $2, version = version + 1,
    first_offered_at = CASE WHEN $2 = 'offered' THEN coalesce(first_offered_at, $3)
                       ELSE first_offered_at END
WHERE id = ANY ($1::uuid[]) AND state = ANY ($4::text[])
RETURNING id
"""


async def move_together(
    conn: Connection, ids: Sequence[UUID], to: str, at: datetime, expect: Sequence[str]
) -> set[UUID]:
    """Many interactions from one of the states `expect` to `queued` or `offered`, nothing else."""
    rows = await conn.fetch(MOVE_TOGETHER, ids, to, at, expect)
    return {row["id"] for row in rows}


END_CUSTOMER_PART = """
UPDATE interactions
SET customer_present = false, ended_at = $2, version = version + 1
WHERE id = $1 AND customer_present AND closed_at IS NULL
RETURNING conversation_id, channel
"""


async def end_customer_part(
    conn: Connection, interaction_id: UUID, at: datetime
) -> tuple[UUID, str] | None:
    """(conversation, channel); None when it had ended before."""
    row = await conn.fetchrow(END_CUSTOMER_PART, interaction_id, at)
    return (row["conversation_id"], row["channel"]) if row else None


INSERT_MESSAGE = """
WITH added AS (
    INSERT INTO messages (id, conversation_id, interaction_id, sender, kind, agent_id, body,
                          client_id, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (conversation_id, sender, client_id) WHERE client_id IS NOT NULL DO NOTHING
    RETURNING conversation_id, created_at
)
UPDATE conversations c SET last_message_at = added.created_at
FROM added WHERE c.id = added.conversation_id
RETURNING c.id
"""


async def insert_message(conn: Connection, message: Message) -> bool:
    """False: a message with this client_id is stored already."""
    inserted = await conn.fetchval(
        INSERT_MESSAGE,
        message.id,
        message.conversation_id,
        message.interaction_id,
        message.sender,
        message.kind,
        message.agent_id,
        message.body,
        message.client_id,
        message.created_at,
    )
    return inserted is not None


MESSAGE_OF_CLIENT = """
SELECT id, conversation_id, interaction_id, sender, kind, agent_id, body, client_id, created_at
FROM messages WHERE conversation_id = $1 AND sender = $2 AND client_id = $3
"""


async def message_of_client(
    conn: Connection, conversation_id: UUID, sender: str, client_id: str
) -> Message | None:
    row = await conn.fetchrow(MESSAGE_OF_CLIENT, conversation_id, sender, client_id)
    return Message(**row) if row else None


MARK_READ_BY_VISITOR = """
UPDATE conversations c SET visitor_read = $2
WHERE c.id = $1 AND (c.visitor_read IS NULL OR c.visitor_read < $2)
  AND EXISTS (SELECT FROM messages m WHERE m.id = $2 AND m.conversation_id = $1)
RETURNING c.id
"""

MARK_READ_BY_AGENT = """
UPDATE conversations c SET agent_read = $2
WHERE c.id = $1 AND (c.agent_read IS NULL OR c.agent_read < $2)
  AND EXISTS (SELECT FROM messages m WHERE m.id = $2 AND m.conversation_id = $1)
RETURNING c.id
"""


async def mark_read(conn: Connection, conversation_id: UUID, message_id: UUID, reader: str) -> bool:
    sql = MARK_READ_BY_VISITOR if reader == "visitor" else MARK_READ_BY_AGENT
    return await conn.fetchval(sql, conversation_id, message_id) is not None


VISIBLE_TO_AGENT = """
SELECT EXISTS (
    SELECT FROM segments s WHERE s.interaction_id = i.id AND s.agent_id = $2
) OR EXISTS (
    SELECT FROM work_items w
    JOIN queues q ON q.key = w.queue
    JOIN agent_skills k ON k.agent_id = $2 AND k.skill = q.skill
    WHERE w.interaction_id = i.id AND w.answered_at IS NULL AND w.ended_at IS NULL
      AND ($5::text[] IS NULL OR w.queue = ANY ($5))
) AS visible
FROM interactions i
WHERE ($1::uuid IS NOT NULL AND i.id = $1)
   OR ($3::uuid IS NOT NULL AND i.conversation_id = $3)
   OR ($4::uuid IS NOT NULL AND i.contact_id = $4)
ORDER BY visible DESC LIMIT 1
"""


async def visible_to_agent(
    conn: Connection,
    agent_id: UUID,
    queues: Iterable[str] | None,
    *,
    interaction_id: UUID | None = None,
    conversation_id: UUID | None = None,
    contact_id: UUID | None = None,
) -> bool:
    """Whether the agent has or had a part in it, or it waits in a queue of theirs, of these
    `queues` (None: of any)."""
    within = None if queues is None else list(queues)
    return cast(
        "bool",
        await conn.fetchval(
            VISIBLE_TO_AGENT, interaction_id, agent_id, conversation_id, contact_id, within
        )
        or False,
    )


IN_QUEUES = """
SELECT EXISTS (
    SELECT FROM interactions i
    WHERE (($1::uuid IS NOT NULL AND i.id = $1)
           OR ($3::uuid IS NOT NULL AND i.conversation_id = $3)
           OR ($4::uuid IS NOT NULL AND i.contact_id = $4))
      AND (i.queue IS NULL OR i.queue = ANY ($2::text[]))
)
"""


async def in_queues(
    conn: Connection,
    queues: Iterable[str],
    *,
    interaction_id: UUID | None = None,
    conversation_id: UUID | None = None,
    contact_id: UUID | None = None,
) -> bool:
    """Whether it is, or has something, in one of these queues or in none."""
    return cast(
        "bool",
        await conn.fetchval(IN_QUEUES, interaction_id, list(queues), conversation_id, contact_id),
    )


LIST_INTERACTIONS = """
SELECT i.id AS interaction_id, i.conversation_id, i.contact_id, i.channel, i.direction, i.state,
       i.close_reason, i.queue, i.agent_id, a.name AS agent_name, c.name AS customer_name,
       i.outcome, i.created_at, i.queued_at, i.answered_at, i.closed_at
FROM interactions i
JOIN contacts c ON c.id = i.contact_id
LEFT JOIN agents a ON a.id = i.agent_id
WHERE ($1::text IS NULL OR i.state = $1)
  AND ($2::text IS NULL OR i.queue = $2)
  AND ($3::uuid IS NULL OR i.agent_id = $3)
  AND ($4::text IS NULL OR i.channel = $4)
  AND ($5::text IS NULL OR c.sort_key LIKE '%' || $5 || '%' OR EXISTS (
       SELECT FROM contact_addresses d WHERE d.contact_id = c.id AND d.address = $6))
  AND ($7::timestamptz IS NULL OR (i.created_at, i.id) < ($7, $8::uuid))
  AND ($9::uuid IS NULL
       OR EXISTS (SELECT FROM segments s WHERE s.interaction_id = i.id AND s.agent_id = $9)
       OR EXISTS (SELECT FROM work_items w
                  JOIN queues q ON q.key = w.queue
                  JOIN agent_skills k ON k.agent_id = $9 AND k.skill = q.skill
                  WHERE w.interaction_id = i.id AND w.answered_at IS NULL
                    AND w.ended_at IS NULL))
  AND ($11::text[] IS NULL OR i.queue IS NULL OR i.queue = ANY ($11))
  AND ($12::uuid IS NULL OR i.customer_id = $12)
ORDER BY i.created_at DESC, i.id DESC
LIMIT $10
"""


async def list_interactions(
    conn: Connection,
    *,
    state: str | None,
    queue: str | None,
    agent_id: UUID | None,
    channel: str | None,
    name_part: str | None,
    address: str | None,
    before: tuple[datetime, UUID] | None,
    seen_by: UUID | None,
    within: Iterable[str] | None,
    customer_id: UUID | None,
    limit: int,
) -> list[Record]:
    """Newest first. `seen_by`: only what this agent may see; `within`: only in these queues."""
    at, row_id = before or (None, None)
    return await conn.fetch(
        LIST_INTERACTIONS,
        state,
        queue,
        agent_id,
        channel,
        name_part,
        address,
        at,
        row_id,
        seen_by,
        limit,
        None if within is None else list(within),
        customer_id,
    )


SEGMENTS_OF = """
SELECT s.id AS segment_id, s.agent_id, a.name AS agent_name, s.queue, s.state, s.started_at,
       s.ended_at, s.held_ms, s.disposition, s.note
FROM segments s JOIN agents a ON a.id = s.agent_id
WHERE s.interaction_id = $1
ORDER BY s.started_at, s.id
"""


async def segments_of(conn: Connection, interaction_id: UUID) -> list[dict[str, Any]]:
    return [dict(row) for row in await conn.fetch(SEGMENTS_OF, interaction_id)]
