"""A socket.io v5 client in one namespace over a bare WebSocket, small enough to run by the
thousand. It does not reconnect: whoever uses it decides what a cut means.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable
from typing import Any, Final, Self

import aiohttp
import orjson

OPEN_SECONDS: Final = 5.0

Event = Callable[[str, Any], None]
Ack = dict[str, Any]


class CutError(Exception):
    """The connection ended, or never began: the command may or may not have been done."""


class RefusedError(Exception):
    """The server does not let this client in."""

    def __init__(self, error: Any) -> None:
        super().__init__(str(error))
        self.code = ((error or {}).get("data") or {}).get("code")


class Socket:
    """An open socket. `event` is called with the name and the payload of each event, in order.

    `closed` is set when it has ended, for whatever reason; commands that wait then raise CutError.
    """

    def __init__(self, ws: aiohttp.ClientWebSocketResponse, namespace: str, event: Event) -> None:
        self.closed = asyncio.Event()
        self._ws = ws
        self._namespace = namespace
        self._event = event
        self._acks: dict[int, asyncio.Future[Ack]] = {}
        self._numbers = itertools.count()
        self._reader: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls, session: aiohttp.ClientSession, url: str, namespace: str, token: str, event: Event
    ) -> Self:
        """Connect and be let in. Raises CutError, or RefusedError."""
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                ws = await session.ws_connect(
                    f"{url}/socket.io/?EIO=4&transport=websocket", compress=0, max_msg_size=0
                )
                try:
                    await _packet(ws, "0")
                    await ws.send_str(f"40{namespace}," + orjson.dumps({"token": token}).decode())
                    answer = await _packet(ws, "4")
                    if answer.startswith("44"):
                        raise RefusedError(orjson.loads(answer[answer.index(",") + 1 :]))
                    if not answer.startswith("40"):
                        raise CutError(answer[:80])
                except BaseException:
                    await ws.close()
                    raise
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise CutError(type(error).__name__) from error
        socket = cls(ws, namespace, event)
        socket._reader = asyncio.create_task(socket._read())
        return socket

    async def command(self, name: str, payload: Any, seconds: float = 10) -> Ack:
        """Send a command and wait for its ack. Raises CutError when none comes."""
        if self.closed.is_set():
            raise CutError("closed")
        number = next(self._numbers)
        future: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        self._acks[number] = future
        try:
            text = orjson.dumps([name, payload]).decode()
            await self._ws.send_str(f"42{self._namespace},{number}{text}")
            async with asyncio.timeout(seconds):
                return await future
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise CutError(type(error).__name__) from error
        finally:
            self._acks.pop(number, None)

    async def close(self) -> None:
        """End it."""
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader
        await self._ws.close()

    async def _read(self) -> None:
        head = f"42{self._namespace},"
        ack = f"43{self._namespace},"
        try:
            async for message in self._ws:
                text = message.data
                if not isinstance(text, str):
                    break
                if text.startswith(head):
                    name, *rest = orjson.loads(text[len(head) :])
                    self._event(name, rest[0] if rest else None)
                elif text.startswith(ack):
                    at = text.index("[")
                    future = self._acks.get(int(text[len(ack) : at]))
                    if future is not None and not future.done():
                        future.set_result(orjson.loads(text[at:])[0])
                elif text == "2":
                    await self._ws.send_str("3")
                elif text.startswith("41"):
                    break
        except (aiohttp.ClientError, OSError):
            pass
        finally:
            self.closed.set()
            for future in self._acks.values():
                if not future.done():
                    future.set_exception(CutError("closed"))
                    future.exception()  # whoever waits gets it; nobody may be waiting
            with contextlib.suppress(aiohttp.ClientError, OSError):
                await self._ws.close()


async def _packet(ws: aiohttp.ClientWebSocketResponse, kind: str) -> str:
    """The next packet, which must be of this kind; pings are answered on the way."""
    while True:
        message = await ws.receive()
        if not isinstance(message.data, str):
            raise CutError(message.type.name)
        if message.data == "2":
            await ws.send_str("3")
        elif message.data.startswith(kind):
            return message.data
        else:
            raise CutError(message.data[:80])
