"""claim.created fills an empty handler."""

from __future__ import annotations

from contactcenter.core.durable import Listener
from contactcenter.core.eventlog import Recorded
from contactcenter.core.work import Work
from contactcenter.events.claims import ClaimCreated
from crm.claims.service import assign


async def fill(work: Work, recorded: Recorded) -> None:
    event = recorded.event
    assert isinstance(event, ClaimCreated)
    await assign(work, event.claim_id)


LISTENERS = (Listener("crm.claim_handlers", (ClaimCreated,), fill),)
