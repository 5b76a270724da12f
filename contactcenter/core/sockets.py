"""Socket commands: one table, one way to run them, in order per socket.

Independent of the wire: `realtime` hands over what a client sent and sends back the ack.

    Command("/agent", "reservation.accept", accept, Permission.DESK_USE, ReservationRef)

Every command is acknowledged with {"ok": true, "data": ...} or
{"ok": false, "error": {"code", "detail", "ctx"}}; codes are those of core.errors.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson
import structlog
from pydantic import BaseModel, ValidationError

from config.logging import bound_ids
from contactcenter.core import metrics
from contactcenter.core.access import Permission, Principal
from contactcenter.core.audit import Asker, asker
from contactcenter.core.errors import (
    Forbidden,
    Internal,
    Invalid,
    Problem,
    RateLimited,
    TooLarge,
    Unsupported,
)
from contactcenter.core.ids import new_id
from contactcenter.core.limits import Buckets, Limit
from contactcenter.core.validation import error_items, refuse_unfit
from contactcenter.core.work import WorkFactory, trace, unavailable

log = structlog.get_logger(__name__)

PAYLOAD_LIMIT: Final = 64 * 1024
QUEUE_LIMIT: Final = 100
PARTY_LIMIT: Final = Limit(per_second=20, burst=60)

Ack = dict[str, Any]
Handler = Callable[["CommandContext"], Awaitable[BaseModel | dict[str, Any] | None]]


@dataclass(frozen=True, slots=True)
class CommandContext:
    """What a handler gets: who asks, from which socket, and the validated payload."""

    principal: Principal
    namespace: str
    sid: str
    payload: Any  # an instance of the command's payload model; None without one
    address: str = ""  # where the socket came from; "" where nothing is known of it


@dataclass(frozen=True, slots=True)
class Peer:
    """Where a socket came from. Personal data, never for the log."""

    address: str = ""
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """One row of the command table. `payload=None`: the command takes no argument (or `{}`).
    `changes=False`: it asks, or carries what lasts no longer than it is shown."""

    namespace: str
    name: str
    handler: Handler
    permission: Permission
    payload: type[BaseModel] | None = None
    changes: bool = True


class Shares:
    """What each party may send over all its sockets of this node: `limit`, and no more than
    QUEUE_LIMIT commands that wait. Many tabs have what one has."""

    def __init__(self, limit: Limit = PARTY_LIMIT) -> None:
        self._limit = limit
        self._buckets = Buckets(limit)
        self._waiting: Counter[Hashable] = Counter()

    def take(self, party: Hashable) -> float:
        """0 when the party may do one thing more now, else the seconds until then."""
        wait = self._buckets.take(party)
        if not wait and self._waiting[party] >= QUEUE_LIMIT:
            wait = 1 / self._limit.per_second
        if wait:
            metrics.RATE_LIMITED.labels("socket").inc()
        return wait

    def waits(self, party: Hashable, more: int) -> None:
        """So many more (or fewer) of its commands wait for their turn."""
        self._waiting[party] += more
        if not self._waiting[party]:
            del self._waiting[party]


def party_of(principal: Principal, sid: str) -> Hashable:
    """Whose share it is: the user's, the visitor's, or the socket's where nobody is known."""
    return principal.user_id or principal.conversation_id or sid


class Dispatcher:
    """Runs commands by namespace and name. With `work`, what a signed-in user changes by one is
    noted in the audit log."""

    def __init__(
        self,
        commands: Iterable[Command],
        work: WorkFactory | None = None,
        limit: Limit = PARTY_LIMIT,
    ) -> None:
        self.shares = Shares(limit)
        self._work = work
        self._table: dict[tuple[str, str], Command] = {}
        for command in commands:
            key = (command.namespace, command.name)
            if key in self._table:
                raise ValueError(f"two commands are called {command.name} on {command.namespace}")
            self._table[key] = command

    @property
    def commands(self) -> list[Command]:
        """All of them, by namespace and name."""
        return [self._table[key] for key in sorted(self._table)]

    async def handle(
        self,
        principal: Principal,
        namespace: str,
        name: str,
        args: Sequence[Any],
        sid: str = "",
        peer: Peer = Peer(),
    ) -> Ack:
        """Run one command and answer its ack; never raises but for cancellation."""
        begun = time.perf_counter()
        token = trace.set(str(new_id()))
        try:
            with bound_ids(request_id=trace.get()):
                ack = await self._run(principal, namespace, name, args, sid, peer)
        finally:
            structlog.contextvars.unbind_contextvars("interaction_id")
            trace.reset(token)
        known = name if (namespace, name) in self._table else "unknown"
        code = "ok" if ack["ok"] else ack["error"]["code"]
        metrics.COMMAND_SECONDS.labels(namespace, known, code).observe(time.perf_counter() - begun)
        return ack

    async def _run(
        self,
        principal: Principal,
        namespace: str,
        name: str,
        args: Sequence[Any],
        sid: str,
        peer: Peer,
    ) -> Ack:
        try:
            command = self._table.get((namespace, name))
            if command is None:
                raise Unsupported("There is no such command.")
            if not principal.may(command.permission):
                raise Forbidden
            payload = _payload(command, args)
            about = getattr(payload, "interaction_id", None)
            if about is not None:  # until the command is answered
                structlog.contextvars.bind_contextvars(interaction_id=str(about))
            with unavailable():
                context = CommandContext(principal, namespace, sid, payload, peer.address)
                data = await self._noted(command, context, peer)
        except Problem as problem:
            return refusal(problem)
        except Exception:
            log.exception("command_failed", namespace=namespace, command=name)
            return refusal(Internal())
        if isinstance(data, BaseModel):
            data = data.model_dump(mode="json")
        return {"ok": True, "data": data}

    async def _noted(self, command: Command, context: CommandContext, peer: Peer) -> Any:
        """The handler's answer, once what it changed is noted."""
        principal = context.principal
        if not command.changes or principal.kind != "user" or self._work is None:
            return await command.handler(context)
        resource_type, resource_id = _about(command, context.payload)
        behind = Asker(
            peer.address, peer.user_agent, principal.user_id, resource_type, resource_id, True
        )
        token = asker.set(behind)
        try:
            data = await command.handler(context)
            if not behind.noted and self._work.audited:
                # Another task made the change, in no unit of this command.
                async with self._work.begin(command.name, principal.actor) as work:
                    work.audit(command.name, resource_type, resource_id)
            return data
        finally:
            behind.changes = False  # also for tasks that the handler left behind
            asker.reset(token)


