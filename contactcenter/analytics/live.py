"""The live wallboard of one node: the day's fold, kept by the bus, told as deltas."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

import db
from contactcenter.analytics import store
from contactcenter.analytics.board import (
    ROOM,
    Board,
    Customer,
    Picture,
    View,
    expected_rows,
    narrowed,
    written,
)
from contactcenter.analytics.ledger import Ledger
from contactcenter.analytics.ports import Broadcast, Forecast, Queues
from contactcenter.core import eventlog
from contactcenter.core.bus import Bus
from contactcenter.core.clock import Clock
from contactcenter.core.errors import Problem, Unavailable
from contactcenter.core.event import Event
from contactcenter.core.eventlog import Recorded
from contactcenter.core.moments import to_ms
from contactcenter.core.work import WorkFactory
from contactcenter.events import CATALOGUE
from contactcenter.events.agents import (
    AgentSkillsChanged,
    AgentStatusChanged,
    AgentTeamChanged,
)
from contactcenter.events.routing import DemoTroubleChanged, QueueChanged

log = structlog.get_logger(__name__)

PACE_S = 0.5  # two deltas a second at most
IDLE_S = 1.0  # the clock alone turns a wait into a miss
RETRY_S = 2.0
READY_S = 5.0


def day_bounds(now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The centre's day around `now`: local midnight to local midnight, as aware UTC."""
    local = now.astimezone(zone)
    start = local.replace(hour=0, minute=0, second=0, microsecond=0)
    end = (start.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=zone)
    return start.astimezone(now.tzinfo), end.astimezone(now.tzinfo)


@dataclass(slots=True)
class Narrower:
    """Whoever is shown a part of the picture: which, and the agents they have been told of."""

    view: View
    agents: frozenset[str]


