"""socket.io v5 on aiohttp: python-socketio's protocol with our own way to the wire.

Stock python-engineio passes every packet of every socket through a queue and a writer task. Here
a WebSocket's packets are framed once and written straight to its transport, so that a broadcast
is one encoding and one `write` for each socket, and what one socket is sent stays in the order in
which it was sent (acks, events and broadcasts take the same way). Long-polling sockets keep the
stock queue.

A transport that holds more than UNSENT_LIMIT bytes its peer has not taken is cut: the peer comes
back with a new snapshot, and nobody else has waited for it.

This module relies on internals of python-engineio and python-socketio (pinned in
requirements/base.txt); tests/integration/realtime/test_transport.py holds them, with the
unmodified JavaScript client too.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from typing import Any, Final, Protocol
from uuid import UUID

import orjson
import structlog
from aiohttp import WSMsgType, web
from prometheus_client import Counter, Gauge

from config.spared import spared

with spared("redis", "valkey"):
    import engineio
    import socketio
from engineio.async_socket import AsyncSocket
from engineio.packet import MESSAGE, NOOP, OPEN, PING, Packet
from engineio.payload import Payload

log = structlog.get_logger(__name__)

UNSENT_LIMIT: Final = 1_000_000
"""Bytes a socket may leave unread before it is cut."""
MESSAGE_LIMIT: Final = 1_000_000
"""Bytes of one incoming message; a command's own limit is far below (core.sockets)."""
PING_SECONDS: Final = 10.0
PONG_SECONDS: Final = 10.0
CONNECT_SECONDS: Final = 15.0
"""How long a connection may stay without a namespace."""
CONNECT_TRIES: Final = 10
"""How often one connection may ask to be let in."""

SOCKETS = Gauge("realtime_connections", "Open engine.io connections")
CUT = Counter("realtime_cut_total", "Connections ended by the server", ["why"])

Payload.max_decode_packets = 200  # a polling client that was away sends its whole backlog at once


class Json:
    """orjson where python-socketio expects the standard library's module."""

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        return encode(value).decode()

    @staticmethod
    def loads(text: str, **_: Any) -> Any:
        return orjson.loads(text)


def encode(value: Any) -> bytes:
    """JSON as browsers get it: UUIDs as text, times as RFC 3339 with Z."""
    return orjson.dumps(value, default=_subclass, option=orjson.OPT_UTC_Z)


def _subclass(value: Any) -> str:
    """The database driver's UUID is a subclass, which orjson does not know."""
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not for browsers")