class SocketQueue:
    """One socket's commands, run one after another in the order they came.

    They count against the share of whoever it is of: a flood, from one socket or from many, is
    refused with `rate_limited` and costs the others nothing.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        principal: Principal,
        namespace: str,
        sid: str,
        peer: Peer = Peer(),
    ) -> None:
        self.principal = principal  # replaced when the user's permissions change
        self._dispatcher = dispatcher
        self._namespace = namespace
        self._sid = sid
        self._peer = peer
        self._party = party_of(principal, sid)
        self._waiting: deque[tuple[str, Sequence[Any], asyncio.Future[Ack]]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def submit(self, name: str, args: Sequence[Any]) -> asyncio.Future[Ack]:
        """Queue a command; the future holds its ack. Never waits and never raises."""
        future: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        if self._closed:
            future.set_result(refusal(Unsupported("The socket is closed.")))
            return future
        if wait := self._dispatcher.shares.take(self._party):
            future.set_result(refusal(RateLimited(wait)))
            return future
        self._waiting.append((name, args, future))
        self._dispatcher.shares.waits(self._party, 1)
        if self._task is None:
            self._task = asyncio.create_task(self._drain(), name=f"socket-{self._sid}")
        return future

    def close(self) -> None:
        """The socket is gone: what has not begun is dropped, what runs comes to its end."""
        self._closed = True
        for _, _, future in self._waiting:
            future.cancel()
        self._dispatcher.shares.waits(self._party, -len(self._waiting))
        self._waiting.clear()

    async def _drain(self) -> None:
        try:
            while self._waiting:
                name, args, future = self._waiting.popleft()
                self._dispatcher.shares.waits(self._party, -1)
                ack = await self._dispatcher.handle(
                    self.principal, self._namespace, name, args, self._sid, self._peer
                )
                if not future.done():
                    future.set_result(ack)
        finally:
            self._task = None


def refusal(problem: Problem) -> Ack:
    """The error ack of a problem."""
    ctx = dict(problem.ctx)
    if isinstance(problem, Invalid) and problem.errors:
        ctx["errors"] = problem.errors
    return {"ok": False, "error": {"code": problem.code, "detail": problem.detail, "ctx": ctx}}


def _about(command: Command, payload: BaseModel | None) -> tuple[str, str]:
    """Type and id of what a command is about: its payload's first id, or the command's area."""
    for name in () if payload is None else type(payload).model_fields:
        if name.endswith("_id") and isinstance(value := getattr(payload, name), UUID):
            return name.removesuffix("_id"), str(value)
    return command.name.partition(".")[0], ""


def _payload(command: Command, args: Sequence[Any]) -> BaseModel | None:
    if len(args) > 1:
        raise Invalid("A command takes one object.")
    try:
        size = len(orjson.dumps(args))
    except TypeError as error:  # binary attachments, or nested beyond reason
        raise Invalid("A command takes one object of plain JSON.") from error
    if size > PAYLOAD_LIMIT:
        raise TooLarge(limit=PAYLOAD_LIMIT)
    given = args[0] if args and args[0] is not None else {}
    refuse_unfit(given)
    if command.payload is None:
        if given != {}:
            raise Invalid("This command takes no argument.")
        return None
    try:
        return command.payload.model_validate(given)
    except ValidationError as error:
        raise Invalid(errors=error_items(error)) from error
