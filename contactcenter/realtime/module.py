"""The room realtime: sockets of this node."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contactcenter.core.access import Permission
from contactcenter.core.errors import NotFound
from contactcenter.core.module import Deps, Lifespan, Module
from contactcenter.core.sockets import Command, CommandContext
from contactcenter.realtime.hub import Hub
from contactcenter.realtime.ports import Calls, Presence, Queues, Sessions, Visitors
from contactcenter.realtime.projector import Projector
from contactcenter.realtime.relay import Relay
from contactcenter.realtime.server import NAMESPACES, Gateway
from contactcenter.realtime.snapshot import Centre, Snapshots
from contactcenter.realtime.transport import Server


class Sync(BaseModel):
    """`cursor`: the last one the client has seen. The answer is always a snapshot."""

    model_config = ConfigDict(extra="forbid")

    cursor: str = Field("", max_length=64)


@dataclass(frozen=True, slots=True)
class Hints:
    """What may be lost on its way to a screen: typing, the quality of a call. It reaches sockets of
    other nodes where these share a Redis."""

    hub: Hub

    def to_visitor(self, conversation_id: UUID, name: str, payload: Mapping[str, Any]) -> None:
        self.hub.hint("/chat", f"conversation:{conversation_id}", name, payload)

    def to_agent(self, agent_id: UUID, name: str, payload: Mapping[str, Any]) -> None:
        self.hub.hint("/agent", f"agent:{agent_id}", name, payload)


@dataclass(frozen=True, slots=True)
class WallboardBroadcast:
    """Rooms of the wallboard namespace, for whoever fills them (analytics.ports.Broadcast)."""

    hub: Hub

    @property
    def node(self) -> str:
        return self.hub.node

    def emit(self, room: str, name: str, payload: Mapping[str, Any], cursor: str) -> None:
        self.hub.emit("/wallboard", room, name, payload, cursor)

    def occupied(self, room: str) -> bool:
        return self.hub.occupied("/wallboard", room)

    def sequence(self, room: str) -> int:
        return self.hub.sequence("/wallboard", room)

    def move(self, sid: str, room: str) -> None:
        if (connection := self.hub.get(sid)) is not None:
            self.hub.move(connection, {room})

    def room_of(self, sid: str) -> str | None:
        connection = self.hub.get(sid)
        return None if connection is None else next(iter(connection.rooms), None)

    def send(self, sid: str, name: str, payload: Mapping[str, Any]) -> None:
        if (connection := self.hub.get(sid)) is not None:
            self.hub.send(connection, name, payload)


@dataclass(frozen=True, slots=True)
class Realtime:
    """The room, and the doors that other rooms use."""

    module: Module
    hub: Hub
    gateway: Gateway
    projector: Projector
    hints: Hints
    broadcast: WallboardBroadcast


def build(
    deps: Deps,
    *,
    hub: Hub,
    centre: Centre,
    sessions: Sessions,
    presence: Presence,
    queues: Queues,
    visitors: Visitors,
    calls: Calls,
) -> Realtime:
    """Nothing runs before the module's lifespan is entered."""
    snapshots = Snapshots(deps.work, centre, queues, visitors, calls)
    gateway = Gateway(
        deps.settings, deps.clock, hub, Server(NAMESPACES), snapshots, presence, visitors, calls
    )
    url = deps.settings.redis.url
    relay = None if url is None else Relay(url, hub)
    projector = Projector(deps.work, deps.bus, deps.clock, hub, gateway, sessions, queues, calls)

    async def sync(ctx: CommandContext) -> dict[str, Any]:
        connection = hub.get(ctx.sid)
        if connection is None:
            raise NotFound
        return {"snapshot": await gateway.snapshot(connection)}

    @contextlib.asynccontextmanager
    async def running() -> AsyncIterator[None]:
        between = contextlib.nullcontext() if relay is None else relay.running()
        async with projector.running(), gateway.running(), between:
            yield

    module = Module(
        name="realtime",
        commands=(
            Command("/agent", "sync", sync, Permission.DESK_USE, Sync, changes=False),
            Command("/chat", "sync", sync, Permission.CHAT_USE, Sync, changes=False),
        ),
        lifespans=(Lifespan("web", running),),
    )
    return Realtime(module, hub, gateway, projector, Hints(hub), WallboardBroadcast(hub))
