"""Who gets in, what they are told first, and who is put out: the sockets of this node."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog
from aiohttp import web
from socketio.exceptions import ConnectionRefusedError as Refused

from config.settings import Settings
from contactcenter.core.access import Authenticator, Permission, Principal
from contactcenter.core.clock import Clock
from contactcenter.core.door import Door
from contactcenter.core.errors import (
    Forbidden,
    Internal,
    NotFound,
    Problem,
    RateLimited,
    Unauthenticated,
    Unavailable,
)
from contactcenter.core.http import text_of
from contactcenter.core.origins import Origins, Proxies
from contactcenter.core.sockets import Dispatcher, Peer, SocketQueue, party_of
from contactcenter.core.work import unavailable
from contactcenter.realtime.hub import Connection, Hub
from contactcenter.realtime.ports import Calls, Presence, Visitors
from contactcenter.realtime.snapshot import Snapshots, State
from contactcenter.realtime.transport import LiveSocket, Server

log = structlog.get_logger(__name__)

NAMESPACES: Final = ("/agent", "/chat", "/wallboard")
BEAT_SECONDS: Final = 8.0
TOKEN_LIMIT: Final = 4096
AT_THE_DOOR: Final = 8
"""Desks noted as present at the same time: a storm of them waits here, not for the database's
pool."""
SEEN_SOON_SECONDS: Final = 0.5
VISITOR_SOCKETS: Final = 20
"""Of one conversation on one node: more pages of one visitor than anybody has open."""
USER_SOCKETS: Final = 30
"""Of one signed-in user on one node, in all namespaces: every window of theirs, and those that the
network cut and nobody has missed yet."""
FULL_SECONDS: Final = 30


class Gateway:
    """The Wire behind the socket.io server of one node."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        hub: Hub,
        server: Server,
        snapshots: Snapshots,
        presence: Presence,
        visitors: Visitors,
        calls: Calls,
    ) -> None:
        self.hub = hub
        self._origins = Origins(settings)
        self._proxies = Proxies(settings)
        self._clock = clock
        self._server = server
        self._snapshots = snapshots
        self._presence = presence
        self._visitors = visitors
        self._calls = calls
        self.on_visitor_snapshot: Callable[[UUID], None] = lambda _: None
        self._authenticator: Authenticator | None = None
        self._door: Door | None = None
        self._dispatcher: Dispatcher | None = None
        # Admitted, not yet told so: who, by which token, without a telephone, from where.
        self._arriving: dict[str, tuple[Principal, str, bool, Peer]] = {}
        self._parties: dict[str, Hashable] = {}  # whose each socket is, from its admission on
        self._open: Counter[Hashable] = Counter()  # how many each party has
        self._seen: dict[UUID, datetime] = {}  # visitors who came or went, not yet written down
        self._seen_soon: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None
        self._at_once = asyncio.Semaphore(AT_THE_DOOR)
        server.serve(self)

    def bind(self, authenticator: Authenticator, dispatcher: Dispatcher) -> None:
        """Who knows tokens and who runs commands: made of all rooms, so they come later."""
        self._authenticator = authenticator
        self._door = Door(authenticator)
        self._dispatcher = dispatcher

    def attach(self, app: web.Application) -> None:
        """Serve /socket.io on an aiohttp application."""
        self._server.attach(app, socketio_path="socket.io")

    # The Wire

    async def admit(
        self, sid: str, namespace: str, origin: str | None, auth: Any, http: web.Request
    ) -> None:
        try:
            with unavailable():
                self._check_origin(namespace, origin)
                token = auth.get("token") if isinstance(auth, Mapping) else None
                if not isinstance(token, str) or not 0 < len(token) <= TOKEN_LIMIT:
                    raise Unauthenticated
                principal = await self._admitted(namespace, token, http)
                self._count(sid, principal)
        except Problem as problem:
            raise _refused(problem) from problem
        except Exception as error:
            log.exception("socket_connect_failed", namespace=namespace)
            raise _refused(Internal()) from error
        silent = auth.get("telephone") is False
        user_agent = text_of(http.headers.get("User-Agent", ""))[:400]
        peer = Peer(self._proxies.client(http), user_agent)
        self._arriving[sid] = (principal, token, silent, peer)

    def _count(self, sid: str, principal: Principal) -> None:
        """Raises RateLimited when whoever it is has sockets enough, or comes too often."""
        assert self._dispatcher is not None
        party = party_of(principal, sid)
        if principal.conversation_id is not None:
            most, why = VISITOR_SOCKETS, "This conversation is open on too many pages."
        else:
            most, why = USER_SOCKETS, "This account is open in too many windows."
        if self._open[party] >= most:
            raise RateLimited(FULL_SECONDS, why)
        if wait := self._dispatcher.shares.take(party):
            raise RateLimited(wait)
        self._parties[sid] = party
        self._open[party] += 1

    def opened(self, sid: str, namespace: str, socket: LiveSocket) -> None:
        assert self._dispatcher is not None
        principal, token, silent, peer = self._arriving.pop(sid)
        queue = SocketQueue(self._dispatcher, principal, namespace, sid, peer=peer)
        connection = Connection(sid, namespace, principal, queue, socket)
        self.hub.add(connection)
        connection.task = asyncio.create_task(
            self._welcome(connection, token, silent), name=f"welcome-{sid}"
        )

    def command(
        self, sid: str, name: str, args: list[Any]
    ) -> asyncio.Future[dict[str, Any]] | None:
        connection = self.hub.get(sid)
        return None if connection is None else connection.queue.submit(name, args)

    def gone(self, sid: str) -> None:
        self._arriving.pop(sid, None)
        party = self._parties.pop(sid, None)
        if party is not None:
            self._open[party] -= 1
            if not self._open[party]:
                del self._open[party]
        connection = self.hub.remove(sid)
        if connection is None:
            return
        connection.queue.close()
        if connection.task is not None:
            connection.task.cancel()
        visitor = connection.principal.conversation_id
        if visitor is not None:
            self._seen[visitor] = self._clock.now()

    # Who gets in

    def _check_origin(self, namespace: str, origin: str | None) -> None:
        """Browsers always say where a page is from; programs that say nothing have a token."""
        allowed = (
            self._origins.may_visit(origin)
            if namespace == "/chat"
            else self._origins.is_own(origin)
        )
        if not allowed:
            raise Forbidden("Pages from there may not connect here.")

    async def _admitted(self, namespace: str, token: str, http: web.Request) -> Principal:
        assert self._door is not None
        principal = await self._door.principal_of(token, self._proxies.client(http))
        return self._of(namespace, principal)

    async def _principal(self, namespace: str, token: str) -> Principal:
        """Of somebody who is in."""
        assert self._authenticator is not None
        principal = await self._authenticator.principal_of(token)
        if principal is None:
            raise Unauthenticated
        return self._of(namespace, principal)

    def _of(self, namespace: str, principal: Principal) -> Principal:
        """Whoever may come into this namespace; Forbidden for others."""
        if namespace == "/chat":
            principal.require(Permission.CHAT_USE)
            principal.conversation()
        elif namespace == "/agent":
            principal.require(Permission.DESK_USE)
            principal.agent()
        else:
            principal.require(Permission.WALLBOARD_READ)
        return principal

    async def _welcome(self, connection: Connection, token: str, silent: bool) -> None:
        """The first snapshot; whatever goes wrong, the client is let go and comes back."""
        try:
            # A session that ended while this socket was being let in was not found in the hub.
            connection.principal = await self._principal(connection.namespace, token)
            await self._arrived(connection, silent)
        except (Unauthenticated, Forbidden, NotFound):
            await self._server.drop(connection.sid, connection.namespace)
        except Unavailable:
            connection.socket.cut("no snapshot")
        except Exception:
            log.exception("socket_welcome_failed", namespace=connection.namespace)
            connection.socket.cut("no snapshot")

    async def _arrived(self, connection: Connection, silent: bool) -> None:
        """A new page is `silent`: whatever telephone its agent had was another page's, and calls
        are offered again once this one has its own."""
        principal = connection.principal
        if connection.namespace == "/agent":
            agent_id = principal.agent()
            async with self._at_once:
                channels = await self._calls.channels(agent_id, silent=silent)
                await self._presence.connected(agent_id, channels, principal.session_id)
            await self.tell_snapshot(connection)
        elif connection.namespace == "/chat":
            self._see_soon(principal.conversation())
            await self.tell_snapshot(connection)
        # A wallboard's snapshot answers its subscription, which says what it shows.

    # Snapshots

    async def tell_snapshot(self, connection: Connection) -> None:
        """Send a fresh snapshot.

        The first one and one that an event asks for may be wanted at once: they are read and sent
        one after the other, or the older could come last and take back what was told in between.
        """
        async with connection.turn:
            snapshot = await self._snapshot(connection)
            if self.hub.get(connection.sid) is connection:
                self.hub.send(connection, "snapshot", snapshot)

    async def begin_anew(self, connection: Connection) -> None:
        """Send a fresh snapshot; a client for whom there is none just now comes back for it."""
        try:
            await self.tell_snapshot(connection)
        except Problem:
            connection.socket.cut("no snapshot")

    async def snapshot(self, connection: Connection) -> dict[str, Any]:
        """Put a desk or a visitor in their rooms, and say what is so."""
        async with connection.turn:
            return await self._snapshot(connection)

    async def _snapshot(self, connection: Connection) -> dict[str, Any]:
        principal = connection.principal
        if connection.namespace == "/agent":
            self.hub.move(connection, await self._snapshots.rooms(principal))
            streams = self.hub.streams(connection)
            state = await self._snapshots.desk(principal)
            ice_servers = self._calls.ice_servers(principal.actor)
            return {**self._written(state, streams), "ice_servers": ice_servers}
        conversation_id = principal.conversation()
        self.hub.move(connection, {f"conversation:{conversation_id}"})
        streams = self.hub.streams(connection)
        state = await self._snapshots.visitor(conversation_id)
        self.on_visitor_snapshot(conversation_id)
        return self._written(state, streams)

    def _written(self, state: State, streams: dict[str, int]) -> dict[str, Any]:
        return {
            "state": state.state,
            "cursor": state.cursor,
            "streams": streams,
            "node": self.hub.node,
            "server_now": self._clock.now(),
        }

    # Who is put out

    async def end_session(self, session_id: UUID) -> None:
        """A session ended: its sockets go."""
        await self._drop(lambda principal: principal.session_id == session_id)

    async def end_user(self, user_id: UUID) -> None:
        """A user's role or status changed: the sockets come back under what holds now."""
        await self._drop(lambda principal: principal.user_id == user_id)

    async def end_others(self, still: Callable[[Principal], Awaitable[bool]]) -> None:
        """Put out whoever came in by a session and is not `still` who they were."""
        for connection in self.hub.connections():
            principal = connection.principal
            if principal.session_id is not None and not await still(principal):
                await self._server.drop(connection.sid, connection.namespace)

    async def let_go(self) -> None:
        """End every connection; clients come back by themselves for a new snapshot."""
        await self._server.stop()

    async def _drop(self, which: Callable[[Principal], bool]) -> None:
        for connection in self.hub.connections():
            if which(connection.principal):
                await self._server.drop(connection.sid, connection.namespace)

    # While it runs

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Say every few seconds who is here; at the end, let everybody go."""
        beat = asyncio.create_task(self._beat(), name="realtime-beat")
        try:
            yield
        finally:
            if self._seen_soon is not None:
                self._seen_soon.cancel()
            beat.cancel()
            for task in (beat, self._writing):
                if task is not None:
                    with contextlib.suppress(asyncio.CancelledError):
                        await task
            await self._server.stop()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            await self._told()

    async def _told(self) -> None:
        try:
            await self.tell_presence()
        except Unavailable:
            log.warning("presence_not_written")
        except Exception:
            log.exception("presence_failed")

    def _see_soon(self, conversation_id: UUID) -> None:
        """A visitor who comes back just before being given up is written down before the beat;
        a storm of them in one go."""
        self._seen[conversation_id] = self._clock.now()
        if self._seen_soon is None:
            loop = asyncio.get_running_loop()
            self._seen_soon = loop.call_later(SEEN_SOON_SECONDS, self._see_now)

    def _see_now(self) -> None:
        self._seen_soon = None
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._told(), name="realtime-seen")

    async def tell_presence(self) -> None:
        """Write down which agents and visitors are connected to this node."""
        agents = self.hub.agents()
        if agents:
            await self._presence.heartbeat(agents)
        came_or_went, self._seen = self._seen, {}
        seen = came_or_went | dict.fromkeys(self.hub.visitors(), self._clock.now())
        if not seen:
            return
        try:
            await self._visitors.seen(seen)
        except BaseException:
            self._seen = came_or_went | self._seen
            raise


def _refused(problem: Problem) -> Refused:
    """connect_error in the client: `message` is the detail, `data` holds code and ctx."""
    return Refused(problem.detail, {"code": problem.code, "ctx": problem.ctx})
