"""What other rooms ask of routing: the queue's door (`Queueing`) and the desks (`Presence`)."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from contactcenter.agents import service as agents
from contactcenter.agents.schemas import SetStatus
from contactcenter.core.clock import CLOCK_SLACK
from contactcenter.core.errors import Conflict, NotFound, Unauthenticated
from contactcenter.core.ids import new_id
from contactcenter.core.moments import from_ms, to_ms
from contactcenter.core.work import Work, WorkFactory
from contactcenter.events.agents import AgentPresenceChanged
from contactcenter.events.interactions import InteractionMessageLeft
from contactcenter.identity import service as identity
from contactcenter.interactions import facts
from contactcenter.interactions import service as hall
from contactcenter.interactions.model import Change, Interaction
from db import Connection
from routing import hours, lifecycle, presence_store, queue_store, rows, store
from routing.advised import Advised, first_of
from routing.advising import Advising, Readvising
from routing.book import QueueBook
from routing.core.items import inherit_place, new_item
from routing.core.model import Band, Channel, Constants, Entry, WorkItem
from routing.ports import Adviser
from routing.requests import status_request
from routing.waits import QueuePosition, Waits

PRESENT_FOR: Final = timedelta(seconds=20)
"""How long a desk counts as there after it was last heard of."""


@dataclass(frozen=True, slots=True)
class QueuedVisit:
    """A visit that has begun. `returned`: in the place that the customer had left."""

    work_item_id: UUID
    queue: str
    band: int
    virtual_start: datetime
    returned: bool


@dataclass(frozen=True, slots=True)
class QueueInfo:
    """A queue as figures see it (analytics.ports.QueueInfo)."""

    key: str
    name_es: str
    name_en: str
    skill: str
    target_ms: Mapping[str, int]
    short_ms: int
    goal_percent: int
    abandon_percent: int
    unreadable: bool
    """Nothing of it is offered: its configuration cannot be read."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What `QueueService.enqueue` is asked."""

    interaction_id: UUID
    queue: str
    entry: Literal["new", "requeue"]
    preferred: tuple[UUID, ...]
    virtual_start: datetime | None
    said: Mapping[str, Any]
    band: Band | None
    takes_over: UUID | None
    shuns: tuple[Channel, ...]
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Found:
    """The visit that an interaction of a contact, at a version, would begin, and what of the
    advice is kept."""

    item: WorkItem
    contact_id: UUID
    version: int
    kept: dict[str, Any]


