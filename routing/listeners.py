"""What routing does when others say something: a customer who is erased leaves no agents' notes,
and an agent whose last session is over is not there any more."""

from __future__ import annotations

from contactcenter.core.durable import Listener
from contactcenter.core.eventlog import Recorded
from contactcenter.core.work import Work
from contactcenter.events.customers import CustomerErased
from contactcenter.events.identity import SessionEnded
from routing import store
from routing.service import PresenceService


async def erased(work: Work, recorded: Recorded) -> None:
    assert isinstance(recorded.event, CustomerErased)
    await store.erase_notes(work.conn, recorded.event.customer_id)


def listeners(presence: PresenceService) -> tuple[Listener, ...]:
    async def session_ended(work: Work, recorded: Recorded) -> None:
        event = recorded.event
        assert isinstance(event, SessionEnded)
        await presence.session_over(work, event.user_id, by_agent=event.cause == "logout")

    return (
        Listener("routing.erased", (CustomerErased,), erased),
        Listener("routing.signed_out", (SessionEnded,), session_ended),
    )
