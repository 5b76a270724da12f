"""What leaves analytics: the wallboard's state, intervals, explanations.

A ratio is [numerator, denominator] in whole numbers (times in ms), so that a screen adds up
queues, channels and half hours first and divides last. Times are RFC 3339 UTC.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contactcenter.core.validation import Moment
from contactcenter.interactions.model import Channel

Line = Channel | Literal["message"]
"""A channel; messages left in the chat while nobody could come are a line of their own."""
Ratio = tuple[int, int]
FormulaName = Literal["centre", "connect", "asterisk", "asterisk_sl2"]
AgentStateName = Literal["offline", "away", "available", "ringing", "on_contact", "wrap_up"]
FigureName = Literal[
    "service_level",
    "abandonment",
    "asa",
    "abandon_time",
    "aht",
    "wrap_lapsed",
    "non_response",
    "estimate_error",
    "statutory",
    "waiting",
    "offered",
    "answered",
    "abandoned",
    "short",
    "moved_in",
    "moved",
    "longest_wait",
    "occupancy",
    "utilisation",
]
OutcomeName = Literal[
    "waiting",
    "waiting_late",
    "answered",
    "answered_late",
    "abandoned",
    "short_abandon",
    "moved",
    "callback",
    "cancelled",
]
QueueKey = Annotated[str, Field(min_length=1, max_length=40)]


class Told(BaseModel):
    """Base of everything that leaves towards a screen."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ServiceLevels(Told):
    """Service level by its four names; the centre's own is the default."""

    centre: Ratio
    connect: Ratio
    asterisk: Ratio
    asterisk_sl2: Ratio


class Figures(Told):
    """Counts and ratios over a set of queue visits."""

    waiting: int
    offered: int
    answered: int
    abandoned: int
    short: int
    moved_in: int
    moved: int
    service_level: ServiceLevels
    abandonment: Ratio
    asa: Ratio
    abandon_time: Ratio
    aht: Ratio
    wrap_lapsed: Ratio
    """Parts whose wrap-up ran out and was saved with disposition "none", of the ended parts."""
    non_response: Ratio
    estimate_error: Ratio
    """How far the estimated wait was off, either way, of those who were told one and answered."""
    estimate_offs: list[int]
    """How many of them were off by less than 10 s, 20, 30, 45, 60, 90, 120, 180, 240, 300, 450,
    600, 900 s, each without those before; last, by more."""
    statutory: Ratio
    """Callers with a person in under 3 minutes (Ley 10/2025), of all who asked for one and got one,
    left without, or have waited as long already. Each call counts once."""


class WallboardQueue(Told):
    key: str
    name_es: str
    name_en: str
    skill: str
    target_ms: dict[str, int]
    short_ms: int
    goal_percent: int
    abandon_percent: int
    unreadable: bool
    """Nothing of it is offered: its configuration cannot be read."""


class WaitingItem(Told):
    interaction_id: UUID
    queue: str
    channel: Line
    contact_id: UUID | None
    customer_name: str
    entered_at: datetime
    state: Literal["queued", "offered"]
    offered_to: UUID | None


class AgentItem(Told):
    interaction_id: UUID
    queue: str
    channel: Line
    contact_id: UUID | None
    customer_name: str
    state: Literal["ringing", "active", "held", "consulting", "parked", "wrapping"]
    since: datetime


class HelpAsked(Told):
    """A raised hand."""

    interaction_id: UUID | None
    since: datetime


class WallboardAgent(Told):
    agent_id: UUID
    name: str
    skills: dict[str, int]
    status: str
    reason: str | None
    after_this: str | None
    present: bool
    state: AgentStateName
    state_since: datetime | None
    load: int
    budget: int
    help: HelpAsked | None
    items: list[AgentItem]


class AgentWorked(Told):
    """How an agent's day went so far; told every ten seconds."""

    occupancy: Ratio
    utilisation: Ratio