def text_frame(payload: bytes) -> bytes:
    """An unmasked, final WebSocket text frame (RFC 6455, 5.2)."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


class LiveSocket(AsyncSocket):  # type: ignore[misc]
    """One engine.io connection."""

    def __init__(self, server: Engine, sid: str) -> None:
        super().__init__(server, sid)
        self._transport: asyncio.Transport | None = None  # set when packets go straight out
        self._unsent = 0  # bytes in the polling queue
        self._loop = asyncio.get_running_loop()
        self._ping: asyncio.TimerHandle | None = None
        self._homeless: asyncio.TimerHandle | None = None
        self.tries = 0
        self.homeless(True)

    def homeless(self, alone: bool) -> None:
        """Whether no namespace has it: it may stay so for a short time only."""
        if self._homeless is not None:
            self._homeless.cancel()
        self._homeless = (
            self._loop.call_later(CONNECT_SECONDS, self.cut, "no namespace") if alone else None
        )

    def deliver(self, frame: bytes, payload: bytes) -> None:
        """Send an engine.io packet: `payload` is its text, `frame` the same as text_frame()."""
        transport = self._transport
        if transport is None:
            self._enqueue(Packet(MESSAGE, payload[1:].decode()), len(payload))
        elif not transport.is_closing():
            if transport.get_write_buffer_size() > UNSENT_LIMIT:
                self.cut("unread")
            else:
                transport.write(frame)

    def cut(self, why: str) -> None:
        """End the connection at once, without a word and without waiting for the peer."""
        if self.closed:
            return
        CUT.labels(why).inc()
        if self._transport is not None:
            self._transport.abort()  # the reading side notices and closes
        else:
            self.server.hold(
                self.close(wait=False, abort=True, reason=self.server.reason.TRANSPORT_ERROR)
            )

    def _enqueue(self, packet: Packet, size: int) -> None:
        self._unsent += size
        if self._unsent > UNSENT_LIMIT:
            self.cut("unread")
        elif not self.closed:
            self.queue.put_nowait(packet)

    # What python-engineio calls.

    async def send(self, pkt: Packet) -> None:
        if self.closed:
            return
        text = pkt.encode()
        payload = text if isinstance(text, bytes) else text.encode()
        if self._transport is None:
            self._enqueue(pkt, len(payload))
        else:
            self.deliver(text_frame(payload), payload)

    async def poll(self) -> list[Packet]:
        packets: list[Packet] = await super().poll()
        self._unsent = 0
        return packets

    async def receive(self, pkt: Packet) -> None:
        await self._take(str(pkt.packet_type), pkt.data)

    async def _take(self, kind: str, data: Any) -> None:
        if kind == "4":  # message
            await self.server.handlers["message"](self.sid, data)
        elif kind == "3":  # pong
            self.schedule_ping()
        elif kind == "1":  # close
            await self.close(wait=False, abort=True, reason=self.server.reason.CLIENT_DISCONNECT)
        else:
            self.cut("malformed")

    def schedule_ping(self) -> None:
        if self._ping is not None:
            self._ping.cancel()
        self._ping = self._loop.call_later(self.server.ping_interval, self._send_ping_now)

    def _send_ping_now(self) -> None:
        if self.closed:
            return
        if self._transport is None:
            self._enqueue(Packet(PING), 1)
        else:
            self.deliver(_PING_FRAME, b"2")
        self._ping = self._loop.call_later(self.server.ping_timeout, self.cut, "silent")

    async def check_ping_timeout(self) -> bool:
        return not self.closed

    async def close(
        self,
        wait: bool = True,  # noqa: ARG002 - python-engineio's signature; nothing is waited for
        abort: bool = False,
        reason: Any = None,
    ) -> None:
        if self.closed or self.closing:
            return
        for timer in (self._ping, self._homeless):
            if timer is not None:
                timer.cancel()
        await super().close(wait=False, abort=abort, reason=reason)
        SOCKETS.dec()
        self.server.sockets.pop(self.sid, None)
        if self._transport is None:
            self.queue.put_nowait(None)  # a poll that waits comes back
        elif not self._transport.is_closing():
            self._transport.close()  # after what is still to be written
            self._loop.call_later(5, self._transport.abort)

    async def _upgrade_websocket(self, environ: dict[str, Any]) -> web.WebSocketResponse:
        if self.upgraded:
            raise OSError("the socket is a WebSocket already")
        request: web.Request = environ["aiohttp.request"]
        ws = web.WebSocketResponse(max_msg_size=MESSAGE_LIMIT, compress=False)
        await ws.prepare(request)
        try:
            if not self.connected or await self._probed(ws):
                assert request.transport is not None
                self._go_direct(request.transport)
                await self._read(ws)
        finally:
            await self._left(ws)
        return ws

    async def _probed(self, ws: web.WebSocketResponse) -> bool:
        """The hand-over from polling (engine.io 4: 2probe, 3probe, 5)."""
        self.upgrading = True
        try:
            if await _text(ws) != "2probe":
                return False
            await ws.send_str("3probe")
            self.queue.put_nowait(Packet(NOOP))  # the poll in flight ends; the client waits for it
            if await _text(ws) != "5":
                return False
        finally:
            self.upgrading = False
        return True

    def _go_direct(self, transport: asyncio.Transport) -> None:
        self.connected = self.upgraded = True
        self._transport = transport
        while not self.queue.empty():
            packet = self.queue.get_nowait()
            if packet is not None and packet.packet_type != NOOP:
                transport.write(text_frame(packet.encode().encode()))

    async def _read(self, ws: web.WebSocketResponse) -> None:
        while not self.closed:
            message = await ws.receive()
            if message.type is not WSMsgType.TEXT or not message.data:
                break  # closed, or binary, which no client of ours sends
            await self._take(message.data[0], message.data[1:])

    async def _left(self, ws: web.WebSocketResponse) -> None:
        if self._transport is not None:  # else the upgrade failed, and polling goes on
            await self.close(wait=False, abort=True, reason=self.server.reason.TRANSPORT_CLOSE)
        if not ws.closed:
            await ws.close()


_PING_FRAME: Final = text_frame(b"2")


async def _text(ws: web.WebSocketResponse) -> str | None:
    message = await ws.receive(timeout=PONG_SECONDS)
    return message.data if message.type is WSMsgType.TEXT else None


class Engine(engineio.AsyncServer):  # type: ignore[misc]
    """engine.io 4 over WebSocket and long polling, made of LiveSockets."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._held: set[asyncio.Task[Any]] = set()

    def hold(self, work: Any) -> None:
        """Run a coroutine beside; the task is kept until it is done."""
        task = asyncio.ensure_future(work)
        self._held.add(task)
        task.add_done_callback(self._held.discard)

    async def _handle_connect(
        self, environ: dict[str, Any], transport: str, jsonp_index: int | None = None
    ) -> Any:
        sid = self.generate_id()
        socket = LiveSocket(self, sid)
        self.sockets[sid] = socket
        SOCKETS.inc()
        hello = {
            "sid": sid,
            "upgrades": self._upgrades(sid, transport),
            "pingTimeout": int(self.ping_timeout * 1000),
            "pingInterval": int(self.ping_interval * 1000),
            "maxPayload": self.max_http_buffer_size,
        }
        await socket.send(Packet(OPEN, hello))
        await self.handlers["connect"](sid, environ)
        socket.schedule_ping()
        if transport == "websocket":
            try:
                return await socket.handle_get_request(environ)
            finally:
                self.sockets.pop(sid, None)
        socket.connected = True
        return self._ok(await socket.poll(), jsonp_index=jsonp_index)


