"""Use cases of web chat: the visitor's side, the agent's side, and what happens by itself."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

import structlog

from channels.intake import Intake
from channels.model import MESSAGE_LIMIT
from channels.ports import Hints, Hours, Place, Queueing
from channels.webchat import store
from channels.webchat.model import (
    GONE_AFTER,
    KEPT_OPEN,
    TOKEN_PREFIX,
    Talk,
    stage,
    token_hash,
    transcript,
)
from channels.webchat.schemas import (
    AgentSays,
    ChatConfig,
    NewConversation,
    ReadUpTo,
    StartedConversation,
    VisitorMessages,
    VisitorText,
)
from config.settings import Settings
from contactcenter.core.access import Permission, Principal
from contactcenter.core.clock import Clock
from contactcenter.core.errors import (
    Conflict,
    Invalid,
    NotFound,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from contactcenter.core.ids import new_id
from contactcenter.core.limits import Limit, Limits
from contactcenter.core.together import Together
from contactcenter.core.work import Work, WorkFactory
from contactcenter.interactions import cards, facts
from contactcenter.interactions import service as interactions
from contactcenter.interactions.model import (
    LEFT_MESSAGE,
    Address,
    AddressKind,
    Conversation,
    normalise,
)
from contactcenter.interactions.schemas import MessageCard
from contactcenter.interactions.visitor import (
    VisitorAgent,
    VisitorConversation,
    VisitorMessage,
    VisitorStage,
    first_name,
    visitor_message,
)
from db import Connection, Record

log = structlog.get_logger(__name__)

MESSAGES: Final = Limit(per_second=2, burst=20)
"""What one visitor may write."""
SWEEP_SECONDS: Final = 5.0
CLOCK_SLACK: Final = timedelta(seconds=5)
"""A clock that moved so much more or less than time did was set."""
TRANSCRIPT_PAGE: Final = 500


class VisitorAuthenticator:
    """Knows visitors' tokens (core.access.Authenticator)."""

    def __init__(self, work: WorkFactory) -> None:
        self._work = work
        self._opened = Together(self._look)

    def remembered(self, token: str) -> Principal | None:  # noqa: ARG002 -- an authenticator
        """Nobody: whether the conversation is open is asked each time."""
        return None

    async def principal_of(self, token: str) -> Principal | None:
        if not token.startswith(TOKEN_PREFIX):
            return None
        found = await self._opened.ask(token_hash(token))
        if found is None or found.state != "open":
            raise Unauthenticated("This conversation is not open any more.")
        return Principal(
            kind="visitor",
            permissions=frozenset({Permission.CHAT_USE}),
            conversation_id=found.id,
        )

    async def _look(self, token_hashes: Sequence[bytes]) -> Mapping[bytes, Conversation]:
        async with self._work.reading("webchat.token") as conn:
            return await interactions.conversations_of_tokens(conn, token_hashes)


