"""Who it is that calls or writes: contacts and customers are brought together by their addresses.

An address that several customers have is ambiguous (a couple's mobile, a switchboard): nobody is
chosen, the agent picks.
"""

from __future__ import annotations

from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

from contactcenter.core.durable import Listener
from contactcenter.core.eventlog import Recorded
from contactcenter.core.work import Work
from contactcenter.events.customers import CustomerCreated, CustomerUpdated
from contactcenter.events.interactions import InteractionCreated, MessageCreated
from contactcenter.events.policies import PolicyCreated
from contactcenter.interactions import noted
from contactcenter.interactions import service as hall
from crm.contacts.model import documents_in
from crm.customers.files import identify, living, resegment, ways_of

ADDRESSES = frozenset({"phone", "mobile", "email", "ways"})


async def came(work: Work, recorded: Recorded) -> None:
    """Somebody came in: if they are not known yet, look for the one customer they can be."""
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
    found: set[UUID] = set()
    for document in documents_in(said[0]):
        found.update(await identify(work.conn, "document", document))
    if len(found) == 1:
        await hall.link_interaction(work, said[1], found.pop())


async def learned(work: Work, recorded: Recorded) -> None:
    """A customer's addresses are new: contacts who came in with them may be theirs."""
    event = recorded.event
    assert isinstance(event, CustomerCreated | CustomerUpdated)
    if isinstance(event, CustomerUpdated) and not ADDRESSES.intersection(event.fields):
        return
    for kind, address in await ways_of(work.conn, event.customer_id):
        for contact_id in await hall.unlinked_contacts(work.conn, kind, address):
            await _look(work, contact_id)


async def imported(zone: ZoneInfo, work: Work, recorded: Recorded) -> None:
    """What an import wrote at one go gets its segment here."""
    event = recorded.event
    assert isinstance(event, CustomerCreated | PolicyCreated)
    if recorded.origin == "import" and await living(work.conn, event.customer_id) is not None:
        await resegment(work, event.customer_id, zone)


async def _look(work: Work, contact_id: UUID) -> None:
    contact = await hall.contact(work.conn, contact_id)
    if contact is None or contact.customer_id is not None:
        return
    found: set[UUID] = set()
    for address in contact.addresses:
        found.update(await identify(work.conn, address.kind, address.address))
    if len(found) == 1:
        await hall.link_customer(work, contact_id, found.pop())


def listeners(zone: ZoneInfo) -> tuple[Listener, ...]:
    return (
        Listener("crm.identify", (InteractionCreated,), came),
        Listener("crm.identify_written", (MessageCreated,), wrote),
        Listener("crm.learn", (CustomerCreated, CustomerUpdated), learned),
        Listener("crm.segment_imported", (CustomerCreated, PolicyCreated), partial(imported, zone)),
    )
