"""What voice takes in and gives out: socket payloads, cards of calls, HTTP bodies."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from channels.model import Topic, plain_text
from channels.voice.media.protocol import Digits, IceCandidate, Sdp
from contactcenter.core.validation import Schema
from contactcenter.interactions.schemas import Card

CallDirection = Literal["inbound", "outbound", "internal"]
CallState = Literal[
    "waiting", "dialing", "ringing", "active", "held", "consulting", "conference", "ended"
]
"""waiting: a customer in line · dialing: nobody's phone rings yet · ringing: a colleague's does."""
PartyState = Literal["inviting", "ringing", "connected", "held", "lost", "left"]
RecordMode = Literal["inform", "opt_in", "opt_out", "off"]
"""The queue's rule (domain 1.13)."""
RecordState = Literal["off", "notice", "recording", "paused", "refused"]
LegState = Literal["none", "connecting", "connected", "lost"]
"""Of a browser's own connection to the media."""


def _plain(text: str) -> str:
    try:
        return plain_text(text)
    except ValueError as error:
        raise PydanticCustomError(
            "control_characters", "Control characters are not part of a text."
        ) from error


def _one_line(text: str) -> str:
    plain = _plain(text)
    if "\n" in plain or "\t" in plain:
        raise PydanticCustomError("one_line", "This is one line of text.")
    return plain


Line = Annotated[str, Field(max_length=200), AfterValidator(_one_line)]
Note = Annotated[str, Field(max_length=2000), AfterValidator(_plain)]
QueueKey = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,40}$")]


# What a browser asks -----------------------------------------------------------------------------


class CallOffer(Schema):
    """`call.offer`: the browser's SDP; PCMU only."""

    sdp: Sdp


class CallCandidate(Schema):
    """`call.candidate`; null: there are no more."""

    candidate: IceCandidate | None


class StartCall(Schema):
    """`call.start` on /chat. `queue`: default the conversation's."""

    queue: QueueKey | None = None
    name: Line | None = None
    phone: Line | None = None
    topic: Topic | None = None
    """What the caller has chosen that it is about; default: what was chosen for the conversation
    and nothing has begun with."""


class VisitorDigits(Schema):
    """`call.dtmf` on /chat."""

    digits: Digits


class CallConsent(Schema):
    """`call.consent`: whether the customer lets the call be recorded."""

    recording: bool


class CallRef(Schema):
    """Commands that only name a call."""

    call_id: UUID


class CallDial(Schema):
    """`call.dial`: an internal call."""

    agent_id: UUID


class CallSwitch(CallRef):
    """`call.mute` and `call.hold`."""

    on: bool


class CallDigits(CallRef):
    """`call.dtmf` on /agent."""

    digits: Digits


class CallConsult(CallRef):
    """`call.consult`: with a colleague, or with whoever of a queue comes; it waits there. `note`:
    for them to read, kept in the conversation as an internal note."""

    agent_id: UUID | None = None
    queue: QueueKey | None = None
    note: Note | None = None

    @model_validator(mode="after")
    def _one_target(self) -> CallConsult:
        if (self.queue is None) == (self.agent_id is None):
            raise ValueError("either a queue or an agent")
        return self


class CallRecord(CallRef):
    """`call.record`."""

    state: Literal["start", "pause", "resume", "stop"]


class EchoTest(Schema):
    """`call.echo_test`: the agent hears what the own microphone sends."""

    on: bool


# What a browser is told --------------------------------------------------------------------------


class IceServer(Card):
    """RTCIceServer; credentials are those of coturn's REST scheme, valid for a day."""

    urls: list[str]
    username: str | None = None
    credential: str | None = None


class OfferAnswer(Card):
    """Ack of `call.offer`. `peer` names this negotiation: another one than in
    `VoiceDesk.peer` has been taken over by a newer tab."""

    sdp: str
    leg_id: UUID
    peer: UUID


class VoiceDesk(Card):
    """An agent's softphone: the one leg that all its calls use."""

    leg_id: UUID | None
    peer: UUID | None
    state: LegState
    """lost: the tab that owns the peer offers again."""


class LegQuality(Card):
    """Of what the media hears from a leg. MOS as ITU-T G.107 estimates it."""

    loss: float
    """Share of packets lost, 0 to 1."""
    jitter_ms: float
    rtt_ms: float | None
    mos: float
    word: Literal["good", "fair", "poor"]


class CallQuality(Card):
    """`call.quality`, every 2 s while somebody talks; may be lost."""

    call_id: UUID
    leg_id: UUID
    quality: LegQuality
    level: float
    """0 silent, 1 full."""


class CallParty(Card):
    leg_id: UUID
    kind: Literal["customer", "agent"]
    agent_id: UUID | None
    name: str
    state: PartyState
    muted: bool
    quality: LegQuality | None


class CallRecording(Card):
    mode: RecordMode
    state: RecordState
    may_control: bool
    """Whether the agent may start, pause, resume and stop it now."""


