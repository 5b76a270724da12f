"""`python -m tests.bench._crm_server KIND PORT`: the CRM's own routes, or bare handlers that carry
out the same statements on the same tables and know nothing else.

The bare ones check nobody and nothing: they read the JSON, run the statements of the CRM's store
in one transaction with one event, and write JSON.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import structlog
import uvloop
from aiohttp import web

import db
from config.settings import Settings, load_settings
from contactcenter.core import eventlog
from contactcenter.core.access import ROLE_PERMISSIONS, Principal
from contactcenter.core.bus import Bus
from contactcenter.core.clock import SystemClock
from contactcenter.core.http import build_app
from contactcenter.core.ids import new_id
from contactcenter.core.jobs import JobQueue
from contactcenter.core.mail import Letter
from contactcenter.core.module import Deps
from contactcenter.core.work import WorkFactory
from contactcenter.events import CATALOGUE
from contactcenter.events.customers import CustomerCreated, CustomerUpdated
from contactcenter.identity.audit import AuditJournal
from crm import module
from crm.customers import store
from tests.conftest import TEST_ENVIRON


class Nowhere:
    async def send(self, letter: Letter) -> None:
        """Nothing is sent in a bench."""


class Badges:
    """Everybody is one of many supervisors, so that no limit of one person counts, and is known
    again as in the centre (identity.Sessions)."""

    def __init__(self) -> None:
        self._known: dict[str, Principal] = {}

    async def principal_of(self, token: str) -> Principal:
        found = self._known[token] = Principal(
            kind="user",
            permissions=ROLE_PERMISSIONS["supervisor"],
            user_id=UUID(token),
            role="supervisor",
        )
        return found

    def remembered(self, token: str) -> Principal | None:
        return self._known.get(token)


def deps_of(settings: Settings, pool: db.Pool) -> Deps:
    clock = SystemClock()
    work = WorkFactory(pool, clock)
    deps = Deps(settings, clock, pool, work, Bus(settings, pool, CATALOGUE, work), JobQueue(clock))
    work.keep_journal(AuditJournal(deps.vault))
    return deps


async def ours(settings: Settings) -> web.Application:
    pool = await db.create_pool(settings)
    deps = deps_of(settings, pool)
    built = module.build(deps, Nowhere())
    return build_app(
        built.module.routes, settings=settings, work=deps.work, authenticator=Badges(), checks={}
    )


async def bare(settings: Settings) -> web.Application:
    pool = await db.create_pool(settings)

    async def get(request: web.Request) -> web.Response:
        async with pool.acquire() as conn:
            row = await store.find(conn, UUID(request.match_info["id"]))
        return _json(row)

    async def create(request: web.Request) -> web.Response:
        given, made, now = orjson.loads(await request.read()), new_id(), datetime.now(UTC)
        values = {**given, **DERIVED, "id": made, "kind": "person"}
        async with db.transaction(pool, "bare.create") as conn:
            await store.insert(conn, [values], now, None)
            await store.add_ways(conn, [(made, "email", given["email"], "email", False)])
            await _said(conn, CustomerCreated(customer_id=made, kind="person"), now)
            row = await store.find(conn, made)
        return _json(row, 201)

    async def update(request: web.Request) -> web.Response:
        given, one = orjson.loads(await request.read()), UUID(request.match_info["id"])
        now = datetime.now(UTC)
        async with db.transaction(pool, "bare.update") as conn:
            await store.lock(conn, one)
            await store.update(conn, one, given, now, None)
            await _said(conn, CustomerUpdated(customer_id=one, fields=tuple(given)), now)
            row = await store.find(conn, one)
        return _json(row)

    app = web.Application()
    path = "/api/v1/customers"
    app.router.add_get(path + "/{id}", get)
    app.router.add_post(path, create)
    app.router.add_patch(path + "/{id}", update)
    return app


DERIVED: dict[str, Any] = {
    "sort_key": "bench",
    "search_text": "bench",
    "country": "ES",
    "locale": "es",
    "status": "active",
    "tags": [],
    "metadata": {},
}


async def _said(conn: db.Connection, event: Any, now: datetime) -> None:
    await eventlog.append(conn, [eventlog.Entry(event, now, None)], actor="bench", origin=None)


def _json(row: db.Record | None, status: int = 200) -> web.Response:
    body = orjson.dumps(None if row is None else dict(row), default=str)
    etag = "" if row is None else f'"{row["version"]}"'
    return web.Response(
        body=body, status=status, content_type="application/json", headers={"ETag": etag}
    )


async def serve(kind: str, port: int) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    settings = load_settings({**TEST_ENVIRON, **os.environ})
    app = await (ours(settings) if kind == "ours" else bare(settings))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner_:
        runner_.run(serve(sys.argv[1], int(sys.argv[2])))
