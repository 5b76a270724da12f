"""An end that is told twice is carried out once, also when both come at the same time."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from contactcenter.core.clock import SystemClock
from contactcenter.core.eventlog import Notice
from contactcenter.events.identity import UserChanged
from contactcenter.realtime.projector import Projector


class Door:
    """A gateway that ends a user's sockets when it is let."""

    def __init__(self) -> None:
        self.ended: list[UUID] = []
        self.let = asyncio.Event()
        self.broken = False

    async def end_user(self, user_id: UUID) -> None:
        self.ended.append(user_id)
        await self.let.wait()
        if self.broken:
            raise ConnectionError


class Believed:
    def forget(self, _: Any) -> None:
        pass


def projector(door: Any) -> Projector:
    believed: Any = Believed()
    nothing: Any = None
    return Projector(nothing, nothing, SystemClock(), nothing, door, believed, nothing, nothing)


async def test_the_second_may_come_while_the_first_waits() -> None:
    door = Door()
    told, notice = projector(door), Notice(7, UserChanged(user_id=uuid4()))
    first = asyncio.create_task(told.hear(notice))
    while not door.ended:
        await asyncio.sleep(0)
    await told._put_out(notice.xid, notice.event)
    door.let.set()
    await first
    assert len(door.ended) == 1
    await told.hear(notice)
    assert len(door.ended) == 2, "both have come: this is another one"


async def test_what_failed_is_done_by_the_second() -> None:
    door = Door()
    door.broken = True
    door.let.set()
    told, notice = projector(door), Notice(7, UserChanged(user_id=uuid4()))
    with pytest.raises(ConnectionError):
        await told.hear(notice)
    door.broken = False
    await told._put_out(notice.xid, notice.event)
    assert len(door.ended) == 2
