"""Read models for screens: cards of interactions, offers, queue items, messages.

Each loader takes many ids and asks once. They read the tables of the hall and of routing
as they are now; what they give is whole, so that a browser only puts it in place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from contactcenter.interactions.model import Address, masked
from contactcenter.interactions.repeats import contacts_before
from contactcenter.interactions.schemas import (
    ConversationState,
    CustomerCard,
    InteractionCard,
    MatchedSkill,
    MessageCard,
    OfferedCustomer,
    OfferHanded,
    OfferWhy,
    QueueItem,
    ReservationCard,
    SegmentCard,
    TimelineEntry,
)
from db import Connection, Record

NEWEST = 100

CARDS = """
SELECT i.id AS interaction_id, i.conversation_id, i.contact_id, i.channel, i.queue, i.state,
       i.created_at, i.queued_at, i.answered_at, i.ended_at, i.customer_present,
       CASE WHEN i.customer_set THEN i.customer_id
            ELSE COALESCE(i.customer_id, c.customer_id) END AS customer_id, c.name, c.verified,
       (SELECT a.address FROM contact_addresses a
        WHERE a.contact_id = c.id AND a.kind = 'email' ORDER BY a.address LIMIT 1) AS email,
       (SELECT a.address FROM contact_addresses a
        WHERE a.contact_id = c.id AND a.kind IN ('phone', 'whatsapp')
        ORDER BY a.kind, a.address LIMIT 1) AS phone,
       s.id AS segment_id, s.agent_id, s.state AS segment_state, s.park_reason, s.parked_until,
       s.started_at, s.state_since, s.wrap_deadline, s.wrap_extended, s.cost, s.over_budget,
       s.disposition, s.note,
       m.id AS message_id, m.interaction_id AS message_interaction_id, m.sender, m.kind,
       m.agent_id AS message_agent_id, ma.name AS agent_name, m.body, m.client_id,
       m.created_at AS message_created_at,
       (SELECT count(*) FROM messages u
        WHERE u.conversation_id = i.conversation_id AND u.sender = 'visitor'
          AND (v.agent_read IS NULL OR u.id > v.agent_read)) AS unread
"""

MY_CARDS = f"""
{CARDS}
FROM unnest($1::uuid[], $2::uuid[]) AS asked (agent_id, interaction_id)
JOIN segments s ON s.agent_id = asked.agent_id AND s.state <> 'ended'
     AND (asked.interaction_id IS NULL OR s.interaction_id = asked.interaction_id)
JOIN interactions i ON i.id = s.interaction_id
JOIN conversations v ON v.id = i.conversation_id
JOIN contacts c ON c.id = i.contact_id
LEFT JOIN LATERAL (SELECT * FROM messages m WHERE m.conversation_id = i.conversation_id
                   ORDER BY m.id DESC LIMIT 1) m ON true
LEFT JOIN agents ma ON ma.id = m.agent_id
"""  # noqa: S608 - two constants

ANY_CARDS = f"""
{CARDS}
FROM interactions i
LEFT JOIN segments s ON false
JOIN conversations v ON v.id = i.conversation_id
JOIN contacts c ON c.id = i.contact_id
LEFT JOIN LATERAL (SELECT * FROM messages m WHERE m.conversation_id = i.conversation_id
                   ORDER BY m.id DESC LIMIT 1) m ON true
