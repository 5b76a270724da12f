"""Use cases of agents: the team's cards, status, skills, figures."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from contactcenter.agents import store
from contactcenter.agents.model import Activity, Agent, availability, shown_state
from contactcenter.agents.ports import Duty
from contactcenter.agents.schemas import (
    AgentEdit,
    AgentMe,
    AgentProfile,
    AgentStats,
    SetStatus,
    SkillsEdit,
    TeamMember,
)
from contactcenter.core.access import Principal
from contactcenter.core.audit import Note
from contactcenter.core.clock import Clock
from contactcenter.core.errors import Invalid, NotFound
from contactcenter.core.ids import new_id
from contactcenter.core.work import Work, WorkFactory
from contactcenter.events.agents import (
    AgentAutoAnswerChanged,
    AgentSkillsChanged,
    AgentTeamChanged,
)
from contactcenter.interactions.model import sort_key
from db import Connection, Record

Match = Callable[[int], None]
"""Compares the asker's If-Match with the stored version; raises PreconditionFailed."""

LONGEST_STATS = timedelta(days=92)
FIRST_LEVEL = 3
"""Of the skills that somebody begins with: the middle of 1 to 5."""


async def equip(
    work: Work, user_id: UUID, name: str, *, queues: Sequence[str] = (), team: str | None = None
) -> None:
    """Give a user what a desk needs: an agent's row, and the skills that these queues ask for.
    Whoever has a row keeps it as it is. Raises Invalid for a queue that is not in use."""
    skills = await store.skills_of_queues(work.conn, queues)
    if unknown := sorted(set(queues) - skills.keys()):
        raise Invalid.field("serves", "unknown_queue", "There is no such queue.", keys=unknown)
    agent_id = new_id()
    made = await store.insert_agent(
        work.conn, agent_id, user_id, name=name, sort_key=sort_key(name), team=team, now=work.now
    )
    if made is None:
        return
    levels = dict.fromkeys(sorted(set(skills.values())), FIRST_LEVEL)
    await store.put_skills(work.conn, agent_id, levels)
    budget, maxima = made
    work.emit(AgentSkillsChanged(agent_id=agent_id, skills=levels, budget=budget, maxima=maxima))
    if team is not None:
        work.emit(AgentTeamChanged(agent_id=agent_id, team=team))


async def rename(conn: Connection, user_id: UUID, name: str) -> None:
    """What the user is called at the desk, for whoever has one."""
    await store.rename(conn, user_id, name, sort_key(name))


async def of_user(conn: Connection, user_id: UUID) -> Agent | None:
    """The agent that a user is; None: a user without a desk."""
    return await store.of_user(conn, user_id)


async def queues_of(
    conn: Connection, principals: Collection[Principal]
) -> dict[Principal, list[str]]:
    """The live queues that each of these agents is a member of (has their skill) and may see."""
    keys = await store.queues_of(conn, {principal.agent() for principal in principals})
    return {
        principal: [key for key in keys.get(principal.agent(), ()) if principal.sees_queue(key)]
        for principal in principals
    }


async def mates_of(
    conn: Connection, principals: Collection[Principal]
) -> dict[Principal, set[UUID]]:
    """The agents of the teams that somebody's rights are limited to; absent: they are not."""
    limited = [principal for principal in principals if principal.teams is not None]
    if not limited:
        return {}
    members = await store.in_teams(conn, set().union(*(p.teams or () for p in limited)))
    return {
        principal: {agent_id for agent_id, team in members.items() if principal.sees_team(team)}
        for principal in limited
    }


async def team_members(
    conn: Connection, agent_ids: Sequence[UUID] | None = None
) -> dict[UUID, TeamMember]:
    """Agent → tile, by name; of these agents, or of all."""
    rows = await store.team(conn, agent_ids)
    return {row["id"]: TeamMember(**_member(row)) for row in rows}


async def seen_members(conn: Connection, principal: Principal) -> dict[UUID, TeamMember]:
    """As `team_members`: all, or those of the teams that the asker's rights are limited to."""
    mates = (await mates_of(conn, [principal])).get(principal)
    return await team_members(conn, None if mates is None else list(mates))


