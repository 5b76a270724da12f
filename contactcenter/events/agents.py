"""Facts about agents: what they want, whether they are there, what they can do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from contactcenter.core.event import Audience, Event

_EVERYBODY: frozenset[Audience] = frozenset({"agent", "team", "wallboard"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStatusChanged(Event):
    """An agent's will changed: by the agent, by a supervisor or by a missed offer."""

    name: ClassVar[str] = "agent.status_changed"
    audience: ClassVar[frozenset[Audience]] = _EVERYBODY
    subject_field: ClassVar[str] = "agent_id"

    agent_id: UUID
    status: str  # available, on_demand, away, offline
    reason: str | None = None
    # The status that takes effect when the open work has ended, if one is waiting.
    after_this: str | None = None
    after_this_reason: str | None = None
    cause: str = "agent"  # agent, supervisor, missed, after_this, on_demand, system
    request_id: UUID | None = None  # of the request that this grants


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPresenceChanged(Event):
    """A desk of this agent connected; or the last one is silent for 20 s, or signed out."""

    name: ClassVar[str] = "agent.presence_changed"
    audience: ClassVar[frozenset[Audience]] = _EVERYBODY
    subject_field: ClassVar[str] = "agent_id"

    agent_id: UUID
    present: bool
    channels: tuple[str, ...] = ()  # what the connected desk can handle now
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSkillsChanged(Event):
    """An agent's skills, budget or channel maxima changed; the whole new set is given."""

    name: ClassVar[str] = "agent.skills_changed"
    audience: ClassVar[frozenset[Audience]] = _EVERYBODY
    subject_field: ClassVar[str] = "agent_id"

    agent_id: UUID
    skills: dict[str, int]  # skill key → level 1..5
    budget: int  # capacity units, 100 by default
    maxima: dict[str, int]  # channel → most items at once


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTeamChanged(Event):
    """An agent came into a team or left it: whoever is limited to teams sees others now."""

    name: ClassVar[str] = "agent.team_changed"
    audience: ClassVar[frozenset[Audience]] = frozenset({"team", "wallboard"})
    subject_field: ClassVar[str] = "agent_id"

    agent_id: UUID
    team: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentAutoAnswerChanged(Event):
    """Whether this agent's desk accepts offers by itself, after a beep."""

    name: ClassVar[str] = "agent.auto_answer_changed"
    audience: ClassVar[frozenset[Audience]] = frozenset({"agent"})
    subject_field: ClassVar[str] = "agent_id"

    agent_id: UUID
    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentHelpRequested(Event):
    """An agent asks the supervisors for help, with an interaction or in general."""

    name: ClassVar[str] = "agent.help_requested"
    audience: ClassVar[frozenset[Audience]] = frozenset({"agent", "wallboard"})
    subject_field: ClassVar[str] = "agent_id"

    agent_id: UUID
    interaction_id: UUID | None = None
