"""Rooms of sockets: one encoding for each event, one sequence number for each room."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from prometheus_client import Counter

from contactcenter.core.access import Principal
from contactcenter.core.sockets import SocketQueue
from contactcenter.realtime.transport import LiveSocket, encode, text_frame

EMITTED = Counter("realtime_events_total", "Events sent to rooms", ["namespace"])
DELIVERED = Counter("realtime_deliveries_total", "Events handed to a socket", ["namespace"])

Room = tuple[str, str]  # (namespace, name)


@dataclass(eq=False, slots=True)
class Connection:
    """One client in one namespace."""

    sid: str
    namespace: str
    principal: Principal
    queue: SocketQueue
    socket: LiveSocket
    rooms: set[str] = field(default_factory=set)
    task: asyncio.Task[None] | None = None  # what the server does for it just now
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)  # one snapshot after the other


class Hub:
    """Who is connected and who is in which room, on this node.

    `seq` counts up by one in each room while anybody is in it, and never falls while the node
    lives, so a client sees a gap when something was missed and nowhere else.
    """

    def __init__(self) -> None:
        self.node = secrets.token_hex(4)
        self._connections: dict[str, Connection] = {}
        self._rooms: dict[Room, dict[Connection, None]] = {}
        self._seq: dict[Room, int] = {}
        self._floor = 0  # the highest number of any room that is forgotten
        self.relay: Callable[[str, str, str, Mapping[str, Any]], None] = lambda *_: None
        """Takes hints to the other nodes, where there is a way."""

    # Connections

    def add(self, connection: Connection) -> None:
        self._connections[connection.sid] = connection

    def get(self, sid: str) -> Connection | None:
        return self._connections.get(sid)

    def remove(self, sid: str) -> Connection | None:
        """Forget a connection: it leaves its rooms."""
        connection = self._connections.pop(sid, None)
        if connection is not None:
            for room in tuple(connection.rooms):
                self.leave(connection, room)
        return connection

    def connections(self, namespace: str | None = None) -> list[Connection]:
        return [
            connection
            for connection in self._connections.values()
            if namespace is None or connection.namespace == namespace
        ]

    def agents(self) -> dict[UUID, set[UUID]]:
        """The agents with a desk connected to this node → the sessions that they came in by."""
        found: dict[UUID, set[UUID]] = {}
        for connection in self._connections.values():
            who = connection.principal
            if connection.namespace == "/agent" and who.agent_id is not None:
                held = found.setdefault(who.agent_id, set())
                if who.session_id is not None:
                    held.add(who.session_id)
        return found

    def visitors(self) -> set[UUID]:
        """The conversations whose visitor is connected to this node."""
        return {
            connection.principal.conversation_id
            for connection in self._connections.values()
            if connection.principal.conversation_id is not None
        }

    # Rooms

    def join(self, connection: Connection, room: str) -> None:
        key = (connection.namespace, room)
        members = self._rooms.setdefault(key, {})
        if not members:
            self._seq.setdefault(key, self._floor)
        members[connection] = None
        connection.rooms.add(room)

    def leave(self, connection: Connection, room: str) -> None:
        key = (connection.namespace, room)
        connection.rooms.discard(room)
        members = self._rooms.get(key)
        if members is None:
            return
        members.pop(connection, None)
        if not members:
            del self._rooms[key]
            self._floor = max(self._floor, self._seq.pop(key))

    def move(self, connection: Connection, rooms: set[str]) -> None:
        """Put a connection in exactly these rooms, if it is still here."""
        if self._connections.get(connection.sid) is not connection:
            return
        for room in connection.rooms - rooms:
            self.leave(connection, room)
        for room in rooms - connection.rooms:
            self.join(connection, room)

    def occupied(self, namespace: str, room: str) -> bool:
        return (namespace, room) in self._rooms

    def rooms(self, namespace: str, prefix: str) -> list[str]:
        """The names of occupied rooms that begin so."""
        return [
            name for space, name in self._rooms if space == namespace and name.startswith(prefix)
        ]

    def members(self, namespace: str, room: str) -> Iterable[Connection]:
        return tuple(self._rooms.get((namespace, room), ()))

    def sequence(self, namespace: str, room: str) -> int:
        """The number of the room's last event; a new one carries the next."""
        return self._seq.get((namespace, room), self._floor)

    def streams(self, connection: Connection) -> dict[str, int]:
        """Each room of the connection with the number after which it goes on."""
        return {room: self.sequence(connection.namespace, room) for room in connection.rooms}

    # Sending

    def emit(
        self, namespace: str, room: str, name: str, payload: Mapping[str, Any], cursor: str | None
    ) -> None:
        """Tell everybody in the room, with the room's next number.

        `cursor` is the log position that the payload reflects. Nothing happens in an empty room.
        """
        key = (namespace, room)
        members = self._rooms.get(key)
        if not members:
            return
        seq = self._seq[key] = self._seq[key] + 1
        envelope = {"stream": room, "seq": seq, "node": self.node, "cursor": cursor}
        self._broadcast(namespace, members, name, {**payload, **envelope})

    def hint(self, namespace: str, room: str, name: str, payload: Mapping[str, Any]) -> None:
        """Tell everybody in the room, here and on other nodes, something that may be lost
        (typing): no number."""
        self.hint_here(namespace, room, name, payload)
        self.relay(namespace, room, name, payload)

    def hint_here(self, namespace: str, room: str, name: str, payload: Mapping[str, Any]) -> None:
        """The same on this node alone."""
        members = self._rooms.get((namespace, room))
        if members:
            self._broadcast(namespace, members, name, payload)

    def send(self, connection: Connection, name: str, payload: Mapping[str, Any]) -> None:
        """Tell one client; no number."""
        self._broadcast(connection.namespace, (connection,), name, payload)

    def _broadcast(
        self,
        namespace: str,
        members: Iterable[Connection],
        name: str,
        payload: Mapping[str, Any],
    ) -> None:
        body = f"42{namespace},".encode() + encode((name, payload))
        frame = text_frame(body)
        told = 0
        for member in members:
            member.socket.deliver(frame, body)
            told += 1
        EMITTED.labels(namespace).inc()
        DELIVERED.labels(namespace).inc(told)
