"""A centre with the fault that the kill test is for: it says yes, and stores afterwards."""

from __future__ import annotations

import asyncio
from uuid import UUID

import channels.module
from channels.webchat.schemas import VisitorText
from channels.webchat.service import Visitors
from config.settings import load_settings
from contactcenter import app
from contactcenter.core.access import Principal
from contactcenter.core.ids import new_id
from contactcenter.interactions.visitor import VisitorMessage


class AcknowledgesFirst(Visitors):
    """Takes a message in its hand, answers, and writes it down when there is time."""

    _hand: set[asyncio.Task[VisitorMessage]]

    async def say(
        self, principal: Principal, conversation_id: UUID, text: VisitorText
    ) -> VisitorMessage:
        self._hand = getattr(self, "_hand", set())
        task = asyncio.create_task(super().say(principal, conversation_id, text))
        self._hand.add(task)
        task.add_done_callback(self._hand.discard)
        return VisitorMessage(
            message_id=new_id(),
            conversation_id=conversation_id,
            sender="visitor",
            kind="text",
            agent_name=None,
            body=text.body,
            created_at=self._clock.now(),
            client_id=text.client_id,
        )


if __name__ == "__main__":
    vars(channels.module)["Visitors"] = AcknowledgesFirst
    app.main(load_settings(), {"web", "router"})
