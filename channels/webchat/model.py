"""PURE. A visitor's token, what a visitor is shown, and the transcript."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from contactcenter.interactions.visitor import VisitorMessage, VisitorStage

TOKEN_PREFIX: Final = "visitor_"  # noqa: S105 - says what kind of token it is
GONE_AFTER: Final = timedelta(seconds=120)
"""A visitor who waits and has been away for so long has abandoned (domain 1.11)."""
KEPT_OPEN: Final = timedelta(days=7)
"""A conversation without an open interaction can be gone on with for so long (domain 1.2)."""

_SERVED: Final = frozenset({"active", "held", "parked"})
_WAITING: Final = frozenset({"new", "queued", "offered"})

Language = Literal["es", "en"]


def token_hash(token: str) -> bytes:
    """What is stored of a token. SHA-256 is enough for 256 random bits."""
    return hashlib.sha256(token.encode()).digest()


def stage(interaction_state: str | None, *, customer_present: bool, left: bool) -> VisitorStage:
    """What the visitor is told of their newest interaction; None: they have written nothing."""
    if interaction_state is None:
        return "new"
    if interaction_state in _SERVED and customer_present:
        return "active"
    if interaction_state in _WAITING and customer_present:
        return "message_left" if left else "waiting"
    return "ended"


@dataclass(frozen=True, slots=True)
class Talk:
    """What a transcript is made of."""

    centre: str
    reference: str
    messages: tuple[VisitorMessage, ...]


_WORDS: Final = {
    "es": {
        "title": "Conversación con {centre}",
        "reference": "Referencia: {reference}",
        "visitor": "Usted",
        "agent": "Agente",
        "bot": "Asistente",
        "system": "Aviso",
        "empty": "No hay mensajes.",
        "zone": "Horas en {zone}.",
    },
    "en": {
        "title": "Conversation with {centre}",
        "reference": "Reference: {reference}",
        "visitor": "You",
        "agent": "Agent",
        "bot": "Assistant",
        "system": "Notice",
        "empty": "There are no messages.",
        "zone": "Times in {zone}.",
    },
}


def transcript(talk: Talk, language: Language, zone: ZoneInfo) -> str:
    """The conversation as plain text, times in the centre's zone."""
    words = _WORDS[language]
    lines = [
        words["title"].format(centre=talk.centre),
        words["reference"].format(reference=talk.reference),
        words["zone"].format(zone=zone.key),
        "",
        *_lines(talk.messages, words, zone),
    ]
    return "\n".join(lines) + "\n"


def _lines(
    messages: Iterable[VisitorMessage], words: dict[str, str], zone: ZoneInfo
) -> Iterable[str]:
    day = None
    for message in messages:
        at = message.created_at.astimezone(zone)
        if at.date() != day:
            day = at.date()
            yield f"— {_date(at)} —"
        who = (message.agent_name if message.sender == "agent" else None) or words[message.sender]
        first, *rest = message.body.split("\n")
        yield f"[{at:%H:%M}] {who}: {first}"
        yield from (f"        {line}" for line in rest)
    if day is None:
        yield words["empty"]


def _date(at: datetime) -> str:
    return f"{at.day:02}/{at.month:02}/{at.year}"