LEFT JOIN agents ma ON ma.id = m.agent_id
WHERE i.id = ANY ($1::uuid[])
"""  # noqa: S608 - two constants


def _last_message(row: Record) -> MessageCard | None:
    if row["message_id"] is None:
        return None
    return MessageCard(
        message_id=row["message_id"],
        conversation_id=row["conversation_id"],
        interaction_id=row["message_interaction_id"],
        sender=row["sender"],
        kind=row["kind"],
        agent_id=row["message_agent_id"],
        agent_name=row["agent_name"],
        body=row["body"],
        client_id=row["client_id"],
        created_at=row["message_created_at"],
    )


def _card(row: Record) -> InteractionCard:
    segment = None
    if row["segment_id"] is not None:
        segment = SegmentCard(
            segment_id=row["segment_id"],
            state=row["segment_state"],
            park_reason=row["park_reason"],
            parked_until=row["parked_until"],
            started_at=row["started_at"],
            state_since=row["state_since"],
            wrap_deadline=row["wrap_deadline"],
            wrap_extended=row["wrap_extended"],
            cost=row["cost"],
            over_budget=row["over_budget"],
            disposition=row["disposition"],
            note=row["note"],
        )
    return InteractionCard(
        interaction_id=row["interaction_id"],
        conversation_id=row["conversation_id"],
        contact_id=row["contact_id"],
        channel=row["channel"],
        queue=row["queue"],
        state=row["state"],
        customer=CustomerCard(
            contact_id=row["contact_id"],
            customer_id=row["customer_id"],
            name=row["name"],
            email=row["email"],
            phone=row["phone"],
            verified=row["verified"],
        ),
        created_at=row["created_at"],
        queued_at=row["queued_at"],
        answered_at=row["answered_at"],
        ended_at=row["ended_at"],
        customer_present=row["customer_present"],
        segment=segment,
        last_message=_last_message(row),
        unread=row["unread"],
    )


async def cards_for(
    conn: Connection, pairs: Iterable[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], InteractionCard]:
    """(agent, interaction) → the card with that agent's open segment; absent: not theirs."""
    asked = sorted(set(pairs))
    if not asked:
        return {}
    agents, interactions = zip(*asked, strict=True)
    rows = await conn.fetch(MY_CARDS, agents, interactions)
    return {(row["agent_id"], row["interaction_id"]): _card(row) for row in rows}


async def cards_of_agents(
    conn: Connection, agent_ids: Collection[UUID]
) -> dict[UUID, dict[UUID, InteractionCard]]:
    """Agent → interaction → the card with that agent's open segment, for all that they have."""
    found: dict[UUID, dict[UUID, InteractionCard]] = {}
    for row in await conn.fetch(MY_CARDS, list(agent_ids), [None] * len(agent_ids)):
        found.setdefault(row["agent_id"], {})[row["interaction_id"]] = _card(row)
    return found


async def cards(
    conn: Connection, agent_id: UUID | None, interaction_ids: Sequence[UUID] | None = None
) -> dict[UUID, InteractionCard]:
    """Interaction → card. With an agent: where that agent has an open segment (of these
    interactions, or all of them); without: these interactions, whosoever they are."""
    if agent_id is None:
        rows = await conn.fetch(ANY_CARDS, list(interaction_ids or ()))
    else:
        ids: Sequence[UUID | None] = [None] if interaction_ids is None else list(interaction_ids)
        rows = await conn.fetch(MY_CARDS, [agent_id] * len(ids), ids)
    return {row["interaction_id"]: _card(row) for row in rows}


HOLDERS = """
SELECT s.interaction_id, s.agent_id FROM segments s
WHERE s.interaction_id = ANY ($1::uuid[]) AND s.state <> 'ended'
"""


