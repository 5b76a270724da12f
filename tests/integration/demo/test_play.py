"""Simulated people beside real ones: who answers whom, who steps aside, what survives a kill."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import pytest

import db
from contactcenter.core.module import Deps
from contactcenter.demo import store
from contactcenter.demo.module import LEVERS, Demo, Levers
from contactcenter.demo.morning import Theatre
from contactcenter.demo.play import Play
from contactcenter.demo.stage import agent
from contactcenter.interactions import service as hall
from contactcenter.interactions.model import Channel
from routing.book import QueueBook
from routing.core.model import Constants
from routing.desk import DeskService
from routing.requests import Requests
from routing.service import PresenceService, QueueService
from tests.integration.demo.conftest import PHONES, TEN_FIFTY
from tests.integration.demo.crowds import TestCrowd


@dataclass
class Life:
    """A demo that lives on a virtual clock; people act in between."""

    deps: Deps
    theatre: Theatre
    play: Play
    at: datetime = TEN_FIFTY
    opened: bool = False

    async def go_on(self, minutes: float) -> None:
        end = self.at + timedelta(minutes=minutes)
        async with self.theatre.work.chunk():
            if not self.opened:
                self.opened = True
                await self.theatre.open(self.play, self.at)
            self.at, _ = await self.theatre.perform(self.play, self.at, end, 60)
        assert self.at == end

    async def person_sits_down(self, agent_id: UUID, *channels: str) -> None:
        async with self.theatre.work.chunk():
            await PresenceService(self.theatre.work).connected(agent_id, channels or ("chat",))
            await self.theatre.perform(self.play, self.at, self.at + timedelta(seconds=1), 60)
        self.at += timedelta(seconds=1)

    async def person_leaves(self, agent_id: UUID) -> None:
        async with (
            self.theatre.work.chunk(),
            self.theatre.work.begin("test.leaves", "test") as work,
        ):
            await PresenceService(self.theatre.work).signed_out(work, agent_id)

    async def person_writes(self, queue: str, channel: Channel = "chat") -> UUID:
        """Somebody real opens a web chat, or calls."""
        async with (
            self.theatre.work.chunk(),
            self.theatre.work.begin("test.visitor", "visitor") as work,
        ):
            contact = await hall.create_contact(work, name="Inés Prueba", locale="es")
            thread = await hall.create_conversation(work, contact_id=contact.id, channel=channel)
            interaction = await hall.create_interaction(work, conversation=thread)
            queues = QueueService(QueueBook(self.deps.settings.app.zone), Constants())
            await queues.enqueue(work, interaction_id=interaction.id, queue=queue)
        return interaction.id


@pytest.fixture
def life(deps: Deps) -> Life:
    theatre = Theatre(deps.pool, deps.bus, deps.settings.app.zone, TEN_FIFTY)
    return Life(deps, theatre, Play(theatre.stage, TestCrowd(), PHONES, Random(7)))


async def named(conn: db.Connection, name: str) -> UUID:
    found: UUID = await conn.fetchval("SELECT id FROM agents WHERE name = $1", name)
    return found


OFFERS = "SELECT agent_id, state FROM reservations WHERE interaction_id = $1 ORDER BY created_at"
OPEN = "SELECT channel FROM segments WHERE agent_id = $1 AND state <> 'ended'"
STATE = "SELECT state FROM interactions WHERE id = $1"
SEAT = "SELECT present, channels FROM agent_states WHERE agent_id = $1"


async def test_simulated_people_keep_the_centre_busy(life: Life, conn: db.Connection) -> None:
    await life.go_on(15)
    rows = await conn.fetch("SELECT channel, count(*) FROM segments GROUP BY channel")
    busy = {row["channel"]: row["count"] for row in rows}
    assert busy["voice"] > 5
    assert "chat" not in busy


async def test_a_hail_is_seen_within_a_minute(life: Life, conn: db.Connection) -> None:
    """More than the claims queues can take waits longer than the calls' target."""
    late = (
        "SELECT count(*) FROM work_items WHERE queue IN ('SA', 'SH') AND channel = 'voice'"
        " AND answered_at IS NULL AND ended_at IS NULL"
        " AND entered_at < $1::timestamptz - interval '20 seconds'"
    )
    await life.go_on(10)
    before = await conn.fetchval(late, life.at)
    life.play.hail_begins()
    await life.go_on(1)
    assert await conn.fetchval(late, life.at) >= before + 3


async def test_whoever_writes_waits_for_somebody_real(life: Life, conn: db.Connection) -> None:
    await life.go_on(5)
    chat = await life.person_writes("CO")
    await life.go_on(10)
    assert await conn.fetch(OFFERS, chat) == []
    assert await conn.fetchval(STATE, chat) == "queued"
    carmen = await named(conn, "Carmen Tolosa")
    await life.person_sits_down(carmen)
    await life.go_on(0.1)
    assert [tuple(row) for row in await conn.fetch(OFFERS, chat)] == [(carmen, "pending")]