class Wallboard:
    """Folds the centre's day and tells the room what changed, at most twice a second."""

    def __init__(
        self,
        *,
        work: WorkFactory,
        bus: Bus,
        clock: Clock,
        zone: ZoneInfo,
        centre: str,
        queues: Queues,
        forecast: Forecast,
        broadcast: Broadcast,
    ) -> None:
        self._work = work
        self._bus = bus
        self._clock = clock
        self._zone = zone
        self._centre = centre
        self._queues = queues
        self._forecast = forecast
        self._broadcast = broadcast
        self._dirty = asyncio.Event()
        self._loaded = asyncio.Event()
        self._position = eventlog.START
        self._stale_queues = False
        self._stale_agents = False
        self._rooms: dict[str, Narrower] = {}
        self._day = (clock.now(), clock.now())
        self._statuses: set[UUID] = set()
        self.board: Board = Board(Ledger(), 0, (), (), {})

    @property
    def day(self) -> tuple[datetime, datetime]:
        """Bounds of the day that is shown."""
        return self._day

    @property
    def cursor(self) -> str:
        """Where in the log the fold stands."""
        return self._position.cursor()

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Fold the day so far, then go on with the bus until the block is left.

        The fold happens beside everything else: a start does not wait for it, who asks does.
        """
        task = asyncio.create_task(self._keep(), name="wallboard")
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def now_ms(self) -> int:
        return to_ms(self._clock.now())

    async def ready(self) -> None:
        """Wait until the day has been folded. Unavailable when that takes too long."""
        try:
            async with asyncio.timeout(READY_S):
                await self._loaded.wait()
        except TimeoutError as error:
            raise Unavailable("The day's figures are still being read.") from error

    # what screens get

    async def state(self, view: View) -> dict[str, Any]:
        """The state as it is shown now."""
        await self.ready()
        await self._refresh()
        self._draw_for_nobody()
        return self._state(view)

    async def subscribe(self, sid: str, view: View) -> None:
        """Put a socket in the room of its view and send it the view's snapshot."""
        await self._refresh()
        self._draw_for_nobody()
        room = view.room
        self._broadcast.move(sid, room)
        self._rooms = {k: v for k, v in self._rooms.items() if self._broadcast.occupied(k)}
        if room != ROOM and room not in self._rooms:
            self._rooms[room] = Narrower(view, self._agents_in(view))
        self._broadcast.send(sid, "snapshot", self._snapshot(room))

    def resync(self, sid: str) -> dict[str, Any] | None:
        """The snapshot of a socket's view; None for one that has not subscribed."""
        room = self._broadcast.room_of(sid)
        return None if room is None else self._snapshot(room)

    def _snapshot(self, room: str) -> dict[str, Any]:
        """What is shown, and the number in the room after which deltas go on from it.

        Deltas follow by number alone: one that only the clock has made carries the cursor of
        the fact before it, so the cursor given here is the log's beginning.
        """
        return {
            "state": self._state(self._rooms[room].view if room in self._rooms else View()),
            "cursor": eventlog.START.cursor(),
            "streams": {room: self._broadcast.sequence(room)},
            "node": self._broadcast.node,
            "server_now": written(self._clock.now()),
        }

    def _state(self, view: View) -> dict[str, Any]:
        """The state that the deltas told so far add up to."""
        start, end = self._day
        state = {
            "centre": {
                "name": self._centre,
                "timezone": str(self._zone),
                "day_start": written(start),
                "expected": expected_rows(self._forecast.expected(start, end)),
            },
            **self.board.shown,
        }
        return state if view == View() else narrowed(state, view, self._agents_in(view))

    def _agents_in(self, view: View) -> frozenset[str]:
        """Of the agents that are shown, those in a view."""
        agents, shown = self.board.agents, self.board.shown.get("agents", {})
        return frozenset(str(a) for a, info in agents.items() if str(a) in shown and view.has(info))

    def _listened(self) -> bool:
        return any(self._broadcast.occupied(room) for room in (ROOM, *self._rooms))

    def _draw_for_nobody(self) -> None:
        """The picture is drawn when somebody watches; the first to come finds it up to date."""
        if not self._listened():
            self._draw()

    # the fold

    async def _load(self) -> None:
        """Build the day from the log."""
        now = self._clock.now()
        start, end = day_bounds(now, self._zone)
        ledger = Ledger()
        trouble: dict[str, bool] = {}
        async with self._work.reading("analytics.load") as conn:
            until = await eventlog.tip(conn)
            async for chunk in store.stretch(
                conn, CATALOGUE, start, end, ledger.event_names, until
            ):
                for event, at_ms in chunk:
                    if isinstance(event, DemoTroubleChanged):
                        trouble[event.kind] = event.on
                    ledger.apply(event, at_ms)
                await asyncio.sleep(0)
            queues = await self._queues.queue_infos(conn)
            agents = await store.agents(conn)
            names = await store.customers(conn, list(_shown(ledger)))
        self._position, self._day = until, (start, end)
        self._stale_queues = self._stale_agents = False
        before = self.board.shown
        self.board = Board(ledger, to_ms(start), queues, agents, names)
        self.board.trouble = trouble
        self.board.shown = before  # whoever watches is told the difference

    async def _keep(self) -> None:
        """Fold the day, then follow the bus through it; at midnight, and after a failure, anew."""
        while True:
            try:
                await self._load()
                self._loaded.set()
                subscription = await self._bus.subscribe(
                    "wallboard", self._take, since=self._position
                )
                try:
                    while self._clock.now() < self._day[1]:
                        await self._pause()
                        await self._tell()
                finally:
                    await subscription.close()
            except Exception as error:
                if not isinstance(error, (Problem, *db.ConnectionLost)):
                    log.exception("wallboard_failed")
                await asyncio.sleep(RETRY_S)

    async def _pause(self) -> None:
        await asyncio.sleep(PACE_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(IDLE_S - PACE_S):
                await self._dirty.wait()

    async def _take(self, batch: list[Recorded]) -> None:
        for recorded in batch:
            if recorded.position <= self._position:
                continue
            self._position = recorded.position
            self._note(recorded.event)
            self.board.ledger.apply(recorded.event, to_ms(recorded.occurred_at))
        self._dirty.set()

    def _note(self, event: Event) -> None:
        if isinstance(event, AgentSkillsChanged | AgentTeamChanged):
            self._stale_agents = True
        elif isinstance(event, AgentStatusChanged):
            self._statuses.add(event.agent_id)
        elif isinstance(event, QueueChanged):
            self._stale_queues = True
        elif isinstance(event, DemoTroubleChanged):
            self.board.trouble[event.kind] = event.on

    async def _refresh(self) -> None:
        """Look up what facts do not carry: names, edited queues, new or changed agents."""
        ledger = self.board.ledger
        names = self.board.names
        shown = _shown(ledger)
        for gone in names.keys() - shown:
            del names[gone]
        unknown = list(shown - names.keys())
        strangers = ledger.agents.keys() - self.board.agents.keys()
        if not (unknown or strangers or self._stale_agents or self._stale_queues):
            return
        async with self._work.reading("analytics.refresh") as conn:
            if unknown:
                names.update(dict.fromkeys(unknown, Customer()))
                names.update(await store.customers(conn, unknown))
            if strangers or self._stale_agents:
                self._stale_agents = False
                self.board.agents = {a.agent_id: a for a in await store.agents(conn)}
            if self._stale_queues:
                self._stale_queues = False
                self.board.configure(await self._queues.queue_infos(conn))

    def _draw(self) -> Picture:
        return self.board.delta(self.now_ms())

    async def _tell(self) -> None:
        self._dirty.clear()
        if not self._listened():
            self._statuses.clear()
            return
        await self._refresh()
        changes = self._draw()
        statuses, self._statuses = self._statuses, set()
        now = written(self._clock.now())
        parts = {ROOM: changes}
        parts |= {room: self._part(narrower, changes) for room, narrower in self._rooms.items()}
        for room, part in parts.items():
            if part and self._broadcast.occupied(room):
                self._emit(room, part, statuses, now)

    def _part(self, narrower: Narrower, changes: Picture) -> Picture:
        """What a narrower view is told: its part of the changes, and who came into it or left."""
        view, before = narrower.view, narrower.agents
        narrower.agents = agents = self._agents_in(view)
        shown = self.board.shown
        for section in ("agents", "time"):
            moved = {agent: shown[section].get(agent) for agent in agents - before}
            moved |= dict.fromkeys(before - agents)
            if moved:
                changes = {**changes, section: {**changes.get(section, {}), **moved}}
        return narrowed(changes, view, agents)

    def _emit(self, room: str, changes: Picture, statuses: set[UUID], now: str) -> None:
        delta = {"changes": changes, "server_now": now}
        self._broadcast.emit(room, "wallboard.delta", delta, self.cursor)
        for interaction_id, item in changes.get("waiting", {}).items():
            payload = {"interaction_id": interaction_id, "item": item}
            self._broadcast.emit(room, "queue.item_changed", payload, self.cursor)
        for agent_id in statuses:
            agent = changes.get("agents", {}).get(str(agent_id))
            if agent is not None:
                self._broadcast.emit(room, "agent.status_changed", {"agent": agent}, self.cursor)


def _shown(ledger: Ledger) -> set[UUID]:
    """The interactions that screens name the customer of: those that wait, those in hand."""
    waiting = {visit.interaction_id for visit in ledger.waiting.values()}
    hands = (agent.open.values() for agent in ledger.agents.values())
    return waiting.union(part.interaction_id for hand in hands for part in hand)
