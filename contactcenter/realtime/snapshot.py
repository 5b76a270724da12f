"""Snapshots: everything a screen shows, of one moment, with the place in the log to go on from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel

from contactcenter.agents import service as agents
from contactcenter.core import eventlog
from contactcenter.core.access import Principal
from contactcenter.core.errors import NotFound
from contactcenter.core.together import Together
from contactcenter.core.work import WorkFactory
from contactcenter.interactions import cards
from contactcenter.realtime.ports import Calls, Queues, Visitors
from db import Connection

AT_ONCE: Final = 40
"""Snapshots of one moment at most, when many are wanted: a storm of reconnects costs little more
than one, and leaves the pool to the others."""


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
    """Computes them, those of one moment together."""

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
        self._reaches = Together(self._look_at_reaches, AT_ONCE)
        self._desks = Together(self._look_at_desks, AT_ONCE)
        self._visits = Together(self._look_at_visits, AT_ONCE)

    async def rooms(self, principal: Principal) -> set[str]:
        """The rooms that an agent's desk belongs in, as far as its rights reach."""
        rooms = await self._reaches.ask(principal)
        assert rooms is not None
        return rooms

    async def _look_at_reaches(
        self, principals: Sequence[Principal]
    ) -> Mapping[Principal, set[str]]:
        async with self._work.reading("realtime.rooms") as conn:
            queues = await agents.queues_of(conn, principals)
            mates = await agents.mates_of(conn, principals)
        rooms = {}
        for principal in principals:
            seen = {"team"}
            if principal in mates:
                seen = {"limited", *(f"member:{mate}" for mate in mates[principal])}
            of_queues = (f"queue:{key}" for key in queues[principal])
            rooms[principal] = {f"agent:{principal.agent()}", *seen, *of_queues}
        return rooms

    async def desk(self, principal: Principal) -> State:
        """An agent's desk (AgentState in web/shared/src/apply.ts): the colleagues and the waiting
        items that its rights reach."""
        state = await self._desks.ask(principal)
        if state is None:
            raise NotFound
        return state

    async def _look_at_desks(self, principals: Sequence[Principal]) -> Mapping[Principal, State]:
        ids = list({principal.agent() for principal in principals})
        async with self._moment("realtime.desks") as (conn, cursor):
            me = await agents.agents_me(conn, ids)
            mine = await cards.cards_of_agents(conn, ids)
            talks = await cards.conversation_states(
                conn, list({card.conversation_id for of in mine.values() for card in of.values()})
            )
            offers = await cards.offers_of_agents(conn, ids)
            waiting = await cards.queue_items(
                conn, queues=list({key for one in me.values() for key in one.queues})
            )
            mates = await agents.mates_of(conn, principals)
            everybody = len(mates) < len(principals)
            seen = None if everybody else list(set().union(*mates.values()))
            team = await agents.team_members(conn, seen)
            names = await self._queues.names(conn)
            dispositions = await self._queues.dispositions(conn)
            lines = await self._calls.of_agents(conn, ids)
            softphones = await self._calls.softphones(conn, ids)
        tiles = {key: member.model_dump() for key, member in team.items()}
        items = {key: item.model_dump() for key, item in waiting.items()}
        the_same = {
            "queues": {queue["key"]: dict(queue) for queue in names},
            "dispositions": [dict(row) for row in dispositions],
            "centre": {"name": self._centre.name, "timezone": self._centre.timezone},
        }
        states = {}
        for principal in principals:
            agent_id = principal.agent()
            if agent_id not in me:
                continue
            own = mine.get(agent_id, {})
            queues = {key for key in me[agent_id].queues if principal.sees_queue(key)}
            reach = mates.get(principal, tiles.keys())
            state = {
                "me": me[agent_id].model_dump(),
                "reservations": _dumped(offers.get(agent_id, {})),
                "interactions": _dumped(own),
                "conversations": _dumped(
                    {card.conversation_id: talks[card.conversation_id] for card in own.values()}
                ),
                "calls": {str(call): card for (of, call), card in lines.items() if of == agent_id},
                "voice": softphones[agent_id],
                "queue": {str(key): item for key, item in items.items() if item["queue"] in queues},
                "team": {str(key): tile for key, tile in tiles.items() if key in reach},
                **the_same,
            }
            states[principal] = State(state, cursor)
        return states

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
        async with self._work.reading(name, snapshot=True) as conn:
            tip = await eventlog.tip(conn)
            yield conn, tip.cursor()


def _dumped(cards: Mapping[UUID, BaseModel]) -> dict[str, Any]:
    return {str(key): card.model_dump() for key, card in cards.items()}