class CallConsulted(Card):
    """`waiting`: in the line of `queue`, for nobody in particular yet."""

    leg_id: UUID | None
    agent_id: UUID | None
    name: str
    queue: str | None
    by_agent_id: UUID
    state: Literal["waiting", "ringing", "talking"]
    talks_to: Literal["colleague", "customer"]
    """Whom the agent who asked is with now."""


class CallCard(Card):
    """A call as the agents on it see it."""

    call_id: UUID
    interaction_id: UUID
    conversation_id: UUID
    direction: CallDirection
    state: CallState
    queue: str | None
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    held_since: datetime | None
    muted: bool
    """The asking agent's own leg."""
    record: CallRecording
    parties: list[CallParty]
    """In the order in which they joined."""
    mine: UUID | None
    """The asking agent's own leg; null for a supervisor who looks on."""
    consult: CallConsulted | None
    vanish_deadline: datetime | None
    """When a lost leg is given up."""


class CallAgent(Card):
    name: str
    """First name."""


class VisitorRecording(Card):
    mode: RecordMode
    state: RecordState
    consent: bool | None
    """What the customer said, if anything."""


class VisitorCall(Card):
    """A call as its customer sees it."""

    call_id: UUID
    state: Literal["waiting", "ringing", "active", "held", "ended"]
    connection: Literal["new", "connected", "lost"]
    """new: no sound yet; lost: offer again."""
    position: int | None
    estimated_wait_seconds: int | None
    agent: CallAgent | None
    record: VisitorRecording
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None


class StartedCall(Card):
    """Ack of `call.start`."""

    call_id: UUID
    ice_servers: list[IceServer]
    recording: RecordMode
    call: VisitorCall


# HTTP --------------------------------------------------------------------------------------------

RecordingStage = Literal["recording", "finished", "stored", "failed", "deleted"]
Retention = Literal["standard", "contract", "claim", "health"]


class Waveform(Card):
    """How loud each side is, 0 to 100, in at most 400 bars over the recording's length."""

    left: list[int]
    """The customer."""
    right: list[int]
    """The agents."""


class RecordingCard(Card):
    recording_id: UUID
    call_id: UUID
    state: RecordingStage
    created_at: datetime
    started_at: datetime | None
    """Of the first stored frame, after the notice."""
    seconds: float | None
    bytes: int | None
    sha256: str | None
    gaps: list[dict[str, Any]]
    """[{"from", "to"}]: silences of pauses, in seconds from the start."""
    peaks: Waveform | None
    """For whoever may play it."""
    recovered: bool
    fault: Literal["missing", "damaged"] | None
    """Of one that failed: the file was not there, or is not the one that was recorded."""
    retention: Retention
    expires_at: datetime | None
    legal_hold: bool
    health: bool
    may_play: bool
    """Whether the asker may play it now: GET .../audio."""


class RecordingList(Card):
    items: list[RecordingCard]
    next_cursor: None = None


class LegalHold(Schema):
    on: bool
    reason: Annotated[str, Field(max_length=500), AfterValidator(_one_line)] = ""


class RecordingRuleCard(Card):
    """What holds for calls of a queue; version 0: the defaults."""

    queue: str
    mode: RecordMode
    retention: Retention
    health: bool
    aside: bool
    """Whether hold and consult are recorded too; silence if not."""
    version: int


class RecordingRules(Card):
    items: list[RecordingRuleCard]
    next_cursor: None = None


class SetRecordingRule(Schema):
    mode: RecordMode
    retention: Retention = "standard"
    health: bool = False
    aside: bool = False


class CallQuery(Schema):
    """Filters of GET /calls; all of them must hold. With `interaction_id`: all the calls of an
    interaction, for whoever may see it."""

    interaction_id: UUID | None = None
    state: CallState | None = None
    queue: QueueKey | None = None
    agent_id: UUID | None = None
    direction: CallDirection | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=100)] | None = None


class CallPage(Card):
    items: list[CallCard]
    next_cursor: str | None


class CallEvent(Card):
    """One line of a call's history."""

    at: datetime
    name: str
    actor: str
    data: dict[str, Any]


class CallDetail(Card):
    call: CallCard
    legs: list[CallParty]
    """Everybody who was on the line, in the order in which they came."""
    quality: LegQuality | None
    """Of the call: its worst line's."""
    end_reason: str | None
    events: list[CallEvent]
    names: dict[UUID, str]
    """Agent → name: whoever the events are about."""
    recordings: list[RecordingCard]


class Switched(Schema):
    """Body of POST .../mute and .../hold."""

    on: bool


class RecordControl(Schema):
    """Body of POST .../record."""

    state: Literal["start", "pause", "resume", "stop"]


class CallTransfer(Schema):
    """Body of POST .../transfer: blind, to a queue or to a colleague."""

    queue: QueueKey | None = None
    agent_id: UUID | None = None

    @model_validator(mode="after")
    def _one_target(self) -> CallTransfer:
        if (self.queue is None) == (self.agent_id is None):
            raise ValueError("either a queue or an agent")
        return self


class IceServers(Card):
    ice_servers: list[IceServer]