async def require_reach(conn: Connection, principal: Principal, agent_id: UUID) -> None:
    """NotFound for an agent outside the teams that the asker's rights are limited to."""
    if principal.teams is None or principal.agent_id == agent_id:
        return
    if not principal.sees_team(await store.team_of(conn, agent_id)):
        raise NotFound


async def agents_me(conn: Connection, agent_ids: Collection[UUID]) -> dict[UUID, AgentMe]:
    """Each agent as its own desk sees it."""
    rows = await store.team(conn, list(agent_ids))
    return {row["id"]: AgentMe(**_me(row)) for row in rows}


def _member(row: Record) -> dict[str, Any]:
    state, since = shown_state(
        row["status"],
        row["status_since"],
        Activity(
            contact_since=row["contact_since"],
            wrap_since=row["wrap_since"],
            ringing_since=row["ringing_since"],
            last_ended_at=row["last_ended_at"],
            present=row["present"],
            absent_since=row["absent_since"],
        ),
    )
    return {
        "agent_id": row["id"],
        "name": row["name"],
        "status": row["status"],
        "status_reason": row["status_reason"],
        "status_since": row["status_since"],
        "present": row["present"],
        "channels": row["channels"],
        "state": state,
        "state_since": since,
        "queues": row["queues"],
    }


async def _profile(conn: Connection, agent_id: UUID) -> AgentProfile | None:
    rows = await store.team(conn, [agent_id])
    if not rows:
        return None
    row = rows[0]
    return AgentProfile(**_me(row), maxima=row["maxima"], version=row["version"])


def _me(row: Record) -> dict[str, Any]:
    return {
        **_member(row),
        "user_id": row["user_id"],
        "auto_answer": row["auto_answer"],
        "budget": row["budget"],
        "load": row["load"],
        "skills": row["skills"],
        "after_this": row["after_this"],
        "after_this_reason": row["after_this_reason"],
    }


def day_start(now: datetime, zone: ZoneInfo) -> datetime:
    """The centre's midnight before `now`, in UTC."""
    return datetime.combine(now.astimezone(zone).date(), time.min, zone).astimezone(UTC)