class Visitors:
    """The visitor's side."""

    def __init__(
        self,
        settings: Settings,
        work: WorkFactory,
        clock: Clock,
        centre: str,
        queueing: Queueing,
        hours: Hours,
        hints: Hints,
        limits: Limits,
    ) -> None:
        self._settings = settings
        self._work = work
        self._clock = clock
        self._centre = centre
        self._queueing = queueing
        self._hours = hours
        self._hints = hints
        self._intake = Intake(queueing, hours)
        self._paces = limits.budget("chat.messages", MESSAGES)

    async def config(self, queue: str | None) -> ChatConfig:
        """Whether the centre is open, before anything is written."""
        key = queue or self._settings.chat.default_queue
        now = self._clock.now()
        async with self._work.reading("webchat.config") as conn:
            is_open = await self._is_open(conn, key, now)
            closes = await self._hours.closes_at(conn, key, now) if is_open else None
            opens = None if is_open else await self._hours.next_opening(conn, key, now)
        return ChatConfig(
            name=self._centre,
            timezone=self._settings.app.timezone,
            queue=key,
            open=is_open,
            closes_at=closes,
            opens_at=opens,
            server_now=now,
            message_limit=MESSAGE_LIMIT,
        )

    async def begin(self, new: NewConversation) -> StartedConversation:
        """Open a conversation for somebody unknown; they may state who they are."""
        addresses = _addresses(new)
        token = TOKEN_PREFIX + secrets.token_urlsafe(32)
        async with self._work.begin("webchat.begin", "visitor") as work:
            queue = new.queue or self._settings.chat.default_queue
            await self._is_open(work.conn, queue, work.now)
            contact = await interactions.contact_for(
                work,
                name=new.name or "",
                locale=new.locale,
                addresses=addresses,
                free_for=("chat", "web"),
            )
            conversation = await interactions.create_conversation(
                work,
                contact_id=contact.id,
                channel="chat",
                queue=queue,
                locale=new.locale,
                visitor_token_hash=token_hash(token),
            )
            work.actor = f"visitor:{conversation.id}"
            await store.seen(work.conn, {conversation.id: work.now})
            if new.topic is not None:
                await facts.choose_topic(work.conn, conversation.id, new.topic)
            if new.message is not None:
                await self._intake.message(
                    work,
                    conversation,
                    body=new.message,
                    client_id=new.client_id or str(new_id()),
                    queue=queue,
                )
            shown = await self._shown(work.conn, conversation.id)
            assert shown is not None
            return work.answer(StartedConversation(conversation=shown, token=token))

    async def say(
        self, principal: Principal, conversation_id: UUID, text: VisitorText
    ) -> VisitorMessage:
        """Take in a message; repeating its client_id answers the stored one."""
        conversation_id = _own(principal, conversation_id)
        wait = await self._paces.take(str(conversation_id))
        if wait:
            raise RateLimited(wait)
        async with self._work.begin("webchat.say", principal.actor) as work:
            conversation = await self._open(work, conversation_id)
            message, is_new = await self._intake.message(
                work,
                conversation,
                body=text.body,
                client_id=text.client_id,
                queue=conversation.queue or self._settings.chat.default_queue,
            )
            if is_new:
                await store.seen(work.conn, {conversation_id: work.now})
        shown = visitor_message(
            MessageCard(
                message_id=message.id,
                conversation_id=message.conversation_id,
                interaction_id=message.interaction_id,
                sender=message.sender,
                kind=message.kind,
                agent_id=None,
                agent_name=None,
                body=message.body,
                client_id=message.client_id,
                created_at=message.created_at,
            )
        )
        assert shown is not None
        return shown

    async def read(self, principal: Principal, mark: ReadUpTo) -> None:
        """The visitor has seen everything up to this message."""
        conversation_id = _own(principal, mark.conversation_id)
        async with self._work.begin("webchat.read", principal.actor) as work:
            if not await _is_in(work.conn, mark):
                raise NotFound
            await interactions.mark_read(
                work, conversation_id=conversation_id, message_id=mark.message_id, reader="visitor"
            )

    async def typing(self, principal: Principal, conversation_id: UUID | None) -> None:
        """Tell whoever serves the visitor; nothing is stored."""
        own = _own(principal, conversation_id)
        async with self._work.reading("webchat.typing") as conn:
            holders = await cards.holders_of_conversations(conn, [own])
        for agent_id, _ in holders.get(own, ()):
            payload = {"conversation_id": own, "sender": "visitor"}
            self._hints.to_agent(agent_id, "chat.typing", payload)

    async def close(
        self, principal: Principal, conversation_id: UUID | None
    ) -> VisitorConversation:
        """The visitor ends it. Nothing happens when it has ended already."""
        own = _own(principal, conversation_id)
        async with self._work.begin("webchat.close", principal.actor) as work:
            await self._open(work, own)
            current = await interactions.open_interaction(work.conn, own)
            if current is not None and current.customer_present:
                left = bool(current.metadata.get(LEFT_MESSAGE))
                await self._queueing.customer_left(
                    work, current.id, reason="cancelled" if left else "abandoned"
                )
            shown = await self._shown(work.conn, own)
        assert shown is not None
        return shown

    async def conversation(
        self, principal: Principal, conversation_id: UUID
    ) -> VisitorConversation:
        own = _own(principal, conversation_id)
        async with self._work.reading("webchat.conversation") as conn:
            shown = await self._shown(conn, own)
        if shown is None:
            raise NotFound
        return shown

    async def messages(
        self, principal: Principal, conversation_id: UUID, before: UUID | None, limit: int
    ) -> VisitorMessages:
        own = _own(principal, conversation_id)
        async with self._work.reading("webchat.messages") as conn:
            found = await cards.messages(conn, own, before=before, limit=limit + 1, notes=False)
        page = found[-limit:]
        return VisitorMessages(
            items=[shown for message in page if (shown := visitor_message(message))],
            next_cursor=str(page[0].message_id) if len(found) > limit else None,
        )

    async def transcript(
        self, principal: Principal, conversation_id: UUID, language: Literal["es", "en"] | None
    ) -> str:
        """The conversation as plain text."""
        own = _own(principal, conversation_id)
        async with self._work.reading("webchat.transcript") as conn:
            conversation = await interactions.conversation(conn, own)
        if conversation is None:
            raise NotFound
        pages: list[list[MessageCard]] = []
        before: UUID | None = None
        while page := await self._page(own, before):
            pages.append(page)
            before = page[0].message_id
        pages.reverse()
        talk = Talk(
            centre=self._centre,
            reference=str(own),
            messages=tuple(
                shown for page in pages for message in page if (shown := visitor_message(message))
            ),
        )
        own_language: Literal["es", "en"] = "en" if conversation.locale == "en" else "es"
        return transcript(talk, language or own_language, self._settings.app.zone)

    async def _page(self, conversation_id: UUID, before: UUID | None) -> list[MessageCard]:
        """Some of a transcript, with a connection for as long as these take."""
        async with self._work.reading("webchat.transcript") as conn:
            return await cards.messages(
                conn, conversation_id, before=before, limit=TRANSCRIPT_PAGE, notes=False
            )

    # What realtime asks for

    async def states(
        self, conn: Connection, conversation_ids: Collection[UUID]
    ) -> Mapping[UUID, Mapping[str, Any]]:
        shown = await self._all_shown(conn, conversation_ids)
        return {conversation_id: one.model_dump() for conversation_id, one in shown.items()}

    async def seen(self, last_seen: Mapping[UUID, datetime]) -> None:
        async with self._work.begin("webchat.seen", "system") as work:
            await store.seen(work.conn, last_seen)

    async def _shown(self, conn: Connection, conversation_id: UUID) -> VisitorConversation | None:
        return (await self._all_shown(conn, [conversation_id])).get(conversation_id)

    async def _all_shown(
        self, conn: Connection, conversation_ids: Collection[UUID]
    ) -> dict[UUID, VisitorConversation]:
        rows = await store.newest_interactions(conn, conversation_ids)
        stages = {
            conversation_id: stage(
                row["interaction_state"],
                customer_present=bool(row["customer_present"]),
                left=bool((row["metadata"] or {}).get(LEFT_MESSAGE)),
            )
            for conversation_id, row in rows.items()
        }
        waiting = [
            rows[conversation_id]["interaction_id"]
            for conversation_id, state in stages.items()
            if state in {"waiting", "message_left"}
        ]
        places = await self._queueing.places(conn, waiting, self._clock.now())
        messages = await cards.messages_to_customers(conn, conversation_ids)
        return {
            conversation_id: _conversation(
                row,
                stages[conversation_id],
                messages.get(conversation_id, []),
                places.get(row["interaction_id"]),
            )
            for conversation_id, row in rows.items()
        }

    async def _open(self, work: Work, conversation_id: UUID) -> Conversation:
        conversation = await interactions.conversation(work.conn, conversation_id)
        if conversation is None:
            raise NotFound
        if conversation.state != "open":
            raise Conflict("This conversation is closed: begin a new one.")
        return conversation

    async def _is_open(self, conn: Connection, queue: str, at: datetime) -> bool:
        try:
            return await self._hours.is_open(conn, queue, at)
        except NotFound as error:
            raise Invalid.field("queue", "unknown_queue", "There is no such queue.") from error


