"""Pull, push, dial and sign-off: when the answer is yes, and every no."""

from __future__ import annotations

from typing import Any

import pytest

from routing.core import decisions as d
from routing.core import inputs as i
from routing.core.model import (
    MINUTE,
    SECOND,
    Channel,
    Entry,
    OpenWork,
    ParkReason,
    Requirement,
    RoutingStep,
    Will,
)
from tests.unit.routing.centre import Centre, agent, queue

VOICE, CHAT, WHATSAPP, SMS, EMAIL = Channel
FINISH = {"open_work": ["s-w1"], "finish": True}


def unreachable() -> Centre:
    """A chat waits: its first step asks for a skill that nobody here has."""
    step = RoutingStep((Requirement("SA", 5),), for_ms=MINUTE)
    centre = Centre(
        queue(steps=[step, RoutingStep()]),
        agent("ana", {"SA": 1}),
        agent("ben", {"SA": 1}),
        agent("cid", {"PR": 1}),
    )
    centre.arrive("w1", CHAT)
    assert centre.offers == []
    return centre


# Pull


def test_a_pull_gives_the_item_at_once() -> None:
    centre = unreachable()
    centre.send(i.PullRequested("q", "ben", "w1"))
    given = centre.one(d.ItemAssigned)
    assert (given.how, given.request_id, given.segment.agent) == ("pull", "q", "ben")
    assert given.segment.cost == 25
    assert not given.segment.over_budget
    assert given.explanation.winners() == ("ben",)
    assert centre.engine.line("SA", centre.now) == []


@pytest.mark.parametrize(
    ("prepare", "who", "item", "code"),
    [
        ("nothing", "ana", "w9", "not_found"),
        ("nothing", "zoe", "w1", "not_found"),
        ("nothing", "cid", "w1", "forbidden"),
        ("offline", "ana", "w1", "conflict"),
        ("silent", "ana", "w1", "conflict"),
        ("ringing", "ana", "w1", "conflict"),
        ("offered", "ben", "w2", "conflict"),
        ("full", "ana", "w1", "capacity"),
        ("wrapping", "ana", "w1", "capacity"),
        ("away", "ana", "w1", None),
    ],
)
def test_pulls(prepare: str, who: str, item: str, code: str | None) -> None:
    centre = unreachable()
    match prepare:
        case "offline":
            centre.away("ana", Will.OFFLINE)
        case "away":
            centre.away("ana")
        case "silent":
            centre.silent("ana")
        case "ringing" | "offered":
            centre.arrive("w2", CHAT, preferred=("ana",), preferred_ms=MINUTE)
        case "full" | "wrapping":
            centre.serve("w2", VOICE, preferred=("ana",), preferred_ms=MINUTE)
            if prepare == "wrapping":
                centre.close("w2")
    centre.send(i.PullRequested("q", who, item))
    if code is None:
        assert centre.one(d.ItemAssigned).segment.agent == who
    else:
        assert centre.refusal()[0] == code
        assert centre.all(d.ItemAssigned) == []


# Push


@pytest.mark.parametrize(
    ("prepare", "who", "forced", "code"),
    [
        ("nothing", "ana", False, None),
        ("nothing", "cid", False, None),  # skills are the supervisor's affair
        ("nothing", "zoe", False, "not_found"),
        ("away", "ana", False, "conflict"),
        ("away", "ana", True, None),
        ("silent", "ana", True, "conflict"),
        ("offline", "ana", True, "conflict"),
        ("full", "ana", False, "capacity"),
        ("full", "ana", True, None),
        ("wrapping", "ana", False, "conflict"),
        ("wrapping", "ana", True, None),
        ("resting", "ana", False, "conflict"),
        ("resting", "ana", True, None),
    ],
)
def test_pushes(prepare: str, who: str, forced: bool, code: str | None) -> None:
    centre = unreachable()
    match prepare:
        case "offline":
            centre.away("ana", Will.OFFLINE)
        case "away":
            centre.away("ana")
        case "silent":
            centre.silent("ana")
        case "full" | "wrapping":
            centre.serve("w2", VOICE, preferred=("ana",), preferred_ms=MINUTE)
            if prepare == "wrapping":
                centre.close("w2")
        case "resting":
            centre.arrive("w2", CHAT, preferred=("ana",), preferred_ms=MINUTE)
            centre.reject("w2")
    centre.send(i.PushRequested("q", who, "w1", force=forced))
    if code is not None:
        assert centre.refusal()[0] == code
        return
    given = centre.one(d.ItemAssigned)
    assert (given.how, given.forced, given.segment.agent) == ("push", forced, who)
    assert given.segment.over_budget == (centre.load(who) > 100)


