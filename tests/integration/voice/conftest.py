"""A centre with a media process that makes no sound, and people who call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.integration.app.conftest import (  # noqa: F401
    Centre,
    StartCentre,
    database_template,
    quick_logs,
    start,
)
from tests.integration.app.people import Desk, Payload, Visitor
from tests.media_double import SDP, MediaDouble, media_double

LUCIA = "agent1@aintech.com"
CARMEN = "agent2@aintech.com"
PABLO = "agent3@aintech.com"
ELENA = "supervisor1@aintech.com"


@pytest.fixture
async def media(tmp_path: Path) -> AsyncIterator[MediaDouble]:
    async with media_double(tmp_path / "m.sock") as double:
        yield double


@pytest.fixture
async def house(start: StartCentre, media: MediaDouble) -> Centre:  # noqa: F811
    return await start(MEDIA_SOCKET=str(media.path))


@dataclass
class Phone:
    """An agent's desk with its softphone."""

    desk: Desk
    leg: UUID
    agent: str

    async def do(self, command: str, payload: Any = None) -> Any:
        return await self.desk.do(command, payload)

    def card(self, call_id: str) -> Payload | None:
        """The call as the newest event about it has it."""
        for name, payload in reversed(self.desk.log):
            if name.startswith("call.") and payload.get("call_id") == call_id:
                return payload["call"]  # type: ignore[no-any-return]
        return None

    async def sees(self, call_id: str, **fields: Any) -> Payload:
        def right() -> Payload | None:
            card = self.card(call_id)
            return card if card and all(card[k] == v for k, v in fields.items()) else None

        found: Payload = await self.desk.until(right, f"a call with {fields}")
        return found

    async def loses(self, call_id: str) -> None:
        def gone() -> bool:
            told = [p for n, p in self.desk.log if n.startswith("call.") and "call" in p]
            mine = [p for p in told if p.get("call_id") == call_id]
            return bool(mine) and mine[-1]["call"] is None

        await self.desk.until(gone, "the end of the call here")


@dataclass
class Caller:
    visitor: Visitor
    call_id: str
    leg: UUID

    @property
    def call(self) -> UUID:
        return UUID(self.call_id)

    async def sees(self, **fields: Any) -> Payload:
        def right() -> Payload | None:
            for name, payload in reversed(self.visitor.log):
                if name.startswith("call.") and payload.get("call"):
                    card: Payload = payload["call"]
                    return card if all(card[k] == v for k, v in fields.items()) else None
            return None

        found: Payload = await self.visitor.until(right, f"a call with {fields}")
        return found


class Scene:
    def __init__(self, centre: Centre, media: MediaDouble) -> None:
        self.centre = centre
        self.media = media

    async def phone(self, email: str, *, available: bool = True) -> Phone:
        """A desk whose softphone is connected."""
        desk = await self.centre.desk(email)
        answer = await desk.do("call.offer", {"sdp": SDP})
        leg = UUID(answer["leg_id"])
        self.media.connect(leg)
        await desk.hears("call.leg_changed", voice={**answer_voice(answer), "state": "connected"})
        if available:
            await desk.available()
        return Phone(desk, leg, desk.state["me"]["agent_id"])

    async def dials_in(self, queue: str = "SA", *, connects: bool = True) -> Caller:
        """A customer who calls from the widget."""
        visitor = await self.centre.visitor(name="Ana Prueba", queue=queue)
        started = await visitor.do("call.start", {})
        answer = await visitor.do("call.offer", {"sdp": SDP})
        caller = Caller(visitor, started["call_id"], UUID(answer["leg_id"]))
        if connects:
            self.media.connect(caller.leg)
        return caller

    async def talk(self, caller: Caller, phone: Phone) -> None:
        """The agent takes the call; both hear each other."""
        await phone.desk.accepts(channel="voice")
        await phone.sees(caller.call_id, state="active")
        await self.hear(caller, {caller.leg: ({phone.leg}, None), phone.leg: ({caller.leg}, None)})

    async def hear(self, caller: Caller, wanted: dict[UUID, tuple[set[UUID], str | None]]) -> None:
        """Soon, exactly this is heard."""
        await self.media.until(lambda: self.media.heard(caller.call) == wanted, f"{wanted}")


def answer_voice(answer: Payload) -> Payload:
    return {"leg_id": answer["leg_id"], "peer": answer["peer"]}


@pytest.fixture
def scene(house: Centre, media: MediaDouble) -> Scene:
    return Scene(house, media)