def _conversation(
    row: Record, state: VisitorStage, messages: Sequence[MessageCard], place: Place | None
) -> VisitorConversation:
    served = state == "active" and row["agent_name"]
    return VisitorConversation(
        conversation_id=row["conversation_id"],
        state=state,
        agent=VisitorAgent(name=first_name(row["agent_name"]) or "") if served else None,
        queue=row["interaction_queue"] or row["queue"],
        messages=[shown for message in messages if (shown := visitor_message(message))],
        visitor_read=row["visitor_read"],
        agent_read=row["agent_read"],
        position=place.position if place else None,
        estimated_wait_seconds=place.estimated_wait_seconds if place else None,
        can_write=row["conversation_state"] == "open",
    )


class Agents:
    """The agent's side: only in conversations in which the agent has an open part."""

    def __init__(self, work: WorkFactory, queueing: Queueing, hints: Hints) -> None:
        self._work = work
        self._queueing = queueing
        self._hints = hints

    async def say(self, principal: Principal, text: AgentSays) -> MessageCard:
        """Write to the customer, or a note beside. Repeating a client_id changes nothing."""
        if len(text.body) > MESSAGE_LIMIT:
            raise TooLarge(
                f"A message has at most {MESSAGE_LIMIT} characters.", limit=MESSAGE_LIMIT
            )
        agent_id = principal.agent()
        async with self._work.begin("webchat.agent_say", principal.actor) as work:
            known = await interactions.message_of_client(
                work.conn, text.conversation_id, "agent", text.client_id
            )
            if known is not None and known.agent_id == agent_id:
                return (await cards.messages_by_id(work.conn, [known.id]))[known.id]
            current = await interactions.open_interaction(work.conn, text.conversation_id)
            if current is None:
                raise NotFound
            await self._queueing.agent_wrote(work, current.id, agent_id, note=text.kind == "note")
            message, _ = await interactions.add_message(
                work,
                conversation_id=text.conversation_id,
                interaction_id=current.id,
                sender="agent",
                body=text.body,
                kind=text.kind,
                agent_id=agent_id,
                client_id=text.client_id,
            )
            stored = await cards.messages_by_id(work.conn, [message.id])
        return stored[message.id]

    async def read(self, principal: Principal, mark: ReadUpTo) -> None:
        """The agent has seen everything up to this message."""
        agent_id = principal.agent()
        async with self._work.begin("webchat.agent_read", principal.actor) as work:
            if not await _holds(work.conn, agent_id, mark.conversation_id):
                raise NotFound
            if not await _is_in(work.conn, mark):
                raise NotFound
            await interactions.mark_read(
                work,
                conversation_id=mark.conversation_id,
                message_id=mark.message_id,
                reader="agent",
            )

    async def typing(self, principal: Principal, conversation_id: UUID) -> None:
        """Tell the visitor; nothing is stored."""
        agent_id = principal.agent()
        async with self._work.reading("webchat.agent_typing") as conn:
            if not await _holds(conn, agent_id, conversation_id):
                raise NotFound
        payload = {"conversation_id": conversation_id, "sender": "agent"}
        self._hints.to_visitor(conversation_id, "chat.typing", payload)


