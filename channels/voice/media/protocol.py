"""What web and media say to each other over the Unix socket: one JSON object a line.

Web connects and asks; media answers each request once, by its `id`, and sends reports whenever
something happens. A report with a `seq` is kept on disk until web acknowledges it, and is sent
again after a reconnect, in order (after a restart of media also some that web has acknowledged: it
knows them by journal and `seq`); a report without one may be lost. `call.mix` is declarative and
complete, so resending it is harmless: a lower version than the known one changes nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

MAX_LINE = 1 << 20  # all legs and calls of a full house, and the longest SDP, with room
"""Longest line in bytes, its newline included."""
MAX_PARTIES = 8
"""Most legs of one mix."""

M = TypeVar("M")

Tone = Literal["music", "ring"]
Sound = Literal["notice", "dtmf"]
Code = Literal["invalid", "not_found", "busy", "unsupported", "conflict", "unavailable"]
EndReason = Literal["closed", "dtls_closed", "ice_failed", "replaced", "shutdown"]
Sdp = Annotated[str, Field(min_length=1, max_length=32_768)]
Digits = Annotated[str, Field(pattern=r"^[0-9A-D*#]{1,32}$")]


class ProtocolError(ValueError):
    """A line that is no message of this protocol; the text says why."""


class _Message(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, serialize_by_alias=True
    )


# Requests, web → media ---------------------------------------------------------------------------


class IceServer(_Message):
    """A STUN or TURN server as RTCIceServer names it."""

    urls: tuple[str, ...] = Field(max_length=8)
    username: str | None = None
    credential: str | None = None


class IceCandidate(_Message):
    """RTCIceCandidateInit, as the browser names it; `candidate` may begin with "candidate:"."""

    model_config = ConfigDict(extra="ignore")

    candidate: str = Field(max_length=1024)
    sdp_mid: str | None = Field(None, alias="sdpMid", max_length=64)
    sdp_m_line_index: int | None = Field(None, alias="sdpMLineIndex", ge=0, le=64)


class Hear(_Message):
    """What one leg hears: the legs named, mixed, and a tone under them. Itself: an echo.

    `sends`: its sound is expected from the beginning, whether anybody hears it or not.
    """

    hears: tuple[UUID, ...] = Field((), max_length=MAX_PARTIES)
    tone: Tone | None = None
    sends: bool = False


class RecordingOrder(_Message):
    """Who goes onto which channel. Not `writing`: the time passes as silence (a pause).

    A leg named here is written whatever it hears and whoever hears it: web leaves out who is muted,
    held or consulting. Recording begins when every leg named is connected, and before its first
    frame every leg of the call hears the notice tone if there is to be a `notice`. A recording that
    is finished is never gone on with: a new one has a new id.
    """

    recording_id: UUID
    left: tuple[UUID, ...] = Field(max_length=MAX_PARTIES)
    right: tuple[UUID, ...] = Field(max_length=MAX_PARTIES)
    writing: bool
    notice: bool


class _Request(_Message):
    id: int = Field(ge=0)


class _OnlyId(BaseModel):
    id: int = Field(ge=0)


class Hello(_Request):
    """First on a connection. `take_reports`: this connection gets the reports from now on."""

    do: Literal["hello"] = "hello"
    take_reports: bool


class LegOffer(_Request):
    """Negotiate a leg. A known leg_id: the new peer takes over and the old one is closed."""

    do: Literal["leg.offer"] = "leg.offer"
    leg_id: UUID
    sdp: Sdp
    ice_servers: tuple[IceServer, ...] = Field((), max_length=8)


class LegCandidate(_Request):
    """A candidate of the browser; None: there are no more."""

    do: Literal["leg.candidate"] = "leg.candidate"
    leg_id: UUID
    candidate: IceCandidate | None


class LegClose(_Request):
    """Close a leg; an unknown one is closed already."""

    do: Literal["leg.close"] = "leg.close"
    leg_id: UUID


class LegPlay(_Request):
    """Play a short sound once to a leg, over what it hears."""

    do: Literal["leg.play"] = "leg.play"
    leg_id: UUID
    sound: Sound
    digits: Digits | None = None

    @model_validator(mode="after")
    def _digits_with_dtmf(self) -> Self:
        if (self.sound == "dtmf") != (self.digits is not None):
            raise ValueError("digits belong to the sound dtmf, and it needs them")
        return self


class CallMix(_Request):
    """The whole mix of a call. A leg that is not negotiated yet joins when it is.

    A call that media does not know is a new one, and refused as `busy` above the ceiling; one that
    was `admitted` before (media has restarted since) is not.
    """

    do: Literal["call.mix"] = "call.mix"
    call_id: UUID
    version: int = Field(ge=0)
    legs: dict[UUID, Hear] = Field(max_length=MAX_PARTIES)
    recording: RecordingOrder | None = None
    admitted: bool = False
    seconds: float | None = Field(None, gt=0, le=3600)
    """After so long media ends it by itself; None: when it is told to."""

    @model_validator(mode="after")
    def _known_legs(self) -> Self:
        named = {leg for hear in self.legs.values() for leg in hear.hears}
        if not named <= self.legs.keys():
            raise ValueError("a leg hears one that is not in the mix")
        if self.recording and set(self.recording.left) & set(self.recording.right):
            raise ValueError("a leg is on both channels of the recording")
        return self


class CallEnd(_Request):
    """End a call's mix and recording; its legs stay. An unknown call has ended already."""

    do: Literal["call.end"] = "call.end"
    call_id: UUID


