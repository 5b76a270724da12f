"""PURE. What a saved reply may hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

VARIABLES: Final[Mapping[str, str]] = {
    "nombre": "customer",
    "name": "customer",
    "agente": "agent",
    "agent": "agent",
    "centro": "centre",
    "centre": "centre",
}
"""Word between braces, in either language → whose name the desk puts in its place."""

MOST: Final = {"personal": 200, "shared": 500}
"""Replies of one agent, and of the centre."""

_BRACED: Final = re.compile(r"\{([^{}]*)\}")


def unknown_variables(body: str) -> list[str]:
    """The words between braces that stand for nothing, in their order."""
    return [word for word in _BRACED.findall(body) if word not in VARIABLES]
