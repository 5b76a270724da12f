"""What a test's centre logs, at the level that tells most."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from config.logging import configure
from config.settings import Settings

OWN_TIMES = ("timestamp", "ms", "request_id")  # digits and letters by chance


@pytest.fixture
def logged(settings: Settings) -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    most = settings.log.model_copy(update={"level": "DEBUG", "format": "json"})
    configure(settings.model_copy(update={"log": most}), stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def told(stream: io.StringIO) -> str:
    """All lines but what each has of its own."""
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    return "\n".join(
        json.dumps({k: v for k, v in line.items() if k not in OWN_TIMES}, ensure_ascii=False)
        for line in lines
    )
