"""The CRM: finding, the timeline, who calls, requests against bare handlers, workflows.

SCALE customers (100,000 unless the environment says otherwise), twice as many policies and five
times as many interactions lie on a PostgreSQL that waits for its disk; on the way there the figures
are taken at 10,000 and 100,000 too, so that growth shows. Finding asks for common and rare names,
parts of numbers, plates, documents and policy numbers in turn, one after another.

PARTS chooses what is measured (finding, requests, workflows; `load` alone measures nothing), and
with KEEP the database stays in that folder and the next run goes on from what it holds: so that a
million customers are loaded once.

A bare handler runs the CRM's own statements without anything around them (_crm_server). The bare
workflow is three transactions, each with its effect, its record and the run's new place.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, Final

import aiohttp
import orjson
import structlog

import db
from config.settings import Settings, load_settings
from contactcenter.core.access import ROLE_PERMISSIONS, Principal
from contactcenter.core.ids import new_id
from crm import module
from crm.customers import files
from crm.customers.schemas import SearchQuery, TimelineQuery
from crm.workflows.schemas import ExecuteIn, WorkflowNew
from db import migrate
from db.embedded import EmbeddedPostgres
from tests.bench import _crm_data as data
from tests.bench._crm_server import Nowhere, deps_of
from tests.bench._report import Baseline, percentile, report, run
from tests.conftest import TEST_ENVIRON
from tests.reliability.centre import free_port

AREA = "crm"
SCALE: Final = int(os.environ.get("SCALE", "100000"))
PARTS: Final = os.environ.get("PARTS", "finding,requests,workflows").split(",")
KEEP: Final = os.environ.get("KEEP")
RUNS: Final = 3
FIND_RUNS: Final = 5
ASKED: Final = 600  # queries of each kind in a run
SECONDS: Final = 2.5
CONNECTIONS: Final = 16
PEOPLE: Final = 200
WORKFLOWS: Final = 400
DRIVERS: Final = 16
ASKER: Final = Principal(
    kind="user", permissions=ROLE_PERMISSIONS["supervisor"], user_id=new_id(), role="supervisor"
)

Ask = Callable[[Random], Awaitable[Any]]


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    run(measure())


async def measure() -> None:
    async with centre() as (settings, pool, conn):
        office = module.build(deps_of(settings, pool), Nowhere())
        before = await data.loaded(conn)
        for size in [step for step in (10_000, 100_000) if before < step < SCALE] + [SCALE]:
            if size > before:
                await data.grow(conn, before, size)
                before = size
            if "finding" in PARTS:
                await finding(office, pool, size, "" if size == SCALE else f"_at_{size // 1000}k")
        if "requests" in PARTS:
            await requests(settings, SCALE)
        if "workflows" in PARTS:
            await workflows(office, pool)


async def finding(office: module.Crm, pool: db.Pool, size: int, suffix: str) -> None:
    async def search(dice: Random) -> None:
        n = dice.randrange(size)
        given, family = data.name_of(n)
        words = family.split()
        wanted = (
            words[0], f"{given} {words[0]}", family, data.phone_of(n)[-6:], data.plate_of(n),
            data.document_of(n), f"AL-{n * 2:08d}", words[1][:5],
        )  # fmt: skip
        await office.customers.search(ASKER, SearchQuery(q=wanted[dice.randrange(len(wanted))]))

    async def timeline(dice: Random) -> None:
        often = dice.random() < 0.2
        n = dice.randrange(max(size // 1000, 1)) * 1000 if often else dice.randrange(size)
        page = await office.customers.timeline(ASKER, data.customer_id(n), TimelineQuery(limit=50))
        if page.next_cursor is not None:
            again = TimelineQuery(limit=50, cursor=page.next_cursor)
            await office.customers.timeline(ASKER, data.customer_id(n), again)

    async def identify(dice: Random) -> None:
        async with pool.acquire() as conn:
            found = await files.identify(conn, "phone", data.phone_of(dice.randrange(size)))
        assert found

    for name, ask in (("search", search), ("timeline", timeline), ("identify", identify)):
        await timed(ask, Random(0), ASKED // 4)
        runs = [
            percentile(await timed(ask, Random(run), ASKED), 99) for run in range(1, FIND_RUNS + 1)
        ]
        report(f"crm.{name}_p99_ms{suffix}", runs, "ms", "lower")


async def timed(ask: Ask, dice: Random, count: int) -> list[float]:
    """Milliseconds of each."""
    took = []
    for _ in range(count):
        begun = time.perf_counter()
        await ask(dice)
        took.append((time.perf_counter() - begun) * 1000)
    return took


# Requests ----------------------------------------------------------------------------------------


async def requests(settings: Settings, size: int) -> None:
    """Of ten requests seven read, two change and one creates."""
    counts = itertools.count()
    people = [str(new_id()) for _ in range(PEOPLE)]  # so many that no one's limit is reached

    async def one(session: aiohttp.ClientSession, url: str, dice: Random) -> None:
        number = next(counts)
        headers = {
            "Authorization": f"Bearer {people[number % PEOPLE]}",
            "Content-Type": "application/json",
        }
        what = number % 10
        if what == 0:
            body = {"first_name": "Bench", "last_name": f"Bench{number}", "country": "ES",
                    "locale": "es", "status": "active", "tags": [], "metadata": {},
                    "email": f"b{number}.{time.time_ns()}@correo.example"}  # fmt: skip
            method, path, sent = "POST", "/customers", orjson.dumps(body)
        else:
            path = f"/customers/{data.customer_id(dice.randrange(size))}"
            changed = orjson.dumps({"city": f"City {number}"})
            method, sent = ("PATCH", changed) if what < 3 else ("GET", b"")
        if method == "PATCH":
            headers["If-Match"] = "*"
        async with session.request(
            method, f"{url}/api/v1{path}", data=sent, headers=headers
        ) as answer:
            await answer.read()
            assert answer.status < 300, (method, answer.status, await answer.text())

    async with contextlib.AsyncExitStack() as stack:
        urls = [
            await stack.enter_async_context(server(settings, kind)) for kind in ("ours", "bare")
        ]
        session = await stack.enter_async_context(
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS),
                timeout=aiohttp.ClientTimeout(total=30),
            )
        )
        rates: dict[str, list[float]] = {url: [] for url in urls}
        for run in range(-1, RUNS):
            for url in urls:
                rate = await pressed(session, url, one, run)
                if run >= 0:
                    rates[url].append(rate)
    report(
        "crm.requests_per_second",
        rates[urls[0]],
        "1/s",
        "higher",
        Baseline("bare_asyncpg_handler", rates[urls[1]]),
    )


async def pressed(
    session: aiohttp.ClientSession, url: str, one: Callable[..., Awaitable[None]], run: int
) -> float:
    done, until = 0, time.perf_counter() + SECONDS

    async def keep_asking(worker: int) -> None:
        nonlocal done
        dice = Random(f"{run} {worker}")
        while time.perf_counter() < until:
            await one(session, url, dice)
            done += 1

    await asyncio.gather(*(keep_asking(worker) for worker in range(CONNECTIONS)))
    return done / SECONDS


@contextlib.asynccontextmanager
async def server(settings: Settings, kind: str) -> AsyncIterator[str]:
    port = free_port()
    environ = {
        **os.environ,
        "DATABASE_URL": str(settings.database.url),
        "DATA_DIR": str(settings.app.data_dir),
        "LOG_LEVEL": "ERROR",
    }
    process = subprocess.Popen(  # noqa: ASYNC220 - the bench waits for it anyway
        [sys.executable, "-m", "tests.bench._crm_server", kind, str(port)],
        env=environ,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        await asyncio.to_thread(process.stdout.readline)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait)


# Workflows ---------------------------------------------------------------------------------------

STEPS: Final[list[dict[str, Any]]] = [
    {"type": "create_task", "config": {"title": "Llamar"}},
    {"type": "update_record", "config": {"field": "notes", "value": "visto"}},
    {"type": "create_task", "config": {"title": "Cerrar"}},
]
BARE_EFFECT: Final = """
INSERT INTO tasks (id, title, customer_id, created_at, updated_at) VALUES ($1, 'x', $2, $3, $3)
"""
BARE_STEP: Final = """
INSERT INTO workflow_steps (execution_id, number, step, type, status, started_at, ended_at)
VALUES ($1, $2, $2, 'create_task', 'done', $3, $3)
"""
BARE_PLACE: Final = "UPDATE workflow_executions SET step = $2, steps_completed = $2 WHERE id = $1"
BARE_RUN: Final = """
INSERT INTO workflow_executions (id, workflow_id, version, status, steps_total, started_at)
VALUES ($1, $2, 1, 'running', 3, $3)
"""


async def workflows(office: module.Crm, pool: db.Pool) -> None:
    new = WorkflowNew.model_validate({"name": "bench", "trigger_type": "manual", "steps": STEPS})
    workflow_id = (await office.workflows.create(ASKER, new)).workflow_id
    numbers = itertools.count()

    async def whole() -> None:
        customer = data.customer_id(next(numbers) % SCALE)
        run = await office.workflows.execute(ASKER, workflow_id, ExecuteIn(customer_id=customer))
        await office.runner.drive({"execution_id": str(run.execution_id)})

    async def bare() -> None:
        execution, now = new_id(), datetime.now(UTC)
        customer = data.customer_id(next(numbers) % SCALE)
        async with db.transaction(pool, "bare.begin") as conn:
            await conn.execute(BARE_RUN, execution, workflow_id, now)
        for number in range(3):
            async with db.transaction(pool, "bare.step") as conn:
                await conn.execute(BARE_EFFECT, new_id(), customer, now)
                await conn.execute(BARE_STEP, execution, number, now)
                await conn.execute(BARE_PLACE, execution, number + 1)

    await rate(whole, 50)
    rates: list[float] = []
    baseline: list[float] = []
    for _ in range(RUNS):
        rates.append(await rate(whole, WORKFLOWS))
        baseline.append(await rate(bare, WORKFLOWS))
    report(
        "crm.workflows_per_second",
        rates,
        "1/s",
        "higher",
        Baseline("bare_transactions", baseline),
    )


async def rate(one: Callable[[], Awaitable[None]], count: int) -> float:
    left = iter(range(count))
    begun = time.perf_counter()

    async def keep_on() -> None:
        for _ in left:
            await one()

    await asyncio.gather(*(keep_on() for _ in range(DRIVERS)))
    return count / (time.perf_counter() - begun)


@contextlib.asynccontextmanager
async def centre() -> AsyncIterator[tuple[Settings, db.Pool, db.Connection]]:
    """A migrated database on a server of its own, with the durability of a running centre."""
    folder = Path(KEEP or tempfile.mkdtemp(prefix="cc-bench-")).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    try:
        with EmbeddedPostgres(folder) as server_:
            environ = {"DATABASE_URL": server_.url, "DATA_DIR": str(folder), "DB_POOL_MIN": "8"}
            settings = load_settings({**TEST_ENVIRON, **environ})
            conn = await db.connect(settings)
            await migrate.up(conn, migrate.read())
            pool = await db.create_pool(settings)
            try:
                yield settings, pool, conn
            finally:
                await pool.close()
                await conn.close()
    finally:
        if KEEP is None:
            shutil.rmtree(folder, ignore_errors=True)