class Wire(Protocol):
    """Who is behind the socket.io server: decides who gets in, and runs what they send."""

    async def admit(
        self, sid: str, namespace: str, origin: str | None, auth: Any, http: web.Request
    ) -> None:
        """Before a namespace opens. Raises socketio.exceptions.ConnectionRefusedError."""

    def opened(self, sid: str, namespace: str, socket: LiveSocket) -> None:
        """The client has been told that it is in."""

    def command(
        self, sid: str, name: str, args: list[Any]
    ) -> asyncio.Future[dict[str, Any]] | None:
        """Run it in this socket's order; the ack. None: nobody is there."""

    def gone(self, sid: str) -> None:
        """The client left its namespace, or the connection ended."""


def _quiet(name: str) -> logging.Logger:
    """engine.io reports every client's mistake as an error of its own."""
    logger = logging.getLogger(name)
    logger.setLevel(logging.CRITICAL)
    return logger


_EVENT_HEAD = re.compile(r"2(?:(/[^,]{0,40}),)?(\d{1,15})")
MALFORMED: Final = {
    "ok": False,
    "error": {"code": "invalid", "detail": "The message cannot be read.", "ctx": {}},
}


class Server(socketio.AsyncServer):  # type: ignore[misc]
    """The socket.io layer: three namespaces, every command acknowledged, in order per socket."""

    def __init__(self, namespaces: tuple[str, ...]) -> None:
        self._wire: Wire | None = None
        self._namespaces = namespaces
        super().__init__(
            async_mode="aiohttp",
            json=Json,
            namespaces=list(namespaces),
            # Who may come from where is decided for each namespace by its own rule. `*` lets a
            # polling widget on another site read our answers; no cookie is involved.
            cors_allowed_origins="*",
            cors_credentials=False,
            ping_interval=PING_SECONDS,
            ping_timeout=PONG_SECONDS,
            max_http_buffer_size=MESSAGE_LIMIT,
            monitor_clients=False,
            logger=logging.getLogger("realtime.socketio"),
            engineio_logger=_quiet("realtime.engineio"),
        )
        for namespace in namespaces:
            self.on("connect", self._admission(namespace), namespace=namespace)
            self.on("disconnect", self._departure, namespace=namespace)

    def serve(self, wire: Wire) -> None:
        """Give every namespace to `wire`. Once, before the first connection."""
        self._wire = wire

    def eio_socket(self, sid: str, namespace: str) -> LiveSocket | None:
        """The connection that carries this namespace's socket."""
        socket: LiveSocket | None = self.eio.sockets.get(
            self.manager.eio_sid_from_sid(sid, namespace)
        )
        return socket

    async def drop(self, sid: str, namespace: str) -> None:
        """Tell the client that it is out of this namespace (`io server disconnect`)."""
        CUT.labels("session").inc()
        socket = self.eio_socket(sid, namespace)
        await self.disconnect(sid, namespace=namespace)
        if socket is not None and not any(
            self.manager.sid_from_eio_sid(socket.sid, other) for other in self._namespaces
        ):
            socket.homeless(True)

    async def stop(self) -> None:
        """End every connection so that clients come back by themselves (`transport close`)."""
        for socket in list(self.eio.sockets.values()):
            await socket.close(wait=False, reason=self.eio.reason.SERVER_DISCONNECT)

    def _engineio_server_class(self) -> type[Engine]:
        return Engine

    def _admission(self, namespace: str) -> Callable[..., Any]:
        async def connect(sid: str, environ: dict[str, Any], auth: Any = None) -> None:
            assert self._wire is not None
            origin = environ.get("HTTP_ORIGIN")
            await self._wire.admit(sid, namespace, origin, auth, environ["aiohttp.request"])

        return connect

    async def _departure(self, sid: str, _reason: Any = None) -> None:
        assert self._wire is not None
        self._wire.gone(sid)

    async def _handle_connect(self, eio_sid: str, namespace: str | None, data: Any) -> None:
        namespace = namespace or "/"
        socket = self.eio.sockets.get(eio_sid)
        before = self.manager.sid_from_eio_sid(eio_sid, namespace)
        if socket is None:
            return
        socket.tries += 1
        if socket.tries > CONNECT_TRIES:
            socket.cut("knocking")
            return
        await super()._handle_connect(eio_sid, namespace, data)
        sid = self.manager.sid_from_eio_sid(eio_sid, namespace)
        if sid is None or sid == before:
            return  # refused, or a second CONNECT on the same connection
        assert self._wire is not None
        if socket.closed:  # while it was being let in
            self._wire.gone(sid)
            await self.manager.disconnect(sid, namespace, ignore_queue=True)
        else:
            socket.homeless(False)
            self._wire.opened(sid, namespace, socket)

    async def _handle_eio_message(self, eio_sid: str, data: Any) -> None:
        """What cannot be read is answered where an ack id can, and else ends the connection."""
        try:
            if not isinstance(data, str) or data[:1] not in {"0", "1", "2", "3"}:
                raise ValueError("not a packet of ours")
            pkt = self.packet_class(encoded_packet=data)
            if data[0] == "2" and not _is_event(pkt.data):
                raise ValueError("not an event")
        except (ValueError, RecursionError):
            head = _EVENT_HEAD.match(data) if isinstance(data, str) else None
            socket = self.eio.sockets.get(eio_sid)
            if head is not None:
                self._ack(eio_sid, head[1] or "/", int(head[2]), MALFORMED)
            elif socket is not None:
                socket.cut("malformed")
            return
        if data[0] == "0":
            await self._handle_connect(eio_sid, pkt.namespace, pkt.data)
        elif data[0] == "1":
            await self._handle_disconnect(eio_sid, pkt.namespace, self.reason.CLIENT_DISCONNECT)
        elif data[0] == "2":
            self._command(eio_sid, pkt.namespace or "/", pkt.id, pkt.data)

    def _command(self, eio_sid: str, namespace: str, ack_id: int | None, data: list[Any]) -> None:
        sid = self.manager.sid_from_eio_sid(eio_sid, namespace)
        assert self._wire is not None
        future = self._wire.command(sid, data[0], data[1:]) if sid else None
        if future is None or ack_id is None:
            return

        def answer(done: asyncio.Future[dict[str, Any]]) -> None:
            if not done.cancelled():
                self._ack(eio_sid, namespace, ack_id, done.result())

        if future.done():
            answer(future)
        else:
            future.add_done_callback(answer)

    def _ack(self, eio_sid: str, namespace: str, ack_id: int, ack: dict[str, Any]) -> None:
        socket = self.eio.sockets.get(eio_sid)
        if socket is None:
            return
        prefix = "" if namespace == "/" else f"{namespace},"
        payload = f"43{prefix}{ack_id}".encode() + encode([ack])
        socket.deliver(text_frame(payload), payload)


def _is_event(data: Any) -> bool:
    return isinstance(data, list) and bool(data) and isinstance(data[0], str)
