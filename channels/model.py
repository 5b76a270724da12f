"""PURE. What holds for a text on every channel."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Final, Literal

MESSAGE_LIMIT: Final = 4000
"""Characters of one written message."""

Topic = Literal["claim", "receipts", "new", "file", "person", "injured", "leak"]
"""What it is about, as a customer chooses it: what the office's rules know as `key`."""

KEYWORDS: Final[Mapping[str, Topic]] = {
    "herido": "injured",
    "heridos": "injured",
    "hay heridos": "injured",
    "injured": "injured",
    "fuga": "leak",
    "fuga de agua": "leak",
    "leak": "leak",
    "water leak": "leak",
    "siniestro": "claim",
    "claim": "claim",
    "recibo": "receipts",
    "recibos": "receipts",
    "receipt": "receipts",
    "receipts": "receipts",
    "persona": "person",
    "person": "person",
}
"""First messages that are a choice, without accents, capitals and marks around them."""

_ALLOWED_CONTROLS: Final = "\n\t"


def plain_text(text: str) -> str:
    """The text as it is stored: line ends as \\n, nothing invisible that acts.

    ValueError for control characters (NUL among them) and for lone surrogates, which
    no database and no screen can show. Markup stays what it is, text.
    """
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    for character in unified:
        if character not in _ALLOWED_CONTROLS and unicodedata.category(character) in {"Cc", "Cs"}:
            raise ValueError("control characters are not text")
    return unified


def keyword(body: str) -> Topic | None:
    """What a message chooses that is nothing but a keyword."""
    plain = unicodedata.normalize("NFKD", body.casefold())
    words = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    return KEYWORDS.get(" ".join(words.split()))