class QueueService:
    """The queue's door: whoever has an interaction with a customer in it goes through here."""

    def __init__(
        self,
        book: QueueBook,
        constants: Constants,
        *,
        always_open: Collection[str] = (),
        adviser: Adviser | None = None,
        unchosen: Collection[str] = (),
    ) -> None:
        """`always_open`: queues that take people at whatever hour; the demo's own. `unchosen`:
        queues that nobody asked for by name, out of which advice moves a contact."""
        self._book = book
        self._constants = constants
        self._always_open = always_open
        self._advising = None if adviser is None else Advising(book, adviser, self, unchosen)
        self._waits = Waits(book)

    async def enqueue(
        self,
        work: Work,
        *,
        interaction_id: UUID,
        queue: str,
        entry: Literal["new", "requeue"] = "new",
        preferred: Sequence[UUID] = (),
        virtual_start: datetime | None = None,
        said: Mapping[str, Any] | None = None,
        band: int | None = None,
        takes_over: UUID | None = None,
        shuns: Sequence[str] = (),
        due_at: datetime | None = None,
    ) -> QueuedVisit:
        """Begin a visit. A customer who left this queue within the return window, on whatever
        channel, gets the old place back; one of several with a number does who has proved to be.

        A new visit is as the CRM advises; `said` is what the contact chose or proved on the way
        (crm.desk.model.FACTS). Advice moves a contact out of a queue that nobody chose, or when
        somebody is in danger; for a queue that was chosen the adviser speaks of that queue only.
        `virtual_start` may lie in the past. `takes_over` is the chat segment that a call began in.
        Desks that can handle a channel that it `shuns` are not asked. `due_at`: when mail must
        be answered; half an hour before, it is served among the live ones.
        Raises NotFound for an unknown interaction or queue, Conflict when the interaction cannot be
        queued from where it is.
        """
        asked = _Asked(
            interaction_id,
            queue,
            entry,
            tuple(preferred),
            virtual_start,
            said or {},
            None if band is None else Band(band),
            takes_over,
            tuple(Channel(channel) for channel in shuns),
            due_at,
        )
        # Read, and write if it is still as it was read: a lock taken first would hold the log's
        # horizon back for as long. Where somebody was quicker it is read again, locked.
        found = await self._visit(work, asked)
        if not await lifecycle.enter(work, found.item, found.contact_id, found.version):
            await hall.interaction(work.conn, interaction_id, lock=True)
            found = await self._visit(work, asked)
            await lifecycle.begin_visit(work, found.item, found.contact_id)
        if found.kept:
            await facts.keep(work.conn, interaction_id, found.kept)
        item = found.item
        return QueuedVisit(
            work_item_id=UUID(item.id),
            queue=item.queue,
            band=item.band.value,
            virtual_start=from_ms(item.virtual_start),
            returned=item.entry is Entry.RETURN,
        )

    async def _visit(self, work: Work, asked: _Asked) -> _Found:
        """The visit that the interaction would begin as things stand."""
        since = work.now - timedelta(milliseconds=self._constants.return_window_ms)
        arrival = await store.arrival(work.conn, asked.interaction_id, asked.queue, since)
        if arrival is None:
            raise NotFound
        interaction = arrival.interaction
        target = await self._book.at_version(work.conn, asked.queue, arrival.version)
        extra, kept = Advised(), dict[str, Any]()
        if asked.entry == "new" and self._advising is not None:
            target, extra, kept = await self._advising.ask(work, interaction, target, asked.said)
            if asked.preferred:
                kept = {**kept, "met": [str(agent) for agent in asked.preferred]}
        preferred, preferred_ms = first_of(extra, asked.preferred, target)
        item = new_item(
            target.core,
            Channel(interaction.channel),
            id=str(new_id()),
            interaction=str(interaction.id),
            now=to_ms(work.now),
            virtual_start=None if asked.virtual_start is None else to_ms(asked.virtual_start),
            band=extra.band or asked.band,
            base=extra.base,
            entry=Entry(asked.entry),
            steps=extra.steps,
            preferred=preferred,
            preferred_ms=preferred_ms,
            takes_over=None if asked.takes_over is None else str(asked.takes_over),
            shuns=asked.shuns,
            due_at=None if asked.due_at is None else to_ms(asked.due_at),
        )
        if asked.entry == "new" and (arrival.may_return or target.key != asked.queue):
            left = await store.left_visit(work.conn, interaction.contact_id, target.key, since)
            if (
                left is not None
                and left.ended_at is not None
                and (
                    self._advising is None
                    or await self._advising.is_back(work.conn, interaction, left.interaction_id)
                )
            ):
                item = inherit_place(
                    item,
                    rows.item_of_row(left),
                    to_ms(left.ended_at),
                    self._constants.return_window_ms,
                )
        if item.entry is Entry.RETURN and kept:
            kept["greeting"] = "kept_turn"
        return _Found(item, interaction.contact_id, interaction.version, kept)

    def readvising(self) -> Readvising | None:
        """Advice for those who wait; None: nobody advises."""
        if self._advising is None:
            return None
        return Readvising(self._book, self._advising, self._constants)

    async def customer_wrote(self, work: Work, interaction_id: UUID) -> None:
        """The customer wrote while the interaction is open. Work that was set aside for the
        answer, or is being wrapped up, goes on with its agent, as the router hears from the
        message itself; here only the time is noted, and that the customer is there again."""
        interaction = await hall.interaction(work.conn, interaction_id, lock=True)
        if interaction is None or interaction.state == "closed":
            raise Conflict("The interaction is closed.")
        await store.customer_wrote(work.conn, interaction_id, work.now)
        if interaction.state == "queued" and interaction.channel == "chat":
            await _message_left(work, interaction)
        if interaction.state == "wrapping":
            await hall.set_state(
                work.conn, Change(interaction_id, "active", work.now, customer_present=True)
            )

    async def agent_wrote(
        self, work: Work, interaction_id: UUID, agent_id: UUID, *, note: bool = False
    ) -> None:
        """An agent is about to write. Raises NotFound for whoever has no open part in it, and
        Conflict when the customer's part is over (a note is still possible)."""
        interaction = await hall.interaction(work.conn, interaction_id, lock=True)
        segments = await store.open_segments(work.conn, interaction_id) if interaction else []
        mine = [segment for segment in segments if segment.agent_id == agent_id]
        if interaction is None or not mine:
            raise NotFound
        if note:
            return
        if not interaction.customer_present or not lifecycle.talking(mine):
            raise Conflict("The conversation is over.")
        await store.agent_wrote(work.conn, interaction_id, agent_id, work.now)

    async def customer_left(
        self,
        work: Work,
        interaction_id: UUID,
        *,
        reason: Literal["abandoned", "cancelled"] = "abandoned",
    ) -> bool:
        """The customer is gone: a wait ends for `reason`, a talk goes into wrap-up.

        False: the customer's part was over before.
        """
        interaction = await hall.interaction(work.conn, interaction_id, lock=True)
        if interaction is None:
            raise NotFound
        if not await hall.end_customer_part(work, interaction_id, by="visitor"):
            return False
        visit = await store.waiting_visit(work.conn, interaction_id)
        if visit is not None:
            await lifecycle.end_visit(work, visit, reason)
        segments = lifecycle.talking(await store.open_segments(work.conn, interaction_id))
        for segment in segments:
            queue = await self._book.queue(work.conn, segment.queue) if segment.queue else None
            await lifecycle.end_talk(work, segment, queue, wanted=True)
        await lifecycle.settle(
            work, interaction, reason="completed" if segments or visit is None else reason
        )
        return True

    async def positions(
        self, conn: Connection, queues: Iterable[str], now: datetime
    ) -> dict[str, list[QueuePosition]]:
        """Everybody who waits in each of these queues, in order, with an estimate each."""
        return await self._waits.positions(conn, queues, now)

    async def places(
        self, conn: Connection, interaction_ids: Collection[UUID], now: datetime
    ) -> dict[UUID, QueuePosition]:
        """Where each of these interactions stands; absent: it does not wait."""
        return await self._waits.places(conn, interaction_ids, now)

    async def queue_infos(self, conn: Connection) -> list[QueueInfo]:
        """Every live queue with its limits and goals, in the order of screens."""
        queues = await self._book.all(conn)
        infos = []
        for row in await queue_store.queue_names(conn, None):
            queue = queues[row["key"]]
            infos.append(
                QueueInfo(
                    key=queue.key,
                    name_es=row["name_es"],
                    name_en=row["name_en"],
                    skill=queue.core.require[0].skill,
                    target_ms={
                        channel.value: policy.target_ms
                        for channel, policy in queue.core.policies.items()
                    },
                    short_ms=queue.goals.short_s * 1000,
                    goal_percent=queue.goals.goal_percent,
                    abandon_percent=queue.goals.abandon_percent,
                    unreadable=queue.fault is not None,
                )
            )
        return infos

    async def names(self, conn: Connection) -> list[dict[str, Any]]:
        """{key, name_es, name_en} of every live queue, in the order of screens."""
        return [dict(row) for row in await queue_store.queue_names(conn, None)]

    async def dispositions(self, conn: Connection) -> list[dict[str, Any]]:
        """{key, label_es, label_en, queue} of those in use, in the order of screens."""
        return [dict(row) for row in await queue_store.dispositions(conn)]

    async def is_open(self, conn: Connection, queue: str, at: datetime) -> bool:
        calendar = (await self._book.queue(conn, queue)).calendar
        return queue in self._always_open or hours.is_open(calendar, at)

    async def queues(self, conn: Connection) -> Sequence[str]:
        """Keys of those that take work, in their order."""
        return [key for key, queue in (await self._book.all(conn)).items() if not queue.retired]

    async def next_opening(self, conn: Connection, queue: str, at: datetime) -> datetime | None:
        """When the queue opens next; `at` itself while it is open; None: never in sight."""
        calendar = (await self._book.queue(conn, queue)).calendar
        return at if queue in self._always_open else hours.next_opening(calendar, at)

    async def closes_at(self, conn: Connection, queue: str, at: datetime) -> datetime | None:
        """When the present opening ends; None while it is closed, and where it never ends."""
        calendar = (await self._book.queue(conn, queue)).calendar
        return None if queue in self._always_open else hours.closes_at(calendar, at)


