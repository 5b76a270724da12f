"""Whoever is known only after they were queued: the one who waits is routed as the file says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import db
from contactcenter.core import eventlog
from contactcenter.core.ids import new_id
from contactcenter.events import CATALOGUE
from contactcenter.interactions import cards
from contactcenter.interactions import service as hall
from contactcenter.interactions.model import Address
from routing import rows, store
from routing.book import QueueBook
from routing.core.model import Constants
from routing.leader import Router
from routing.listeners import listeners
from routing.service import PresenceService, QueueService
from routing.translate import HEARD
from tests.integration.crm.conftest import Office, a_policy, agent_of
from tests.integration.crm.test_advice import NUMBER, QUEUES
from tests.integration.crm.test_claims import claim_body, skilled
from tests.integration.crm.test_identify import came_in

ZONE = ZoneInfo("Europe/Madrid")
OPEN = """
UPDATE calendars SET weekly = '{"mon": [["00:00", "24:00"]], "tue": [["00:00", "24:00"]]}';
UPDATE agents SET status = 'available';
"""
WAITING = "SELECT id FROM work_items WHERE answered_at IS NULL AND ended_at IS NULL"
WHY = "SELECT why FROM reservations WHERE interaction_id = $1"


class Centre:
    """The queues' door, what routing hears of others, and a router by hand; `CO` is where they land
    who have chosen nothing."""

    def __init__(self, office: Office, conn: db.Connection) -> None:
        work, settings = office.deps.work, office.deps.settings
        book, constants = QueueBook(ZONE), Constants()
        self.office, self.conn, self.work = office, conn, work
        self.door = QueueService(book, constants, adviser=office.crm.adviser, unchosen=("CO",))
        self.presence = PresenceService(work)
        self.router = Router(
            work=work, bus=office.deps.bus, clock=office.clock, book=book, presence=self.presence,
            zone=ZONE, constants=constants, settings=settings,
            monotonic=lambda: office.clock.now().timestamp(),
        )  # fmt: skip
        self._read = eventlog.START

    async def arrive(self, queue: str, *addresses: Address, channel: Any = "chat") -> UUID:
        addresses = addresses or (Address("web", str(new_id())),)
        _, interaction = await came_in(self.office, *addresses, channel=channel)
        async with self.work.begin("test.enqueue", "test") as work:
            await self.door.enqueue(work, interaction_id=interaction, queue=queue)
        await self.settle()
        return interaction

    async def say(self, interaction: UUID, body: str) -> None:
        async with self.work.begin("test.wrote", "test") as work:
            row = await hall.interaction(work.conn, interaction)
            assert row is not None
            await hall.add_message(
                work, conversation_id=row.conversation_id, interaction_id=interaction,
                sender="visitor", body=body,
            )  # fmt: skip
        await self.office.listen("crm.identify_written")

    async def hear(self) -> None:
        """Routing hears of everything that was ever said, and its router of what is new."""
        (known,) = [
            each
            for each in listeners(self.presence, self.door.readvising())
            if each.name == "routing.known"
        ]
        for recorded in await self.office.events():
            if isinstance(recorded.event, known.types):
                async with self.work.begin("test.listen", "listener") as work:
                    await known.handle(work, recorded)
        await self.settle()

    async def settle(self) -> None:
        names = [cls.name for cls in HEARD]
        while True:
            batch = await eventlog.read(self.conn, CATALOGUE, self._read, limit=1000, types=names)
            if batch:
                self._read = batch[-1].position
                await self.router.hear(batch)
            if not await self.router.turn() and not batch:
                return

    async def visit(self, interaction: UUID) -> rows.VisitRow:
        """The visit that waits, which the router has in mind as the tables have it."""
        for (visit_id,) in await self.conn.fetch(WAITING):
            row = await store.visit(self.conn, visit_id)
            assert row is not None
            held = self.router._engine.holding()[0][str(visit_id)]
            assert held.item == rows.item_of_row(row)
            assert (held.step, held.state.value) == (row.step or 0, row.state)
            until = None if row.step_until is None else int(row.step_until.timestamp() * 1000)
            assert held.step_until == until
        for _ in range(2):
            assert await self.router.sweep() == 0
        found = await store.waiting_visit(self.conn, interaction)
        assert found is not None
        return found

    async def facts(self, interaction: UUID) -> dict[str, Any]:
        facts: dict[str, Any] = await self.conn.fetchval(
            "SELECT routing_facts FROM interactions WHERE id = $1", interaction
        )
        return facts

    async def banner(self, interaction: UUID) -> str:
        file = await self.office.do("elena", "GET", f"/interactions/{interaction}/file")
        return str(file["banner"])

    async def pick(self, interaction: UUID, customer: dict[str, Any] | None) -> None:
        body = {"customer_id": customer and customer["customer_id"]}
        await self.office.do("elena", "PUT", f"/interactions/{interaction}/customer", body)
        await self.hear()


@asynccontextmanager
async def a_centre(office: Office, conn: db.Connection) -> AsyncIterator[Centre]:
    await conn.execute(QUEUES)
    await skilled(office, conn)
    await conn.execute(OPEN)
    centre = Centre(office, conn)
    lease = await db.connect(office.deps.settings, "lease")
    try:
        assert await centre.router.take_lease(lease)
        yield centre
    finally:
        await lease.close()


async def claimant(office: Office, **fields: Any) -> dict[str, Any]:
    """Somebody with an open motor claim, which is Pablo's."""
    ana = await office.person(dni="12345678Z", **fields)
    policy = await a_policy(office, customer_id=ana["customer_id"])
    claim = await office.do("lucia", "POST", "/claims", claim_body(policy["policy_id"]))
    async with office.deps.work.begin("test.handler", "test") as work:
        await work.conn.execute(
            "UPDATE claims SET adjuster_id = $2 WHERE id = $1::uuid",
            claim["claim_id"], agent_of(office, "pablo"),
        )  # fmt: skip
    return ana


