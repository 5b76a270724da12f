"""Who it is that calls or writes: contacts and customers are brought together by their addresses.

An address that several customers have is ambiguous (a couple's mobile, a switchboard): nobody is
chosen, the agent picks.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from contactcenter.core.durable import Listener
from contactcenter.core.eventlog import Recorded
from contactcenter.core.work import Work
from contactcenter.events.customers import CustomerCreated, CustomerUpdated
from contactcenter.events.interactions import InteractionCreated, MessageCreated
from contactcenter.events.policies import PolicyCreated
from contactcenter.interactions import linking, noted
from contactcenter.interactions import service as hall
from contactcenter.interactions.model import Address, AddressKind
from crm.contacts.model import documents_in
from crm.customers.files import identified, living, resegment, ways_of

ADDRESSES: Final = frozenset({"phone", "mobile", "email", "ways"})
CAME_BY: Final[Mapping[str, tuple[AddressKind, ...]]] = {
    "phone": ("phone", "whatsapp"),
    "email": ("email",),
}
"""What a customer is reached by → the kinds of a contact's addresses that are the same."""
KNOWN_BY: Final = frozenset(kind for kinds in CAME_BY.values() for kind in kinds)


async def came(work: Work, recorded: Recorded) -> None:
    """Somebody came in: look for the one customer they can be."""
    event = recorded.event
    assert isinstance(event, InteractionCreated)
    await _look(work, event.contact_id)


async def wrote(work: Work, recorded: Recorded) -> None:
    """Somebody not known yet wrote a document's number: that one interaction is its owner's. It
    identifies and proves nothing; the contact stays nobody's."""
    event = recorded.event
    assert isinstance(event, MessageCreated)
    if event.sender != "visitor":
        return
    said = await noted.said_in(work.conn, event.message_id)
    if said is None or said[2] is not None:
        return
    found = await identified(work.conn, [("document", each) for each in documents_in(said[0])])
    if len(found) == 1:
        await linking.link_interaction(work, said[1], found.pop())


async def learned(work: Work, recorded: Recorded) -> None:
    """A customer's addresses are new: contacts who came in with them may be theirs, or nobody's any
    more, and those who were taken for them by an address that they gave up may be another's."""
    event = recorded.event
    assert isinstance(event, CustomerCreated | CustomerUpdated)
    if isinstance(event, CustomerUpdated) and not ADDRESSES.intersection(event.fields):
        return
    ways = [
        Address(each, address)
        for kind, address in await ways_of(work.conn, event.customer_id)
        for each in CAME_BY[kind]
    ]
    for contact_id in await linking.contacts_told_apart(work.conn, event.customer_id, ways):
        await _look(work, contact_id)


async def imported(zone: ZoneInfo, work: Work, recorded: Recorded) -> None:
    """What an import wrote at one go gets its segment here."""
    event = recorded.event
    assert isinstance(event, CustomerCreated | PolicyCreated)
    if recorded.origin == "import" and await living(work.conn, event.customer_id) is not None:
        await resegment(work, event.customer_id, zone)


async def _look(work: Work, contact_id: UUID) -> None:
    """Bring a contact together with the one customer whose address it came by, and apart from whom
    it was taken for if the address says so no more."""
    contact = await hall.contact(work.conn, contact_id)
    ways = [each for each in contact.addresses if each.kind in KNOWN_BY] if contact else []
    if contact is None or not ways:
        return
    found = await identified(work.conn, [(each.kind, each.address) for each in ways])
    before = contact.customer_id
    if before is not None and (
        found == {before} or not await linking.unlink_customer(work, contact_id, before)
    ):
        return
    if len(found) == 1:
        await linking.link_customer(work, contact_id, found.pop())


def listeners(zone: ZoneInfo) -> tuple[Listener, ...]:
    return (
        Listener("crm.identify", (InteractionCreated,), came),
        Listener("crm.identify_written", (MessageCreated,), wrote),
        Listener("crm.learn", (CustomerCreated, CustomerUpdated), learned),
        Listener("crm.segment_imported", (CustomerCreated, PolicyCreated), partial(imported, zone)),
    )
