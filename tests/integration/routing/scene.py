"""What routing tests play with: a clock, queues, agents, customers, and a router by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import db
from config.settings import Settings
from contactcenter.core import eventlog
from contactcenter.core.access import ROLE_PERMISSIONS, Principal
from contactcenter.core.bus import Bus
from contactcenter.core.event import Position
from contactcenter.core.eventlog import Recorded
from contactcenter.core.ids import new_id
from contactcenter.core.work import WorkFactory
from contactcenter.events import CATALOGUE
from contactcenter.interactions import service as hall
from contactcenter.interactions.model import Address, Channel
from routing.book import QueueBook
from routing.core.model import Constants
from routing.desk import DeskService
from routing.leader import Router
from routing.requests import Requests
from routing.service import PresenceService, QueueService
from routing.supervision import SupervisionService
from routing.translate import HEARD

START = datetime(2026, 11, 23, 9, 50, tzinfo=UTC)  # a Monday, 10:50 in Madrid
ZONE = ZoneInfo("Europe/Madrid")
CHANNELS = ("voice", "chat", "whatsapp", "sms", "email")

SETUP = """
INSERT INTO calendars (key, weekly)
VALUES ('always', '{"mon": [["00:00", "24:00"]], "tue": [["00:00", "24:00"]]}');
INSERT INTO skills (key, name_es, name_en)
VALUES ('SA', 'Autos', 'Motor'), ('SH', 'Hogar', 'Home'), ('CA', 'Catalán', 'Catalan');
INSERT INTO queues (key, name_es, name_en, skill, calendar, updated_at)
VALUES ('SA', 'Siniestros auto', 'Motor claims', 'SA', 'always', now()),
       ('SH', 'Siniestros hogar', 'Home claims', 'SH', 'always', now());
INSERT INTO dispositions (key, label_es, label_en, queue)
VALUES ('solved', 'Resuelto', 'Solved', NULL), ('home', 'Hogar', 'Home', 'SH');
"""


class FakeClock:
    """Stands still until it is told to go on; time passes with it, unless it is set."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now
        self._set_by = timedelta()

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return (self._now - self._set_by).timestamp()

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)

    def set(self, now: datetime) -> None:
        """Play from another moment on; nobody notices."""
        self._now = now

    def jump(self, by: timedelta) -> None:
        """Set it, as an operator or a time server would."""
        self._now += by
        self._set_by += by


@dataclass
class Waiting:
    """A customer who has arrived."""

    contact_id: UUID
    conversation_id: UUID
    interaction_id: UUID
    work_item_id: UUID


