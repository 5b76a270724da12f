"""The demo: its morning, its life, and the two levers that a supervisor has.

Only where DEMO is on and APP_ENV is not production; otherwise there is no module, no route and
no simulated person.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from random import Random
from typing import Annotated, Final

import structlog
from pydantic import BaseModel, ConfigDict, Field

import db
from contactcenter.core.access import Permission
from contactcenter.core.errors import Problem
from contactcenter.core.eventlog import Recorded
from contactcenter.core.http import Request, Route
from contactcenter.core.module import Deps, Lifespan, Module
from contactcenter.core.moments import to_ms
from contactcenter.core.work import Work
from contactcenter.demo import store
from contactcenter.demo.crowd import DemoCrowd
from contactcenter.demo.morning import Morning
from contactcenter.demo.play import HEARD, Play
from contactcenter.demo.stage import Stage
from contactcenter.events.routing import DemoTroubleChanged
from db.seeds.contacts import CONTACTS

log = structlog.get_logger(__name__)

LEVERS: Final = "demo_levers"
READ_LEVERS_S: Final = 2.0
LONGEST_PAUSE_S: Final = 1.0
AGAIN_S: Final = 5.0
PHONES: Final = [phone for _, _, phone in CONTACTS]


class Levers(BaseModel):
    """`traffic`: arrivals as a multiple of the demo centre's own; `hail`: trouble in claims."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    traffic: float
    hail: bool


class Hail(BaseModel):
    model_config = ConfigDict(extra="forbid")

    on: bool


class Traffic(BaseModel):
    model_config = ConfigDict(extra="forbid")

    level: Annotated[float, Field(ge=0, le=20)]


class Demo:
    """Everything of the demo in one process."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self.crowd = DemoCrowd(deps.settings.app.zone)

    def module(self) -> Module:
        return Module(
            name="demo",
            routes=(
                Route(
                    "GET",
                    "/api/v1/demo",
                    self._show,
                    Permission.DEMO_CONTROL,
                    "The demo's levers",
                    response=Levers,
                    tags=("demo",),
                ),
                Route(
                    "POST",
                    "/api/v1/demo/hail",
                    self._hail,
                    Permission.DEMO_CONTROL,
                    "Begin or end the hail",
                    body=Hail,
                    response=Levers,
                    tags=("demo",),
                ),
                Route(
                    "PUT",
                    "/api/v1/demo/traffic",
                    self._traffic,
                    Permission.DEMO_CONTROL,
                    "Set how many customers come",
                    body=Traffic,
                    response=Levers,
                    tags=("demo",),
                ),
            ),
            lifespans=(Lifespan("demo", self.running),),
        )

    # the levers

    async def _show(self, _: Request) -> Levers:
        return await self.levers()

    async def _hail(self, request: Request) -> Levers:
        body: Hail = request.body
        async with self._deps.work.begin("demo.hail", request.principal.actor) as work:
            kept = await self._kept(work.conn)
            after = Levers(traffic=kept.traffic, hail=body.on)
            await self._set(work, kept, after)
            if kept.hail != body.on:
                work.emit(DemoTroubleChanged(kind="hail", on=body.on))
        return after

    async def _traffic(self, request: Request) -> Levers:
        body: Traffic = request.body
        async with self._deps.work.begin("demo.traffic", request.principal.actor) as work:
            kept = await self._kept(work.conn)
            after = Levers(traffic=body.level, hail=kept.hail)
            await self._set(work, kept, after)
        return after

    async def _set(self, work: Work, before: Levers, after: Levers) -> None:
        await store.put_setting(work.conn, LEVERS, after.model_dump(), work.now)
        old, new = before.model_dump(), after.model_dump()
        work.audit("demo.levers", "demo", LEVERS, before=old, after=new)

    async def levers(self) -> Levers:
        """As they are set now, on whichever node."""
        async with self._deps.work.reading("demo.levers") as conn:
            return await self._kept(conn)

    async def _kept(self, conn: db.Connection) -> Levers:
        kept = (await store.settings(conn, [LEVERS])).get(LEVERS)
        usual = Levers(traffic=self._deps.settings.demo.traffic, hail=False)
        return usual if kept is None else Levers.model_validate(kept)

    # life

    async def prepare(self) -> None:
        """Write the morning if there is no history yet. Before anything else runs."""
        try:
            published = await Morning(self._deps, self.crowd, PHONES).play()
        except (Problem, db.DatabaseError):
            log.exception("demo_morning_failed")
            return
        if published:
            log.info("demo_morning_played", facts=published)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Simulated people live in the centre for as long as the block lasts."""
        task = asyncio.create_task(self._live(), name="demo")
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _live(self) -> None:
        await self._set_traffic()
        while True:
            try:
                await self._act()
            except (Problem, *db.ConnectionLost):
                log.warning("demo_interrupted", exc_info=True)
            await asyncio.sleep(AGAIN_S)

    async def _set_traffic(self) -> None:
        """A start says how much traffic it wants; what was set before is over. A hail goes on
        until somebody ends it: its front has called already."""
        async with self._deps.work.begin("demo.start", "demo") as work:
            kept = await self._kept(work.conn)
            fresh = Levers(traffic=self._deps.settings.demo.traffic, hail=kept.hail)
            await store.put_setting(work.conn, LEVERS, fresh.model_dump(), work.now)
        self.crowd.hail = kept.hail

    async def _act(self) -> None:
        """Play until something breaks; then somebody begins anew from the tables."""
        deps = self._deps
        stage = Stage(deps.work, deps.bus, deps.settings.app.zone)
        play = Play(stage, self.crowd, PHONES, Random())
        woken = asyncio.Event()

        async def hear(batch: list[Recorded]) -> None:
            for recorded in batch:
                play.hear(recorded.event, to_ms(recorded.occurred_at))
            woken.set()

        subscription = await deps.bus.subscribe("demo", hear, HEARD)
        try:
            await play.adopt(to_ms(deps.clock.now()))
            read_at = 0.0
            loop = asyncio.get_running_loop()
            while True:
                if loop.time() >= read_at:
                    read_at = loop.time() + READ_LEVERS_S
                    levers = await self.levers()
                    begins = levers.hail and not self.crowd.hail
                    play.level, self.crowd.hail = levers.traffic, levers.hail
                    if begins:
                        play.hail_begins()
                await play.act(to_ms(deps.clock.now()))
                due = play.next_due()
                now = to_ms(deps.clock.now())
                pause = LONGEST_PAUSE_S if due is None else max(0.0, (due - now) / 1000)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min(pause, LONGEST_PAUSE_S)):
                        await woken.wait()
                woken.clear()
        finally:
            await subscription.close()
