"""Units, channel maxima, interruption, parking, and work that comes back above the budget."""

from __future__ import annotations

import pytest

from routing.core import decisions as d
from routing.core import inputs as i
from routing.core.model import (
    MINUTE,
    SECOND,
    Channel,
    Outcome,
    ParkReason,
    ReservationState,
    SegmentState,
    Will,
)
from tests.unit.routing.centre import Centre, agent, queue

VOICE, CHAT, WHATSAPP, SMS, EMAIL = Channel


@pytest.mark.parametrize(
    ("have", "budget", "new", "fits"),
    [
        ([], 100, VOICE, True),
        ([], 99, VOICE, False),
        ([CHAT], 100, CHAT, True),
        ([CHAT] * 3, 100, CHAT, True),
        ([CHAT] * 4, 100, CHAT, False),
        ([CHAT] * 3, 100, WHATSAPP, True),
        ([CHAT] * 4, 100, EMAIL, False),
        ([VOICE], 100, EMAIL, False),
        ([VOICE], 125, WHATSAPP, True),  # the pictures' agent: a message during a call
        ([VOICE], 125, CHAT, True),
        ([VOICE], 125, VOICE, False),
        ([VOICE], 300, VOICE, True),
        ([CHAT], 125, VOICE, False),  # a live chat bars a call, whatever the budget says
        ([WHATSAPP], 100, VOICE, False),  # a live message is not interrupted
        ([WHATSAPP], 125, VOICE, True),
        ([EMAIL], 100, VOICE, True),  # mail is
        ([EMAIL] * 10, 100, VOICE, True),
        ([EMAIL, WHATSAPP], 100, VOICE, False),
    ],
)
def test_what_fits(have: list[Channel], budget: int, new: Channel, fits: bool) -> None:
    centre = Centre(agent("ana", budget=300))
    for number, channel in enumerate(have):
        assert centre.serve(f"h{number}", channel) == "ana"
    centre.send(i.AgentConfigChanged(agent("ana", budget=budget)))
    centre.arrive("w1", new)
    assert centre.offers == ([("ana", "w1")] if fits else [])
    assert not fits or centre.load("ana") <= budget


@pytest.mark.parametrize(("most", "fits"), [(0, False), (1, False), (2, True), (None, True)])
def test_channel_maxima(most: int | None, fits: bool) -> None:
    maxima = {} if most is None else {CHAT: most}
    centre = Centre(agent("ana", maxima={CHAT: 1}))
    centre.serve("h1", CHAT)
    centre.send(i.AgentConfigChanged(agent("ana", maxima=maxima)))
    centre.arrive("w1", CHAT)
    assert centre.offers == ([("ana", "w1")] if fits else [])


def test_a_desk_without_a_microphone_gets_no_calls() -> None:
    centre = Centre(agent("ana"))
    centre.send(i.AgentPresenceChanged("ana", True, frozenset({CHAT})))
    centre.arrive("w1", VOICE)
    assert centre.offers == []
    centre.arrive("w2", CHAT)
    assert centre.offers == [("ana", "w2")]


def test_an_item_that_shuns_a_channel_is_kept_from_desks_that_have_it() -> None:
    """Whoever pulls it, or has it pushed to them by force."""
    centre = Centre(agent("ana"), agent("ben"))
    centre.send(i.AgentPresenceChanged("ben", True, frozenset({VOICE, EMAIL})))
    centre.arrive("w1", VOICE, shuns=("chat",))
    assert centre.offers == [("ben", "w1")]
    centre.arrive("w2", VOICE, shuns=("chat",))
    assert centre.offers == []
    centre.send(i.PullRequested("q1", "ana", "w2"))
    assert centre.refusal() == ("capacity", {"reason": "channel", "channel": "voice"})
    centre.send(i.PushRequested("q2", "ana", "w2", force=True))
    assert centre.refusal() == ("capacity", {"reason": "channel", "channel": "voice"})