async def test_a_chat_that_says_its_document_goes_to_its_adjuster(
    office: Office, conn: db.Connection
) -> None:
    async with a_centre(office, conn) as centre:
        await claimant(office)
        pablo = agent_of(office, "pablo")
        chat = await centre.arrive("SA")
        office.clock.advance(40)
        before = await centre.visit(chat)
        assert (before.base, before.routing, await centre.banner(chat)) == (50, {}, "")
        await centre.say(chat, "12345678Z, mi siniestro")
        await centre.hear()
        known = await centre.visit(chat)
        assert (known.id, known.band, known.base) == (before.id, 2, 60)
        assert (known.virtual_start, known.entered_at) == (before.virtual_start, before.entered_at)
        assert known.routing == {
            "preferred": [str(pablo)], "preferred_ms": 30_000,
            "readvised": ["interaction.linked", "claim_motor"],
        }  # fmt: skip
        facts = await centre.facts(chat)
        assert (facts["rule"], facts["banner"], await centre.banner(chat)) == (
            "claim_motor", "claim", "claim"
        )  # fmt: skip
        (told,) = await office.events("interaction.readvised")
        assert told.event.cause == "interaction.linked"  # type: ignore[attr-defined]
        # what is said again, and what is heard again, change nothing
        await centre.say(chat, "12345678Z")
        await centre.hear()
        assert await centre.visit(chat) == known
        assert len(await office.events("interaction.readvised")) == 1
        # a router that begins now has it as the one before
        centre.router.forget()
        await centre.settle()
        assert await centre.visit(chat) == known
        await centre.presence.connected(pablo, ("chat",))
        await centre.settle()
        why = await conn.fetchval(WHY, chat)
        assert (why["chosen"], why["readvised"], why["preferred"]) == (
            [str(pablo)], ["interaction.linked", "claim_motor"], True
        )  # fmt: skip