class Sweeper:
    """Notices visitors who have gone while they waited, on every node, without a memory."""

    def __init__(
        self,
        work: WorkFactory,
        clock: Clock,
        queueing: Queueing,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._work = work
        self._clock = clock
        self._queueing = queueing
        self._monotonic = monotonic
        self._grace_until = clock.now() + GONE_AFTER
        self._before = (clock.now(), monotonic())

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._run(), name="webchat-sweeper")
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                await self.sweep()
            except Unavailable:
                log.warning("sweep_waits_for_the_database")
            except Exception:
                log.exception("sweep_failed")

    async def sweep(self) -> int:
        """Abandon what nobody waits for any more; how many.

        While the centre was down, or when its clock was set, nobody could be seen: visitors are
        then given the whole time again.
        """
        now = self._clock.now()
        if self._clock_was_set(now):
            self._grace_until = now + GONE_AFTER
            async with self._work.begin("webchat.clock_set", "system") as work:
                await store.clamp_seen(work.conn, now)
        if now < self._grace_until:
            return 0
        async with self._work.reading("webchat.gone") as conn:
            gone = await store.gone(conn, now - GONE_AFTER)
        for interaction_id in gone:
            async with self._work.begin("webchat.abandon", "system") as work:
                with contextlib.suppress(Conflict):  # answered or abandoned meanwhile
                    await self._queueing.customer_left(work, interaction_id)
        return len(gone)

    async def close_idle(self) -> None:
        """Close conversations that can no longer be gone on with (a schedule)."""
        async with self._work.begin("webchat.close_idle", "system") as work:
            for conversation_id in await store.idle(work.conn, work.now - KEPT_OPEN):
                await interactions.close_conversation(work, conversation_id)

    def _clock_was_set(self, now: datetime) -> bool:
        then, monotonic = self._before
        self._before = (now, self._monotonic())
        passed = timedelta(seconds=self._before[1] - monotonic)
        return abs((now - then) - passed) > CLOCK_SLACK


def _own(principal: Principal, conversation_id: UUID | None) -> UUID:
    """The visitor's one conversation; any other does not exist for them."""
    own = principal.conversation()
    if conversation_id is not None and conversation_id != own:
        raise NotFound
    return own


async def _holds(conn: Connection, agent_id: UUID, conversation_id: UUID) -> bool:
    holders = await cards.holders_of_conversations(conn, [conversation_id])
    return any(holder == agent_id for holder, _ in holders.get(conversation_id, ()))


async def _is_in(conn: Connection, mark: ReadUpTo) -> bool:
    found = await cards.messages_by_id(conn, [mark.message_id])
    return (
        mark.message_id in found and found[mark.message_id].conversation_id == mark.conversation_id
    )


def _addresses(new: NewConversation) -> list[Address]:
    found = []
    given: tuple[tuple[AddressKind, str | None], ...] = (
        ("email", new.email),
        ("phone", new.phone),
    )
    for kind, text in given:
        if text:
            try:
                found.append(Address(kind, normalise(kind, text)))
            except ValueError as error:
                raise Invalid.field(kind, f"{kind}_invalid", "This cannot be right.") from error
    return found
