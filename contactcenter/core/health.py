"""What operators ask: /healthz (alive), /readyz (fit to serve), /metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Literal

import orjson
import structlog
from aiohttp import web

from contactcenter.core import metrics

log = structlog.get_logger(__name__)

CHECK_SECONDS: Final = 2.0

State = Literal["ok", "degraded", "down"]
Check = Callable[[], Awaitable[State]]
"""One dependency's state; raising, or taking too long, counts as down."""


def add_routes(app: web.Application, checks: Mapping[str, Check]) -> None:
    """/readyz answers 200 unless something is down; what is degraded still serves."""

    async def alive(_: web.Request) -> web.Response:
        return web.Response(body=b'{"status":"ok"}', content_type="application/json")

    async def ready(_: web.Request) -> web.Response:
        found = await asyncio.gather(*(_state(name, check) for name, check in checks.items()))
        worst = next((state for state in ("down", "degraded") if state in found), "ok")
        down = worst == "down"
        return web.Response(
            body=orjson.dumps({"status": worst, "checks": dict(zip(checks, found, strict=True))}),
            status=503 if down else 200,
            headers={"Retry-After": "1"} if down else {},
            content_type="application/json",
        )

    async def tell(_: web.Request) -> web.Response:
        headers = {"Content-Type": metrics.CONTENT_TYPE}
        return web.Response(body=metrics.exposition(), headers=headers)

    app.router.add_get("/healthz", alive)
    app.router.add_get("/readyz", ready)
    app.router.add_get("/metrics", tell)


async def _state(name: str, check: Check) -> State:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check()
    except Exception as error:
        log.warning("check_failed", check=name, error=type(error).__name__)
        return "down"
