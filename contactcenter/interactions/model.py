"""PURE. An interaction's life: its states, and the edges between them.

    new ──► ivr ──► queued ◄──► offered ──► active ◄──► held
                     │  ▲                   │  ▲ ▲
                     │  └───── transfer ────┘  │ └──► parked ──► queued
                     ▼                         ▼
                   closed ◄──────────────── wrapping ──► active (the customer writes again)

The state follows the customer's side: while a customer waits or talks, somebody's
wrap-up of an earlier part does not show here. Every edge that is not in EDGES is
refused, and `closed` has none: a later message opens a new interaction.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any, Final, Literal, get_args
from uuid import UUID

Channel = Literal["voice", "chat", "whatsapp", "sms", "email"]
State = Literal["new", "ivr", "queued", "offered", "active", "held", "parked", "wrapping", "closed"]
CloseReason = Literal[
    "completed",
    "abandoned",
    "self_served",
    "left_in_ivr",
    "cancelled",
    "callback",
]
Sender = Literal["visitor", "agent", "bot", "system"]
MessageKind = Literal["text", "note", "event"]
AddressKind = Literal["email", "phone", "whatsapp", "web"]

CHANNELS: Final[tuple[Channel, ...]] = get_args(Channel)
STATES: Final[tuple[State, ...]] = get_args(State)
LIVE_CHANNELS: Final[frozenset[str]] = frozenset({"voice", "chat"})
"""Somebody waits at the other end."""

LEFT_MESSAGE: Final = "left_message"
"""In an interaction's metadata: written outside hours or after a message was offered for a long
wait. It is answered in its turn, and its author need not stay."""


class Band(IntEnum):
    """Strict: no wait lifts work into another band."""

    DANGER = 1
    LIVE = 2
    DEFERRED = 3


def is_message(channel: str, band: int) -> bool:
    """Whether a visit is of a message that was left in the chat outside hours: nobody waits for
    it at the other end, so no limit of the chat holds for it."""
    return channel == "chat" and band == Band.DEFERRED


EDGES: Final[dict[State, frozenset[State]]] = {
    "new": frozenset({"ivr", "queued", "active", "closed"}),
    "ivr": frozenset({"queued", "closed"}),
    # queued → queued: moved to another queue; → active: pulled, or pushed by force.
    "queued": frozenset({"queued", "offered", "active", "closed"}),
    # offered → offered: one of several pending offers of a ring-all ended.
    "offered": frozenset({"queued", "offered", "active", "closed"}),
    # active → queued, offered: transferred; → closed: no wrap-up.
    "active": frozenset({"held", "parked", "queued", "offered", "wrapping", "closed"}),
    "held": frozenset({"active", "queued", "offered", "wrapping", "closed"}),
    "parked": frozenset({"active", "queued", "offered", "wrapping", "closed"}),
    "wrapping": frozenset({"active", "closed"}),
    "closed": frozenset(),
}


def may(before: State, after: State) -> bool:
    """Whether an interaction may go from one state to the other."""
    return after in EDGES[before]


def sources(after: State) -> tuple[State, ...]:
    """The states from which `after` can be reached, in the order of STATES."""
    return tuple(state for state in STATES if after in EDGES[state])


@dataclass(frozen=True, slots=True)
class Address:
    """One way to reach a contact; `address` is normalised (`normalise`)."""

    kind: AddressKind
    address: str


@dataclass(frozen=True, slots=True)
class Change:
    """One conditional step of an interaction: applied only from a state that has the edge.

    None leaves a column as it is. `at` fills the column that the step is about:
    queued_at and first_offered_at and answered_at keep their first value.
    """

    interaction_id: UUID
    to: State
    at: datetime
    expect: tuple[State, ...] | None = None  # narrower than the edges, if given
    queue: str | None = None
    agent_id: UUID | None = None
    virtual_start: datetime | None = None
    customer_present: bool | None = None
    close_reason: CloseReason | None = None
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    id: UUID
    customer_id: UUID | None
    name: str
    locale: str
    verified: bool
    addresses: tuple[Address, ...]
    created_at: datetime
    version: int = 1


@dataclass(frozen=True, slots=True)
class Conversation:
    id: UUID
    contact_id: UUID
    channel: Channel
    channel_address: str
    subject: str | None
    state: Literal["open", "closed"]
    queue: str | None
    locale: str
    visitor_read: UUID | None
    agent_read: UUID | None
    last_message_at: datetime | None
    created_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Interaction:
    """A row of `interactions`."""

    id: UUID
    conversation_id: UUID
    contact_id: UUID
    customer_id: UUID | None
    channel: Channel
    direction: str
    state: State
    close_reason: CloseReason | None
    customer_present: bool
    queue: str | None
    agent_id: UUID | None
    subject: str | None
    outcome: str | None
    routing_facts: dict[str, Any]
    metadata: dict[str, Any]
    tags: tuple[str, ...]
    version: int
    created_at: datetime
    queued_at: datetime | None
    virtual_start: datetime | None
    first_offered_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Message:
    id: UUID
    conversation_id: UUID
    interaction_id: UUID | None
    sender: Sender
    kind: MessageKind
    agent_id: UUID | None
    body: str
    client_id: str | None
    created_at: datetime


def normalise(kind: AddressKind, address: str) -> str:
    """The stored form: lower case for mail, digits with a leading + for numbers.

    A Spanish national number (nine digits from 6 to 9) gets +34. ValueError when
    nothing usable is left.
    """
    text = address.strip()
    if kind in ("phone", "whatsapp"):
        digits = "".join(c for c in text if c.isdecimal())
        if text.startswith("00"):
            digits = digits[2:]
        elif not text.startswith("+") and len(digits) == 9 and digits[0] in "6789":
            digits = "34" + digits
        if not 7 <= len(digits) <= 15 or not digits.isascii():
            raise ValueError("not a telephone number")
        return "+" + digits
    if kind == "email":
        local, at, domain = text.rpartition("@")
        if not at or not local or "." not in domain or any(c.isspace() for c in text):
            raise ValueError("not a mail address")
        return text.lower()
    if not text:
        raise ValueError("an empty address")
    return text


def masked(address: Address) -> str:
    """What an offer may show before the agent has taken it: the last digits, or the domain."""
    if address.kind in ("phone", "whatsapp"):
        return "••• " + address.address[-3:]
    if address.kind == "email":
        local, _, domain = address.address.rpartition("@")
        return f"{local[:1]}•••@{domain}"
    return ""


UNSAID: Final = "•••"
"""What is shown in the place of words that are hidden from whoever asks."""
PREFER_WINDOW: Final = timedelta(days=7)  # domain 1.2: the last agent is preferred within 7 days


def sort_key(name: str) -> str:
    """What a name is sorted and found by: no accents, no case, single spaces (Ñ stays apart)."""
    kept = name.casefold().replace("ñ", "n\uffff")
    plain = (c for c in unicodedata.normalize("NFKD", kept) if not unicodedata.combining(c))
    return " ".join("".join(plain).split())
