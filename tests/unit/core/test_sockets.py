from __future__ import annotations

import asyncio
import dataclasses
from typing import Any
from uuid import UUID

import pytest
import structlog
from pydantic import BaseModel, Field

from contactcenter.core import sockets
from contactcenter.core.access import ANONYMOUS, PUBLIC, Permission, Principal
from contactcenter.core.errors import Conflict
from contactcenter.core.ids import new_id
from contactcenter.core.limits import Limit
from contactcenter.core.sockets import (
    Ack,
    Command,
    CommandContext,
    Dispatcher,
    Shares,
    SocketQueue,
)
from contactcenter.core.validation import Schema
from contactcenter.core.work import trace

AGENT = Principal(kind="user", permissions=frozenset({Permission.DESK_USE}))


class Note(Schema):
    body: str = Field(min_length=1, max_length=100_000)


class Told(BaseModel):
    body: str
    sid: str


class Log:
    """Handlers that write down what they were asked, in order."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def say(self, ctx: CommandContext) -> Told:
        await self.gate.wait()
        note: Note = ctx.payload
        assert trace.get() is not None
        self.said.append(note.body)
        if note.body == "taken":
            raise Conflict("Somebody was quicker.", winner="other")
        if note.body == "fault":
            raise LookupError("a secret")
        return Told(body=note.body, sid=ctx.sid)

    async def ping(self, ctx: CommandContext) -> None:
        assert ctx.payload is None
        self.said.append("ping")

    async def raw(self, _: CommandContext) -> dict[str, Any]:
        return {"n": 1}


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def dispatcher(log: Log) -> Dispatcher:
    return Dispatcher(
        [
            Command("/agent", "note.say", log.say, Permission.DESK_USE, Note),
            Command("/agent", "ping", log.ping, PUBLIC),
            Command("/agent", "raw", log.raw, PUBLIC),
        ]
    )


def error(ack: Ack) -> dict[str, Any]:
    assert ack["ok"] is False
    assert ack.keys() == {"ok", "error"}
    found: dict[str, Any] = ack["error"]
    assert found.keys() == {"code", "detail", "ctx"}
    return found


async def test_a_good_command_is_acknowledged_with_its_data(dispatcher: Dispatcher) -> None:
    ack = await dispatcher.handle(AGENT, "/agent", "note.say", [{"body": "hello"}], "s1")
    assert ack == {"ok": True, "data": {"body": "hello", "sid": "s1"}}
    assert await dispatcher.handle(ANONYMOUS, "/agent", "ping", []) == {"ok": True, "data": None}
    assert await dispatcher.handle(ANONYMOUS, "/agent", "ping", [{}]) == {"ok": True, "data": None}
    assert await dispatcher.handle(ANONYMOUS, "/agent", "raw", [None]) == {
        "ok": True,
        "data": {"n": 1},
    }
    assert trace.get() is None


@pytest.mark.parametrize(
    ("name", "args", "code"),
    [
        ("note.shout", [{"body": "x"}], "unsupported"),
        ("", [], "unsupported"),
        ("note.say", [], "invalid"),
        ("note.say", [{"body": "a"}, {"body": "b"}], "invalid"),
        ("note.say", ["text"], "invalid"),
        ("note.say", [{"body": ""}], "invalid"),
        ("note.say", [{"body": "a\0b"}], "invalid"),
        ("note.say", [{"body": b"bytes"}], "invalid"),
        ("note.say", [{"body": "x", "more": 1}], "invalid"),
        ("note.say", [{"body": "x" * 70_000}], "too_large"),
        ("note.say", [{"body": "taken"}], "conflict"),
        ("note.say", [{"body": "fault"}], "unavailable"),
        ("ping", [{"a": 1}], "invalid"),
        ("ping", [1, 2], "invalid"),
    ],
)
async def test_every_other_is_acknowledged_with_a_code(
    dispatcher: Dispatcher, name: str, args: list[Any], code: str
) -> None:
    found = error(await dispatcher.handle(AGENT, "/agent", name, args))
    assert found["code"] == code
    assert "secret" not in str(found)
    assert "xxx" not in str(found)


async def test_what_is_wrong_says_where(dispatcher: Dispatcher) -> None:
    found = error(await dispatcher.handle(AGENT, "/agent", "note.say", [{}]))
    assert found["ctx"]["errors"] == [
        {"loc": ["body"], "type": "missing", "ctx": {}, "msg": "Field required"}
    ]
    taken = error(await dispatcher.handle(AGENT, "/agent", "note.say", [{"body": "taken"}]))
    assert taken == {
        "code": "conflict",
        "detail": "Somebody was quicker.",
        "ctx": {"winner": "other"},
    }


async def test_a_deeply_nested_payload_is_refused(dispatcher: Dispatcher) -> None:
    nested: Any = "x"
    for _ in range(5000):
        nested = [nested]
    assert (
        error(await dispatcher.handle(AGENT, "/agent", "note.say", [nested]))["code"] == "invalid"
    )


async def test_permission_comes_before_the_payload(dispatcher: Dispatcher, log: Log) -> None:
    found = error(await dispatcher.handle(ANONYMOUS, "/agent", "note.say", [{"nonsense": 1}]))
    assert found["code"] == "forbidden"
    assert error(await dispatcher.handle(AGENT, "/chat", "ping", []))["code"] == "unsupported"
    assert log.said == []


def test_a_name_is_given_once(log: Log) -> None:
    ping = Command("/agent", "ping", log.ping, PUBLIC)
    with pytest.raises(ValueError, match="two commands"):
        Dispatcher([ping, ping])


async def test_one_socket_s_commands_keep_their_order(dispatcher: Dispatcher, log: Log) -> None:
    log.gate.clear()
    queue = SocketQueue(dispatcher, AGENT, "/agent", "s1")
    slow = queue.submit("note.say", [{"body": "first"}])
    quick = [queue.submit("ping", []) for _ in range(3)]
    last = queue.submit("note.say", [{"body": "last"}])
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert log.said == []
    log.gate.set()
    acks = await asyncio.gather(slow, *quick, last)
    assert log.said == ["first", "ping", "ping", "ping", "last"]
    assert all(ack["ok"] for ack in acks)


async def test_sockets_do_not_wait_for_one_another(dispatcher: Dispatcher, log: Log) -> None:
    log.gate.clear()
    stuck = SocketQueue(dispatcher, AGENT, "/agent", "s1").submit("note.say", [{"body": "a"}])
    free = SocketQueue(dispatcher, AGENT, "/agent", "s2").submit("ping", [])
    assert (await free)["ok"]
    assert not stuck.done()
    log.gate.set()
    await stuck


async def test_a_flood_is_refused_and_says_for_how_long(dispatcher: Dispatcher) -> None:
    dispatcher.shares = Shares(Limit(per_second=1, burst=3))
    queue = SocketQueue(dispatcher, AGENT, "/agent", "s1")
    acks = await asyncio.gather(*(queue.submit("ping", []) for _ in range(6)))
    assert [ack["ok"] for ack in acks] == [True] * 3 + [False] * 3
    assert error(acks[5])["code"] == "rate_limited"
    assert error(acks[5])["ctx"] == {"retry_after": 1}


async def test_the_sockets_of_one_user_share_and_others_have_their_own(
    dispatcher: Dispatcher,
) -> None:
    dispatcher.shares = Shares(Limit(per_second=1e-3, burst=3))
    ana, blas = (dataclasses.replace(AGENT, user_id=new_id()) for _ in range(2))
    tabs = [SocketQueue(dispatcher, ana, "/agent", f"s{n}") for n in range(4)]
    acks = await asyncio.gather(*(tab.submit("ping", []) for tab in tabs))
    assert [ack["ok"] for ack in acks] == [True] * 3 + [False]
    assert (await SocketQueue(dispatcher, blas, "/agent", "s9").submit("ping", []))["ok"]


async def test_what_waits_is_bounded_over_all_sockets(
    dispatcher: Dispatcher, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "QUEUE_LIMIT", 2)
    log.gate.clear()
    dispatcher.shares = Shares(Limit(1000, 1000))
    ana = dataclasses.replace(AGENT, user_id=new_id())
    one, two, three = (SocketQueue(dispatcher, ana, "/agent", f"s{n}") for n in range(3))
    running = one.submit("note.say", [{"body": "a"}])
    await asyncio.sleep(0)
    waiting = [one.submit("ping", []), three.submit("note.say", [{"body": "b"}])]
    assert error(await two.submit("ping", []))["code"] == "rate_limited"
    three.close()
    waiting[1:] = [two.submit("ping", [])]  # its place is free again
    assert error(await two.submit("ping", []))["code"] == "rate_limited"
    log.gate.set()
    assert all(ack["ok"] for ack in await asyncio.gather(running, *waiting))
    assert (await one.submit("ping", []))["ok"]


async def test_a_closed_socket_drops_what_has_not_begun(dispatcher: Dispatcher, log: Log) -> None:
    log.gate.clear()
    queue = SocketQueue(dispatcher, AGENT, "/agent", "s1")
    running = queue.submit("note.say", [{"body": "a"}])
    await asyncio.sleep(0)
    waiting = queue.submit("ping", [])
    queue.close()
    log.gate.set()
    assert (await running)["ok"], "what has begun comes to its end"
    assert waiting.cancelled()
    assert error(await queue.submit("ping", []))["code"] == "unsupported"
    assert log.said == ["a"]


async def test_a_change_of_rights_bites_on_the_next_command(dispatcher: Dispatcher) -> None:
    queue = SocketQueue(dispatcher, AGENT, "/agent", "s1")
    assert (await queue.submit("note.say", [{"body": "a"}]))["ok"]
    queue.principal = ANONYMOUS
    assert error(await queue.submit("note.say", [{"body": "b"}]))["code"] == "forbidden"


class About(Schema):
    interaction_id: UUID


async def test_what_a_command_logs_names_its_interaction() -> None:
    async def fail(_: CommandContext) -> None:
        raise LookupError

    dispatcher = Dispatcher([Command("/agent", "fail", fail, Permission.DESK_USE, About)])
    about = str(new_id())
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as logged:
        await dispatcher.handle(AGENT, "/agent", "fail", [{"interaction_id": about}])
    (line,) = logged
    assert (line["event"], line["interaction_id"]) == ("command_failed", about)
    assert line["request_id"]
