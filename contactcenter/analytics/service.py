"""Use cases: the picture, a figure explained, the half hours of the past."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from contactcenter.analytics import store
from contactcenter.analytics.board import View, figures, limits_of
from contactcenter.analytics.explain import Explanation, Operand, explain, explain_agents
from contactcenter.analytics.ledger import Ledger, Reader
from contactcenter.analytics.live import Wallboard
from contactcenter.analytics.metrics import (
    AGENT_FIGURES,
    DEFERRED_CHANNELS,
    HALF_HOUR_MS,
    AgentTime,
    Spent,
    Visit,
    half_hour,
    occupancy,
    utilisation,
)
from contactcenter.analytics.ports import Queues
from contactcenter.analytics.schemas import (
    ExplainedAgent,
    ExplainedFigure,
    ExplainedItem,
    ExplainedOperand,
    ExplainedPart,
    ExplainQuery,
    Figures,
    Interval,
    IntervalQuery,
    Intervals,
    StaffInterval,
)
from contactcenter.core import eventlog
from contactcenter.core.access import Principal
from contactcenter.core.clock import Clock
from contactcenter.core.errors import Invalid, NotFound
from contactcenter.core.moments import from_ms, to_ms
from contactcenter.core.work import WorkFactory
from contactcenter.events import CATALOGUE
from contactcenter.interactions.model import LIVE_CHANNELS

LISTED = 500
GROUPS = {"live": LIVE_CHANNELS, "written": frozenset({"chat"}) | DEFERRED_CHANNELS}
LONGEST = timedelta(days=7)


class Analytics:
    """Reads figures; changes nothing."""

    def __init__(
        self, *, work: WorkFactory, clock: Clock, queues: Queues, wallboard: Wallboard
    ) -> None:
        self._work = work
        self._clock = clock
        self._queues = queues
        self._wallboard = wallboard

    async def wallboard(self, principal: Principal) -> dict[str, Any]:
        """The picture as it is shown now; see schemas.WallboardState."""
        return await self._wallboard.state(View.of(principal))

    async def subscribe(
        self, principal: Principal, sid: str, queues: Iterable[str] | None
    ) -> list[str]:
        """Show a socket some queues or all that it may see, from a snapshot on; answers which."""
        await self._wallboard.ready()
        known = self._wallboard.board.queues
        for place, key in enumerate(queues or ()):
            if key not in known or not principal.sees_queue(key):
                raise Invalid.field(f"queues.{place}", "unknown_queue", "There is no such queue.")
        view = View.of(principal, queues)
        await self._wallboard.subscribe(sid, view)
        return [key for key in known if view.queues is None or key in view.queues]

    def resync(self, sid: str) -> dict[str, Any]:
        """A fresh snapshot of what a socket is shown; NotFound before it has subscribed."""
        snapshot = self._wallboard.resync(sid)
        if snapshot is None:
            raise NotFound("Subscribe first.")
        return snapshot

    async def explain(self, principal: Principal, query: ExplainQuery) -> ExplainedFigure:
        """One of today's figures with its formula, both operands and the items behind it."""
        await self._wallboard.ready()
        board = self._wallboard.board
        _require_queue(principal, query.queue)
        if query.queue is not None and query.queue not in board.queues:
            raise Invalid.field("queue", "unknown_queue", "There is no such queue.")
        now_ms = self._wallboard.now_ms()
        if query.figure in AGENT_FIGURES:
            told = explain_agents(
                query.figure,
                self._members(principal, query.queue),
                lambda agent: board.spent_today(agent, now_ms),
            )
        else:
            told = explain(query.figure, self._visits(query), board.reader, now_ms, query.formula)
        return await self._explained(principal, query, told, from_ms(now_ms))

    def _members(
        self, principal: Principal, queue: str | None, ledger: Ledger | None = None
    ) -> Iterable[AgentTime]:
        """Agents in the asker's teams whom the log knows; of a queue, those who have its skill."""
        board = self._wallboard.board
        known = (ledger or board.ledger).agents
        skill = board.queues[queue].skill if queue is not None else None
        for agent_id, info in board.agents.items():
            time = known.get(agent_id)
            if (
                time is not None
                and principal.sees_team(info.team)
                and (skill is None or info.skills.get(skill, 0) >= 1)
            ):
                yield time

    def _visits(self, query: ExplainQuery) -> Iterable[Visit]:
        """Today's visits, and for what waits now those of earlier days too."""
        board = self._wallboard.board
        channels = GROUPS.get(query.channel or "", frozenset({query.channel}))
        half = None if query.half is None else half_hour(to_ms(query.half))
        if query.figure in {"waiting", "longest_wait"}:
            visits: Iterable[Visit] = board.ledger.waiting.values()
        else:
            visits = (
                visit
                for key, cell in board.ledger.cells.items()
                if key[0] >= board.day_start_ms
                for visit in cell.values()
            )
        for visit in visits:
            if (
                query.queue in {None, visit.queue}
                and half in {None, visit.cell[0]}
                and (query.channel is None or visit.channel in channels)
            ):
                yield visit

    async def _explained(
        self, principal: Principal, query: ExplainQuery, told: Explanation, read_at: datetime
    ) -> ExplainedFigure:
        known = self._wallboard.board.agents
        agents = {a: info for a, info in known.items() if principal.sees_team(info.team)}
        listed = told.items[:LISTED]
        async with self._work.reading("analytics.names") as conn:
            customers = await store.customers(conn, [item.visit.interaction_id for item in listed])

        def seen(agent_id: UUID | None) -> UUID | None:
            return None if agent_id in known and agent_id not in agents else agent_id

        def agent_name(agent_id: UUID | None) -> str | None:
            return agents[agent_id].name if agent_id in agents else None

        return ExplainedFigure(
            figure=query.figure,
            formula=query.formula if told.formula is not None else None,
            kind=told.kind,
            read_at=read_at,
            numerator=_operand(told.numerator),
            denominator=None if told.denominator is None else _operand(told.denominator),
            total=len(told.items) or len(told.shares),
            items=[
                ExplainedItem.model_validate(
                    {
                        "interaction_id": item.visit.interaction_id,
                        "contact_id": customers[item.visit.interaction_id].contact_id,
                        "customer_name": customers[item.visit.interaction_id].name,
                        "queue": item.visit.queue,
                        "channel": item.visit.channel,
                        "entered_at": from_ms(item.visit.entered_ms),
                        "ended_at": None
                        if item.visit.ended_ms is None
                        else from_ms(item.visit.ended_ms),
                        "waited_ms": item.waited_ms,
                        "outcome": item.outcome,
                        "agent_id": seen(item.visit.agent_id),
                        "agent_name": agent_name(item.visit.agent_id),
                        "handle_ms": sum(part.handle_ms for part in item.visit.handlings),
                        "offered_to": next(
                            (agent_name(agent) for agent in item.visit.ringing.values()), None
                        ),
                        "numerator": item.numerator,
                        "denominator": item.denominator,
                    }
                )
                for item in listed
            ],
            agents=[
                ExplainedAgent(
                    agent_id=share.agent_id,
                    name=agent_name(share.agent_id) or "",
                    numerator=share.numerator,
                    denominator=share.denominator,
                )
                for share in told.shares
            ],
        )

    async def intervals(self, principal: Principal, query: IntervalQuery) -> Intervals:
        """Half hours of the past, by the same fold over that stretch of the log."""
        _require_queue(principal, query.queue)
        start = half_hour(to_ms(query.start))
        end = half_hour(to_ms(query.end) + HALF_HOUR_MS - 1)
        if not start < end:
            raise Invalid.field("to", "not_after", "`to` must lie after `from`.")
        if end - start > LONGEST // timedelta(milliseconds=1):
            raise Invalid.field("to", "too_long", "At most seven days at once.", days=LONGEST.days)
        ledger, reader = await self.rebuild(from_ms(start), from_ms(end))
        now_ms = to_ms(self._clock.now())
        keys = sorted(
            key
            for key in ledger.cells
            if start <= key[0] < end
            and query.queue in {None, key[1]}
            and query.channel in {None, key[2]}
        )
        items = [
            Interval.model_validate(
                {
                    "start": from_ms(key[0]),
                    "queue": key[1],
                    "channel": key[2],
                    "figures": Figures(**figures(reader.tally(key, now_ms))),
                }
            )
            for key in keys
        ]
        people: Iterable[AgentTime] = ledger.agents.values()
        if principal.is_limited:
            await self._wallboard.ready()
            within = None if principal.queues is None else query.queue
            people = self._members(principal, within, ledger)
        return Intervals(items=items, staff=_staff(tuple(people), start, end, now_ms))

    async def rebuild(self, start: datetime, end: datetime) -> tuple[Ledger, Reader]:
        """The fold of [start, end) from the log alone, read under the present limits."""
        ledger = Ledger()
        async with self._work.reading("analytics.rebuild") as conn:
            until = await eventlog.tip(conn)
            async for chunk in store.stretch(
                conn, CATALOGUE, start, end, ledger.event_names, until
            ):
                for event, at_ms in chunk:
                    ledger.apply(event, at_ms)
                await asyncio.sleep(0)
            queues = await self._queues.queue_infos(conn)
        return ledger, Reader(ledger, limits_of(queues))


def _operand(operand: Operand) -> ExplainedOperand:
    parts = [ExplainedPart(name=p.name, sign=p.sign, value=p.value) for p in operand.parts]
    return ExplainedOperand(value=operand.value, parts=parts)


def _staff(agents: Iterable[AgentTime], start: int, end: int, now_ms: int) -> list[StaffInterval]:
    rows = []
    for begin in range(start, min(end, now_ms), HALF_HOUR_MS):
        spent = sum(
            (agent.during(begin, begin + HALF_HOUR_MS, now_ms) for agent in agents),
            Spent(),
        )
        rows.append(
            StaffInterval(
                start=from_ms(begin),
                on_contact_ms=spent.on_contact,
                wrap_up_ms=spent.wrap_up,
                ringing_ms=spent.ringing,
                available_ms=spent.available,
                away_ms=spent.away,
                occupancy=occupancy(spent),
                utilisation=utilisation(spent),
            )
        )
    return rows


def _require_queue(principal: Principal, queue: str | None) -> None:
    """Whoever is limited to some queues names one of them: figures of all would tell of others."""
    if principal.queues is not None and queue not in principal.queues:
        raise Invalid.field("queue", "unknown_queue", "Name one of your queues.")
