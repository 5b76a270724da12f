"""PURE. A call: its legs, what may be done with it, and who hears whom.

A leg is one side's sound:  inviting ──► connected ◄──► lost ──► left
                            ringing ───────▲

`left` is the end: whatever the media says of a leg afterwards changes nothing. A leg's state
depends on what happened to that leg alone, and holding, muting, consulting and recording stand
beside it, so events of different legs may come in any order.

`mix` says what each leg hears, from the call alone. It is computed anew after every change and is
complete: nothing of an earlier state is left over in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

Direction = Literal["inbound", "outbound", "internal"]
State = Literal[
    "waiting", "dialing", "ringing", "active", "held", "consulting", "conference", "ended"
]
Kind = Literal["customer", "agent"]
LegState = Literal["inviting", "ringing", "connected", "lost", "left"]
RecordMode = Literal["inform", "opt_in", "opt_out", "off"]
RecordState = Literal["off", "notice", "recording", "paused", "refused"]
Side = Literal["colleague", "customer"]
Tone = Literal["music", "ring"]

ON_THE_LINE: Final = frozenset({"connected", "lost"})
RUNNING: Final = frozenset({"notice", "recording", "paused"})


class IllegalMoveError(ValueError):
    """The call is not where this can be done; the text is one sentence."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One side's stay on the line. `id` is the media's leg, `stay` this stay of it."""

    id: UUID
    stay: UUID
    kind: Kind
    state: LegState
    agent_id: UUID | None = None
    segment_id: UUID | None = None
    muted: bool = False
    deadline: datetime | None = None
    """Until when it rings, may be lost, or has to bring its first sound."""
    asked_by: UUID | None = None
    """The agent who asked this one in by name, on the call still or not."""

    @property
    def on_the_line(self) -> bool:
        return self.state in ON_THE_LINE


@dataclass(frozen=True, slots=True)
class Consult:
    """`by` asked `leg` in; `side` is whom `by` is with now. Without a leg, somebody of a queue is
    asked for: the `request` (an interaction of its own) waits there."""

    leg: UUID | None
    by: UUID
    side: Side = "colleague"
    request: UUID | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    mode: RecordMode = "off"
    state: RecordState = "off"
    consent: bool | None = None
    """What the customer said, if anything."""
    id: UUID | None = None
    """Of the one that is being made."""
    aside: bool = False
    """Whether hold and consult are recorded too."""


@dataclass(frozen=True, slots=True)
class Call:
    id: UUID
    direction: Direction
    legs: tuple[Leg, ...] = ()
    """In the order in which they came; those that left among them."""
    held: bool = False
    conference: bool = False
    consult: Consult | None = None
    recording: Recording = field(default_factory=Recording)
    ended: bool = False

    @property
    def open_legs(self) -> tuple[Leg, ...]:
        return tuple(leg for leg in self.legs if leg.state != "left")

    @property
    def customers(self) -> tuple[Leg, ...]:
        return tuple(leg for leg in self.open_legs if leg.kind == "customer")

    @property
    def agents(self) -> tuple[Leg, ...]:
        """Agents who have answered."""
        return tuple(leg for leg in self.open_legs if leg.kind == "agent" and leg.on_the_line)

    @property
    def state(self) -> State:
        """What the call as a whole is at."""
        if self.ended:
            return "ended"
        ringing = [leg.state for leg in self.open_legs if leg.kind == "agent"]
        if self.direction == "internal" and len(self.agents) < 2:
            return "ringing" if "ringing" in ringing else "dialing"
        if not self.agents:
            return "ringing" if "ringing" in ringing else "waiting"
        if self.consult is not None:
            return "consulting"
        if self.conference:
            return "conference"
        return "held" if self.held else "active"

    def leg(self, leg_id: UUID | None) -> Leg | None:
        """The open stay of a leg."""
        return next((leg for leg in self.open_legs if leg.id == leg_id), None)

    def leg_of(self, agent_id: UUID) -> Leg | None:
        """The open stay of an agent's leg."""
        return next((leg for leg in self.open_legs if leg.agent_id == agent_id), None)


# What happens to legs ----------------------------------------------------------------------------


