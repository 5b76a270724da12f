"""Facts about calls: who talks with whom, what is recorded, and the softphones' own legs.

A call's facts name the agents whose desks show it (`agents`; somebody who has just left is still
among them) and the conversation whose visitor is on the line (`visitor_id`), so nothing has to be
looked up to know whom to tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from contactcenter.core.event import Audience, Event

_BOTH_SIDES: frozenset[Audience] = frozenset({"agent", "visitor", "wallboard"})
_DESK: frozenset[Audience] = frozenset({"agent", "wallboard"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call(Event):
    audience: ClassVar[frozenset[Audience]] = _BOTH_SIDES
    subject_field: ClassVar[str] = "call_id"

    call_id: UUID
    interaction_id: UUID
    agents: tuple[UUID, ...] = ()
    visitor_id: UUID | None = None
    revision: int  # of the call's row: the version of the mix that belongs to it


CallFact = _Call
"""The type of them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallInitiated(_Call):
    """Somebody calls: a customer, or an agent a colleague."""

    name: ClassVar[str] = "call.initiated"

    direction: str  # inbound, internal
    agent_id: UUID | None = None  # who dialled


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRinging(_Call):
    """A colleague who was dialled, or asked into a consult, hears it ring."""

    name: ClassVar[str] = "call.ringing"
    audience: ClassVar[frozenset[Audience]] = _DESK

    agent_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAnswered(_Call):
    """An agent is on the line from now on."""

    name: ClassVar[str] = "call.answered"

    agent_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class CallHeld(_Call):
    """The customer's leg was put on hold: music there, nothing here."""

    name: ClassVar[str] = "call.held"

    agent_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResumed(_Call):
    """The customer's leg is off hold."""

    name: ClassVar[str] = "call.resumed"

    agent_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMuted(_Call):
    """An agent's leg is heard by nobody, or is heard again."""

    name: ClassVar[str] = "call.muted"
    audience: ClassVar[frozenset[Audience]] = _DESK

    agent_id: UUID
    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTransferred(_Call):
    """An agent handed the customer over to the colleague on the line (a warm transfer), or the
    customer was sent on from the agent: to a queue, or in it to somebody (a blind one)."""

    name: ClassVar[str] = "call.transferred"

    agent_id: UUID
    to_agent_id: UUID | None
    to_queue: str | None = None  # None: warm
    cause: str = "agent"  # agent, supervisor, presence_lost, sign_off, dropped


@dataclass(frozen=True, slots=True, kw_only=True)
class CallConsultStarted(_Call):
    """An agent asks a colleague in, or somebody of a queue, with the customer on music."""

    name: ClassVar[str] = "call.consult_started"

    agent_id: UUID
    with_agent_id: UUID | None
    queue: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallConsultToggled(_Call):
    """The agent turned from the colleague to the customer, or back."""

    name: ClassVar[str] = "call.consult_toggled"

    agent_id: UUID
    talks_to: str  # colleague, customer


@dataclass(frozen=True, slots=True, kw_only=True)
class CallConsultEnded(_Call):
    """The consult is over without a transfer: cancelled, declined, unanswered or hung up."""

    name: ClassVar[str] = "call.consult_ended"

    agent_id: UUID
    with_agent_id: UUID | None  # None: nobody had come from the queue yet
    reason: str  # cancelled, declined, no_answer, left


@dataclass(frozen=True, slots=True, kw_only=True)
class CallConferenced(_Call):
    """Everybody on the line hears everybody else."""

    name: ClassVar[str] = "call.conferenced"

    agent_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLegJoined(_Call):
    """A leg's sound has arrived: the customer is on the line, or somebody came back."""

    name: ClassVar[str] = "call.leg_joined"

    leg_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLegLeft(_Call):
    """A leg is off the line for good while the call goes on."""

    name: ClassVar[str] = "call.leg_left"

    leg_id: UUID
    agent_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLegLost(_Call):
    """Nothing has come from a leg for 3 s; the others hear music until it is back."""

    name: ClassVar[str] = "call.leg_lost"

    leg_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLegBack(_Call):
    """A lost leg sends again."""

    name: ClassVar[str] = "call.leg_back"

    leg_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAgentDropped(_Call):
    """An agent's leg did not come back in time. The router sees to the customer; said again
    until it has."""

    name: ClassVar[str] = "call.agent_dropped"

    agent_id: UUID
    segment_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecordingChanged(_Call):
    """Recording began, was paused, goes on, stopped, or was refused."""

    name: ClassVar[str] = "call.recording_changed"

    state: str  # off, notice, recording, paused, refused
    cause: str  # rule, consent, agent, media


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecorded(_Call):
    """A recording of the call is stored and can be played."""

    name: ClassVar[str] = "call.recorded"
    audience: ClassVar[frozenset[Audience]] = frozenset({"wallboard"})

    recording_id: UUID
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded(_Call):
    """Nobody is on the line any more."""

    name: ClassVar[str] = "call.ended"

    reason: str  # customer_hung_up, agent_hung_up, customer_lost, agent_lost, abandoned,
    # no_answer, declined, not_connected
    talked_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLegChanged(Event):
    """An agent's softphone: its leg was negotiated, is connected, or is gone."""

    name: ClassVar[str] = "call.leg_changed"
    audience: ClassVar[frozenset[Audience]] = frozenset({"agent"})
    subject_field: ClassVar[str] = "agent_id"

    agent_id: UUID
    state: str  # none, connecting, connected, lost


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTakenOver(Event):
    """A newer tab of the same agent has the softphone now."""

    name: ClassVar[str] = "call.taken_over"
    audience: ClassVar[frozenset[Audience]] = frozenset({"agent"})
    subject_field: ClassVar[str] = "agent_id"

    agent_id: UUID