class ReportsAck(_Request):
    """Web has kept every report up to `seq`."""

    do: Literal["reports.ack"] = "reports.ack"
    seq: int = Field(ge=0)


class StatsRequest(_Request):
    do: Literal["stats"] = "stats"


Request = Annotated[
    Hello
    | LegOffer
    | LegCandidate
    | LegClose
    | LegPlay
    | CallMix
    | CallEnd
    | ReportsAck
    | StatsRequest,
    Field(discriminator="do"),
]


# Answers, media → web ----------------------------------------------------------------------------


class LegState(_Message):
    """A leg as media has it; `call_id`: the mix it is in."""

    leg_id: UUID
    connected: bool
    lost: bool
    call_id: UUID | None = None


class CallVersion(_Message):
    call_id: UUID
    version: int


class HelloData(_Message):
    """`node` is new with every start of the media process, `journal` with every new folder of
    reports: a report is known by its journal and `seq`."""

    node: UUID
    journal: UUID
    started_at: datetime
    legs: tuple[LegState, ...]
    calls: tuple[CallVersion, ...]
    ceiling: int
    live_calls: int


class OfferData(_Message):
    sdp: str


class MixData(_Message):
    """The version in force: the one asked for, or a higher one known before."""

    version: int


class StatsData(_Message):
    """`cpu_percent` of one core, over the last seconds; `tasks` of the event loop."""

    calls: int
    legs: int
    tasks: int
    ceiling: int
    cpu_percent: float


class Nothing(_Message):
    pass


class Accepted(_Message):
    id: int
    ok: Literal[True] = True
    data: HelloData | OfferData | MixData | StatsData | Nothing


class Refused(_Message):
    """`id` is None when the request's own could not be read."""

    id: int | None
    ok: Literal[False] = False
    code: Code
    detail: str


Answer = Annotated[Accepted | Refused, Field(discriminator="ok")]


# Reports, media → web ----------------------------------------------------------------------------


class LegStats(_Message):
    """Over a leg's connection, or its time in a call. `lost` and `jitter_ms` as received here;
    `rtt_ms` by RTCP, if known."""

    packets_in: int = 0
    packets_out: int = 0
    lost: int = 0
    jitter_ms: float = 0.0
    rtt_ms: float | None = None
    mos: float | None = None