class AgentService:
    """What routes and commands ask for."""

    def __init__(self, work: WorkFactory, clock: Clock, zone: ZoneInfo, duty: Duty) -> None:
        self._work = work
        self._clock = clock
        self._zone = zone
        self._duty = duty

    async def team(self, principal: Principal) -> list[TeamMember]:
        """All agents, or those of the teams that the asker's rights are limited to."""
        async with self._work.reading("agents.team") as conn:
            return list((await seen_members(conn, principal)).values())

    async def available(
        self, principal: Principal, queue: str | None, skill: str | None
    ) -> list[TeamMember]:
        """Signed in, present and not about to leave; busy or not."""
        async with self._work.reading("agents.available") as conn:
            ids = await store.available(conn, queue, skill)
            within = (await mates_of(conn, [principal])).get(principal)
            if within is not None:
                ids = [agent_id for agent_id in ids if agent_id in within]
            return list((await team_members(conn, ids)).values())

    async def profile(self, principal: Principal, agent_id: UUID) -> AgentProfile:
        async with self._work.reading("agents.profile") as conn:
            await require_reach(conn, principal, agent_id)
            profile = await _profile(conn, agent_id)
        if profile is None:
            raise NotFound
        return profile

    async def set_own_status(self, principal: Principal, wish: SetStatus) -> AgentMe:
        """An agent's own wish (see SetStatus for what can be refused)."""
        agent_id = principal.agent()
        await self._duty.change_status(principal.actor, agent_id, wish, "agent")
        return await self._me(agent_id)

    async def set_status(self, principal: Principal, agent_id: UUID, wish: SetStatus) -> AgentMe:
        """A supervisor's order, under the same rules."""
        async with self._work.reading("agents.reach") as conn:
            await require_reach(conn, principal, agent_id)
            before = await store.agent(conn, agent_id)
        if before is None:
            raise NotFound
        note = Note(
            "agent.status",
            "agent",
            str(agent_id),
            before={"status": before.status, "reason": before.status_reason},
            after=wish.model_dump(mode="json", exclude_defaults=True),
        )
        await self._duty.change_status(principal.actor, agent_id, wish, "supervisor", note)
        return await self._me(agent_id)

    async def _me(self, agent_id: UUID) -> AgentMe:
        async with self._work.reading("agents.me") as conn:
            me = (await agents_me(conn, [agent_id])).get(agent_id)
        if me is None:
            raise NotFound
        return me

    async def set_skills(
        self, principal: Principal, agent_id: UUID, edit: SkillsEdit, match: Match
    ) -> AgentProfile:
        """Replace the skills."""
        async with self._work.begin("agents.set_skills", principal.actor) as work:
            known = await store.known_skills(work.conn, list(edit.skills))
            if unknown := sorted(edit.skills.keys() - known):
                raise Invalid.field("skills", "unknown_skill", "No such skill.", keys=unknown)
            before = await self._locked(work.conn, principal, agent_id, match)
            budget, maxima = await store.set_skills(
                work.conn,
                agent_id,
                skills=edit.skills,
                budget=edit.budget,
                maxima=edit.maxima,  # type: ignore[arg-type]  # the keys are a narrower text
            )
            work.emit(
                AgentSkillsChanged(
                    agent_id=agent_id, skills=edit.skills, budget=budget, maxima=maxima
                )
            )
            after = {"skills": edit.skills, "budget": budget, "maxima": maxima}
            old = {name: before[name] for name in after}
            work.audit("agent.skills", "agent", agent_id, before=old, after=after)
        return await self.profile(principal, agent_id)

    async def edit(
        self, principal: Principal, agent_id: UUID, edit: AgentEdit, match: Match
    ) -> AgentProfile:
        """Set whether the desk accepts by itself."""
        async with self._work.begin("agents.edit", principal.actor) as work:
            before = await self._locked(work.conn, principal, agent_id, match)
            await store.set_auto_answer(work.conn, agent_id, on=edit.auto_answer)
            if before["auto_answer"] != edit.auto_answer:
                work.emit(AgentAutoAnswerChanged(agent_id=agent_id, on=edit.auto_answer))
            old = {"auto_answer": before["auto_answer"]}
            work.audit("agent.changed", "agent", agent_id, before=old, after=edit.model_dump())
        return await self.profile(principal, agent_id)

    async def _locked(
        self, conn: Connection, principal: Principal, agent_id: UUID, match: Match
    ) -> Record:
        """The agent as it is, under its lock, if it is within the asker's reach and has the
        version that they know."""
        version = await store.lock(conn, agent_id)
        if version is None:
            raise NotFound
        await require_reach(conn, principal, agent_id)
        match(version)
        (row,) = await store.team(conn, [agent_id])
        return row

    async def stats(
        self, principal: Principal, agent_id: UUID, since: datetime | None, until: datetime | None
    ) -> AgentStats:
        """Figures of a period of at most 92 days; by default the centre's today."""
        now = self._clock.now()
        end = min(until or now, now)
        start = since or day_start(end, self._zone)
        if not timedelta(0) <= end - start <= LONGEST_STATS:
            raise Invalid.field(
                "since", "bad_period", "The period must begin before it ends, within 92 days."
            )
        async with self._work.reading("agents.stats", snapshot=True) as conn:
            if await store.agent(conn, agent_id) is None:
                raise NotFound
            await require_reach(conn, principal, agent_id)
            counts = await store.counts(conn, agent_id, start, end)
            history = await store.history(conn, agent_id, start, end)
        ready, signed_in = availability(history, start, end)
        return AgentStats(
            agent_id=agent_id,
            since=start,
            until=end,
            total=counts["total"],
            average_duration_seconds=None if counts["total"] == 0 else round(counts["duration"]),
            wrap_lapsed=counts["wrap_lapsed"],
            offers=counts["offers"],
            missed=counts["missed"],
            rejected=counts["rejected"],
            availability_percent=round(100 * (ready / signed_in), 1) if signed_in else None,
        )


async def set_will(conn: Connection, wills: Sequence[store.WillRow]) -> set[UUID]:
    """Write agents' wills as the router decided, each agent at most once. The caller publishes
    `agent.status_changed`."""
    return await store.set_will(conn, wills)
