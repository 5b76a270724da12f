"""Calls past and present, for whoever may see them."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from channels.voice import history_store, recording_store
from channels.voice.call import Call
from channels.voice.cards import CallCards, card, load, parties, worst
from channels.voice.recordings import recording_card
from channels.voice.schemas import CallDetail, CallEvent, CallPage, CallQuery, IceServers
from contactcenter.agents import service as agents
from contactcenter.core.access import Permission, Principal
from contactcenter.core.cursor import decode_cursor, encode_cursor
from contactcenter.core.errors import NotFound
from contactcenter.core.work import WorkFactory
from contactcenter.interactions import service as hall
from db import Record


class CallHistory:
    def __init__(self, work: WorkFactory, cards: CallCards) -> None:
        self._work = work
        self._cards = cards

    async def listed(self, principal: Principal, query: CallQuery) -> CallPage:
        """Newest first. An agent sees the own ones, a supervisor all; those of one interaction,
        everybody who may see it."""
        wanted = query.interaction_id
        alone = wanted is None and not principal.may(Permission.ROUTING_ASSIGN)
        only = principal.agent() if alone else None
        async with self._work.reading("call.list") as conn:
            if wanted is not None:
                await hall.require_sight(conn, principal, interaction_id=wanted)
            rows = await history_store.listed(
                conn,
                state=query.state,
                queue=query.queue,
                agent_id=query.agent_id,
                direction=query.direction,
                only_of=only,
                within=principal.queues,
                interaction_id=wanted,
                before=decode_cursor(query.cursor),
                limit=query.limit + 1,
            )
            shown = await load(conn, {row["id"] for row in rows[: query.limit]})
        items = [card(shown[row["id"]], principal.agent_id) for row in rows[: query.limit]]
        last = rows[query.limit - 1] if len(rows) > query.limit else None
        return CallPage(
            items=items,
            next_cursor=encode_cursor(last["created_at"], last["id"]) if last else None,
        )

    async def detail(self, principal: Principal, call_id: UUID) -> CallDetail:
        async with self._work.reading("call.detail", snapshot=True) as conn:
            one = (await load(conn, {call_id})).get(call_id)
            if one is None:
                raise NotFound
            await hall.require_sight(conn, principal, interaction_id=one.row.interaction_id)
            events = await history_store.events(conn, call_id)
            recordings = await recording_store.of_calls(conn, [call_id])
            people = await agents.team_members(conn, _agents_in(one.row.call, events))
        legs = parties(one)
        return CallDetail(
            call=card(one, principal.agent_id),
            legs=legs,
            quality=worst(legs),
            end_reason=one.row.end_reason,
            events=[CallEvent(**event) for event in events],
            names={agent_id: member.name for agent_id, member in people.items()},
            recordings=[recording_card(row, principal) for row in recordings],
        )

    def ice(self, principal: Principal) -> IceServers:
        return IceServers.model_validate({"ice_servers": self._cards.ice_servers(principal.actor)})


def _agents_in(call: Call, events: Iterable[Record]) -> list[UUID]:
    """Whoever was on the call, or is named in its history."""
    fields = ("agent_id", "with_agent_id", "to_agent_id")
    named = (event["data"].get(field) for event in events for field in fields)
    legs = {leg.agent_id for leg in call.legs if leg.agent_id is not None}
    return sorted(legs | {UUID(agent_id) for agent_id in named if agent_id})
