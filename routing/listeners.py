"""What routing does when others say something: a customer who is erased leaves no agents' notes."""

from __future__ import annotations

from contactcenter.core.durable import Listener
from contactcenter.core.eventlog import Recorded
from contactcenter.core.work import Work
from contactcenter.events.customers import CustomerErased
from routing import store


async def erased(work: Work, recorded: Recorded) -> None:
    assert isinstance(recorded.event, CustomerErased)
    await store.erase_notes(work.conn, recorded.event.customer_id)


LISTENERS = (Listener("routing.erased", (CustomerErased,), erased),)