class Gap(_Message):
    """A silence that a pause wrote; `to` is None if the recording ended in it."""

    start: datetime = Field(alias="from")
    end: datetime | None = Field(None, alias="to")


class _Report(_Message):
    seq: int | None = None
    at: datetime


class LegConnected(_Report):
    """The leg's DTLS is up: it can hear."""

    report: Literal["leg.connected"] = "leg.connected"
    leg_id: UUID


class LegLost(_Report):
    """Nothing came for 3 s from a leg in a mix that is heard, has sent in it, or is to send."""

    report: Literal["leg.lost"] = "leg.lost"
    leg_id: UUID


class LegBack(_Report):
    """A lost leg sends again."""

    report: Literal["leg.back"] = "leg.back"
    leg_id: UUID


class LegEnded(_Report):
    """A leg's peer is gone. `replaced`: the leg lives on with a new one."""

    report: Literal["leg.ended"] = "leg.ended"
    leg_id: UUID
    reason: EndReason
    stats: LegStats


class LegMeasured(_Report):
    """What a leg's line was like for as long as it was in a call."""

    report: Literal["leg.measured"] = "leg.measured"
    leg_id: UUID
    call_id: UUID
    stats: LegStats


class Quality(_Report):
    """A leg in a call, every 2 s. `loss` and `level` are 0..1, `mos` 1..4.5 (ITU-T G.107)."""

    report: Literal["quality"] = "quality"
    leg_id: UUID
    call_id: UUID
    loss: float
    jitter_ms: float
    rtt_ms: float | None
    mos: float
    level: float


class RecordingStarted(_Report):
    """`at` is the time of the first stored frame."""

    report: Literal["recording.started"] = "recording.started"
    recording_id: UUID


class RecordingFinished(_Report):
    """`path` is relative to the recordings' folder. `recovered`: media had died while writing."""

    report: Literal["recording.finished"] = "recording.finished"
    recording_id: UUID
    path: str
    seconds: float
    bytes: int
    sha256: str
    gaps: tuple[Gap, ...] = ()
    recovered: bool = False


class CallOverload(_Report):
    """The ceiling for new calls was reached, or left."""

    report: Literal["call.overload"] = "call.overload"
    reached: bool
    ceiling: int
    live_calls: int


Report = Annotated[
    LegConnected
    | LegLost
    | LegBack
    | LegEnded
    | LegMeasured
    | Quality
    | RecordingStarted
    | RecordingFinished
    | CallOverload,
    Field(discriminator="report"),
]

_requests: TypeAdapter[Request] = TypeAdapter(Request)
_reports: TypeAdapter[Report] = TypeAdapter(Report)
_only_id: TypeAdapter[_OnlyId] = TypeAdapter(_OnlyId)
_from_media: TypeAdapter[Answer | Report] = TypeAdapter(Answer | Report)


def encode(message: BaseModel) -> bytes:
    """One line. Raises ProtocolError if it is too long."""
    line = message.model_dump_json().encode() + b"\n"
    if len(line) > MAX_LINE:
        raise ProtocolError(f"a line of {len(line)} bytes is too long")
    return line


def decode_request(line: bytes) -> Request:
    """Raises ProtocolError with one sentence."""
    return _decoded(_requests, line)


def decode_report(line: bytes) -> Report:
    """Raises ProtocolError with one sentence."""
    return _decoded(_reports, line)


def decode_from_media(line: bytes) -> Answer | Report:
    """What web reads: an answer or a report. Raises ProtocolError with one sentence."""
    return _decoded(_from_media, line)


def request_id(line: bytes) -> int | None:
    """The id of a request that is wrong otherwise; None if it cannot be read."""
    try:
        return _only_id.validate_json(line).id
    except ValidationError:
        return None


def _decoded(kind: TypeAdapter[M], line: bytes) -> M:
    try:
        return kind.validate_json(line)
    except ValidationError as error:
        raise ProtocolError(_sentence(error)) from error


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else first["msg"]
