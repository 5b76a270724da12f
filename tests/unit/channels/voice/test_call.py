"""The call model: legs in any order, who hears whom, and what a recording takes in."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from channels.voice import call as calls
from channels.voice.call import Call, IllegalMoveError, Leg, Mix, Recording, mix

LATER = datetime(2027, 3, 16, 10, tzinfo=UTC)
_numbers = itertools.count(1)


def new() -> UUID:
    return UUID(int=next(_numbers))


CUSTOMER, ANA, BEA = UUID(int=901), UUID(int=902), UUID(int=903)
TAPE, REQUEST = UUID(int=904), UUID(int=905)


def customer(state: calls.LegState = "connected") -> Leg:
    return Leg(CUSTOMER, new(), "customer", state)


def agent(leg: UUID, state: calls.LegState = "connected") -> Leg:
    return Leg(leg, new(), "agent", state, agent_id=leg)


def talk(recording: Recording | None = None) -> Call:
    return Call(new(), "inbound", (customer(), agent(ANA)), recording=recording or Recording())


def consult(*, answered: bool = True) -> Call:
    call = calls.begin_consult(talk(), ANA, agent(BEA, "ringing"))
    return calls.answer(call, BEA, sounds=True, deadline=LATER) if answered else call


def heard(found: Mix) -> dict[UUID, tuple[set[UUID], str | None]]:
    return {leg: (set(ear.legs), ear.tone) for leg, ear in found.legs.items()}


MUSIC: tuple[set[UUID], str | None] = (set(), "music")
RING: tuple[set[UUID], str | None] = (set(), "ring")
SILENCE: tuple[set[UUID], str | None] = (set(), None)


@pytest.mark.parametrize(
    ("call", "state", "ears"),
    [
        (Call(new(), "inbound", (customer("inviting"),)), "waiting", {CUSTOMER: MUSIC}),
        (Call(new(), "inbound", (customer(),)), "waiting", {CUSTOMER: MUSIC}),
        (talk(), "active", {CUSTOMER: ({ANA}, None), ANA: ({CUSTOMER}, None)}),
        (
            calls.mute(talk(), ANA, on=True),
            "active",
            {CUSTOMER: SILENCE, ANA: ({CUSTOMER}, None)},
        ),
        (calls.hold(talk(), ANA, on=True), "held", {CUSTOMER: MUSIC, ANA: SILENCE}),
        (consult(answered=False), "consulting", {CUSTOMER: MUSIC, ANA: RING}),
        (consult(), "consulting", {CUSTOMER: MUSIC, ANA: ({BEA}, None), BEA: ({ANA}, None)}),
        (
            calls.toggle(consult(), ANA),
            "consulting",
            {CUSTOMER: ({ANA}, None), ANA: ({CUSTOMER}, None), BEA: MUSIC},
        ),
        (
            calls.merge(consult(), ANA),
            "conference",
            {
                CUSTOMER: ({ANA, BEA}, None),
                ANA: ({CUSTOMER, BEA}, None),
                BEA: ({CUSTOMER, ANA}, None),
            },
        ),
        (
            calls.complete(consult(), ANA),
            "active",
            {CUSTOMER: ({BEA}, None), BEA: ({CUSTOMER}, None)},
        ),
        (
            calls.complete(calls.merge(consult(), ANA), ANA),
            "active",
            {CUSTOMER: ({BEA}, None), BEA: ({CUSTOMER}, None)},
        ),
        (
            calls.complete(calls.merge(consult(), ANA), BEA),
            "active",
            {CUSTOMER: ({ANA}, None), ANA: ({CUSTOMER}, None)},
        ),
        (
            calls.cancel(consult(), ANA),
            "active",
            {CUSTOMER: ({ANA}, None), ANA: ({CUSTOMER}, None)},
        ),
        (calls.lose(talk(), ANA, LATER), "active", {CUSTOMER: MUSIC, ANA: MUSIC}),
        (calls.lose(talk(), CUSTOMER, LATER), "active", {CUSTOMER: MUSIC, ANA: MUSIC}),
        (calls.leave(talk(), ANA), "waiting", {CUSTOMER: MUSIC}),
        (
            Call(new(), "internal", (agent(ANA), agent(BEA, "ringing"))),
            "ringing",
            {ANA: RING},
        ),
        (
            Call(new(), "internal", (agent(ANA), agent(BEA))),
            "active",
            {ANA: ({BEA}, None), BEA: ({ANA}, None)},
        ),
        (calls.end(talk()), "ended", {}),
    ],
)
def test_the_matrix(call: Call, state: str, ears: dict[UUID, tuple[set[UUID], str | None]]) -> None:
    assert call.state == state
    assert heard(mix(call)) == ears


@pytest.mark.parametrize(
    "move",
    [
        lambda: calls.hold(Call(new(), "inbound", (customer(),)), ANA, on=True),
        lambda: calls.hold(consult(), ANA, on=True),
        lambda: calls.mute(talk(), BEA, on=True),
        lambda: calls.toggle(talk(), ANA),
        lambda: calls.toggle(consult(), BEA),
        lambda: calls.complete(consult(answered=False), ANA),
        lambda: calls.complete(talk(), ANA),
        lambda: calls.complete(consult(), BEA),
        lambda: calls.merge(consult(answered=False), ANA),
        lambda: calls.begin_consult(consult(), ANA, agent(new(), "ringing")),
        lambda: calls.begin_consult(calls.merge(consult(), ANA), ANA, agent(new(), "ringing")),
        lambda: calls.begin_consult(talk(), ANA, agent(ANA, "ringing")),
        lambda: calls.answer(talk(), ANA, sounds=True, deadline=LATER),
        lambda: calls.add(calls.end(talk()), agent(BEA)),
        lambda: calls.mute(calls.end(talk()), ANA, on=True),
        lambda: calls.pause(talk()),
        lambda: calls.resume(talk()),
        lambda: calls.stop(talk()),
        lambda: calls.begin_recording(talk(Recording("off")), TAPE),
        lambda: calls.begin_recording(talk(Recording("opt_in")), TAPE),
        lambda: calls.begin_recording(talk(Recording("opt_out", consent=False)), TAPE),
        lambda: calls.begin_recording(talk(Recording("inform", "recording", None, TAPE)), TAPE),
    ],
)
def test_what_no_call_can_do_is_refused(move: object) -> None:
    with pytest.raises(IllegalMoveError):
        move()  # type: ignore[operator]


def recorded(call: Call) -> tuple[set[UUID], set[UUID], bool]:
    tape = mix(call).tape
    assert tape is not None
    return set(tape.left), set(tape.right), tape.writing


def test_a_recording_is_silent_where_nobody_may_be_heard() -> None:
    call = calls.begin_recording(talk(Recording("inform")), TAPE)
    both = ({CUSTOMER}, {ANA}, True)
    silent: tuple[set[UUID], set[UUID], bool] = (set(), set(), False)
    assert recorded(call) == both
    call = calls.recording_started(call, TAPE)
    assert call.recording.state == "recording"
    assert recorded(calls.mute(call, ANA, on=True)) == ({CUSTOMER}, set(), True)
    assert recorded(calls.hold(call, ANA, on=True)) == silent
    assert recorded(calls.pause(call)) == silent
    assert recorded(calls.resume(calls.pause(call))) == both
    assert recorded(calls.lose(call, ANA, LATER)) == silent
    aside = calls.answer(
        calls.begin_consult(call, ANA, agent(BEA, "ringing")), BEA, sounds=True, deadline=LATER
    )
    assert recorded(aside) == silent
    assert recorded(calls.toggle(aside, ANA)) == both
    assert recorded(calls.merge(aside, ANA)) == ({CUSTOMER}, {ANA, BEA}, True)
    assert mix(calls.stop(call)).tape is None
    assert mix(calls.end(call)).tape is None


def test_the_rule_may_say_that_hold_and_consult_are_recorded_too() -> None:
    call = calls.begin_recording(talk(Recording("inform", aside=True)), TAPE)
    both = ({CUSTOMER}, {ANA}, True)
    assert recorded(calls.hold(call, ANA, on=True)) == both
    assert recorded(calls.mute(call, ANA, on=True)) == ({CUSTOMER}, set(), True)
    assert recorded(calls.pause(call)) == (set(), set(), False)
    consult = calls.begin_consult(call, ANA, agent(BEA, "ringing"))
    assert recorded(consult) == both
    consult = calls.answer(consult, BEA, sounds=True, deadline=LATER)
    assert recorded(consult) == ({CUSTOMER}, {ANA, BEA}, True)


@pytest.mark.parametrize(
    ("mode", "given_", "state"),
    [("opt_out", False, "refused"), ("opt_in", False, "refused"), ("inform", False, "recording")],
)
def test_an_objection_ends_a_recording_unless_the_rule_only_informs(
    mode: calls.RecordMode, given_: bool, state: str
) -> None:
    call = calls.consent(talk(Recording(mode, "recording", None, TAPE)), given=given_)
    assert call.recording.state == state
    assert (mix(call).tape is None) is (state == "refused")


Happening = tuple[str, UUID]
HAPPENINGS = st.lists(
    st.tuples(st.sampled_from(["connect", "lose", "leave"]), st.sampled_from([CUSTOMER, ANA, BEA])),
    max_size=14,
)


def happen(call: Call, happenings: list[Happening]) -> Call:
    for what, leg in happenings:
        if what == "connect":
            call = calls.connect(call, leg)
        elif what == "lose":
            call = calls.lose(call, leg, LATER)
        else:
            call = calls.leave(call, leg)
    return call


@given(HAPPENINGS, st.randoms(use_true_random=False))
def test_events_of_legs_in_any_order_end_in_one_state(
    happenings: list[Happening], dice: object
) -> None:
    """Only the order within one leg counts."""
    call = replace(talk(), legs=(customer("inviting"), agent(ANA), agent(BEA)), conference=True)
    by_leg = {leg: [each for each in happenings if each[1] == leg] for leg in (CUSTOMER, ANA, BEA)}
    shuffled: list[Happening] = []
    rest = {leg: list(own) for leg, own in by_leg.items()}
    while any(rest.values()):
        leg = dice.choice([leg for leg, own in rest.items() if own])  # type: ignore[attr-defined]
        shuffled.append(rest[leg].pop(0))
    assert happen(call, happenings) == happen(call, shuffled)


class AnyCall(RuleBasedStateMachine):
    """Whatever is done in whatever order: nobody hears whom they must not."""

    @initialize()
    def begin(self) -> None:
        self.call = Call(new(), "inbound", (customer("inviting"),), recording=Recording("inform"))

    def _try(self, move: object) -> None:
        try:
            self.call = move()  # type: ignore[operator]
        except IllegalMoveError:
            return

    legs = st.sampled_from([CUSTOMER, ANA, BEA])
    agents_ = st.sampled_from([ANA, BEA])

    @rule(leg=legs)
    def connect(self, leg: UUID) -> None:
        self.call = calls.connect(self.call, leg)

    @rule(leg=legs)
    def lose(self, leg: UUID) -> None:
        self.call = calls.lose(self.call, leg, LATER)

    @rule(leg=agents_)
    def leave(self, leg: UUID) -> None:
        self.call = calls.leave(self.call, leg)

    @rule(leg=agents_)
    def take(self, leg: UUID) -> None:
        if not self.call.agents:
            self._try(lambda: calls.add(self.call, agent(leg)))

    @rule(leg=agents_, on=st.booleans())
    def mute(self, leg: UUID, on: bool) -> None:
        self._try(lambda: calls.mute(self.call, leg, on=on))

    @rule(leg=agents_, on=st.booleans())
    def hold(self, leg: UUID, on: bool) -> None:
        self._try(lambda: calls.hold(self.call, leg, on=on))

    @rule(by=agents_)
    def ask_in(self, by: UUID) -> None:
        other = BEA if by == ANA else ANA
        self._try(lambda: calls.begin_consult(self.call, by, agent(other, "ringing")))

    @rule(by=agents_)
    def ask_queue(self, by: UUID) -> None:
        self._try(lambda: calls.ask_queue(self.call, by, REQUEST))

    @rule(leg=agents_)
    def come_in(self, leg: UUID) -> None:
        self._try(lambda: calls.come_in(self.call, REQUEST, agent(leg)))

    @rule(leg=agents_)
    def answer(self, leg: UUID) -> None:
        self._try(lambda: calls.answer(self.call, leg, sounds=True, deadline=LATER))

    @rule(
        by=agents_, move=st.sampled_from([calls.toggle, calls.complete, calls.cancel, calls.merge])
    )
    def consult(self, by: UUID, move: object) -> None:
        self._try(lambda: move(self.call, by))  # type: ignore[operator]

    @rule(move=st.sampled_from([calls.pause, calls.resume, calls.stop]))
    def record(self, move: object) -> None:
        self._try(lambda: move(self.call))  # type: ignore[operator]

    @rule()
    def start_recording(self) -> None:
        self._try(lambda: calls.begin_recording(self.call, new()))

    @invariant()
    def nothing_leaks(self) -> None:
        call, found = self.call, mix(self.call)
        by_id = {leg.id: leg for leg in call.open_legs}
        for leg_id, ear in found.legs.items():
            assert leg_id not in ear.legs, "nobody hears themselves"
            assert not (ear.legs and ear.tone), "a voice or a tone, not both"
            for source in ear.legs:
                assert by_id[source].state == "connected"
                assert not by_id[source].muted
            if by_id[leg_id].kind == "customer":
                assert ear.tone in {None, "music"}
        ears = heard(found)
        if call.held:
            assert all(not legs for legs, _ in ears.values()), "nothing is heard on hold"
        if call.consult is not None and CUSTOMER in ears:
            colleague = call.consult.leg
            assert colleague not in ears[CUSTOMER][0], "the customer never hears who is asked in"
            if call.consult.side == "colleague":
                assert ears[CUSTOMER] == MUSIC

    @invariant()
    def the_tape_holds_what_was_said_and_no_more(self) -> None:
        tape, room = mix(self.call).tape, {leg.id for leg in calls.talking(self.call)}
        if tape is None:
            assert self.call.recording.state in {"off", "refused"}
            return
        assert tape.left | tape.right <= room
        if self.call.held or self.call.recording.state == "paused":
            assert not tape.writing
        if self.call.consult is not None and self.call.consult.side == "colleague":
            assert not tape.writing

    @invariant()
    def state_and_legs_agree(self) -> None:
        call = self.call
        if call.conference:
            assert len(call.agents) > 1
        if call.held:
            assert call.agents
        if call.consult is not None:
            waits = call.consult.request is not None
            assert (call.leg(call.consult.leg) is None) is waits
            assert call.leg(call.consult.by) is not None
        assert (call.state == "waiting") <= (not call.agents)


AnyCall.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestAnyCall = AnyCall.TestCase


def test_consent_after_the_end_changes_nothing() -> None:
    over = calls.end(talk(Recording("opt_in")))
    with pytest.raises(IllegalMoveError):
        calls.consent(over, given=False)
