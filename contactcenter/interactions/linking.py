"""Whose a contact or an interaction is: told from an address, or settled by a person or a proof.

Functions that write take the caller's unit of work; those that only read, a connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from contactcenter.core.work import Work
from contactcenter.events.interactions import (
    ContactLinked,
    ContactUnlinked,
    InteractionLinked,
    InteractionUnlinked,
)
from contactcenter.interactions.model import Address
from db import Connection

CONTACTS_TOLD_APART = """
SELECT c.id FROM (
    SELECT id FROM contacts WHERE customer_id = $1
    UNION
    SELECT a.contact_id FROM unnest($2::text[], $3::text[]) AS given (kind, address)
    JOIN contact_addresses a ON a.kind = given.kind AND a.address = given.address
) near JOIN contacts c ON c.id = near.id
WHERE NOT c.customer_set AND NOT c.verified
ORDER BY c.id DESC LIMIT 1000
"""
LINK_CONTACT = """
WITH linked AS (
    UPDATE contacts SET customer_id = $2, customer_set = $3
    WHERE id = $1 AND customer_id IS NULL RETURNING id
), theirs AS (
    UPDATE interactions i SET customer_id = $2 FROM linked l
    WHERE i.contact_id = l.id AND i.customer_id IS NULL AND NOT i.customer_set
)
SELECT id FROM linked
"""
# What is over stays in the file in which it was dealt with.
UNLINK_CONTACT = """
WITH freed AS (
    UPDATE contacts SET customer_id = NULL
    WHERE id = $1 AND customer_id = $2 AND NOT customer_set AND NOT verified RETURNING id
), theirs AS (
    UPDATE interactions i SET customer_id = NULL, version = version + 1 FROM freed f
    WHERE i.contact_id = f.id AND i.customer_id = $2 AND i.closed_at IS NULL
      AND NOT i.customer_set
)
SELECT id FROM freed
"""
LINK_INTERACTION = """
UPDATE interactions SET customer_id = $2, customer_set = true, version = version + 1
WHERE id = $1 AND customer_id IS DISTINCT FROM $2 RETURNING id
"""
UNLINK_INTERACTION = """
UPDATE interactions SET customer_id = NULL, customer_set = true, version = version + 1
WHERE id = $1 AND (customer_id IS NOT NULL OR NOT customer_set) RETURNING id
"""
SETTLE = "UPDATE interactions SET customer_set = true WHERE id = $1 AND customer_id = $2"


async def contacts_told_apart(
    conn: Connection, customer_id: UUID, addresses: Sequence[Address]
) -> list[UUID]:
    """Contacts of the customer or with one of these addresses, newest first, of whom only an
    address says whose they are, if anything does."""
    rows = await conn.fetch(
        CONTACTS_TOLD_APART,
        customer_id,
        [a.kind for a in addresses],
        [a.address for a in addresses],
    )
    return [row["id"] for row in rows]


async def link_customer(
    work: Work, contact_id: UUID, customer_id: UUID, *, by_hand: bool = False
) -> bool:
    """The contact is this customer: so are its interactions that were nobody's. `by_hand`: a person
    says so, and not an address. False: it was linked before, to whomever."""
    if await work.conn.fetchval(LINK_CONTACT, contact_id, customer_id, by_hand) is None:
        return False
    work.emit(ContactLinked(contact_id=contact_id, customer_id=customer_id))
    return True


async def unlink_customer(work: Work, contact_id: UUID, customer_id: UUID) -> bool:
    """The contact's address no longer says that it is this customer: nor do its open interactions,
    but for those that somebody linked or in which it was proved. False: it was not the address
    that said so."""
    if await work.conn.fetchval(UNLINK_CONTACT, contact_id, customer_id) is None:
        return False
    work.emit(ContactUnlinked(contact_id=contact_id, customer_id=customer_id))
    return True


async def link_interaction(work: Work, interaction_id: UUID, customer_id: UUID) -> bool:
    """This interaction is about that customer, whoever its contact is. False: it was so before."""
    if await work.conn.fetchval(LINK_INTERACTION, interaction_id, customer_id) is None:
        await settle_customer(work.conn, interaction_id, customer_id)
        return False
    work.emit(InteractionLinked(interaction_id=interaction_id, customer_id=customer_id))
    return True


async def unlink_interaction(work: Work, interaction_id: UUID, before: UUID | None) -> bool:
    """This interaction is about nobody on file, whoever its contact is: no address and nothing
    that is written in it says otherwise any more. `before`: whom it was about. False: it was so."""
    if await work.conn.fetchval(UNLINK_INTERACTION, interaction_id) is None:
        return False
    work.emit(InteractionUnlinked(interaction_id=interaction_id, customer_id=before))
    return True


async def settle_customer(conn: Connection, interaction_id: UUID, customer_id: UUID) -> None:
    """Whose the interaction is was proved in it: no address says otherwise any more."""
    await conn.execute(SETTLE, interaction_id, customer_id)
