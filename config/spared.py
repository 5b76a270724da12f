"""Imports that a start is spared."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def spared(*names: str) -> Iterator[None]:
    """Within the block these modules count as not installed, unless they are loaded already.

    For what a library imports only in case somebody asks for it: rich by structlog and redis by
    python-socketio take longer to import than all of our own modules.
    """
    absent = [name for name in names if name not in sys.modules]
    for name in absent:
        sys.modules[name] = None  # type: ignore[assignment]  # an import of it fails
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
