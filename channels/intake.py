"""Intake: what a customer wrote, on any channel, becomes a message in an interaction in a queue."""

from __future__ import annotations

from channels import store
from channels.model import MESSAGE_LIMIT, keyword
from channels.ports import Hours, Queueing
from contactcenter.core.errors import TooLarge
from contactcenter.core.work import Work
from contactcenter.interactions import facts
from contactcenter.interactions import service as interactions
from contactcenter.interactions.model import (
    LEFT_MESSAGE,
    LIVE_CHANNELS,
    Band,
    Conversation,
    Message,
)


class Intake:
    """One transaction from what arrived to a place in the queue. The caller acknowledges after it.

    A message that comes twice (same `client_id`) is stored once; what comes at the same time in
    one conversation is taken in one after the other, so there is one open interaction for it.
    """

    def __init__(self, queueing: Queueing, hours: Hours) -> None:
        self._queueing = queueing
        self._hours = hours

    async def message(
        self, work: Work, conversation: Conversation, *, body: str, client_id: str, queue: str
    ) -> tuple[Message, bool]:
        """Take in what the customer wrote: (the message, whether it is new).

        In an open interaction it is added; otherwise a new one begins, which prefers the agent of
        the last. `queue` is where that one waits; what was chosen before, or a first message that
        is a keyword, is told to whoever advises on it. Raises TooLarge.
        """
        if len(body) > MESSAGE_LIMIT:
            raise TooLarge(
                f"A message has at most {MESSAGE_LIMIT} characters.", limit=MESSAGE_LIMIT
            )
        await store.one_at_a_time(work.conn, conversation.id)
        known = await interactions.message_of_client(
            work.conn, conversation.id, "visitor", client_id
        )
        if known is not None:
            return known, False
        current = await interactions.open_interaction(work.conn, conversation.id)
        if current is None:
            return await self._begin(work, conversation, body, client_id, queue)
        added = await interactions.add_message(
            work,
            conversation_id=conversation.id,
            interaction_id=current.id,
            sender="visitor",
            body=body,
            client_id=client_id,
        )
        await self._queueing.customer_wrote(work, current.id)
        return added

    async def _begin(
        self, work: Work, conversation: Conversation, body: str, client_id: str, queue: str
    ) -> tuple[Message, bool]:
        preferred = await interactions.last_agents(work.conn, conversation.id, work.now)
        waits_for_opening = conversation.channel in LIVE_CHANNELS and not await self._hours.is_open(
            work.conn, queue, work.now
        )
        topic = await facts.take_topic(work.conn, conversation.id) or keyword(body)
        made = await interactions.create_interaction(
            work,
            conversation=conversation,
            metadata={LEFT_MESSAGE: True} if waits_for_opening else None,
        )
        added = await interactions.add_message(
            work,
            conversation_id=conversation.id,
            interaction_id=made.id,
            sender="visitor",
            body=body,
            client_id=client_id,
        )
        await self._queueing.enqueue(
            work,
            interaction_id=made.id,
            queue=queue,
            preferred=preferred,
            band=Band.DEFERRED if waits_for_opening else None,
            said=None if topic is None else {"key": topic},
        )
        return added
