"""Every event is called what its class is called, and says who may see it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import pytest

from contactcenter.core.event import Audience, Event, spoken
from contactcenter.events import CATALOGUE
from contactcenter.realtime.projections import RULES

# Facts that stay on the server, and what they are for there.
INTERNAL = {
    "audit.recorded": "the audit chain is laid from it; whoever may read the log asks for its rows",
    "catastrophe.declared": "who comes in from then on is routed by it; the list asks for its rows",
    "catastrophe.ended": "as its beginning",
    "person.erased": "every process forgets the person's key",
    "role.changed": "each user of the role has a user.changed, which drops what is cached of them",
    "routing.clock_set": "waits are counted on with it; screens hear of what was moved",
    "routing.refused": "an answer to one request: the acknowledgement carries it",
    "routing.requested": "a question to the router; what it grants is a fact of its own",
    "session.ended": "the session's sockets are dropped, after which nobody is left to be told",
    "session.started": "kept for the log; the sign-in's answer says it",
    "user.changed": "cached permissions are dropped, and the sockets that are no longer allowed",
    "user.profile_changed": "cached names are read again",
    "user.registered": "kept for the log; the list of people asks for its rows",
}


def misnamed(events: Iterable[type[Event]]) -> list[str]:
    return [
        f"{event.__name__}: {event.name}"
        for event in events
        if event.name != spoken(event.__name__)
    ]


def unseen(events: Iterable[type[Event]]) -> set[str]:
    """Those that nobody may see."""
    return {event.name for event in events if not event.audience}


def test_an_event_is_called_what_its_class_is_called() -> None:
    assert misnamed(CATALOGUE) == []


@pytest.mark.parametrize(
    ("cls", "name"),
    [
        ("ClaimCreated", "claim.created"),
        ("ClaimFraudScored", "claim.fraud_scored"),
        ("RoutingClockSet", "routing.clock_set"),
    ],
)
def test_the_first_word_is_the_noun_and_the_rest_what_became_of_it(cls: str, name: str) -> None:
    assert spoken(cls) == name


def test_an_event_says_who_may_see_it_or_is_named_here_with_a_reason() -> None:
    assert unseen(CATALOGUE) == set(INTERNAL)


def test_no_screen_is_told_of_an_internal_event() -> None:
    assert {rule.event.name for rule in RULES} & set(INTERNAL) == set()


def test_one_that_is_called_otherwise_or_says_nothing_would_be_found() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class ParcelSent(Event):
        name: ClassVar[str] = "parcel.posted"
        subject_field: ClassVar[str] = "parcel"

        parcel: str

    @dataclass(frozen=True, slots=True, kw_only=True)
    class ParcelLost(Event):
        name: ClassVar[str] = "parcel.lost"
        audience: ClassVar[frozenset[Audience]] = frozenset({"team"})
        subject_field: ClassVar[str] = "parcel"

        parcel: str

    assert misnamed([ParcelSent, ParcelLost]) == ["ParcelSent: parcel.posted"]
    assert unseen([ParcelSent, ParcelLost]) == {"parcel.posted"}
