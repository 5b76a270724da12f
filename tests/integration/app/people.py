"""Visitors and agents as they come through the front door: HTTP and sockets, nothing else."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import aiohttp
import socketio

PASSWORD = "password123"
SECONDS = 10.0

Payload = dict[str, Any]
Heard = tuple[str, Payload]


class Person:
    """A socket.io client that remembers all it was told."""

    def __init__(self, url: str, namespace: str) -> None:
        self.url = url
        self.namespace = namespace
        self.heard: list[Heard] = []  # tests take off it what they have dealt with
        self.log: list[Heard] = []
        self.snapshots: list[Payload] = []
        self.snapshots_at: list[int] = []  # how much of the log came before each
        self.left: list[str] = []
        self._news = asyncio.Event()
        self._ids = itertools.count(1)
        self.sio = socketio.AsyncClient(reconnection=False)
        self.sio.on("*", self._hear, namespace=namespace)
        self.sio.on("disconnect", self._lose, namespace=namespace)

    async def _hear(self, name: str, payload: Payload) -> None:
        if name == "snapshot":
            self.snapshots.append(payload)
            self.snapshots_at.append(len(self.log))
        else:
            self.heard.append((name, payload))
            self.log.append((name, payload))
        self._news.set()

    async def _lose(self, reason: str) -> None:
        self.left.append(reason)
        self._news.set()

    async def connect(self, token: str, **headers: str) -> None:
        await self.sio.connect(
            self.url,
            headers=headers,
            auth={"token": token},
            namespaces=[self.namespace],
            transports=["websocket"],
        )

    async def leave(self) -> None:
        await self.sio.disconnect()

    async def until(self, true: Callable[[], Any], what: str = "") -> Any:
        """Wait for it to be true; what it gave."""
        try:
            async with asyncio.timeout(SECONDS):
                while not (found := true()):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            names = [name for name, _ in self.heard]
            raise AssertionError(f"{what or 'it'} did not come; heard {names}") from None
        return found

    async def hears(self, name: str, **fields: Any) -> Payload:
        """The first event of this name with these fields, now or soon; it is taken off the list."""

        def found() -> int | None:
            for number, (heard, payload) in enumerate(self.heard, 1):
                if heard == name and all(payload.get(k) == v for k, v in fields.items()):
                    return number
            return None

        number: int = await self.until(found, f"{name} {fields}")
        return self.heard.pop(number - 1)[1]

    async def ask(self, command: str, payload: Any = None) -> Payload:
        """Send a command; its whole ack."""
        ack: Payload = await self.sio.call(
            command, payload, namespace=self.namespace, timeout=int(SECONDS)
        )
        return ack

    async def ask_at_pace(self, command: str, payload: Any = None) -> Payload:
        """The same; whoever has sent too much waits as long as the centre asks."""
        while True:
            ack = await self.ask(command, payload)
            if ack["ok"] or ack["error"]["code"] != "rate_limited":
                return ack
            await asyncio.sleep(ack["error"]["ctx"]["retry_after"])

    async def do(self, command: str, payload: Any = None) -> Any:
        """Send a command that must succeed; its data."""
        ack = await self.ask_at_pace(command, payload)
        assert ack["ok"], (command, ack)
        return ack["data"]

    async def fails(self, command: str, payload: Any = None) -> str:
        """Send a command that must be refused for what it is, not for its pace; the code."""
        ack = await self.ask_at_pace(command, payload)
        assert not ack["ok"], (command, ack)
        code: str = ack["error"]["code"]
        return code

    def client_id(self) -> str:
        return f"c-{next(self._ids)}"


class Visitor(Person):
    """Somebody who writes in the chat."""

    def __init__(self, url: str) -> None:
        super().__init__(url, "/chat")
        self.id = ""
        self.token = ""

    async def begin(self, **fields: Any) -> Payload:
        async with aiohttp.ClientSession() as session:
            answer = await session.post(f"{self.url}/api/v1/chat/conversations", json=fields)
            started: Payload = await answer.json()
            assert answer.status == 201, started
        self.id = started["conversation"]["conversation_id"]
        self.token = started["token"]
        return started

    async def arrive(self, **fields: Any) -> Visitor:
        """Begin a conversation and open its socket."""
        await self.begin(**fields)
        await self.connect(self.token)
        await self.until(lambda: self.snapshots, "the snapshot")
        return self

    async def say(self, body: str, client_id: str | None = None) -> Payload:
        message: Payload = await self.do(
            "chat.message",
            {"conversation_id": self.id, "body": body, "client_id": client_id or self.client_id()},
        )
        return message

    @property
    def conversation(self) -> Payload:
        """As the newest snapshot has it."""
        shown: Payload = self.snapshots[-1]["state"]["conversation"]
        return shown


class Desk(Person):
    """An agent at a desk."""

    def __init__(self, url: str) -> None:
        super().__init__(url, "/agent")
        self.token = ""

    async def sign_in(self, email: str) -> Desk:
        self.token = await sign_in(self.url, email)
        await self.connect(self.token)
        await self.until(lambda: self.snapshots, "the snapshot")
        return self

    async def available(self) -> Desk:
        await self.do("agent.set_status", {"status": "available"})
        return self

    @property
    def state(self) -> Payload:
        """As the newest snapshot has it."""
        shown: Payload = self.snapshots[-1]["state"]
        return shown

    async def accepts(self, **fields: Any) -> Payload:
        """Wait for an offer and take it: what the acknowledgement gives."""
        offer = await self.hears("reservation.created", **fields)
        data: Payload = await self.do(
            "reservation.accept", {"reservation_id": offer["reservation_id"]}
        )
        return data

    async def say(self, conversation_id: str, body: str, **fields: Any) -> Payload:
        message: Payload = await self.do(
            "chat.message",
            {
                "conversation_id": conversation_id,
                "body": body,
                "client_id": self.client_id(),
                **fields,
            },
        )
        return message


async def sign_in(url: str, email: str) -> str:
    """An access token."""
    async with aiohttp.ClientSession() as session:
        answer = await session.post(
            f"{url}/api/v1/auth/login", json={"email": email, "password": PASSWORD}
        )
        tokens = await answer.json()
        assert answer.status == 200, tokens
    token: str = tokens["access_token"]
    return token


class Mirror:
    """The protocol of web/shared/src/live.ts: a snapshot, and the events that come after it.

    `missed` is set when a number is missing in a stream, or another node answered.
    """

    def __init__(self, person: Person) -> None:
        self._person = person
        self.node = ""
        self.streams: dict[str, int] = {}
        self.take(person.snapshots[-1])

    def take(self, snapshot: Payload) -> None:
        """Begin anew from a snapshot; what was heard before it is in it."""
        known = self.streams if snapshot["node"] == self.node else {}
        self.state: Payload = snapshot["state"]
        self.cursor: str = snapshot["cursor"]
        self.node = snapshot["node"]
        self.streams = {
            stream: max(seq, known.get(stream, 0)) for stream, seq in snapshot["streams"].items()
        }
        self.missed = False

    def after(self, events: list[Heard]) -> list[Heard]:
        """Those of the events that follow on the snapshot, each once."""
        fresh = []
        for name, payload in events:
            if "seq" not in payload:
                continue
            last = self.streams.get(payload["stream"])
            if payload["node"] != self.node or last is None or payload["seq"] > last + 1:
                self.missed = True
                continue
            if payload["seq"] <= last:
                continue
            self.streams[payload["stream"]] = payload["seq"]
            if payload["cursor"] > self.cursor:
                fresh.append((name, payload))
        return fresh