def test_what_rings_is_taken_back_from_a_desk_that_cannot_take_it_any_more() -> None:
    centre = Centre(agent("ana"))
    centre.send(i.AgentPresenceChanged("ana", True, frozenset({VOICE})))
    centre.arrive("w1", VOICE, shuns=("chat",))
    assert centre.offers == [("ana", "w1")]
    centre.send(i.AgentPresenceChanged("ana", True, frozenset({VOICE, CHAT})))
    ended = centre.one(d.OfferEnded)
    assert (ended.state, ended.reason) == (ReservationState.RESCINDED, "desk_changed")
    assert centre.offers == []
    centre.arrive("w2", VOICE)
    assert centre.offers == [("ana", "w2")]
    centre.send(i.AgentPresenceChanged("ana", True, frozenset({CHAT})))
    assert centre.one(d.OfferEnded).work_item == "w2"


def test_an_items_own_cost_counts() -> None:
    centre = Centre(agent("ana"))
    centre.serve("h1", CHAT)
    centre.arrive("w1", CHAT, cost=80)
    assert centre.offers == []
    centre.arrive("w2", CHAT, cost=75)
    assert centre.offers == [("ana", "w2")]


# Interruption


def test_a_call_pauses_mail_and_mail_comes_back_after_the_wrap_up() -> None:
    centre = Centre(agent("ana"))
    centre.serve("mail", EMAIL)
    centre.arrive("call", VOICE)
    paused = centre.one(d.SegmentPaused)
    assert (paused.segment, paused.reason, paused.cost) == (
        "s-mail",
        ParkReason.INTERRUPTED,
        0,
    )
    centre.accept("call")
    centre.close("call")
    assert centre.all(d.SegmentReactivated) == []
    centre.end("call")
    back = centre.one(d.SegmentReactivated)
    assert (back.segment, back.cause, back.cost) == ("s-mail", "router", 10)
    assert not back.over_budget


@pytest.mark.parametrize("end", ["reject", "leave", "miss"])
def test_mail_goes_on_when_the_call_does_not_come(end: str) -> None:
    centre = Centre(agent("ana"))
    centre.serve("mail", EMAIL)
    centre.arrive("call", VOICE)
    if end == "reject":
        centre.reject("call")
    elif end == "leave":
        centre.send(i.ItemLeft("call", Outcome.ABANDONED))
    else:
        centre.after(15 * SECOND)
    assert centre.one(d.SegmentReactivated).segment == "s-mail"


def test_mail_is_not_paused_where_the_call_fits_beside_it() -> None:
    centre = Centre(agent("ana", budget=125))
    centre.serve("mail", EMAIL)
    centre.arrive("call", VOICE)
    assert centre.offers == [("ana", "call")]
    assert centre.all(d.SegmentPaused) == []


def test_a_call_from_an_own_chat_takes_over_its_units() -> None:
    centre = Centre(agent("ana", budget=100))
    centre.serve("chat", CHAT)
    centre.arrive("call", VOICE, takes_over="s-chat", preferred=("ana",), preferred_ms=30_000)
    assert centre.one(d.SegmentCostChanged).cost == 0
    assert centre.offers == [("ana", "call")]
    assert centre.load("ana") == 100
    centre.accept("call")
    assert centre.segment("chat").state is SegmentState.ACTIVE
    centre.close("call")
    centre.end("call")
    assert centre.one(d.SegmentCostChanged).cost == 25


def test_other_live_chats_still_bar_it() -> None:
    centre = Centre(agent("ana"))
    centre.serve("chat", CHAT)
    centre.serve("other", CHAT)
    centre.arrive("call", VOICE, takes_over="s-chat", preferred=("ana",), preferred_ms=30_000)
    assert centre.offers == []
    centre.end("other")
    assert centre.offers == [("ana", "call")]


# Parking


@pytest.mark.parametrize("channel", [WHATSAPP, SMS, EMAIL])
def test_messaging_that_waits_for_the_customer_is_free_at_once(channel: Channel) -> None:
    centre = Centre(agent("ana"))
    centre.serve("w1", channel)
    centre.send(i.AgentWrote("s-w1"))
    paused = centre.one(d.SegmentPaused)
    assert (paused.reason, paused.cost) == (ParkReason.WAITING_CUSTOMER, 0)
    assert centre.load("ana") == 0
    centre.send(i.CustomerWrote("s-w1"))
    back = centre.one(d.SegmentReactivated)
    assert (back.cause, back.over_budget) == ("customer", False)


