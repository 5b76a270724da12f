"""Customers and agents who use a centre from outside and write down what they were promised."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid4

import aiohttp

from tests.reliability.centre import Agent, Centre
from tests.reliability.follow import Follower, Reduce, desk

AGAIN: Final = 0.1
"""The part of what was acknowledged that is sent again, half of it twice at the same time."""
TRIES_SECONDS: Final = 3.0
MOST_AT_ONCE: Final = 80

Send = Callable[[str], Awaitable[object]]
"""Sends a request to the node of this address until it is acknowledged."""


@dataclass(frozen=True, slots=True)
class Said:
    """An acknowledged message: the server has promised to keep it."""

    conversation_id: UUID
    sender: str
    body: str


@dataclass
class Ledger:
    """What was acknowledged, in order, and how it went."""

    said: list[Said] = field(default_factory=list)
    begun: dict[str, set[str]] = field(default_factory=dict)  # key → conversations answered
    retries: Counter[str] = field(default_factory=Counter)  # by what was answered instead
    acknowledged: list[tuple[float, float]] = field(default_factory=list)
    """When a POST was sent and when its 2xx came, in seconds of `time.perf_counter`."""
    down: list[tuple[float, float]] = field(default_factory=list)  # from a stall to a ready server
    redelivered: int = 0
    elsewhere: int = 0  # of these, to another node than the first time
    refused: list[str] = field(default_factory=list)  # answers that no client should get


class Customers:
    """Customers who begin a chat and write, each message repeated until it is acknowledged.

    With another node, half of what comes again comes there.
    """

    def __init__(
        self,
        centre: Centre,
        session: aiohttp.ClientSession,
        seed: int = 1,
        other: Centre | None = None,
    ) -> None:
        self.ledger = Ledger()
        self._centre = centre
        self._other = other
        self._session = session
        self._dice = random.Random(seed)
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count()
        self._newest: deque[Send] = deque(maxlen=300)

    async def arrive(self, per_second: float, messages: int, until: asyncio.Event) -> None:
        """Customers come at this rate until the event, while there are not too many yet; each
        writes so many messages."""
        while not until.is_set():
            if len(self._tasks) < MOST_AT_ONCE:
                self._spawn(self.customer(messages))
            await asyncio.sleep(1 / per_second)

    async def settle(self) -> None:
        """Wait until everybody has said everything, the repeated deliveries too."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def customer(self, messages: int) -> None:
        """One customer, on HTTP or on a socket, who writes one message after the other."""
        number = next(self._numbers)
        conversation_id, token = await self._begin(number)
        if number % 2:
            for _ in range(messages - 1):
                await self._write(conversation_id, token)
            return
        client = Follower(
            self._session, lambda: self._centre.url, "/chat", lambda: token, _nothing, seed=number
        )
        async with running(client):
            for _ in range(messages - 1):
                await self._write(conversation_id, token, client)

    def deliver_again(self, count: int) -> None:
        """So many of the newest messages come once more: somebody has not heard an answer."""
        for send in self._dice.sample(self._newest, min(count, len(self._newest))):
            self._spawn(self._again(send, 1, 0))

    async def _begin(self, number: int) -> tuple[UUID, str]:
        key, client_id = str(uuid4()), str(uuid4())
        body = f"first of {number}"
        request = {"name": f"Customer {number}", "message": body, "client_id": client_id}

        async def send(node: str) -> dict[str, Any]:
            answer = await self._post(
                node, "/api/v1/chat/conversations", request, {"Idempotency-Key": key}
            )
            found = answer["conversation"]["conversation_id"]
            self.ledger.begun.setdefault(key, set()).add(found)
            return answer

        answer = await send(self._centre.url)
        conversation_id = UUID(answer["conversation"]["conversation_id"])
        self.ledger.said.append(Said(conversation_id, "visitor", body))
        self._now_and_then_again(send)
        return conversation_id, answer["token"]

    async def _write(
        self, conversation_id: UUID, token: str, client: Follower | None = None
    ) -> None:
        """One message, on the customer's socket if there is one; repeated, it comes over HTTP."""
        client_id = str(uuid4())
        body = f"said {client_id}"
        request = {"body": body, "client_id": client_id}

        async def post(node: str) -> None:
            path = f"/api/v1/chat/conversations/{conversation_id}/messages"
            await self._post(node, path, request, {"Authorization": f"Bearer {token}"})

        if client is None:
            await post(self._centre.url)
        else:
            ack = await client.persist(
                "chat.message", {"conversation_id": str(conversation_id), **request}
            )
            if not ack["ok"]:
                self.ledger.refused.append(f"chat.message: {ack['error']['code']}")
        self.ledger.said.append(Said(conversation_id, "visitor", body))
        self._now_and_then_again(post)

    async def _post(
        self, node: str, path: str, body: Any, headers: dict[str, str]
    ) -> dict[str, Any]:
        """POST until it is acknowledged; whatever is neither a success nor trouble is noted."""
        timeout = aiohttp.ClientTimeout(total=TRIES_SECONDS)
        while True:
            why, begun = "cut", time.perf_counter()
            with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                async with self._session.post(
                    node + path, json=body, headers=headers, timeout=timeout
                ) as answer:
                    if answer.status in {200, 201}:
                        acknowledged = dict(await answer.json())
                        self.ledger.acknowledged.append((begun, time.perf_counter()))
                        return acknowledged
                    why = str(answer.status)
                    if answer.status not in {409, 429, 503}:
                        self.ledger.refused.append(f"{path}: {answer.status}")
            self.ledger.retries[why] += 1
            await asyncio.sleep(0.1 + 0.4 * self._dice.random())

    def _now_and_then_again(self, send: Send) -> None:
        """Some of what was acknowledged comes again a moment later, or twice at once."""
        self._newest.append(send)
        if self._dice.random() < AGAIN:
            times = self._dice.choice((1, 2))
            self._spawn(self._again(send, times, 0.1 + 1.5 * self._dice.random()))

    async def _again(self, send: Send, times: int, wait: float) -> None:
        await asyncio.sleep(wait)
        nodes = [node.url for node in (self._centre, self._other) if node is not None]
        chosen = [self._dice.choice(nodes) for _ in range(times)]
        self.ledger.redelivered += times
        self.ledger.elsewhere += sum(node != self._centre.url for node in chosen)
        await asyncio.gather(*(send(node) for node in chosen))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class Desk:
    """An agent who takes every offer, answers once, and closes a moment later."""

    def __init__(
        self,
        centre: Centre,
        session: aiohttp.ClientSession,
        agent: Agent,
        ledger: Ledger,
        *,
        talk_seconds: float = 0.3,
        reduce: Reduce = desk,
        url: str | None = None,
        parks: bool = False,
    ) -> None:
        self.agent = agent
        self.working = asyncio.Event()
        self.working.set()
        self.client = Follower(
            session,
            lambda: url or centre.url,
            "/agent",
            lambda: agent.token,
            reduce,
            event=self._heard,
            seed=agent.agent_id.int,
        )
        self._ledger = ledger
        self._talk_seconds = talk_seconds
        self._parks = parks
        self._taken: set[str] = set()
        self._served: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def answered(self) -> int:
        """Interactions that this desk has begun to serve."""
        return len(self._served)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        async with running(self.client):
            try:
                yield
            finally:
                for task in tuple(self._tasks):
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)

    def _heard(self, name: str, payload: Any) -> None:
        if name == "snapshot":
            for offer in payload["reservations"].values():
                self._take(offer["reservation_id"])
            for interaction in payload["interactions"].values():
                self._serve(interaction)
        elif name == "reservation.created":
            self._take(payload["reservation_id"])
        elif name == "reservation.accepted" and payload["interaction"] is not None:
            self._serve(payload["interaction"])

    def _take(self, reservation_id: str) -> None:
        if reservation_id not in self._taken:
            self._taken.add(reservation_id)
            self._spawn(self._accept(reservation_id))

    async def _accept(self, reservation_id: str) -> None:
        await self.working.wait()
        ack = await self.client.persist("reservation.accept", {"reservation_id": reservation_id})
        if not ack["ok"] and ack["error"]["code"] not in {"conflict", "expired"}:
            self._ledger.refused.append(f"accept: {ack['error']}")

    def _serve(self, interaction: Any) -> None:
        if interaction["interaction_id"] not in self._served:
            self._served.add(interaction["interaction_id"])
            self._spawn(self._talk(interaction["interaction_id"], interaction["conversation_id"]))

    async def _talk(self, interaction_id: str, conversation_id: str) -> None:
        client_id = str(uuid4())
        body = f"answer {client_id}"
        ack = await self.client.persist(
            "chat.message",
            {"conversation_id": conversation_id, "body": body, "client_id": client_id},
        )
        if ack["ok"]:
            self._ledger.said.append(Said(UUID(conversation_id), "agent", body))
            mark = {"conversation_id": conversation_id, "message_id": ack["data"]["message_id"]}
            await self.client.persist("chat.read", mark)
        else:
            self._ledger.refused.append(f"answer: {ack['error']}")
        await asyncio.sleep(self._talk_seconds / 2)
        if self._parks:
            await self.client.persist("interaction.hold", {"interaction_id": interaction_id})
        await asyncio.sleep(self._talk_seconds / 2)
        ack = await self.client.persist(
            "interaction.close", {"interaction_id": interaction_id, "wrap": False}
        )
        if not ack["ok"]:
            self._ledger.refused.append(f"close: {ack['error']}")

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@contextlib.asynccontextmanager
async def running(*clients: Follower) -> AsyncIterator[None]:
    """These clients follow within the block."""
    tasks = [asyncio.create_task(client.run()) for client in clients]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def desks(
    centre: Centre, session: aiohttp.ClientSession, agents: Sequence[Agent], ledger: Ledger
) -> AsyncIterator[list[Desk]]:
    """These agents at their desks within the block."""
    async with contextlib.AsyncExitStack() as stack:
        opened = [Desk(centre, session, agent, ledger, reduce=_nothing) for agent in agents]
        for one in opened:
            await stack.enter_async_context(one.open())
        yield opened


def _nothing(state: Any, _name: str, _payload: Any) -> Any:
    return state
