"""claim.created fills an empty handler."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from contactcenter.core.durable import Listener
from contactcenter.core.eventlog import Recorded
from contactcenter.core.work import Work
from contactcenter.events.claims import ClaimCreated
from crm.claims.files import assign


def listeners(zone: ZoneInfo) -> tuple[Listener, ...]:
    """`zone`: the centre's, in which deputies have their days."""

    async def fill(work: Work, recorded: Recorded) -> None:
        event = recorded.event
        assert isinstance(event, ClaimCreated)
        await assign(work, event.claim_id, zone)

    return (Listener("crm.claim_handlers", (ClaimCreated,), fill),)