def add(call: Call, leg: Leg) -> Call:
    """A leg comes to the call."""
    if call.ended:
        raise IllegalMoveError("The call is over.")
    if call.leg(leg.id) is not None:
        raise IllegalMoveError("This leg is on the call already.")
    return replace(call, legs=(*call.legs, leg))


def connect(call: Call, leg_id: UUID) -> Call:
    """Sound comes from the leg. A ringing one stays so until it is answered."""
    return _set(call, leg_id, {"inviting", "lost"}, "connected")


def lose(call: Call, leg_id: UUID, deadline: datetime) -> Call:
    """Nothing comes from the leg any more; the deadline of a first loss stands."""
    return _set(call, leg_id, {"connected"}, "lost", deadline)


def answer(call: Call, leg_id: UUID, *, sounds: bool, deadline: datetime) -> Call:
    """A ringing agent takes it. Not `sounds`: the softphone is lost just now."""
    leg = call.leg(leg_id)
    if leg is None or leg.state != "ringing":
        raise IllegalMoveError("It does not ring here any more.")
    if sounds:
        return _set(call, leg_id, {"ringing"}, "connected")
    return _set(call, leg_id, {"ringing"}, "lost", deadline)


def leave(call: Call, leg_id: UUID) -> Call:
    """The leg is off the line for good, with all that depended on it."""
    if call.leg(leg_id) is None:
        return call
    call = _set(call, leg_id, {"inviting", "ringing", "connected", "lost"}, "left")
    consult = call.consult
    if consult is not None and leg_id in {consult.leg, consult.by}:
        call = replace(call, consult=None)
    return _settled(call)


def drop(call: Call, leg_id: UUID, again: datetime) -> Call:
    """An agent's leg counts as lost for good; it is looked at again at `again`."""
    return _set(call, leg_id, {"connected", "lost"}, "lost", again)


def end(call: Call) -> Call:
    """Nobody is on the line any more."""
    legs = tuple(replace(leg, state="left", deadline=None) for leg in call.legs)
    recording = call.recording
    if recording.state in RUNNING:
        recording = replace(recording, state="off", id=None)
    return replace(
        call, legs=legs, held=False, conference=False, consult=None, recording=recording, ended=True
    )


def _set(
    call: Call,
    leg_id: UUID,
    sources: set[LegState],
    state: LegState,
    deadline: datetime | None = None,
) -> Call:
    """The open leg in one of these states goes to `state`; anything else stays as it is."""
    legs = tuple(
        replace(leg, state=state, deadline=deadline)
        if leg.id == leg_id and leg.state in sources
        else leg
        for leg in call.legs
    )
    return replace(call, legs=legs)


def _settled(call: Call) -> Call:
    """With nobody to hold it, nothing is held; two are no conference."""
    agents = len(call.agents)
    return replace(call, held=call.held and agents > 0, conference=call.conference and agents > 1)


# What agents do ----------------------------------------------------------------------------------


def mute(call: Call, leg_id: UUID, *, on: bool) -> Call:
    _talking(call, leg_id)
    legs = tuple(
        replace(leg, muted=on) if leg.id == leg_id and leg.state != "left" else leg
        for leg in call.legs
    )
    return replace(call, legs=legs)


def hold(call: Call, leg_id: UUID, *, on: bool) -> Call:
    """The customer hears music, or the agents again."""
    _talking(call, leg_id)
    if not call.customers:
        raise IllegalMoveError("There is no customer to hold.")
    if call.consult is not None:
        raise IllegalMoveError("During a consult the customer is on music already: toggle instead.")
    return replace(call, held=on)


def begin_consult(call: Call, by: UUID, colleague: Leg) -> Call:
    """`by` asks a colleague in; the customer hears music from now on."""
    asker = _may_consult(call, by)
    colleague = replace(colleague, asked_by=asker.agent_id)
    return replace(add(call, colleague), held=False, consult=Consult(colleague.id, by))


def ask_queue(call: Call, by: UUID, request: UUID) -> Call:
    """`by` asks for somebody of a queue, where `request` waits; the customer hears music."""
    _may_consult(call, by)
    return replace(call, held=False, consult=Consult(None, by, request=request))


