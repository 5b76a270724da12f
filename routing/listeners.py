"""What routing does when others say something: a customer who is erased leaves no agents' notes,
an agent whose last session is over is not there any more, and whoever is known by now waits as the
rules have it for them."""

from __future__ import annotations

from contactcenter.core.durable import Listener
from contactcenter.core.eventlog import Recorded
from contactcenter.core.work import Work
from contactcenter.events.customers import CustomerErased
from contactcenter.events.identity import SessionEnded
from contactcenter.events.interactions import (
    ContactLinked,
    InteractionLinked,
    InteractionUnlinked,
    InteractionVerified,
)
from routing import store
from routing.advising import Readvising
from routing.service import PresenceService


async def erased(work: Work, recorded: Recorded) -> None:
    assert isinstance(recorded.event, CustomerErased)
    await store.erase_notes(work.conn, recorded.event.customer_id)


def listeners(presence: PresenceService, readvising: Readvising | None) -> tuple[Listener, ...]:
    """`readvising`: None where nobody advises."""

    async def session_ended(work: Work, recorded: Recorded) -> None:
        event = recorded.event
        assert isinstance(event, SessionEnded)
        await presence.session_over(work, event.user_id, by_agent=event.cause == "logout")

    async def known(work: Work, recorded: Recorded) -> None:
        event = recorded.event
        assert readvising is not None
        if isinstance(event, ContactLinked):
            await readvising.contact(work, event.contact_id, event.name)
        else:
            assert isinstance(event, InteractionLinked | InteractionUnlinked | InteractionVerified)
            await readvising.interaction(work, event.interaction_id, event.name)

    heard = (ContactLinked, InteractionLinked, InteractionUnlinked, InteractionVerified)
    return (
        Listener("routing.erased", (CustomerErased,), erased),
        Listener("routing.signed_out", (SessionEnded,), session_ended),
        *(() if readvising is None else (Listener("routing.known", heard, known),)),
    )
