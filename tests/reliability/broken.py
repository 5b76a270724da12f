"""A server that acknowledges first and stores later: what the checks of this folder must catch.

It remembers what it has seen in memory and stores in the background, as many applications do:

    python -m tests.reliability.broken serve
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from channels.webchat.schemas import VisitorText
from channels.webchat.service import Visitors
from contactcenter.__main__ import main
from contactcenter.core.access import Principal
from contactcenter.core.ids import new_id
from contactcenter.interactions.visitor import VisitorMessage

store_now = Visitors.say
seen: set[tuple[UUID, str]] = set()
later: set[asyncio.Task[Any]] = set()


async def acknowledge_first(
    self: Visitors, principal: Principal, conversation_id: UUID, text: VisitorText
) -> VisitorMessage:
    key = (conversation_id, text.client_id)
    if key not in seen:
        seen.add(key)
        # What is stored is known by an id of its own, as nothing but the memory tells repetitions.
        own = text.model_copy(update={"client_id": f"{text.client_id}.{new_id().hex[-8:]}"})
        task = asyncio.create_task(store_now(self, principal, conversation_id, own))
        later.add(task)
        task.add_done_callback(later.discard)
    return VisitorMessage(
        message_id=new_id(),
        conversation_id=conversation_id,
        sender="visitor",
        kind="text",
        agent_name=None,
        body=text.body,
        created_at=datetime.now(UTC),
        client_id=text.client_id,
    )


if __name__ == "__main__":
    Visitors.say = acknowledge_first  # type: ignore[method-assign]
    sys.exit(main())