@dataclass
class Scene:
    settings: Settings
    pool: db.Pool
    clock: FakeClock
    work: WorkFactory
    bus: Bus
    queues: QueueService
    presence: PresenceService
    desk: DeskService
    supervision: SupervisionService
    requests: Requests
    book: QueueBook
    constants: Constants
    router: Router
    lease: db.Connection
    _read: Position = eventlog.START
    _others: list[db.Connection] = field(default_factory=list)

    @classmethod
    async def build(cls, settings: Settings, pool: db.Pool) -> Scene:
        async with pool.acquire() as conn:
            await conn.execute(SETUP)
        clock, constants = FakeClock(), Constants()
        work = WorkFactory(pool, clock)
        bus = Bus(settings, pool, CATALOGUE, work)
        book = QueueBook(ZONE)
        requests = Requests(work, bus)
        queues = QueueService(book, constants)
        desk = DeskService(work, book, requests, constants)
        scene = cls(
            settings=settings,
            pool=pool,
            clock=clock,
            work=work,
            bus=bus,
            queues=queues,
            presence=PresenceService(work),
            desk=desk,
            supervision=SupervisionService(work, clock, book, queues, desk, requests, constants),
            requests=requests,
            book=book,
            constants=constants,
            router=cls._router(settings, work, bus, clock, book, constants),
            lease=await db.connect(settings, "lease"),
        )
        assert await scene.router.take_lease(scene.lease)
        return scene

    async def close(self) -> None:
        for conn in (self.lease, *self._others):
            await conn.close()

    @staticmethod
    def _router(
        settings: Settings,
        work: WorkFactory,
        bus: Bus,
        clock: FakeClock,
        book: QueueBook,
        constants: Constants,
    ) -> Router:
        return Router(
            work=work,
            bus=bus,
            clock=clock,
            book=book,
            presence=PresenceService(work),
            zone=ZONE,
            constants=constants,
            settings=settings,
            monotonic=clock.monotonic,
        )

    # The router

    async def settle(self) -> None:
        """Let the router hear everything and decide until nothing more follows."""
        while True:
            async with self.pool.acquire() as conn:
                batch = await self.unheard(conn)
            if batch:
                self._read = batch[-1].position
                await self.router.hear(batch)
            if not await self.router.turn() and not batch:
                return

    async def unheard(self, conn: db.Connection) -> list[Recorded]:
        """The facts that the router listens to and has not heard."""
        names = [cls.name for cls in HEARD]
        return await eventlog.read(conn, CATALOGUE, self._read, limit=10_000, types=names)

    def another_router(self) -> Router:
        return self._router(
            self.settings, self.work, self.bus, self.clock, self.book, self.constants
        )

    async def restart(self) -> None:
        """Kill the router and start another one from the tables."""
        self.router = self.another_router()
        self._others.append(self.lease)
        await self.lease.close()
        self.lease = await db.connect(self.settings, "lease")
        assert await self.router.take_lease(self.lease)

    async def signs_out(self, agent: Principal) -> None:
        async with self.work.begin("test.signs_out", "test") as work:
            await self.presence.signed_out(work, agent.agent())

    async def later(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await self.settle()

    # People

    async def agent(
        self,
        name: str,
        *,
        status: str = "available",
        present: bool = True,
        channels: tuple[str, ...] = CHANNELS,
        **skills: int,
    ) -> Principal:
        """An agent with these skills (SA=5), there and available unless told otherwise."""
        agent_id = new_id()
        await self.execute(
            "INSERT INTO agents (id, name, sort_key, status, status_since, created_at)"
            " VALUES ($1, $2, lower($2), $3, $4, $4)",
            agent_id,
            name,
            status,
            self.clock.now(),
        )
        for skill, level in skills.items():
            await self.execute(
                "INSERT INTO agent_skills VALUES ($1, $2, $3)", agent_id, skill, level
            )
        if present:
            await self.presence.connected(agent_id, channels)
        self.router.forget()
        return Principal(
            kind="user",
            user_id=new_id(),
            agent_id=agent_id,
            role="agent",
            permissions=ROLE_PERMISSIONS["agent"],
        )

    @property
    def supervisor(self) -> Principal:
        return Principal(
            kind="user",
            user_id=new_id(),
            role="supervisor",
            permissions=ROLE_PERMISSIONS["supervisor"],
        )

    async def arrive(
        self,
        queue: str = "SA",
        channel: Channel = "chat",
        *,
        contact_id: UUID | None = None,
        preferred: tuple[UUID, ...] = (),
        due_at: datetime | None = None,
    ) -> Waiting:
        """A customer writes (or calls) and waits in a queue."""
        async with self.work.begin("test.arrive", "visitor:test") as work:
            if contact_id is None:
                contact = await hall.create_contact(
                    work,
                    name="Visitante",
                    locale="es",
                    addresses=[Address("web", str(new_id()))],
                )
                contact_id = contact.id
            conversation = await hall.create_conversation(
                work, contact_id=contact_id, channel=channel, queue=queue
            )
            interaction = await hall.create_interaction(work, conversation=conversation)
            visit = await self.queues.enqueue(
                work,
                interaction_id=interaction.id,
                queue=queue,
                preferred=preferred,
                due_at=due_at,
            )
        return Waiting(contact_id, conversation.id, interaction.id, visit.work_item_id)

    async def write(self, waiting: Waiting, body: str = "Hola", **kwargs: Any) -> None:
        """The customer writes in an open conversation."""
        async with self.work.begin("test.write", "visitor:test") as work:
            await self.queues.customer_wrote(work, waiting.interaction_id)
            await hall.add_message(
                work,
                conversation_id=waiting.conversation_id,
                interaction_id=waiting.interaction_id,
                sender="visitor",
                body=body,
                **kwargs,
            )

    async def answer(self, waiting: Waiting, agent: Principal, body: str = "Buenos días") -> None:
        """The agent writes."""
        async with self.work.begin("test.answer", agent.actor) as work:
            await self.queues.agent_wrote(work, waiting.interaction_id, agent.agent())
            await hall.add_message(
                work,
                conversation_id=waiting.conversation_id,
                interaction_id=waiting.interaction_id,
                sender="agent",
                body=body,
                agent_id=agent.agent(),
            )

    async def leave(self, waiting: Waiting) -> bool:
        async with self.work.begin("test.leave", "visitor:test") as work:
            return await self.queues.customer_left(work, waiting.interaction_id)

    async def accepted(self, waiting: Waiting, agent: Principal) -> None:
        """The agent takes the pending offer of it."""
        await self.settle()
        offer = await self.offer(waiting)
        assert offer is not None
        assert offer["agent_id"] == agent.agent()
        await self.desk.accept(agent, offer["id"])
        await self.settle()

    # Looking

    async def execute(self, sql: str, *args: Any) -> None:
        async with self.pool.acquire() as conn:
            await conn.execute(sql, *args)

    async def rows(self, sql: str, *args: Any) -> list[dict[str, Any]]:
        async with self.pool.acquire() as conn:
            return [dict(row) for row in await conn.fetch(sql, *args)]

    async def one(self, sql: str, *args: Any) -> dict[str, Any]:
        rows = await self.rows(sql, *args)
        assert len(rows) == 1, rows
        return rows[0]

    async def offer(self, waiting: Waiting) -> dict[str, Any] | None:
        """The pending offer of the interaction."""
        rows = await self.rows(
            "SELECT * FROM reservations WHERE interaction_id = $1 AND state = 'pending'",
            waiting.interaction_id,
        )
        assert len(rows) <= 1
        return rows[0] if rows else None

    async def interaction(self, waiting: Waiting) -> dict[str, Any]:
        return await self.one("SELECT * FROM interactions WHERE id = $1", waiting.interaction_id)

    async def segments(self, waiting: Waiting) -> list[dict[str, Any]]:
        return await self.rows(
            "SELECT * FROM segments WHERE interaction_id = $1 ORDER BY started_at, id",
            waiting.interaction_id,
        )

    async def visits(self, waiting: Waiting) -> list[dict[str, Any]]:
        return await self.rows(
            "SELECT * FROM work_items WHERE interaction_id = $1 ORDER BY entered_at, id",
            waiting.interaction_id,
        )

    async def events(self, *names: str) -> list[Recorded]:
        async with self.pool.acquire() as conn:
            return await eventlog.read(
                conn, CATALOGUE, eventlog.START, limit=10_000, types=names or None
            )
