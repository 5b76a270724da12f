"""PURE. What holds for a text on every channel."""

from __future__ import annotations

import unicodedata
from typing import Final

MESSAGE_LIMIT: Final = 4000
"""Characters of one written message."""

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