def test_a_push_takes_an_item_that_rings_elsewhere() -> None:
    centre = Centre(agent("ana"), agent("ben"))
    centre.arrive("w1")
    assert centre.offers == [("ana", "w1")]
    centre.send(i.PushRequested("q", "ben", "w1"))
    ended = centre.one(d.OfferEnded)
    assert (ended.agent, ended.state, ended.requeued) == ("ana", "rescinded", False)
    assert centre.one(d.ItemAssigned).segment.agent == "ben"


def test_a_push_to_the_agent_it_rings_at() -> None:
    centre = Centre(agent("ana"))
    centre.arrive("w1")
    centre.send(i.PushRequested("q", "ana", "w1"))
    assert centre.one(d.ItemAssigned).segment.agent == "ana"
    assert centre.engine.snapshot().reservations == ()


# Dialling


@pytest.mark.parametrize(
    ("prepare", "code"),
    [
        (None, None),
        ("away", None),
        ("silent", "conflict"),
        ("call", "capacity"),
        ("chat", "capacity"),
        ("mail", None),
    ],
)
def test_a_call_that_an_agent_dials_takes_units_first(
    prepare: str | None, code: str | None
) -> None:
    centre = Centre(agent("ana"))
    match prepare:
        case "away" | "silent":
            getattr(centre, prepare)("ana")
        case "call" | "chat" | "mail":
            channel = {"call": VOICE, "chat": CHAT, "mail": EMAIL}[prepare]
            centre.serve("w1", channel)
    centre.send(i.UnitsRequested("q", "ana", "i9", VOICE, 100))
    if code is not None:
        assert centre.refusal()[0] == code
        return
    granted = centre.one(d.UnitsGranted)
    assert (granted.segment.agent, granted.segment.cost) == ("ana", 100)
    assert len(centre.all(d.SegmentPaused)) == (prepare == "mail")
    assert centre.load("ana") == 100  # the mail stays aside for as long as the call lasts
    centre.after(MINUTE)
    assert centre.load("ana") == 100
    centre.send(i.SegmentEnded(granted.segment.id))
    assert centre.load("ana") == (10 if prepare == "mail" else 0)


# Status


def ask(centre: Centre, will: Will, **more: Any) -> list[d.Decision]:
    return centre.send(i.StatusRequested("q", "ana", will, "r", **more))


def test_a_status_is_set() -> None:
    centre = Centre(agent("ana"))
    ask(centre, Will.AWAY)
    said = centre.one(d.AgentStatusSet)
    assert (said.will, said.reason, said.cause, said.request_id) == (Will.AWAY, "r", "agent", "q")


def test_nobody_has_no_status() -> None:
    centre = Centre(agent("ben"))
    ask(centre, Will.AWAY)
    assert centre.refusal()[0] == "not_found"


@pytest.mark.parametrize("will", [Will.AWAY, Will.OFFLINE])
@pytest.mark.parametrize("later", [False, True])
def test_the_last_one_of_a_queue_with_waiters_must_confirm(will: Will, later: bool) -> None:
    centre = Centre(queue(), queue("PR"), agent("ana", {"SA": 3, "PR": 1}), agent("ben"))
    centre.away("ben")
    if later:
        centre.serve("w0")
    for name in ("w1", "w2"):
        centre.arrive(name)
    ask(centre, will, after_this=later)
    assert centre.refusal() == ("conflict", {"waiting": {"SA": 2}})
    ask(centre, will, after_this=later, confirm=True)
    assert centre.one(d.AgentStatusSet).request_id == "q"


def test_somebody_else_is_there() -> None:
    centre = Centre(agent("ana"), agent("ben"))
    for name in ("w0", "w1", "w2"):
        centre.arrive(name)
    centre.accept("w0")
    centre.accept("w1")
    ask(centre, Will.AWAY)
    assert centre.one(d.AgentStatusSet).will is Will.AWAY


@pytest.mark.parametrize("ben_is", ["leaving", "on demand", "without telephone", "without calls"])
def test_who_leaves_too_or_cannot_take_it_is_nobody_to_hope_for(ben_is: str) -> None:
    centre = Centre(
        agent("ana"), agent("ben", maxima={VOICE: 0} if ben_is == "without calls" else {})
    )
    match ben_is:
        case "leaving":
            centre.serve("w0", preferred=("ben",), preferred_ms=MINUTE)
            centre.send(i.StatusRequested("b", "ben", Will.AWAY, "r", after_this=True))
        case "on demand":
            centre.away("ben", Will.ON_DEMAND)
            centre.serve("w0", preferred=("ben",), preferred_ms=MINUTE)
        case "without telephone":
            centre.send(i.AgentPresenceChanged("ben", True, frozenset({CHAT})))
    centre.serve("w1")
    centre.arrive("w2")
    ask(centre, Will.AWAY)
    assert centre.refusal() == ("conflict", {"waiting": {"SA": 1}})