def come_in(call: Call, request: UUID, colleague: Leg) -> Call:
    """Whoever took the request is on the line, with whoever asked unless that one has turned to
    the customer meanwhile."""
    consult = call.consult
    if consult is None or consult.request != request:
        raise IllegalMoveError("Nobody is asked for any more.")
    return replace(add(call, colleague), consult=replace(consult, leg=colleague.id, request=None))


def _may_consult(call: Call, by: UUID) -> Leg:
    asker = _talking(call, by)
    if not call.customers:
        raise IllegalMoveError("There is no customer whom this could be about.")
    if call.consult is not None or call.conference:
        raise IllegalMoveError("There is a colleague on the line already.")
    return asker


def toggle(call: Call, by: UUID) -> Call:
    """Turn from the colleague to the customer, or back."""
    consult = _own_consult(call, by)
    side: Side = "customer" if consult.side == "colleague" else "colleague"
    return replace(call, consult=replace(consult, side=side))


def heir(call: Call, by: UUID) -> Leg | None:
    """Whom `by` would hand the customer over to: the colleague asked in, in a conference the other
    agent. None: nobody has answered."""
    if call.conference:
        return next((leg for leg in call.agents if leg.id != by), None)
    colleague = call.leg(_own_consult(call, by).leg)
    return colleague if colleague is not None and colleague.on_the_line else None


def complete(call: Call, by: UUID) -> Call:
    """A warm transfer: the colleague has the customer, and `by` is off the line."""
    _talking(call, by)
    if heir(call, by) is None:
        raise IllegalMoveError("The colleague has not answered yet.")
    return leave(replace(call, consult=None), by)


def cancel(call: Call, by: UUID) -> Call:
    """The consult is over, and `by` is with the customer again."""
    consult = _own_consult(call, by)
    return replace(call, consult=None) if consult.leg is None else leave(call, consult.leg)


def merge(call: Call, by: UUID) -> Call:
    """Everybody hears everybody else."""
    consult = _own_consult(call, by)
    colleague = call.leg(consult.leg)
    if colleague is None or not colleague.on_the_line:
        raise IllegalMoveError("The colleague has not answered yet.")
    return replace(call, consult=None, conference=True, held=False)


def _talking(call: Call, leg_id: UUID) -> Leg:
    leg = call.leg(leg_id)
    if call.ended or leg is None or not leg.on_the_line:
        raise IllegalMoveError("This leg is not on the line.")
    return leg


def _own_consult(call: Call, by: UUID) -> Consult:
    _talking(call, by)
    if call.consult is None or call.consult.by != by:
        raise IllegalMoveError("There is no consult of this leg.")
    return call.consult


# Recording ---------------------------------------------------------------------------------------


def may_record(recording: Recording) -> bool:
    """Whether the rule and what the customer said allow it."""
    if recording.mode == "off" or recording.consent is False:
        return recording.mode == "inform"
    return recording.mode != "opt_in" or recording.consent is True


def begin_recording(call: Call, recording_id: UUID) -> Call:
    """A notice, and then frames."""
    if call.ended or call.recording.state in RUNNING:
        raise IllegalMoveError("It is being recorded, or the call is over.")
    if not may_record(call.recording):
        raise IllegalMoveError("The rule of this queue, or the customer, does not allow it.")
    return _recording(call, replace(call.recording, state="notice", id=recording_id))


def recording_started(call: Call, recording_id: UUID) -> Call:
    """The first frame is stored."""
    recording = call.recording
    if recording.id != recording_id or recording.state != "notice":
        return call
    return _recording(call, replace(recording, state="recording"))


def pause(call: Call) -> Call:
    if call.recording.state not in {"notice", "recording"}:
        raise IllegalMoveError("It is not being recorded.")
    return _recording(call, replace(call.recording, state="paused"))


def resume(call: Call) -> Call:
    if call.recording.state != "paused":
        raise IllegalMoveError("The recording is not paused.")
    return _recording(call, replace(call.recording, state="recording"))


def stop(call: Call) -> Call:
    if call.recording.state not in RUNNING:
        raise IllegalMoveError("It is not being recorded.")
    return _recording(call, replace(call.recording, state="off", id=None))


