"""Erasing a customer from the hall: their contacts' names and addresses, and what was said.

Whether a customer may be erased is the CRM's to know. Times, channels and outcomes stay, about ids
alone. An interaction that was given to another customer since is that one's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from db import Connection, affected

THEIRS: Final = """
WITH theirs AS (
    SELECT id, conversation_id FROM interactions WHERE customer_id = ANY ($1::uuid[])
    UNION
    SELECT i.id, i.conversation_id FROM contacts c JOIN interactions i ON i.contact_id = c.id
    WHERE c.customer_id = ANY ($1) AND i.customer_id IS NULL
)
"""
"""Each half by its index."""
ERASE_MESSAGES = f"""{THEIRS}
UPDATE messages SET body = '', client_id = NULL
WHERE conversation_id IN (SELECT conversation_id FROM theirs)
  AND interaction_id IN (SELECT id FROM theirs) AND kind <> 'event'
"""  # noqa: S608 - a constant
ERASE_SUBJECTS = f"""{THEIRS}
UPDATE conversations SET subject = NULL, topic = NULL, visitor_token_hash = NULL
WHERE id IN (SELECT conversation_id FROM theirs)
"""  # noqa: S608 - a constant
ERASE_INTERACTIONS = f"""{THEIRS}
UPDATE interactions
SET subject = NULL, metadata = '{{}}', tags = '{{}}', routing_facts = '{{}}', version = version + 1
WHERE id IN (SELECT id FROM theirs)
"""  # noqa: S608 - a constant
ERASE_ADDRESSES = """
DELETE FROM contact_addresses a USING contacts c
WHERE c.id = a.contact_id AND c.customer_id = ANY ($1::uuid[])
"""
ERASE_CONTACTS = """
UPDATE contacts SET name = '', sort_key = '', verified = false, version = version + 1
WHERE customer_id = ANY ($1::uuid[])
"""


ERASING: Final = (
    ("messages", ERASE_MESSAGES),
    ("conversations", ERASE_SUBJECTS),
    ("interactions", ERASE_INTERACTIONS),
    ("contact_addresses", ERASE_ADDRESSES),
    ("contacts", ERASE_CONTACTS),
)


async def erase_customers(conn: Connection, customer_ids: Sequence[UUID]) -> dict[str, int]:
    """Table → how many rows."""
    return {
        table: affected(await conn.execute(statement, list(customer_ids)))
        for table, statement in ERASING
    }