def test_the_desk_without_telephone_is_there_for_the_chats() -> None:
    centre = Centre(agent("ana"), agent("ben", budget=25))
    centre.serve("w0", CHAT, preferred=("ben",), preferred_ms=MINUTE)
    centre.send(i.AgentPresenceChanged("ben", True, frozenset({CHAT})))
    centre.serve("w1")
    centre.arrive("w2", CHAT)
    ask(centre, Will.AWAY)
    assert centre.one(d.AgentStatusSet).will is Will.AWAY


def test_who_is_away_already_leaves_nobody_in_the_lurch() -> None:
    centre = Centre(agent("ana"), away=["ana"])
    centre.arrive("w1")
    ask(centre, Will.OFFLINE)
    assert centre.one(d.AgentStatusSet).will is Will.OFFLINE


@pytest.mark.parametrize(
    ("have", "more", "answer"),
    [
        ("chat", {}, ("conflict", {"open_work": ["s-w1"]})),
        ("call", {"open_work": OpenWork.QUEUE}, ("conflict", FINISH)),
        ("wrap", {"open_work": OpenWork.QUEUE}, ("conflict", FINISH)),
        ("chat", {"open_work": OpenWork.SNOOZE}, ("invalid", {})),
        ("chat", {"open_work": OpenWork.HAND_OVER}, ("not_found", {})),
        ("chat", {"open_work": OpenWork.HAND_OVER, "hand_over_to": "ana"}, ("not_found", {})),
        ("chat", {"open_work": OpenWork.HAND_OVER, "hand_over_to": "cid"}, ("conflict", {})),
        ("snoozed", {}, None),
    ],
)
def test_signing_off_with_open_work(
    have: str, more: dict[str, Any], answer: tuple[str, dict[str, Any]] | None
) -> None:
    centre = Centre(agent("ana"), agent("ben"), agent("cid"))
    centre.away("cid", Will.OFFLINE)
    centre.serve("w1", VOICE if have in {"call", "wrap"} else CHAT)
    if have == "wrap":
        centre.close("w1")
    if have == "snoozed":
        centre.send(i.SegmentParked("s-w1", ParkReason.SNOOZED, centre.now + MINUTE))
    ask(centre, Will.OFFLINE, **more)
    if answer is None:
        assert centre.one(d.AgentStatusSet).will is Will.OFFLINE
    else:
        assert centre.refusal() == answer


def test_open_work_goes_back_to_the_queue() -> None:
    centre = Centre(agent("ana"), agent("ben"))
    start = centre.now
    assert centre.serve("w1", CHAT) == "ana"
    centre.now += MINUTE
    ask(centre, Will.OFFLINE, open_work=OpenWork.QUEUE)
    released, again = centre.one(d.SegmentReleased), centre.one(d.VisitOpened)
    assert (released.segment, released.reason) == ("s-w1", "sign_off")
    assert again.from_segment == "s-w1"
    assert (again.item.entry, again.item.virtual_start) == (Entry.REQUEUE, start)
    assert centre.offers == [("ben", again.item.id)]


def test_offline_after_this_asks_for_what_is_set_aside() -> None:
    centre = Centre(agent("ana"), agent("ben"), away=["ben"])
    centre.serve("w1", WHATSAPP)
    centre.send(i.SegmentParked("s-w1", ParkReason.WAITING_CUSTOMER))
    centre.serve("w2")
    ask(centre, Will.OFFLINE, after_this=True)
    assert centre.refusal() == ("conflict", {"open_work": ["s-w1"]})
    ask(centre, Will.OFFLINE, after_this=True, open_work=OpenWork.QUEUE, confirm=True)
    assert centre.one(d.SegmentReleased).segment == "s-w1"
    assert centre.one(d.AgentStatusSet).after_this is Will.OFFLINE
    ended = centre.end("w2")
    assert [each.will for each in ended if isinstance(each, d.AgentStatusSet)] == [Will.OFFLINE]


def test_what_an_absent_agent_would_never_finish_is_not_waited_for() -> None:
    """A chat is taken back from a silent desk and a call ends by itself; written work stays."""
    centre = Centre(agent("ana"), agent("ben"), away=["ben"])
    centre.serve("w1", WHATSAPP)
    centre.serve("w2", CHAT)
    centre.serve("w3", WHATSAPP)
    centre.send(i.SegmentParked("s-w3", ParkReason.SNOOZED, centre.now + 30 * SECOND))
    leaves: dict[str, Any] = {"after_this": True, "open_work": OpenWork.QUEUE, "confirm": True}
    ask(centre, Will.OFFLINE, **leaves)
    assert centre.all(d.SegmentReleased) == [], "whoever is there finishes it"
    centre.silent("ana")
    ask(centre, Will.OFFLINE, **leaves)
    assert [gone.segment for gone in centre.all(d.SegmentReleased)] == ["s-w1"]
    assert centre.one(d.AgentStatusSet).after_this is Will.OFFLINE
    centre.after(30 * SECOND)  # it wakes for somebody who does not come back
    woken = centre.one(d.SegmentReleased)
    assert (woken.segment, woken.reason) == ("s-w3", "agent_gone")
    centre.after(30 * SECOND)
    assert centre.one(d.SegmentReleased).segment == "s-w2"
    assert centre.one(d.AgentStatusSet).will is Will.OFFLINE