class ExpectedContacts(Told):
    start: datetime
    queue: str
    channel: Channel
    contacts: float


class WallboardCentre(Told):
    name: str
    timezone: str
    day_start: datetime
    expected: list[ExpectedContacts]


class WallboardState(Told):
    """`snapshot.state` of the wallboard; a delta has the same sections, null for what went."""

    centre: WallboardCentre
    queues: dict[str, WallboardQueue]
    today: dict[str, Figures]
    """By queue|channel."""
    halves: dict[str, Figures]
    """By start|queue|channel."""
    waiting: dict[str, WaitingItem]
    """By interaction."""
    sparks: dict[str, list[int]]
    """By queue|channel: most waiting at once in each three minutes of the last hour."""
    agents: dict[str, WallboardAgent]
    time: dict[str, AgentWorked]
    """By agent."""
    trouble: dict[str, bool]
    """What the demo has switched on."""


class Subscribe(BaseModel):
    """`wallboard.subscribe`: these queues only, or all of them."""

    model_config = ConfigDict(extra="forbid")

    queues: Annotated[list[QueueKey], Field(min_length=1, max_length=200)] | None = None


class Subscribed(Told):
    queues: list[str]


class Sync(BaseModel):
    """`cursor`: the last one the client has seen. The answer is always a snapshot."""

    model_config = ConfigDict(extra="forbid")

    cursor: Annotated[str, Field(max_length=64)] = ""


class IntervalQuery(BaseModel):
    """A stretch of at most seven days; `from` is rounded down and `to` up to the half hour."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    start: Annotated[Moment, Field(alias="from")]
    end: Annotated[Moment, Field(alias="to")]
    queue: QueueKey | None = None
    channel: Line | None = None


class Interval(Told):
    """One half hour of one queue on one channel; visits belong to the half hour they entered."""

    start: datetime
    queue: str
    channel: Line
    figures: Figures


class StaffInterval(Told):
    """One half hour of all agents together, in milliseconds and unit-milliseconds."""

    start: datetime
    on_contact_ms: int
    wrap_up_ms: int
    ringing_ms: int
    available_ms: int
    away_ms: int
    occupancy: Ratio
    utilisation: Ratio


class Intervals(Told):
    items: list[Interval]
    staff: list[StaffInterval]


class ExplainQuery(BaseModel):
    """Which figure of today, over which queue, channels and half hour; all of them if left out."""

    model_config = ConfigDict(extra="forbid")

    figure: FigureName
    formula: FormulaName = "centre"
    queue: QueueKey | None = None
    channel: Line | Literal["live", "written"] | None = None
    """One channel; `live` is voice and chat, `written` all but voice."""
    half: Moment | None = None
    """The start of a half hour of today."""


class ExplainedPart(Told):
    """A summand of an operand; `sign` is -1 for what is taken away."""

    name: str
    sign: int
    value: int


class ExplainedOperand(Told):
    value: int
    parts: list[ExplainedPart]


class ExplainedItem(Told):
    """A queue visit behind a figure, and what it adds to either operand."""

    interaction_id: UUID
    contact_id: UUID | None
    customer_name: str
    queue: str
    channel: Line
    entered_at: datetime
    ended_at: datetime | None
    waited_ms: int
    outcome: OutcomeName
    agent_id: UUID | None
    agent_name: str | None
    handle_ms: int
    offered_to: str | None
    """Whom it rings at now."""
    numerator: int
    denominator: int


class ExplainedAgent(Told):
    agent_id: UUID
    name: str
    numerator: int
    denominator: int


class ExplainedFigure(Told):
    figure: FigureName
    formula: FormulaName | None
    kind: Literal["percent", "seconds", "count"]
    read_at: datetime
    numerator: ExplainedOperand
    denominator: ExplainedOperand | None
    total: int
    """How many items there are; at most 500 are listed, the newest."""
    items: list[ExplainedItem]
    agents: list[ExplainedAgent]
