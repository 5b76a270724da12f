"""quote.created prepares a letter, quote.sent sends it, an address sends what waited for one."""

from __future__ import annotations

from contactcenter.core.durable import Listener
from contactcenter.core.eventlog import Recorded
from contactcenter.core.work import Work
from contactcenter.events.customers import CustomerMerged, CustomerUpdated
from contactcenter.events.quotes import QuoteCreated, QuoteSent
from crm.letters.service import LetterService


def listeners(letters: LetterService) -> tuple[Listener, ...]:
    async def handle(work: Work, recorded: Recorded) -> None:
        event = recorded.event
        if recorded.origin == "import":
            return
        if isinstance(event, QuoteCreated):
            await letters.draft_quote(work, event.quote_id)
        elif isinstance(event, QuoteSent):
            await letters.send_quote(work, event.quote_id)
        elif isinstance(event, CustomerMerged) or (
            isinstance(event, CustomerUpdated) and "email" in event.fields
        ):
            await letters.addressed(work, event.customer_id)

    return (
        Listener("crm.letters", (QuoteCreated, QuoteSent, CustomerUpdated, CustomerMerged), handle),
    )