def test_an_absent_agent_s_mail_does_not_wait_for_the_call() -> None:
    centre = Centre(agent("ana"), agent("ben"), away=["ben"])
    centre.serve("w1", EMAIL)
    centre.serve("w2")
    assert centre.segment("w1").park_reason is ParkReason.INTERRUPTED
    centre.silent("ana")
    ask(centre, Will.OFFLINE, after_this=True, open_work=OpenWork.QUEUE, confirm=True)
    assert centre.one(d.SegmentReleased).segment == "s-w1"
    ended = centre.end("w2")
    assert [each.will for each in ended if isinstance(each, d.AgentStatusSet)] == [Will.OFFLINE]


@pytest.mark.parametrize(
    ("choice", "becomes"),
    [
        ({}, "queue"),
        ({"open_work": OpenWork.QUEUE}, "queue"),
        ({"open_work": OpenWork.SNOOZE, "snooze_until": 60 * MINUTE}, "snooze"),
        ({"open_work": OpenWork.SNOOZE, "snooze_until": SECOND}, "queue"),
        ({"open_work": OpenWork.HAND_OVER, "hand_over_to": "cid"}, "cid"),
        ({"open_work": OpenWork.HAND_OVER, "hand_over_to": "ben"}, "queue"),
    ],
)
def test_what_is_set_aside_after_all_becomes_what_was_said(
    choice: dict[str, Any], becomes: str
) -> None:
    centre = Centre(agent("ana"), agent("ben"), agent("cid"))
    for colleague in ("ben", "cid"):
        centre.away(colleague)
    until = choice.get("snooze_until")
    if until is not None:
        choice = {**choice, "snooze_until": centre.now + until}
    centre.serve("w1", WHATSAPP)
    ask(centre, Will.OFFLINE, after_this=True, confirm=True, **choice)
    assert centre.one(d.AgentStatusSet).after_this is Will.OFFLINE
    centre.away("ben", Will.OFFLINE)
    centre.now += MINUTE
    came = centre.send(i.SegmentParked("s-w1", ParkReason.WAITING_CUSTOMER))
    gone = [each for each in came if isinstance(each, d.AgentStatusSet)]
    assert [(each.will, each.cause) for each in gone] == [(Will.OFFLINE, "after_this")]
    if becomes == "snooze":
        paused = centre.one(d.SegmentPaused)
        assert (paused.reason, paused.until) == (ParkReason.SNOOZED, choice["snooze_until"])
    else:
        assert centre.one(d.SegmentReleased).reason == "sign_off"
        assert centre.one(d.VisitOpened).item.direct_to == (None if becomes == "queue" else becomes)


def test_a_choice_for_later_must_be_possible() -> None:
    centre = Centre(agent("ana"), agent("ben"))
    centre.serve("w1", CHAT)
    later = {"after_this": True, "confirm": True, "open_work": OpenWork.HAND_OVER}
    ask(centre, Will.OFFLINE, **later, hand_over_to="nobody")
    assert centre.refusal() == ("not_found", {})


def test_open_work_sleeps() -> None:
    centre = Centre(agent("ana"))
    centre.serve("w1", WHATSAPP)
    until = centre.now + MINUTE
    ask(centre, Will.OFFLINE, open_work=OpenWork.SNOOZE, snooze_until=until)
    paused = centre.one(d.SegmentPaused)
    assert (paused.reason, paused.until, paused.cost) == (ParkReason.SNOOZED, until, 0)


def test_open_work_is_handed_over() -> None:
    centre = Centre(agent("ana"), agent("ben"), agent("cid"))
    centre.serve("w1", CHAT)
    ask(centre, Will.OFFLINE, open_work=OpenWork.HAND_OVER, hand_over_to="cid")
    again = centre.one(d.VisitOpened).item
    assert again.direct_to == "cid"
    assert centre.offers == [("cid", again.id)]
    centre.after(30 * SECOND)  # missed: anybody may have it now, at the front
    assert centre.one(d.TransferReturned).to_agent is None
    assert centre.offers == [("ben", again.id)]
