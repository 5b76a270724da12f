"""What screens are told of agents, and what they may ask for."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contactcenter.agents.model import ShownState, Status
from contactcenter.core.validation import Moment

Key = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,40}$")]
Level = Annotated[int, Field(ge=1, le=5)]
ChannelName = Literal["voice", "chat", "whatsapp", "sms", "email"]


class TeamMember(BaseModel):
    """An agent as colleagues and supervisors see it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    agent_id: UUID
    name: str
    status: Status
    status_reason: str | None
    status_since: datetime
    present: bool
    channels: list[ChannelName]
    """What the connected desk can handle; none while it is not there."""
    state: ShownState
    state_since: datetime
    queues: list[str]


class AgentMe(TeamMember):
    """An agent as its own desk sees it."""

    user_id: UUID | None
    auto_answer: bool
    budget: int
    load: int
    """Capacity units taken now, offers included."""
    skills: dict[str, int]
    after_this: Status | None
    after_this_reason: str | None


class AgentProfile(AgentMe):
    maxima: dict[ChannelName, int]
    version: int


class AgentList(BaseModel):
    items: list[TeamMember]
    next_cursor: None = None


class SetStatus(BaseModel):
    """`after_this`: it takes effect when the open work has ended, with no offer in between.

    Leaving as the last agent of a queue with waiters is refused with ctx.waiting unless
    `confirm`; signing off with open work is refused with ctx.open unless `open` says what
    becomes of it. Calls and wrap-ups can only be finished: then ctx.finish is true. With
    `after_this` what `open` says is kept for what is set aside when it takes effect; without
    it that goes back to its queue.
    """

    model_config = ConfigDict(extra="forbid")

    status: Status
    reason: Key | None = None
    after_this: bool = False
    confirm: bool = False
    open: Literal["queue", "snooze", "hand_over"] | None = None
    snooze_until: Moment | None = None
    hand_over_to: UUID | None = None


class SkillsEdit(BaseModel):
    """The whole new set of skills; budget and channel maxima only if given."""

    model_config = ConfigDict(extra="forbid")

    skills: dict[Key, Level]
    budget: Annotated[int, Field(ge=0, le=1000)] | None = None
    maxima: dict[ChannelName, Annotated[int, Field(ge=0, le=100)]] | None = None


class AgentEdit(BaseModel):
    """`auto_answer`: the agent's desk accepts offers by itself, after a beep."""

    model_config = ConfigDict(extra="forbid")

    auto_answer: bool


class AvailableQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    queue: Key | None = None
    skill: Key | None = None


class StatsQuery(BaseModel):
    """A period; without it, the centre's today until now."""

    model_config = ConfigDict(extra="forbid")

    since: Moment | None = None
    until: Moment | None = None


class AgentStats(BaseModel):
    agent_id: UUID
    since: datetime
    until: datetime
    total: int
    """Segments that ended in the period."""
    average_duration_seconds: int | None
    """Mean of talk + hold + wrap-up; None without any."""
    wrap_lapsed: int
    """Of these, whose wrap-up ran out and was saved with disposition "none"."""
    offers: int
    missed: int
    rejected: int
    availability_percent: float | None
    """Time available or on demand ÷ time signed in, its desk being there; None when never signed
    in."""