def consent(call: Call, *, given: bool) -> Call:
    """What the customer says. An objection ends what is being recorded; where the rule is only
    to inform, it changes nothing."""
    if call.ended:
        raise IllegalMoveError("The call is over.")
    recording = replace(call.recording, consent=given)
    if given and recording.state == "refused":
        recording = replace(recording, state="off")
    if not given and recording.mode in {"opt_in", "opt_out"}:
        recording = replace(recording, state="refused", id=None)
    return _recording(call, recording)


def under_rule(call: Call, mode: RecordMode, *, aside: bool) -> Call:
    """Another queue's rule holds from now on: what is being recorded ends, and what the customer
    said still counts."""
    recording = replace(call.recording, mode=mode, aside=aside, state="off", id=None)
    if recording.consent is False and mode in {"opt_in", "opt_out"}:
        recording = replace(recording, state="refused")
    return _recording(call, recording)


def _recording(call: Call, recording: Recording) -> Call:
    return replace(call, recording=recording)


# Who hears whom ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hears:
    legs: frozenset[UUID] = frozenset()
    tone: Tone | None = None


@dataclass(frozen=True, slots=True)
class Tape:
    """What a recording takes in. Not `writing`: silence."""

    id: UUID
    left: frozenset[UUID] = frozenset()
    right: frozenset[UUID] = frozenset()
    writing: bool = False


@dataclass(frozen=True, slots=True)
class Mix:
    legs: dict[UUID, Hears]
    tape: Tape | None = None


def mix(call: Call) -> Mix:
    """What every leg on the line hears, and what is recorded. A customer's counts from the
    beginning, so that there is music with the first sound."""
    room = talking(call)
    present = [leg for leg in call.open_legs if leg.on_the_line or leg.kind == "customer"]
    sounding = {leg.id for leg in room if leg.state == "connected"}
    heard = {leg.id for leg in room if leg.state == "connected" and not leg.muted}
    legs = {}
    for leg in present:
        if leg.state == "lost":
            legs[leg.id] = Hears(tone="music")
        elif leg.id in sounding:
            alone = sounding == {leg.id}
            legs[leg.id] = Hears(tone="music") if alone else Hears(frozenset(heard - {leg.id}))
        else:
            legs[leg.id] = Hears(tone=_alone(call, leg))
    if call.recording.aside:  # whoever is on the line, whomever they hear
        room = tuple(leg for leg in call.open_legs if leg.on_the_line)
        heard = {leg.id for leg in room if leg.state == "connected" and not leg.muted}
    return Mix(legs, _tape(call, room, heard) if not call.ended else None)


def talking(call: Call) -> tuple[Leg, ...]:
    """The legs that are in conversation; () while nobody is. Lost ones are counted in."""
    present = tuple(leg for leg in call.open_legs if leg.on_the_line)
    if call.ended or call.held:
        return ()
    consult = call.consult
    if consult is not None:
        aside = consult.side == "colleague"
        two = {consult.by, consult.leg}
        present = tuple(
            leg for leg in present if (leg.id in two if aside else leg.id != consult.leg)
        )
    return present if len(present) > 1 else ()


def _alone(call: Call, leg: Leg) -> Tone | None:
    """What a leg hears that is not in the conversation."""
    if leg.kind == "customer":
        return "music"
    consult = call.consult
    if consult is not None and leg.id == consult.leg:
        return "music"
    if consult is not None and leg.id == consult.by:
        return "ring"
    if call.direction == "internal":
        return "ring"
    return None


def _tape(call: Call, room: Iterable[Leg], heard: set[UUID]) -> Tape | None:
    recording = call.recording
    if recording.id is None or recording.state not in RUNNING:
        return None
    if recording.state == "paused":
        return Tape(recording.id)
    left = frozenset(leg.id for leg in room if leg.kind == "customer" and leg.state == "connected")
    right = frozenset(leg.id for leg in room if leg.kind == "agent" and leg.id in heard)
    if not left or not any(leg.kind == "agent" and leg.state == "connected" for leg in room):
        return Tape(recording.id)
    return Tape(recording.id, left, right, writing=True)