class PresenceService:
    """Which agents' desks are there. A silent desk lapses; routing's leader sees to it."""

    def __init__(self, work: WorkFactory, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._work = work
        self._monotonic = monotonic
        self._before: tuple[datetime, float] | None = None

    async def connected(
        self, agent_id: UUID, channels: Sequence[str], session_id: UUID | None = None
    ) -> None:
        """A desk connected that can handle these channels (they replace the earlier ones).
        Unauthenticated if its session is over; one without a session belongs to nobody."""
        async with self._work.begin("presence.connected", f"agent:{agent_id}") as work:
            if session_id is not None and not await identity.live_sessions(
                work.conn, [session_id], work.now
            ):
                raise Unauthenticated
            was_present, had = await presence_store.desk(work.conn, agent_id)
            await presence_store.connected(work.conn, agent_id, channels, PRESENT_FOR)
            if not was_present or set(had) != set(channels):
                work.emit(
                    AgentPresenceChanged(
                        agent_id=agent_id, present=True, channels=tuple(channels), at=work.now
                    )
                )

    async def can_handle(self, work: Work, agent_id: UUID, channels: Sequence[str]) -> None:
        """The agent's desk, if it is there, can handle these channels from now on."""
        if await presence_store.can_handle(work.conn, agent_id, channels):
            work.emit(
                AgentPresenceChanged(
                    agent_id=agent_id, present=True, channels=tuple(channels), at=work.now
                )
            )

    async def heartbeat(self, desks: Mapping[UUID, Collection[UUID]]) -> None:
        """These desks are still there; every 8 s: agent → the sessions of their sockets, none for
        a desk that belongs to nobody. One that had lapsed is back, unless its sessions are over:
        then its agent has signed out, while this was on its way."""
        async with self._work.begin("presence.heartbeat", "system") as work:
            known = await presence_store.heartbeat(work.conn, sorted(desks), PRESENT_FOR)
            absent = {agent: set(held) for agent, held in desks.items() if agent not in known}
            if not absent:
                return
            held = set[UUID]().union(*absent.values())
            live = await identity.live_sessions(work.conn, held, work.now, wait=False)
            here = [agent for agent, own in absent.items() if not own or own & live]
            for agent_id, channels in await presence_store.back(work.conn, here, PRESENT_FOR):
                work.emit(
                    AgentPresenceChanged(
                        agent_id=agent_id, present=True, channels=tuple(channels), at=work.now
                    )
                )

    async def signed_out(self, work: Work, agent_id: UUID) -> None:
        """The agent left on purpose: absent at once."""
        if await presence_store.signed_out(work.conn, agent_id, work.now):
            work.emit(AgentPresenceChanged(agent_id=agent_id, present=False, at=work.now))

    async def session_over(self, work: Work, user_id: UUID, *, by_agent: bool) -> None:
        """A session of a user ended. An agent who has no other is absent at once and wishes to
        be offline: now, or when what is at hand has ended without them, as if their desk had
        fallen silent. Nobody is there to be asked, so those who wait do not stand against it, and
        what is set aside, or would wait for them for ever, goes back to its queue, in its old
        place; what sleeps, sleeps on.
        """
        agent = await agents.of_user(work.conn, user_id)
        if agent is None or await identity.is_signed_in(work.conn, user_id, work.now):
            return
        await self.signed_out(work, agent.id)
        if agent.status != "offline":
            wish = SetStatus(status="offline", after_this=True, confirm=True, open="queue")
            cause = "agent" if by_agent else "system"
            work.emit(status_request(agent.id, wish, cause))

    async def lapse(self) -> int:
        """Give up the desks that have been silent for 20 s; how many.

        Desks live by the database's clock, whoever writes. When that one is set, they keep the
        time they had left.
        """
        async with self._work.begin("presence.lapse", "system") as work:
            now, passed = await presence_store.database_now(work.conn), self._monotonic()
            if self._before is not None:
                then, at = self._before
                by = (now - then) - timedelta(seconds=passed - at)
                if by > CLOCK_SLACK:
                    await presence_store.move_desks(work.conn, by, PRESENT_FOR)
            await presence_store.cut_desks(work.conn, PRESENT_FOR, CLOCK_SLACK)
            silent = await presence_store.lapsed(work.conn, work.now)
            for agent_id in silent:
                work.emit(AgentPresenceChanged(agent_id=agent_id, present=False, at=work.now))
        self._before = (now, passed)
        return len(silent)


async def _message_left(work: Work, interaction: Interaction) -> None:
    """Who writes after a message was offered has left one: it is answered in its turn, whether its
    author stays or not. The place in the queue was promised, so the visit goes on as it is."""
    visit = await store.waiting_visit(work.conn, interaction.id)
    if visit is None or not visit.message_offered:
        return
    if await facts.leave_message(work.conn, interaction.id):
        work.emit(InteractionMessageLeft(interaction_id=interaction.id, work_item_id=visit.id))
