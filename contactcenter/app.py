"""The composition root: the only place that knows all rooms.

It builds the ground, gives each room what it asks for (a port is tied to whoever answers it),
serves what they hand back, and ends everything in order. `python -m contactcenter serve` calls
main(); tests enter running().
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import structlog
import uvloop
from aiohttp import web

import channels.module
import contactcenter.agents.module
import contactcenter.analytics.module
import contactcenter.identity.module
import contactcenter.interactions.module
import contactcenter.realtime.module
import crm.module
import db
import routing.module
from config.settings import Settings
from contactcenter.analytics.model import Expected
from contactcenter.core.access import Authenticators
from contactcenter.core.bus import Bus
from contactcenter.core.clock import Clock, SystemClock
from contactcenter.core.health import State
from contactcenter.core.http import build_app
from contactcenter.core.jobs import JobQueue, JobRunner
from contactcenter.core.metrics import loop_lag
from contactcenter.core.module import Deps, Module, Role, ground, resealing
from contactcenter.core.sockets import Dispatcher
from contactcenter.core.timekeeper import ask_once, keep_time
from contactcenter.core.work import WorkFactory
from contactcenter.events import CATALOGUE
from contactcenter.realtime.hub import Hub
from contactcenter.realtime.module import Realtime, WallboardBroadcast
from contactcenter.realtime.snapshot import Centre
from db import migrate

if TYPE_CHECKING:
    from contactcenter.demo.module import Demo

log = structlog.get_logger(__name__)

STATIC: Final = Path(__file__).parent / "static"
PAGES: Final = ("desk", "wallboard", "account", "admin", "demo")
PARTED: Final = frozenset({"account", "admin"})
"""Pages with addresses of their own beneath them."""
SHUTDOWN_SECONDS: Final = 5.0
YEAR: Final = 365 * 24 * 3600

CENTRE_SETTINGS = "SELECT key, value FROM centre_settings WHERE key IN ('centre', 'demo_offset')"
ROUTER_LEASE = "SELECT expires_at > now() FROM leases WHERE name = 'router'"


@dataclass(frozen=True, slots=True)
class House:
    """All rooms, tied together. Nothing runs yet."""

    deps: Deps
    modules: tuple[Module, ...]
    authenticators: Authenticators
    realtime: Realtime
    web: web.Application
    demo: Demo | None


class NoForecast:
    """Nobody has foreseen anything (analytics.ports.Forecast)."""

    def expected(self, day_start: datetime, day_end: datetime) -> Sequence[Expected]:  # noqa: ARG002
        return ()


def main(settings: Settings, roles: Collection[Role]) -> int:
    """Serve until SIGTERM or SIGINT. Returns the exit code."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, roles))
    return 0


async def _serve(settings: Settings, roles: Collection[Role]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)
    async with running(settings, roles):
        await stop.wait()
        log.info("stopping")


