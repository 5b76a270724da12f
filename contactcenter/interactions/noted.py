"""Contacts that no channel of ours carried: a visit, a letter, a call on a colleague's own phone.

They are noted by hand, over from the beginning, and stand in the timeline with the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from contactcenter.core.ids import new_id
from contactcenter.core.work import Work
from contactcenter.events.interactions import InteractionClosed, InteractionCreated
from contactcenter.interactions.model import Channel
from db import Connection

CONTACT_OF = """
SELECT id FROM contacts WHERE customer_id = $1 ORDER BY created_at DESC, id DESC LIMIT 1
"""
INSERT_CONVERSATION = """
INSERT INTO conversations (id, contact_id, channel, channel_address, subject, state, locale,
                           last_message_at, created_at, closed_at)
SELECT $1, c.id, $3, 'noted', $4, 'closed', c.locale, $5, $5, $6 FROM contacts c WHERE c.id = $2
"""
INSERT_INTERACTION = """
INSERT INTO interactions (id, conversation_id, contact_id, customer_id, channel, direction, state,
                          close_reason, customer_present, agent_id, subject, outcome, metadata,
                          created_at, answered_at, ended_at, closed_at)
VALUES ($1, $2, $3, $4, $5, $6, 'closed', 'completed', false, $7, $8, $9, $10, $11, $11, $12, $12)
"""
INSERT_NOTE = """
INSERT INTO messages (id, conversation_id, interaction_id, sender, kind, agent_id, body, created_at)
VALUES ($1, $2, $3, $4, 'note', $5, $6, $7)
"""
SAID_IN = """
SELECT m.body, i.id AS interaction_id, i.customer_id
FROM messages m JOIN interactions i ON i.id = m.interaction_id
WHERE m.id = $1 AND m.sender = 'visitor' AND NOT i.customer_set
"""


async def contact_of(conn: Connection, customer_id: UUID) -> UUID | None:
    """The contact that is this customer; the newest of several."""
    found: UUID | None = await conn.fetchval(CONTACT_OF, customer_id)
    return found


async def said_in(conn: Connection, message_id: UUID) -> tuple[str, UUID, UUID | None] | None:
    """(what a customer wrote, in which interaction, whose that is as far as an address says); None
    where somebody has said whose it is."""
    row = await conn.fetchrow(SAID_IN, message_id)
    return None if row is None else (row["body"], row["interaction_id"], row["customer_id"])


async def note(
    work: Work,
    *,
    contact_id: UUID,
    customer_id: UUID,
    channel: Channel,
    direction: Literal["inbound", "outbound"],
    at: datetime,
    seconds: int,
    agent_id: UUID | None,
    subject: str | None,
    outcome: str | None,
    text: str | None,
    metadata: Mapping[str, Any],
) -> tuple[UUID, UUID]:
    """Write one down: (interaction, conversation). `outcome` is a disposition's key."""
    conversation_id, interaction_id = new_id(), new_id()
    ended = min(at + timedelta(seconds=seconds), max(at, work.now))
    await work.conn.execute(
        INSERT_CONVERSATION, conversation_id, contact_id, channel, subject, at, ended
    )
    await work.conn.execute(
        INSERT_INTERACTION,
        interaction_id,
        conversation_id,
        contact_id,
        customer_id,
        channel,
        direction,
        agent_id,
        subject,
        outcome,
        dict(metadata),
        at,
        ended,
    )
    if text:
        sender = "system" if agent_id is None else "agent"
        await work.conn.execute(
            INSERT_NOTE, new_id(), conversation_id, interaction_id, sender, agent_id, text, ended
        )
    work.emit(
        InteractionCreated(
            interaction_id=interaction_id,
            conversation_id=conversation_id,
            contact_id=contact_id,
            channel=channel,
            direction=direction,
        ),
        occurred_at=at,
    )
    work.emit(
        InteractionClosed(
            interaction_id=interaction_id,
            conversation_id=conversation_id,
            channel=channel,
            reason="completed",
        ),
        occurred_at=ended,
    )
    return interaction_id, conversation_id
