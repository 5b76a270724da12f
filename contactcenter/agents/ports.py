"""What agents need of whoever hands out work."""

from __future__ import annotations

from typing import Literal, Protocol
from uuid import UUID

from contactcenter.agents.schemas import SetStatus
from contactcenter.core.audit import Note


class Duty(Protocol):
    """Only the router sees queues, offers and open work at once: it grants a status or not."""

    async def change_status(
        self,
        actor: str,
        agent_id: UUID,
        wish: SetStatus,
        cause: Literal["agent", "supervisor", "system"],
        note: Note | None = None,
    ) -> None:
        """Set the status, in the tables and in the log, before it returns. `note` is kept with
        the wish, whatever is answered to it.

        Raises Conflict with ctx.waiting (the last agent of queues with waiters, without
        `confirm`) or ctx.open (sign-off with open work, without `open`), NotFound for an
        unknown agent, Unavailable when no router answers.
        """
        ...
