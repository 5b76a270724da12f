"""Hints between nodes by Redis' publish and subscribe: what may be lost, and is when Redis is away.

Each node publishes its hints and tells its own sockets those of the others. A message is JSON:
`{"node": whose, "to": [namespace, room, name], "payload": {...}}`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final

import orjson
import structlog

from contactcenter.realtime.hub import Hub

log = structlog.get_logger(__name__)

CHANNEL: Final = "hints"
WAITING: Final = 1000
"""Hints that wait for Redis at most; more are lost."""
AWAY_SECONDS: Final = 2.0
CONNECT_SECONDS: Final = 1.0
QUIET_SECONDS: Final = 15.0
"""After so long without a hint Redis is asked whether it is there, and has as long to answer."""


class Relay:
    """One node's end of it, while `running`."""

    def __init__(self, url: str, hub: Hub) -> None:
        self._url = url
        self._hub = hub
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue(WAITING)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        from redis.asyncio import Redis  # here, since one node alone does without
        from redis.exceptions import RedisError

        client = Redis.from_url(
            self._url, socket_connect_timeout=CONNECT_SECONDS, socket_keepalive=True
        )
        failures = (RedisError, OSError)

        async def send(there: Callable[[], None]) -> None:
            while True:
                await client.publish(CHANNEL, await self._waiting.get())
                there()

        async def hear(there: Callable[[], None]) -> None:
            async with client.pubsub(ignore_subscribe_messages=True) as heard:
                await heard.subscribe(CHANNEL)
                there()
                asked = False
                while True:
                    message = await heard.get_message(timeout=QUIET_SECONDS)
                    if message is None and asked:
                        raise TimeoutError  # an end of the connection that nobody was told of
                    if asked := message is None:
                        await heard.ping()
                    elif message["type"] == "message":
                        self._take(message["data"])

        tasks = [
            asyncio.create_task(_again_and_again(what, failures), name=f"relay-{what.__name__}")
            for what in (send, hear)
        ]
        self._hub.relay = self._tell
        try:
            yield
        finally:
            self._hub.relay = lambda *_: None
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await client.aclose()

    def _tell(self, namespace: str, room: str, name: str, payload: Mapping[str, Any]) -> None:
        to = (namespace, room, name)
        message = orjson.dumps({"node": self._hub.node, "to": to, "payload": payload}, default=str)
        with contextlib.suppress(asyncio.QueueFull):
            self._waiting.put_nowait(message)

    def _take(self, message: bytes) -> None:
        told = orjson.loads(message)
        if told["node"] != self._hub.node:
            namespace, room, name = told["to"]
            self._hub.hint_here(namespace, room, name, told["payload"])


async def _again_and_again(
    what: Callable[[Callable[[], None]], Awaitable[None]], failures: tuple[type[Exception], ...]
) -> None:
    """For as long as it takes; that Redis is away is said once each time, until `what` has said
    that it is there."""
    away = False

    def there() -> None:
        nonlocal away
        away = False

    while True:
        try:
            await what(there)
        except failures as error:
            if not away:
                log.warning("hints_not_shared", error=type(error).__name__)
            away = True
        except Exception:
            log.exception("hint_not_read")
        await asyncio.sleep(AWAY_SECONDS)
