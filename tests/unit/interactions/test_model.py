"""An interaction's edges one by one, and how addresses and names are stored and shown."""

from __future__ import annotations

import itertools

import pytest

from contactcenter.analytics.metrics import MESSAGE, line_of
from contactcenter.interactions.model import (
    CHANNELS,
    STATES,
    Address,
    AddressKind,
    Band,
    State,
    is_message,
    masked,
    may,
    normalise,
    sort_key,
    sources,
)
from routing.core import world
from routing.core.items import new_item
from routing.core.model import Channel, QueueConfig, Requirement

# domain.md 1.2: what must exist, besides the obvious; everything else is refused.
WANTED: set[tuple[State, State]] = {
    ("new", "ivr"),
    ("new", "queued"),
    ("new", "active"),
    ("new", "closed"),
    ("ivr", "queued"),
    ("ivr", "closed"),
    ("queued", "queued"),
    ("queued", "offered"),
    ("queued", "active"),
    ("queued", "closed"),
    ("offered", "queued"),
    ("offered", "offered"),
    ("offered", "active"),
    ("offered", "closed"),
    ("active", "held"),
    ("active", "parked"),
    ("active", "queued"),
    ("active", "offered"),
    ("active", "wrapping"),
    ("active", "closed"),
    ("held", "active"),
    ("held", "queued"),
    ("held", "offered"),
    ("held", "wrapping"),
    ("held", "closed"),
    ("parked", "active"),
    ("parked", "queued"),
    ("parked", "offered"),
    ("parked", "wrapping"),
    ("parked", "closed"),
    ("wrapping", "active"),
    ("wrapping", "closed"),
}


@pytest.mark.parametrize(("before", "after"), list(itertools.product(STATES, STATES)))
def test_every_edge(before: State, after: State) -> None:
    assert may(before, after) is ((before, after) in WANTED)
    assert (before in sources(after)) is ((before, after) in WANTED)


def test_a_closed_interaction_goes_nowhere() -> None:
    assert not any(may("closed", state) for state in STATES)


@pytest.mark.parametrize(
    ("kind", "given", "stored"),
    [
        ("phone", "612 34 56 78", "+34612345678"),
        ("phone", "+34 612-34-56-78", "+34612345678"),
        ("phone", "0034612345678", "+34612345678"),
        ("phone", "+44 20 7946 0018", "+442079460018"),
        ("whatsapp", "976 12 34 56", "+34976123456"),
        ("email", " Ana.Perez@Ejemplo.ES ", "ana.perez@ejemplo.es"),
        ("web", "a1b2", "a1b2"),
    ],
)
def test_addresses_have_one_form(kind: AddressKind, given: str, stored: str) -> None:
    assert normalise(kind, given) == stored
    assert normalise(kind, stored) == stored


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("phone", "12"),
        ("phone", "no es un número"),
        ("phone", "+1234567890123456"),
        ("email", "ana"),
        ("email", "@ejemplo.es"),
        ("email", "ana@localhost"),
        ("email", "a na@ejemplo.es"),
        ("web", "  "),
    ],
)
def test_what_is_no_address_is_refused(kind: AddressKind, given: str) -> None:
    with pytest.raises(ValueError, match="addres|number"):
        normalise(kind, given)


def test_an_offer_shows_little_of_an_address() -> None:
    assert masked(Address("phone", "+34612345678")) == "••• 678"
    assert masked(Address("email", "ana@ejemplo.es")) == "a•••@ejemplo.es"
    assert masked(Address("web", "a1b2")) == ""


def test_names_sort_without_accents_and_case_but_with_their_enye() -> None:
    names = ["Zúñiga", "Álvarez", "nunez", "Ñíguez", "Nuñez", "Obra"]
    assert sorted(names, key=sort_key) == ["Álvarez", "nunez", "Nuñez", "Ñíguez", "Obra", "Zúñiga"]
    assert sort_key("  Ana   María ") == "ana maria"


def test_a_message_left_in_the_chat_is_one_to_the_router_and_to_the_figures() -> None:
    queue = QueueConfig("SA", (Requirement("SA", 1),))
    for channel, band in itertools.product(CHANNELS, Band):
        item = new_item(queue, Channel(channel), id="w", interaction="i", now=0, band=band)
        left = (channel, band) == ("chat", Band.DEFERRED)
        assert is_message(channel, band) == world.is_message(item) == left
        assert line_of(channel, band) == (MESSAGE if left else channel)
