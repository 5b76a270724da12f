"""Visitors who have gone while they waited, across restarts and set clocks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

import db
from channels.webchat.schemas import NewConversation, VisitorText
from channels.webchat.service import Sweeper, VisitorAuthenticator, Visitors
from config.settings import Settings
from contactcenter.core.access import Permission, Principal
from contactcenter.core.errors import Conflict, Unauthenticated
from contactcenter.core.limits import Limits
from contactcenter.core.work import WorkFactory
from routing.book import QueueBook
from routing.core.model import Constants
from routing.service import QueueService
from tests.conftest import SettableClock


class Silent:
    """Hints go nowhere."""

    def to_visitor(self, *_: Any) -> None: ...

    def to_agent(self, *_: Any) -> None: ...


class Chat:
    """Web chat with routing's door behind it, and time in the test's hand."""

    def __init__(self, settings: Settings, pool: db.Pool, clock: SettableClock) -> None:
        self.clock = clock
        self.passed = 0.0
        self.work = WorkFactory(pool, clock)
        self.queues = QueueService(QueueBook(ZoneInfo("Europe/Madrid")), Constants())
        self.visitors = Visitors(
            settings, self.work, clock, "Centro", self.queues, self.queues, Silent(), Limits(None)
        )
        self.pool = pool
        self.sweeper = self.restart()

    def restart(self) -> Sweeper:
        self.sweeper = Sweeper(self.work, self.clock, self.queues, lambda: self.passed)
        return self.sweeper

    def pass_(self, seconds: float) -> None:
        """Time goes by, on every clock."""
        self.passed += seconds
        self.clock.advance(seconds)

    async def waiting(self) -> UUID:
        """A visitor who waits; the conversation."""
        started = await self.visitors.begin(NewConversation(queue="SA", message="Hola"))
        return started.conversation.conversation_id

    async def seen(self, conversation_id: UUID) -> None:
        await self.visitors.seen({conversation_id: self.clock.now()})

    async def state(self, conversation_id: UUID) -> str:
        principal = visitor(conversation_id)
        return (await self.visitors.conversation(principal, conversation_id)).state


def visitor(conversation_id: UUID) -> Principal:
    return Principal(
        kind="visitor",
        permissions=frozenset({Permission.CHAT_USE}),
        conversation_id=conversation_id,
    )


@pytest.fixture(scope="session")
def database_template(seeded_template: str) -> str:
    return seeded_template


@pytest.fixture
def chat(settings: Settings, pool: db.Pool, clock: SettableClock) -> Chat:
    return Chat(settings, pool, clock)


async def test_who_leaves_the_message_that_was_offered_may_leave_the_page(chat: Chat) -> None:
    left, silent = await chat.waiting(), await chat.waiting()
    async with chat.pool.acquire() as conn:  # as the router notes it at a queue's limit
        await conn.execute("UPDATE work_items SET message_offered = true")
    for number in range(2):  # the second line belongs to the same message
        chat.pass_(1)
        text = VisitorText(body="Llámenme mañana", client_id=f"m{number}")
        await chat.visitors.say(visitor(left), left, text)
    assert [await chat.state(each) for each in (left, silent)] == ["message_left", "waiting"]
    chat.pass_(300)
    await chat.sweeper.sweep()
    chat.pass_(300)
    await chat.sweeper.sweep()
    assert [await chat.state(each) for each in (left, silent)] == ["message_left", "ended"]
    async with chat.pool.acquire() as conn:
        [visit] = await conn.fetch(
            "SELECT w.outcome, w.band FROM work_items w JOIN interactions i"
            " ON i.id = w.interaction_id WHERE i.conversation_id = $1",
            left,
        )
    assert (visit["outcome"], visit["band"]) == (None, 2), "it waits on, in its place"


async def test_gone_for_120_seconds_is_abandoned(chat: Chat) -> None:
    gone, stays = await chat.waiting(), await chat.waiting()
    chat.pass_(121)
    await chat.seen(stays)
    assert await chat.sweeper.sweep() == 1
    assert await chat.state(gone) == "ended"
    assert await chat.state(stays) == "waiting"
    async with chat.pool.acquire() as conn:
        row = await conn.fetchrow(
            "SELECT i.close_reason, w.outcome FROM interactions i"
            " JOIN work_items w ON w.interaction_id = i.id WHERE i.conversation_id = $1",
            gone,
        )
    assert row is not None
    assert (row["close_reason"], row["outcome"]) == ("abandoned", "abandoned")
    assert await chat.sweeper.sweep() == 0, "once"


async def test_after_a_restart_everybody_has_the_whole_time_again(chat: Chat) -> None:
    """Nobody can be seen by a centre that is down."""
    conversation_id = await chat.waiting()
    chat.pass_(600)
    chat.restart()
    chat.pass_(100)
    assert await chat.sweeper.sweep() == 0
    chat.pass_(30)
    assert await chat.sweeper.sweep() == 1
    assert await chat.state(conversation_id) == "ended"


@pytest.mark.parametrize("hours", [1, -1])
async def test_a_clock_that_is_set_drives_nobody_out(chat: Chat, hours: int) -> None:
    conversation_id = await chat.waiting()
    chat.pass_(130)
    await chat.seen(conversation_id)
    assert await chat.sweeper.sweep() == 0
    chat.clock.advance(hours * 3600)
    assert await chat.sweeper.sweep() == 0
    assert await chat.state(conversation_id) == "waiting"
    chat.pass_(60)
    await chat.seen(conversation_id)
    chat.pass_(100)
    assert await chat.sweeper.sweep() == 0, "seen 100 s ago"
    chat.pass_(30)
    assert await chat.sweeper.sweep() == 1, "and a visitor who goes is still noticed"


async def test_a_message_left_outside_hours_is_not_abandoned(chat: Chat) -> None:
    chat.clock.advance(13 * 3600)
    chat.restart()
    conversation_id = await chat.waiting()
    assert await chat.state(conversation_id) == "message_left"
    chat.pass_(3600)
    assert await chat.sweeper.sweep() == 0
    assert await chat.state(conversation_id) == "message_left"
    closed = await chat.visitors.close(visitor(conversation_id), conversation_id)
    assert closed.state == "ended"


async def test_who_comes_back_within_the_window_gets_the_old_place(chat: Chat) -> None:
    first = await chat.waiting()
    chat.pass_(10)
    second = await chat.waiting()
    await chat.visitors.close(visitor(first), first)
    chat.pass_(60)
    await chat.visitors.say(visitor(first), first, VisitorText(body="Sigo", client_id="c2"))
    shown = await chat.visitors.conversation(visitor(first), first)
    other = await chat.visitors.conversation(visitor(second), second)
    assert (shown.position, other.position) == (1, 2)


async def test_a_conversation_is_kept_open_for_a_week(chat: Chat) -> None:
    started = await chat.visitors.begin(NewConversation(queue="SA", message="Hola"))
    conversation_id = started.conversation.conversation_id
    await chat.visitors.close(visitor(conversation_id), conversation_id)
    authenticator = VisitorAuthenticator(chat.work)
    chat.pass_(timedelta(days=6).total_seconds())
    await chat.sweeper.close_idle()
    assert await authenticator.principal_of(started.token) is not None
    chat.pass_(timedelta(days=2).total_seconds())
    await chat.sweeper.close_idle()
    with pytest.raises(Unauthenticated):
        await authenticator.principal_of(started.token)
    with pytest.raises(Conflict):
        await chat.visitors.say(
            visitor(conversation_id), conversation_id, VisitorText(body="Hola", client_id="c9")
        )