async def test_a_simulated_agent_steps_aside_and_comes_back(
    life: Life, conn: db.Connection
) -> None:
    lucia = await named(conn, "Lucía Abós")
    await life.go_on(6)
    while not {"voice", "email"} <= {row["channel"] for row in await conn.fetch(OPEN, lucia)}:
        await life.go_on(0.5)
    await life.person_sits_down(lucia)
    await life.go_on(0.1)
    assert await conn.fetch(OPEN, lucia) == []
    await life.go_on(20)
    assert await conn.fetch(OPEN, lucia) == []
    seat = await conn.fetchrow(SEAT, lucia)
    assert seat is not None
    assert tuple(seat["channels"]) == ("chat",)
    await life.person_leaves(lucia)
    await life.go_on(10)
    seat = await conn.fetchrow(SEAT, lucia)
    assert seat is not None
    assert seat["present"]
    assert "voice" in seat["channels"]
    assert "chat" not in seat["channels"]


async def test_a_real_call_reaches_the_person_at_once_past_free_simulated_telephones(
    deps: Deps, conn: db.Connection
) -> None:
    theatre = Theatre(deps.pool, deps.bus, deps.settings.app.zone, TEN_FIFTY)
    life = Life(deps, theatre, Play(theatre.stage, TestCrowd(0.0), PHONES, Random(7)))
    await life.go_on(1)
    lucia = await named(conn, "Lucía Abós")
    await life.person_sits_down(lucia, "chat", "voice")
    call = await life.person_writes("SA", "voice")
    await life.go_on(0.05)
    *before, last = [tuple(row) for row in await conn.fetch(OFFERS, call)]
    assert last == (lucia, "pending")
    assert before, "others were free for longer"
    assert {state for _, state in before} == {"rejected"}


async def test_a_chat_pushed_to_a_simulated_agent_goes_back(
    life: Life, conn: db.Connection
) -> None:
    """A supervisor may give a person's chat to anybody; a simulated agent gives it back."""
    await life.go_on(1)
    carmen = await named(conn, "Carmen Tolosa")
    await life.person_sits_down(carmen)
    chat = await life.person_writes("CO")
    await life.go_on(0.1)
    offers = await conn.fetch("SELECT id FROM reservations WHERE interaction_id = $1", chat)
    desk = DeskService(
        life.theatre.work,
        QueueBook(life.deps.settings.app.zone),
        Requests(life.deps.work, life.deps.bus),
        Constants(),
    )
    await life.person_leaves(carmen)
    async with life.theatre.work.chunk():
        life.play._away.discard(carmen)
        await desk.accept(agent(carmen), offers[0]["id"])
    await life.go_on(0.5)
    assert await conn.fetchval(STATE, chat) == "queued"


async def test_what_was_open_at_a_kill_is_finished_by_the_next_play(
    life: Life, conn: db.Connection
) -> None:
    await life.go_on(12)
    orphans = [
        row["id"]
        for row in await conn.fetch(
            "SELECT id FROM interactions WHERE state <> 'closed' AND channel <> 'email'"
        )
    ]
    assert orphans
    theatre = Theatre(life.deps.pool, life.deps.bus, life.deps.settings.app.zone, life.at)
    quiet = Play(theatre.stage, TestCrowd(0.0), PHONES, Random(8))
    after = Life(life.deps, theatre, quiet, at=life.at + timedelta(minutes=3))
    await after.go_on(60)
    left = await conn.fetch(
        "SELECT channel, state FROM interactions WHERE id = ANY ($1) AND state <> 'closed'", orphans
    )
    assert [tuple(row) for row in left] == []


async def test_an_agent_whom_a_supervisor_sent_away_stays_away(
    life: Life, conn: db.Connection
) -> None:
    await life.go_on(2)
    marcos = await named(conn, "Marcos Belsué")
    async with life.theatre.work.chunk():
        await life.theatre.stage.wish(marcos, "away", "meeting")
    await life.go_on(30)
    row = await conn.fetchrow("SELECT status, status_reason FROM agents WHERE id = $1", marcos)
    assert row is not None
    assert tuple(row) == ("away", "meeting")


async def test_no_simulated_call_rings_at_a_persons_softphone(
    life: Life, conn: db.Connection
) -> None:
    """Also what rang when the person sat down is taken back; mail and messages go on."""
    await life.go_on(10)
    people = [row["id"] for row in await conn.fetch("SELECT id FROM agents")]
    for agent_id in people:
        await life.person_sits_down(agent_id, "chat", "voice", "whatsapp", "sms", "email")
    await life.go_on(0.5)
    since = life.at
    pending = (
        "SELECT count(*) FROM reservations r JOIN work_items w ON w.id = r.work_item_id"
        " WHERE r.state = 'pending' AND w.channel = 'voice'"
    )
    assert await conn.fetchval(pending) == 0
    await life.go_on(10)
    offered = (
        "SELECT w.channel, count(*) FROM reservations r JOIN work_items w ON w.id = r.work_item_id"
        " WHERE r.created_at > $1 GROUP BY w.channel"
    )
    found = {row["channel"]: row["count"] for row in await conn.fetch(offered, since)}
    waited = "SELECT count(*) FROM work_items WHERE channel = 'voice' AND entered_at > $1"
    assert await conn.fetchval(waited, since) > 5
    assert "voice" not in found


async def test_a_hail_goes_on_over_a_restart_and_its_front_does_not_call_again(deps: Deps) -> None:
    before = Demo(deps)
    async with deps.work.begin("test.hail", "test") as work:
        on = Levers(traffic=3.0, hail=True)
        await store.put_setting(work.conn, LEVERS, on.model_dump(), work.now)
    await before._set_traffic()
    assert await before.levers() == Levers(traffic=deps.settings.demo.traffic, hail=True)
    assert before.crowd.hail