async def test_one_of_two_with_a_number_is_picked_before_the_answer(
    office: Office, conn: db.Connection
) -> None:
    async with a_centre(office, conn) as centre:
        ana = await claimant(office, mobile="600550010", birth_date="1980-05-01")
        luis = await office.person(first_name="Luis", mobile="600550010")
        pablo = agent_of(office, "pablo")
        call = await centre.arrive("CO", Address("phone", NUMBER))
        either = await centre.visit(call)
        assert (either.queue, either.base, either.routing) == ("CO", 60, {})
        assert await centre.banner(call) == "ambiguous"
        office.clock.advance(25)
        await centre.pick(call, ana)
        hers = await centre.visit(call)  # nobody had chosen where it waited
        assert (hers.queue, hers.entry, hers.base, hers.virtual_start) == (
            "SA", "moved", 60, either.virtual_start
        )  # fmt: skip
        assert hers.routing["preferred"] == [str(pablo)]
        assert await centre.banner(call) == "claim"
        right = {"document": "678Z", "birth_date": "1980-05-01"}
        await office.do("elena", "POST", f"/interactions/{call}/identity", right)
        await centre.hear()
        assert await centre.visit(call) == hers  # as the rules have it already
        await centre.pick(call, luis)  # a slip is undone: nothing is known of him
        his = await centre.visit(call)
        assert (his.base, his.virtual_start, his.routing) == (
            50, either.virtual_start, {"readvised": ["interaction.linked", ""]}
        )  # fmt: skip
        assert (await centre.banner(call), (await centre.facts(call))["banner"]) == ("", None)


async def test_a_contact_is_known_while_it_waits(office: Office, conn: db.Connection) -> None:
    """In a queue of its own choice it stays; what it was told of the others holds no more."""
    async with a_centre(office, conn) as centre:
        mail = Address("email", "ana@correo.example")
        chosen = await centre.arrive("PR", mail, channel="email")
        other = await centre.arrive("SA", Address("web", "else"))
        await claimant(office, email="ana@correo.example")
        await office.listen("crm.learn")
        await centre.hear()
        visit = await centre.visit(chosen)
        assert (visit.queue, visit.band, visit.base, visit.routing) == ("PR", 3, 50, {})
        assert (await centre.facts(chosen))["banner"] == "claim"
        assert (await centre.visit(other)).routing == {}


async def test_nothing_changes_for_who_rings_already(office: Office, conn: db.Connection) -> None:
    async with a_centre(office, conn) as centre:
        ana = await claimant(office)
        await centre.presence.connected(agent_of(office, "marcos"), ("chat",))
        await conn.execute(
            "INSERT INTO agent_skills (agent_id, skill, level) VALUES ($1, 'SA', 3)"
            " ON CONFLICT DO NOTHING",
            agent_of(office, "marcos"),
        )
        centre.router.forget()
        chat = await centre.arrive("SA")
        rings = await centre.visit(chat)
        assert rings.state == "offered"
        await centre.pick(chat, ana)
        assert await centre.visit(chat) == rings
        assert await office.events("interaction.readvised") == []
        assert await centre.banner(chat) == "claim"  # the desk says of them what it knows


async def test_nobody_by_hand_stays_nobody(office: Office, conn: db.Connection) -> None:
    """Whatever the contact's address says, and whatever is written; for the desk and the router."""
    async with a_centre(office, conn) as centre:
        ana = await claimant(office, mobile="600550010")
        chat = await centre.arrive("SA", Address("phone", NUMBER))
        await office.listen("crm.identify")
        await centre.hear()
        hers = await centre.visit(chat)
        assert hers.base == 60
        for _ in range(2):
            await centre.pick(chat, None)
        told = await office.events("interaction.unlinked")
        assert [str(each.event.customer_id) for each in told] == [ana["customer_id"]]  # type: ignore[attr-defined]
        await centre.say(chat, "12345678Z")
        await office.listen("crm.identify")
        await centre.hear()
        nobody = await centre.visit(chat)
        assert (nobody.id, nobody.base, nobody.virtual_start) == (hers.id, 50, hers.virtual_start)
        assert (list(nobody.routing), nobody.routing["readvised"][1]) == (["readvised"], "")
        file = await office.do("elena", "GET", f"/interactions/{chat}/file")
        assert (file["state"], file["customer"], file["banner"]) == ("unknown", None, "")
        part = "INSERT INTO segments (id, interaction_id, agent_id, channel, queue, state, cost,"
        part += " full_cost, started_at, state_since)"
        part += " VALUES ($1, $2, $3, 'chat', 'SA', 'active', 30, 30, now(), now())"
        pablo = agent_of(office, "pablo")
        await conn.execute(part, new_id(), chat, pablo)
        card = (await cards.cards(conn, pablo))[chat]
        assert card.customer.customer_id is None
        await centre.pick(chat, ana)
        card = (await cards.cards(conn, pablo))[chat]
        assert str(card.customer.customer_id) == ana["customer_id"]
