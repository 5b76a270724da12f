"""Snapshots: everything a screen shows, of one moment, with the place in the log to go on from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from contactcenter.agents import service as agents
from contactcenter.core import eventlog
from contactcenter.core.access import Principal
from contactcenter.core.errors import NotFound
from contactcenter.core.together import Together
from contactcenter.core.work import WorkFactory
from contactcenter.interactions import cards
from contactcenter.realtime.ports import Calls, Queues, Visitors
from db import Connection

AT_ONCE: Final = 6
"""Snapshots computed at the same time: a storm of reconnects leaves the pool to the others."""
VISITS_AT_ONCE: Final = 40
"""Visitors whose snapshots are of one moment, when many want theirs: a storm of them costs little
more than one."""


@dataclass(frozen=True, slots=True)
class Centre:
    """What screens call this centre, and the zone of its clocks."""

    name: str
    timezone: str


@dataclass(frozen=True, slots=True)
class State:
    """A screen's state; `cursor` is the position of the last fact that is surely in it."""

    state: Mapping[str, Any]
    cursor: str


class Snapshots:
    """Computes them; at most AT_ONCE at a time."""

    def __init__(
        self,
        work: WorkFactory,
        centre: Centre,
        queues: Queues,
        visitors: Visitors,
        calls: Calls,
    ) -> None:
        self._work = work
        self._centre = centre
        self._queues = queues
        self._visitors = visitors
        self._calls = calls
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._visits = Together(self._look_at_visits, most=VISITS_AT_ONCE)

    async def rooms(self, principal: Principal) -> set[str]:
        """The rooms that an agent's desk belongs in, as far as its rights reach."""
        async with self._turns, self._work.reading("realtime.rooms") as conn:
            queues = await agents.queues_of(conn, principal)
            seen = {"team"}
            if principal.teams is not None:
                mates = await agents.mates_of(conn, principal)
                seen = {"limited", *(f"member:{mate}" for mate in mates)}
        return {f"agent:{principal.agent()}", *seen, *(f"queue:{key}" for key in queues)}

    async def desk(self, principal: Principal) -> State:
        """An agent's desk (AgentState in web/shared/src/apply.ts): the colleagues and the waiting
        items that its rights reach."""
        agent_id = principal.agent()
        async with self._moment("realtime.desk") as (conn, cursor):
            me = await agents.agent_me(conn, agent_id)
            if me is None:
                raise NotFound
            mine = await cards.cards(conn, agent_id)
            talks = await cards.conversation_states(
                conn, list({card.conversation_id for card in mine.values()})
            )
            offers = await cards.reservation_cards(conn, agent_id=agent_id)
            waiting = await cards.queue_items(
                conn, queues=[key for key in me.queues if principal.sees_queue(key)]
            )
            team = await agents.seen_members(conn, principal)
            names = await self._queues.names(conn)
            dispositions = await self._queues.dispositions(conn)
            on_the_line = await self._calls.of_agent(conn, agent_id)
            softphone = (await self._calls.softphones(conn, [agent_id]))[agent_id]
        state = {
            "me": me.model_dump(),
            "reservations": {str(key): card.model_dump() for key, card in offers.items()},
            "interactions": {str(key): card.model_dump() for key, card in mine.items()},
            "conversations": {str(key): talk.model_dump() for key, talk in talks.items()},
            "calls": {str(key): card for key, card in on_the_line.items()},
            "voice": softphone,
            "queue": {str(key): item.model_dump() for key, item in waiting.items()},
            "team": {str(key): member.model_dump() for key, member in team.items()},
            "queues": {queue["key"]: dict(queue) for queue in names},
            "dispositions": [dict(row) for row in dispositions],
            "centre": {"name": self._centre.name, "timezone": self._centre.timezone},
        }
        return State(state, cursor)

    async def visitor(self, conversation_id: UUID) -> State:
        """A visitor's conversation (Conversation in web/widget/src/model.ts)."""
        state = await self._visits.ask(conversation_id)
        if state is None:
            raise NotFound
        return state

    async def _look_at_visits(self, conversation_ids: Sequence[UUID]) -> Mapping[UUID, State]:
        async with self._moment("realtime.visitors") as (conn, cursor):
            shown = await self._visitors.states(conn, conversation_ids)
            calls = await self._calls.of_visitors(conn, conversation_ids)
        return {
            key: State({"conversation": conversation, "call": calls.get(key)}, cursor)
            for key, conversation in shown.items()
        }

    @asynccontextmanager
    async def _moment(self, name: str) -> AsyncIterator[tuple[Connection, str]]:
        """A connection that sees one moment only, and the log's position at it."""
        async with self._turns, self._work.reading(name, snapshot=True) as conn:
            tip = await eventlog.tip(conn)
            yield conn, tip.cursor()