async def holders(conn: Connection, interaction_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """Interaction → the agents with an open segment in it."""
    found: dict[UUID, list[UUID]] = {}
    for row in await conn.fetch(HOLDERS, list(interaction_ids)):
        found.setdefault(row["interaction_id"], []).append(row["agent_id"])
    return found


HOLDERS_OF_CONVERSATIONS = """
SELECT i.conversation_id, s.agent_id, s.interaction_id
FROM interactions i JOIN segments s ON s.interaction_id = i.id AND s.state <> 'ended'
WHERE i.conversation_id = ANY ($1::uuid[]) AND i.closed_at IS NULL
"""


async def holders_of_conversations(
    conn: Connection, conversation_ids: Sequence[UUID]
) -> dict[UUID, list[tuple[UUID, UUID]]]:
    """Conversation → (agent, interaction) for every open segment in its open interaction."""
    found: dict[UUID, list[tuple[UUID, UUID]]] = {}
    for row in await conn.fetch(HOLDERS_OF_CONVERSATIONS, list(conversation_ids)):
        found.setdefault(row["conversation_id"], []).append(
            (row["agent_id"], row["interaction_id"])
        )
    return found


MESSAGE = """
SELECT m.id AS message_id, m.conversation_id, m.interaction_id, m.sender, m.kind, m.agent_id,
       a.name AS agent_name, m.body, m.client_id, m.created_at
"""

MESSAGES = f"""
{MESSAGE}
FROM messages m LEFT JOIN agents a ON a.id = m.agent_id
WHERE m.conversation_id = $1 AND ($2::uuid IS NULL OR m.id < $2)
  AND ($3 OR m.kind <> 'note')
ORDER BY m.id DESC LIMIT $4
"""

MESSAGES_BY_ID = f"""
{MESSAGE}
FROM messages m LEFT JOIN agents a ON a.id = m.agent_id
WHERE m.id = ANY ($1::uuid[])
"""


async def messages(
    conn: Connection,
    conversation_id: UUID,
    *,
    before: UUID | None = None,
    limit: int = NEWEST,
    notes: bool = True,
) -> list[MessageCard]:
    """The newest messages (older than `before`), oldest first. Customers get no notes."""
    rows = await conn.fetch(MESSAGES, conversation_id, before, notes, limit)
    return [MessageCard(**row) for row in reversed(rows)]


MESSAGES_TO_CUSTOMERS = f"""
{MESSAGE}
FROM unnest($1::uuid[]) AS asked (id)
CROSS JOIN LATERAL (SELECT * FROM messages m
                    WHERE m.conversation_id = asked.id AND m.kind <> 'note'
                    ORDER BY m.id DESC LIMIT $2) m
LEFT JOIN agents a ON a.id = m.agent_id
ORDER BY m.id
"""  # noqa: S608 - a constant


async def messages_to_customers(
    conn: Connection, conversation_ids: Collection[UUID], *, limit: int = NEWEST
) -> dict[UUID, list[MessageCard]]:
    """Each conversation's newest messages, oldest first and without notes; absent: none."""
    found: dict[UUID, list[MessageCard]] = {}
    for row in await conn.fetch(MESSAGES_TO_CUSTOMERS, list(conversation_ids), limit):
        found.setdefault(row["conversation_id"], []).append(MessageCard(**row))
    return found


async def messages_by_id(conn: Connection, message_ids: Sequence[UUID]) -> dict[UUID, MessageCard]:
    rows = await conn.fetch(MESSAGES_BY_ID, list(message_ids))
    return {row["message_id"]: MessageCard(**row) for row in rows}


CONVERSATION_STATES = f"""
SELECT v.id AS conversation_id, v.visitor_read, v.agent_read, newest.*
FROM conversations v
LEFT JOIN LATERAL (
    {MESSAGE}
    FROM messages m LEFT JOIN agents a ON a.id = m.agent_id
    WHERE m.conversation_id = v.id ORDER BY m.id DESC LIMIT $2
) newest (message_id, message_conversation_id, interaction_id, sender, kind, agent_id, agent_name,
          body, client_id, created_at) ON true
WHERE v.id = ANY ($1::uuid[])
ORDER BY v.id, newest.message_id DESC
"""  # noqa: S608 - two constants


async def conversation_states(
    conn: Connection, conversation_ids: Sequence[UUID], *, limit: int = NEWEST
) -> dict[UUID, ConversationState]:
    """Each conversation with its newest messages, as an agent sees it."""
    grouped: dict[UUID, list[Record]] = {}
    for row in await conn.fetch(CONVERSATION_STATES, list(conversation_ids), limit + 1):
        grouped.setdefault(row["conversation_id"], []).append(row)
    states = {}
    for conversation_id, rows in grouped.items():
        shown = [row for row in rows[:limit] if row["message_id"] is not None]
        states[conversation_id] = ConversationState(
            conversation_id=conversation_id,
            messages=[_message(row) for row in reversed(shown)],
            has_more=len(rows) > limit,
            visitor_read=rows[0]["visitor_read"],
            agent_read=rows[0]["agent_read"],
        )
    return states


def _message(row: Record) -> MessageCard:
    return MessageCard(**{name: row[name] for name in MessageCard.model_fields})


UNREAD = """
SELECT v.id, count(m.id) AS unread
FROM conversations v
LEFT JOIN messages m ON m.conversation_id = v.id AND m.sender = 'visitor'
     AND (v.agent_read IS NULL OR m.id > v.agent_read)
WHERE v.id = ANY ($1::uuid[])
GROUP BY v.id
"""


async def unread(conn: Connection, conversation_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Conversation → the customer's messages that our side has not read."""
    rows = await conn.fetch(UNREAD, list(conversation_ids))
    return {row["id"]: row["unread"] for row in rows}


QUEUE_ITEMS = """
SELECT w.interaction_id, w.channel, w.queue, w.contact_id, c.name AS customer_name,
       w.entered_at, w.virtual_start, w.band, CASE WHEN offer.agent_id IS NULL THEN 'queued'
                                     ELSE 'offered' END AS state,
       offer.agent_id AS offered_to
FROM work_items w
JOIN contacts c ON c.id = w.contact_id
LEFT JOIN LATERAL (
    SELECT r.agent_id FROM reservations r
    WHERE r.work_item_id = w.id AND r.state = 'pending'
    ORDER BY r.created_at LIMIT 1
) offer ON true
WHERE w.answered_at IS NULL AND w.ended_at IS NULL
  AND ($1::text[] IS NULL OR w.queue = ANY ($1))
  AND ($2::uuid[] IS NULL OR w.interaction_id = ANY ($2))
ORDER BY w.band, w.virtual_start, w.id
"""


async def queue_items(
    conn: Connection,
    *,
    queues: Sequence[str] | None = None,
    interaction_ids: Sequence[UUID] | None = None,
) -> dict[UUID, QueueItem]:
    """Interaction → its place in line, for all that wait now or ring."""
    rows = await conn.fetch(
        QUEUE_ITEMS,
        None if queues is None else list(queues),
        None if interaction_ids is None else list(interaction_ids),
    )
    return {row["interaction_id"]: QueueItem(**row) for row in rows}


REPEATS = contacts_before(
    customer="i.customer_id", contact="i.contact_id", matter="w.queue", this="i.id",
    at="i.created_at",
)  # fmt: skip
RESERVATION_CARDS = f"""
SELECT r.id AS reservation_id, r.agent_id, r.interaction_id, i.conversation_id, i.channel,
       w.queue, r.created_at, r.expires_at, r.why, i.direction = 'internal' AS consult,
       (SELECT min(v.entered_at) FROM work_items v
        WHERE v.interaction_id = w.interaction_id AND v.answered_at IS NULL
          AND NOT EXISTS (SELECT FROM work_items b WHERE b.interaction_id = v.interaction_id
                          AND b.answered_at > v.entered_at)) AS waiting_since,
       handed.from_name, handed.note,
       i.contact_id, c.name,
       (SELECT jsonb_build_array(a.kind, a.address) FROM contact_addresses a
        WHERE a.contact_id = c.id AND a.kind <> 'web'
        ORDER BY a.kind = 'email', a.kind, a.address LIMIT 1) AS address,
       {REPEATS} AS repeat_count
FROM reservations r
JOIN work_items w ON w.id = r.work_item_id
JOIN interactions i ON i.id = r.interaction_id
JOIN contacts c ON c.id = i.contact_id
LEFT JOIN LATERAL (
    SELECT a.name AS from_name,
           (SELECT m.body FROM messages m
            WHERE m.conversation_id = i.conversation_id AND m.interaction_id = i.id
              AND m.kind = 'note' AND m.agent_id = s.agent_id AND m.created_at >= s.ended_at
            ORDER BY m.id DESC LIMIT 1) AS note
    FROM segments s JOIN agents a ON a.id = s.agent_id
    -- entered_at is whole milliseconds, ended_at is not
    WHERE s.interaction_id = w.interaction_id AND s.ended_at < w.entered_at + interval '1 ms'
    ORDER BY s.ended_at DESC LIMIT 1
) handed ON w.entry = 'transfer'
WHERE r.state = 'pending'
  AND ($1::uuid[] IS NULL OR r.agent_id = ANY ($1))
  AND ($2::uuid[] IS NULL OR r.id = ANY ($2))
"""  # noqa: S608 - constants


async def reservation_cards(
    conn: Connection,
    *,
    agent_id: UUID | None = None,
    reservation_ids: Sequence[UUID] | None = None,
) -> dict[UUID, ReservationCard]:
    """Reservation → the offer as its agent sees it; only those still pending."""
    rows = await conn.fetch(
        RESERVATION_CARDS,
        None if agent_id is None else [agent_id],
        None if reservation_ids is None else list(reservation_ids),
    )
    return {row["reservation_id"]: _reservation(row) for row in rows}


async def offers_of_agents(
    conn: Connection, agent_ids: Collection[UUID]
) -> dict[UUID, dict[UUID, ReservationCard]]:
    """Agent → reservation → the offer as that agent sees it."""
    found: dict[UUID, dict[UUID, ReservationCard]] = {}
    for row in await conn.fetch(RESERVATION_CARDS, list(agent_ids), None):
        found.setdefault(row["agent_id"], {})[row["reservation_id"]] = _reservation(row)
    return found


def _reservation(row: Record) -> ReservationCard:
    address = Address(*row["address"]) if row["address"] else None
    return ReservationCard(
        reservation_id=row["reservation_id"],
        interaction_id=row["interaction_id"],
        conversation_id=row["conversation_id"],
        channel=row["channel"],
        queue=row["queue"],
        customer=OfferedCustomer(
            contact_id=row["contact_id"],
            name=row["name"],
            masked=masked(address) if address else "",
            repeat_count=row["repeat_count"],
        ),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        waiting_since=row["waiting_since"],
        consult=row["consult"],
        handed=OfferHanded(from_name=row["from_name"], note=row["note"])
        if row["from_name"] is not None
        else None,
        why=offer_why(row["why"]),
    )


def offer_why(record: dict[str, Any]) -> OfferWhy:
    """The summary of an explanation record (routing writes it into `reservations.why`)."""
    return OfferWhy(
        step=record.get("step", 0),
        skills=[MatchedSkill(**skill) for skill in record.get("skills", ())],
        preferred=record.get("preferred", False),
        candidates=record.get("candidate_count", 0),
    )


TIMELINE = """
SELECT i.id AS interaction_id, i.conversation_id, i.channel, i.direction, i.state, i.close_reason,
       i.queue, i.agent_id, a.name AS agent_name, i.outcome, i.created_at, i.answered_at,
       i.closed_at,
       (SELECT count(*) FROM messages m
        WHERE m.interaction_id = i.id AND m.kind = 'text') AS messages,
       coalesce((SELECT left(m.body, 120) FROM messages m
                 WHERE m.interaction_id = i.id AND m.sender = 'visitor'
                 ORDER BY m.id LIMIT 1), '') AS excerpt,
       (SELECT jsonb_build_object(
            'call_id', k.id, 'state', k.state, 'answered_at', k.answered_at,
            'ended_at', k.ended_at,
            'recordings', coalesce(
                (SELECT jsonb_agg(jsonb_build_object(
                     'recording_id', r.id, 'state', r.state, 'seconds', r.seconds,
                     'started_at', r.started_at) ORDER BY r.created_at, r.id)
                 FROM recordings r
                 WHERE r.call_id = k.id AND r.state NOT IN ('deleted', 'empty')), '[]'))
        FROM calls k WHERE k.interaction_id = i.id) AS call
FROM contacts c
JOIN interactions i ON i.contact_id = c.id OR i.customer_id = c.customer_id
LEFT JOIN agents a ON a.id = i.agent_id
WHERE c.id = $1 AND i.direction <> 'internal'
  AND ($2::timestamptz IS NULL OR (i.created_at, i.id) < ($2, $3::uuid))
ORDER BY i.created_at DESC, i.id DESC
LIMIT $4
"""


async def timeline(
    conn: Connection,
    contact_id: UUID,
    *,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> list[TimelineEntry]:
    """A contact's interactions on all channels (of the same customer too), newest first."""
    at, row_id = before or (None, None)
    rows = await conn.fetch(TIMELINE, contact_id, at, row_id, limit)
    return [TimelineEntry(**row) for row in rows]
