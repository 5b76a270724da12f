"""What every use case of an agent on a call begins and ends with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from channels.ports import Parts, Queueing
from channels.voice import line, store
from channels.voice.call import Leg
from channels.voice.cards import card, load
from channels.voice.line import moves
from channels.voice.schemas import CallCard
from channels.voice.store import CallRow, Softphone
from contactcenter.core.access import Principal
from contactcenter.core.errors import Conflict, NotFound
from contactcenter.core.work import Work, WorkFactory
from db import Connection


class CallSteps:
    def __init__(self, work: WorkFactory, parts: Parts, queueing: Queueing) -> None:
        self._work = work
        self._parts = parts
        self._queueing = queueing

    async def _step(
        self,
        principal: Principal,
        call_id: UUID,
        name: str,
        step: Callable[[Work, CallRow, Leg], Any],
    ) -> CallCard:
        """One unit of work on a call that the agent is on: (what becomes of it, its facts)."""
        agent_id = principal.agent()
        async with self._work.begin(name, principal.actor) as work:
            row, mine = await self._own(work, agent_id, call_id)
            with moves:
                after, facts = await step(work, row, mine)
            await line.change(work, row, after, *facts)
            return await self._shown(work.conn, call_id, agent_id)

    async def _own(self, work: Work, agent_id: UUID, call_id: UUID) -> tuple[CallRow, Leg]:
        """The call, locked, and the agent's leg on it. NotFound for whoever never was on it,
        Conflict for who is not any more."""
        row = await line.locked(work, call_id)
        mine = row.call.leg_of(agent_id)
        if mine is not None:
            return row, mine
        if any(leg.agent_id == agent_id for leg in row.call.legs):
            raise Conflict("You are not on this call any more.")
        raise NotFound

    async def _turn(self, work: Work, row: CallRow, leg: Leg, state: Any) -> None:
        assert leg.agent_id is not None
        await self._parts.turn(work, row.interaction_id, leg.agent_id, state)

    async def _softphone(self, agent_id: UUID) -> Softphone:
        async with self._work.reading("call.softphone") as conn:
            found = (await store.softphones(conn, [agent_id])).get(agent_id)
        if found is None:
            raise Conflict("The softphone is not connected.", reason="no_softphone")
        return found

    async def _ready(self, agent_id: UUID) -> Softphone:
        """A softphone that can be called now. Conflict (ctx.reason `no_softphone`) if not."""
        found = await self._softphone(agent_id)
        if found.state != "connected":
            raise Conflict("The softphone is not connected.", reason="no_softphone")
        return found

    async def _shown(self, conn: Connection, call_id: UUID, agent_id: UUID) -> CallCard:
        return card((await load(conn, {call_id}))[call_id], agent_id)