@contextlib.asynccontextmanager
async def running(
    settings: Settings,
    roles: Collection[Role],
    clock: Clock | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> AsyncIterator[House]:
    """These roles, up and serving within the block. `clock` replaces the system's, and
    `monotonic` time as it passes."""
    pool = await db.create_pool(settings)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(_close, pool)
        await _refuse_old_schema(settings)
        kept = await _centre_settings(pool)
        offset = timedelta(seconds=kept.get("demo_offset", {}).get("seconds", 0))
        centre = Centre(
            name=kept.get("centre", {}).get("name", "Contact centre"),
            timezone=settings.app.timezone,
        )
        house = build(settings, pool, clock or SystemClock(offset), centre, monotonic)
        if house.demo is not None and "demo" in roles:
            await house.demo.prepare()
        await stack.enter_async_context(_started(house, frozenset(roles)))
        log.info("serving", roles=sorted(roles), url=settings.app.public_url)
        yield house


def build(
    settings: Settings,
    pool: db.Pool,
    clock: Clock,
    centre: Centre,
    monotonic: Callable[[], float] = time.monotonic,
) -> House:
    """Tie the rooms together: each port to the service that answers it."""
    work = WorkFactory(pool, clock)
    bus = Bus(settings, pool, CATALOGUE, work)
    outside = SystemClock() if isinstance(clock, SystemClock) else clock
    deps = Deps(settings, clock, pool, work, bus, JobQueue(clock), monotonic, outside)

    identity = contactcenter.identity.module.build(deps)
    office = crm.module.build(deps, identity.mail)
    router = routing.module.build(deps, adviser=office.adviser)
    demo = _demo(deps)
    hub = Hub()
    chat = channels.module.build(
        deps,
        centre.name,
        queueing=router.queues,
        hours=router.queues,
        hints=contactcenter.realtime.module.Hints(hub),
        parts=router.calls,
        desks=router.presence,
    )
    realtime = contactcenter.realtime.module.build(
        deps,
        hub=hub,
        centre=centre,
        sessions=identity.sessions,
        presence=router.presence,
        queues=router.queues,
        visitors=chat.visitors,
        calls=chat.calls,
    )
    wallboard = contactcenter.analytics.module.build_wallboard(
        deps,
        centre=centre.name,
        queues=router.queues,
        forecast=NoForecast() if demo is None else demo.crowd,
        broadcast=WallboardBroadcast(hub),
    )
    modules = (
        ground(deps),
        identity.module,
        contactcenter.interactions.module.build(deps, office.veil),
        contactcenter.agents.module.build(deps, router.duty),
        router.module,
        chat.module,
        office.module,
        contactcenter.analytics.module.build(deps, wallboard=wallboard, queues=router.queues),
        realtime.module,
        *(() if demo is None else (demo.module(),)),
    )
    modules = (*modules, resealing(deps, modules))
    identity.privacy.bind([rule for module in modules for rule in module.privacy])
    authenticators = Authenticators(chat.authenticator, identity.sessions)
    commands = [command for module in modules for command in module.commands]
    dispatcher = Dispatcher(commands, work)
    realtime.gateway.bind(authenticators, dispatcher)

    async def database() -> State:
        async with work.reading("check.database") as conn:
            await conn.fetchval("SELECT 1")
        return "ok"

    async def router_lease() -> State:
        async with work.reading("check.router") as conn:
            return "ok" if await conn.fetchval(ROUTER_LEASE) else "down"

    app = build_app(
        [route for module in modules for route in module.routes],
        settings=settings,
        work=work,
        authenticator=authenticators,
        checks={"database": database, "router": router_lease, "media": chat.media},
        limits=deps.limits,
    )
    realtime.gateway.attach(app)
    add_pages(app, settings)
    return House(deps, modules, authenticators, realtime, app, demo)


def _demo(deps: Deps) -> Demo | None:
    """None where there is no demo: nothing of it is even imported."""
    if not deps.settings.demo.enabled or deps.settings.app.is_production:
        return None
    from contactcenter.demo.module import Demo

    return Demo(deps)


@contextlib.asynccontextmanager
async def _started(house: House, roles: frozenset[Role]) -> AsyncIterator[None]:
    deps = house.deps
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(loop_lag())
        if isinstance(deps.clock, SystemClock):
            await ask_once(deps.clock, deps.work)
            await stack.enter_async_context(_task(keep_time(deps.clock, deps.work), "clock"))
        await deps.bus.start()
        stack.push_async_callback(deps.bus.stop)
        for module in house.modules:
            for lifespan in module.lifespans:
                if lifespan.role in roles:
                    await stack.enter_async_context(lifespan.run())
        if "listeners" in roles:
            for module in house.modules:
                for listener in module.listeners:
                    deps.bus.durable(listener)
        if "jobs" in roles:
            jobs = [job for module in house.modules for job in module.jobs]
            schedules = [schedule for module in house.modules for schedule in module.schedules]
            runner = JobRunner(deps.settings, jobs, schedules)
            await stack.enter_async_context(_task(runner.run(), "jobs"))
        if "web" in roles:
            await stack.enter_async_context(_site(house))
        yield


@contextlib.asynccontextmanager
async def _site(house: House) -> AsyncIterator[None]:
    """Listen on HOST and PORT. At the end: no new connection, sockets let go, requests finished."""

    async def let_go(_: web.Application) -> None:
        await house.realtime.gateway.let_go()

    house.web.on_shutdown.append(let_go)
    runner = web.AppRunner(
        house.web, access_log=None, handle_signals=False, shutdown_timeout=SHUTDOWN_SECONDS
    )
    await runner.setup()
    try:
        app = house.deps.settings.app
        await web.TCPSite(runner, app.host or None, app.port, backlog=2048).start()
        yield
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def _task(work: Any, name: str) -> AsyncIterator[None]:
    """Run it beside; what ends by itself before its time is a fault, and is said."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_ended)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _ended(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        log.error("task_ended", task=task.get_name(), exc_info=task.exception())


async def _close(pool: db.Pool) -> None:
    """Give what still runs a moment, then end it."""
    try:
        async with asyncio.timeout(SHUTDOWN_SECONDS):
            await pool.close()
    except TimeoutError:
        pool.terminate()


async def _refuse_old_schema(settings: Settings) -> None:
    conn = await db.connect(settings)
    try:
        states = await migrate.status(conn, migrate.read())
    finally:
        await conn.close()
    if missing := sum(state.applied_at is None for state in states):
        raise migrate.MigrationError(
            f"The database lacks {missing} migrations: run `python -m db up`."
        )


async def _centre_settings(pool: db.Pool) -> dict[str, Any]:
    async with db.acquire(pool, SHUTDOWN_SECONDS) as conn:
        rows = await conn.fetch(CENTRE_SETTINGS)
    return {row["key"]: row["value"] for row in rows}


# Pages -------------------------------------------------------------------------------------------


def add_pages(app: web.Application, settings: Settings) -> None:
    """The built front end: PAGES, /widget.js and what they load."""
    first = "/desk" if settings.app.is_production else "/demo"

    async def root(_: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": first})

    app.router.add_get("/", root)
    for page in PAGES:
        if page == "demo" and settings.app.is_production:
            continue
        show = _file(STATIC / page / "index.html", cache="no-cache")
        app.router.add_get(f"/{page}", show)
        if page in PARTED:
            app.router.add_get(f"/{page}/{{part:[a-z-]+}}", show)
    app.router.add_get("/widget.js", _file(STATIC / "widget.js", cache="no-cache", anywhere=True))
    app.router.add_get("/static/{path:.+}", _asset)


def _file(path: Path, *, cache: str, anywhere: bool = False) -> Any:
    async def answer(_: web.Request) -> web.StreamResponse:
        if not path.is_file():
            raise web.HTTPNotFound
        headers = {"Cache-Control": cache}
        if anywhere:  # a script for pages of other sites
            headers |= {
                "Access-Control-Allow-Origin": "*",
                "Cross-Origin-Resource-Policy": "cross-origin",
            }
        return web.FileResponse(path, headers=headers)

    return answer


async def _asset(request: web.Request) -> web.StreamResponse:
    """A file of the build. Those in `assets` have a hash in their names and never change."""
    try:
        path = (STATIC / request.match_info["path"]).resolve()
        if not path.is_relative_to(STATIC) or not path.is_file():
            raise web.HTTPNotFound
    except (ValueError, OSError):  # a NUL in it, a name too long for the file system
        raise web.HTTPNotFound from None
    lasting = path.parent.name == "assets"
    cache = f"public, max-age={YEAR}, immutable" if lasting else "no-cache"
    return web.FileResponse(path, headers={"Cache-Control": cache})
