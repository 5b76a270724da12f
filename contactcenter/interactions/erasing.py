"""Erasing a customer from the hall: their contacts' names and addresses, and what was said.

Whether a customer may be erased is the CRM's to know. Times, channels and outcomes stay, about ids
alone. An interaction that was given to another customer since is that one's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from db import Connection

THEIRS: Final = """
    SELECT id FROM interactions
    WHERE customer_id = ANY ($1::uuid[])
       OR (customer_id IS NULL
           AND contact_id IN (SELECT id FROM contacts WHERE customer_id = ANY ($1)))
"""
ERASE_MESSAGES = f"""
UPDATE messages SET body = '', client_id = NULL
WHERE kind <> 'event' AND interaction_id IN ({THEIRS})
"""  # noqa: S608 - a constant
ERASE_SUBJECTS = f"""
UPDATE conversations SET subject = NULL, visitor_token_hash = NULL
WHERE id IN (SELECT conversation_id FROM interactions WHERE id IN ({THEIRS}))
"""  # noqa: S608 - a constant
ERASE_INTERACTIONS = f"""
UPDATE interactions
SET subject = NULL, metadata = '{{}}', tags = '{{}}', routing_facts = '{{}}', version = version + 1
WHERE id IN ({THEIRS})
"""  # noqa: S608 - a constant
ERASE_ADDRESSES = """
DELETE FROM contact_addresses a USING contacts c
WHERE c.id = a.contact_id AND c.customer_id = ANY ($1::uuid[])
"""
ERASE_CONTACTS = """
UPDATE contacts SET name = '', sort_key = '', verified = false WHERE customer_id = ANY ($1::uuid[])
"""


async def erase_customers(conn: Connection, customer_ids: Sequence[UUID]) -> None:
    for statement in (
        ERASE_MESSAGES, ERASE_SUBJECTS, ERASE_INTERACTIONS, ERASE_ADDRESSES, ERASE_CONTACTS,
    ):  # fmt: skip
        await conn.execute(statement, list(customer_ids))