def test_a_chat_waits_for_free_after_five_minutes() -> None:
    centre = Centre(agent("ana"))
    centre.serve("w1", CHAT)
    centre.send(i.AgentWrote("s-w1"))
    assert centre.said == []
    centre.after(5 * MINUTE - 1)
    assert centre.load("ana") == 25
    centre.after(1)
    assert centre.one(d.SegmentPaused).cost == 0


def test_a_customer_who_answers_in_time_keeps_the_chat_live() -> None:
    centre = Centre(agent("ana"))
    centre.serve("w1", CHAT)
    centre.send(i.AgentWrote("s-w1"))
    centre.after(4 * MINUTE, i.CustomerWrote("s-w1"))
    centre.after(10 * MINUTE)
    assert centre.segment("w1").state is SegmentState.ACTIVE


def test_work_that_comes_back_above_the_budget_is_flagged_and_bars_new_offers() -> None:
    centre = Centre(agent("ana"))
    centre.serve("w1", WHATSAPP)
    centre.send(i.AgentWrote("s-w1"))
    centre.serve("call", VOICE)
    centre.send(i.CustomerWrote("s-w1"))
    back = centre.one(d.SegmentReactivated)
    assert back.over_budget
    assert centre.load("ana") == 120
    updated = centre.one(d.AgentUpdated)
    assert (updated.status, updated.over_budget) == ("over_budget", True)
    centre.end("call")
    centre.arrive("w2", CHAT)
    assert centre.offers == [("ana", "w2")]


def test_nothing_is_offered_above_the_budget_even_what_could_interrupt() -> None:
    centre = Centre(agent("ana", budget=110))
    for number in range(11):
        centre.serve(f"m{number}", EMAIL)
    centre.send(i.AgentConfigChanged(agent("ana", budget=100)))
    centre.arrive("call", VOICE)
    assert centre.offers == []
    centre.end("m0")
    assert centre.offers == [("ana", "call")]


@pytest.mark.parametrize(
    ("reason", "channel", "cost"),
    [
        (ParkReason.SNOOZED, CHAT, 0),
        (ParkReason.SNOOZED, WHATSAPP, 0),
        (ParkReason.WAITING_CUSTOMER, WHATSAPP, 0),
        (ParkReason.WAITING_CUSTOMER, CHAT, 25),  # for five minutes yet
    ],
)
def test_what_an_agent_sets_aside_costs(reason: ParkReason, channel: Channel, cost: int) -> None:
    centre = Centre(agent("ana"))
    centre.serve("w1", channel)
    until = centre.now + MINUTE if reason is ParkReason.SNOOZED else None
    centre.send(i.SegmentParked("s-w1", reason, until))
    assert centre.load("ana") == cost


def test_a_parked_chat_gives_way_to_a_call() -> None:
    centre = Centre(agent("ana"))
    centre.serve("w1", CHAT)
    centre.send(i.SegmentParked("s-w1", ParkReason.WAITING_CUSTOMER))
    centre.arrive("call", VOICE)
    assert centre.one(d.SegmentCostChanged).cost == 0
    assert centre.offers == [("ana", "call")]


def test_a_snooze_ends_at_its_agent() -> None:
    centre = Centre(agent("ana"))
    centre.serve("w1", WHATSAPP)
    centre.send(i.SegmentParked("s-w1", ParkReason.SNOOZED, centre.now + MINUTE))
    centre.after(MINUTE)
    back = centre.one(d.SegmentReactivated)
    assert (back.agent, back.cause) == ("ana", "timer")


def test_a_snooze_of_somebody_who_has_signed_off_ends_in_the_queue() -> None:
    centre = Centre(agent("ana"), agent("ben"))
    assert centre.serve("w1", WHATSAPP) == "ana"
    centre.send(i.SegmentParked("s-w1", ParkReason.SNOOZED, centre.now + MINUTE))
    centre.away("ana", Will.OFFLINE)
    centre.after(MINUTE)
    assert centre.one(d.SegmentReleased).reason == "agent_gone"
    again = centre.one(d.VisitOpened)
    assert (again.item.preferred, again.from_segment) == (("ana",), "s-w1")
    assert centre.offers == [("ben", again.item.id)]


def test_held_and_wrapping_work_costs_in_full() -> None:
    centre = Centre(queue(), agent("ana"))
    centre.serve("call", VOICE)
    centre.hold("call")
    assert centre.load("ana") == 100
    centre.close("call")
    assert centre.load("ana") == 100
