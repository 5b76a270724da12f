from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID, uuid4

from contactcenter.core.access import Principal
from contactcenter.core.sockets import SocketQueue
from contactcenter.realtime.hub import Connection, Hub
from contactcenter.realtime.transport import LiveSocket, text_frame


@dataclass
class HeardSocket:
    """Keeps what a client would have been sent."""

    frames: list[bytes] = field(default_factory=list)

    def deliver(self, frame: bytes, payload: bytes) -> None:
        assert frame == text_frame(payload)
        self.frames.append(frame)
        self.last = payload


def client(
    hub: Hub, namespace: str = "/agent", agent_id: UUID | None = None
) -> tuple[Connection, HeardSocket]:
    socket = HeardSocket()
    connection = Connection(
        str(uuid4()),
        namespace,
        Principal(kind="user", agent_id=agent_id),
        cast("SocketQueue", None),
        cast("LiveSocket", socket),
    )
    hub.add(connection)
    return connection, socket


def told(payload: bytes) -> tuple[str, Any]:
    name, body = json.loads(payload[payload.index(b"[") :])
    return name, body


def test_a_room_counts_up_and_everybody_in_it_gets_the_same_bytes() -> None:
    hub = Hub()
    one, first = client(hub)
    two, second = client(hub)
    hub.join(one, "team")
    hub.emit("/agent", "team", "x", {"n": 1}, "c1")
    hub.join(two, "team")
    assert hub.streams(two) == {"team": 1}
    hub.emit("/agent", "team", "x", {"n": 2}, "c2")
    assert first.frames[1] is second.frames[0]
    assert second.last.startswith(b"42/agent,[")
    name, body = told(second.last)
    envelope = {"stream": "team", "seq": 2, "node": hub.node, "cursor": "c2"}
    assert (name, body) == ("x", {"n": 2, **envelope})


def test_rooms_of_one_name_in_two_namespaces_are_two() -> None:
    hub = Hub()
    one, first = client(hub, "/agent")
    two, second = client(hub, "/chat")
    hub.join(one, "r")
    hub.join(two, "r")
    hub.emit("/chat", "r", "x", {}, None)
    assert (len(first.frames), len(second.frames)) == (0, 1)


def test_a_number_never_falls_even_when_the_room_was_empty_between() -> None:
    hub = Hub()
    one, _ = client(hub)
    hub.join(one, "queue:SA")
    for _ in range(5):
        hub.emit("/agent", "queue:SA", "x", {}, None)
    hub.leave(one, "queue:SA")
    hub.emit("/agent", "queue:SA", "x", {}, None)
    hub.join(one, "queue:SA")
    assert hub.sequence("/agent", "queue:SA") == 5
    hub.join(one, "queue:SH")
    assert hub.sequence("/agent", "queue:SH") >= 5


def test_a_hint_has_no_number() -> None:
    hub = Hub()
    one, socket = client(hub)
    hub.join(one, "agent:1")
    hub.hint("/agent", "agent:1", "chat.typing", {"a": 1})
    assert told(socket.last) == ("chat.typing", {"a": 1})
    assert hub.sequence("/agent", "agent:1") == 0


def test_whoever_is_gone_is_in_no_room() -> None:
    hub = Hub()
    agent_id = uuid4()
    one, socket = client(hub, agent_id=agent_id)
    hub.join(one, "team")
    assert hub.agents() == {agent_id: set()}
    assert hub.remove(one.sid) is one
    assert hub.remove(one.sid) is None
    hub.emit("/agent", "team", "x", {}, None)
    assert (socket.frames, hub.agents(), hub.occupied("/agent", "team")) == ([], {}, False)
    hub.move(one, {"team"})  # its rooms were looked up while it left
    assert not hub.occupied("/agent", "team")


def test_moving_leaves_the_other_rooms() -> None:
    hub = Hub()
    one, _ = client(hub)
    hub.move(one, {"a", "b"})
    hub.move(one, {"b", "c"})
    assert one.rooms == {"b", "c"}
    assert not hub.occupied("/agent", "a")
