"""Logs: one structlog pipeline for our own lines and those of the libraries.

JSON lines in production and wherever no terminal reads; coloured text on a terminal. Ids that are
bound with `bound_ids(request_id=..., interaction_id=...)` appear on every line inside. Events are
short names and values are ids and numbers: personal data does not belong in a log, and fields
whose name says otherwise are blanked.
"""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TextIO

import orjson
import structlog
from pydantic import ValidationError
from structlog.typing import Processor

from config.settings import Settings, SettingsError

KEEP_DAYS = 14
HIDDEN = "[hidden]"
PERSONAL = frozenset(
    {
        "address", "authorization", "body", "cookie", "dni", "email", "first_name", "iban",
        "last_name", "name", "password", "phone", "refresh_token", "secret", "text", "token",
    }
)  # fmt: skip

# Libraries that tell at INFO what is nobody's business in a running centre.
QUIET = (
    "aiohttp.access", "aioice", "aiortc", "asyncio", "engineio.server", "socketio.server",
    "pgqueuer",
)  # fmt: skip


def bound_ids(**ids: object) -> AbstractContextManager[None]:
    """Put ids such as request_id on every line logged inside, also by tasks started there."""
    return structlog.contextvars.bound_contextvars(**{k: str(v) for k, v in ids.items()})


def bound_about(interaction: object) -> AbstractContextManager[None]:
    """Put the interaction that is worked on, if there is one, on every line logged inside."""
    return nullcontext() if interaction is None else bound_ids(interaction_id=interaction)


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Send all logs of this process to `stream` (default stdout) and, if set, to LOG_FILE."""
    stream = stream or sys.stdout
    readable = settings.log.format == "console" or (
        settings.log.format == "auto" and stream.isatty() and not settings.app.is_production
    )
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
        structlog.processors.StackInfoRenderer(),
        hide_personal,
    ]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(shared, readable=readable, colours=stream.isatty()))
    handlers: list[logging.Handler] = [handler]
    if settings.log.file is not None:
        handlers.append(_file_handler(settings, shared))

    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
        old.close()
    for new in handlers:
        root.addHandler(new)
    root.setLevel(settings.log.level)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(capture=True)
    if readable or len(handlers) > 1:
        structlog.configure(
            processors=[
                structlog.stdlib.filter_by_level,
                *shared,
                structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
            ],
            logger_factory=structlog.stdlib.LoggerFactory(),
            wrapper_class=structlog.stdlib.BoundLogger,
            cache_logger_on_first_use=False,
        )
    else:
        # Our own lines straight to the stream: a line of the standard library's costs four times
        # as much, and each request writes one.
        structlog.configure(
            processors=[
                *shared,
                structlog.processors.ExceptionRenderer(_exception_text),
                structlog.processors.JSONRenderer(_json),
            ],
            logger_factory=lambda name="root": _Lines(name, handler),
            wrapper_class=structlog.make_filtering_bound_logger(root.level),
            cache_logger_on_first_use=False,
        )


class _Lines:
    """Writes finished lines where a handler does, under its lock."""

    def __init__(self, name: str, handler: logging.StreamHandler[TextIO]) -> None:
        self.name = name
        self._handler = handler

    def msg(self, line: str) -> None:
        with self._handler.lock or contextlib.nullcontext():
            self._handler.stream.write(line + "\n")
            self._handler.flush()

    debug = info = warning = warn = error = critical = exception = fatal = msg


def hide_personal(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> Mapping[str, Any]:
    """Blank fields that by their name hold something of a person or a secret."""
    for key in PERSONAL.intersection(event):
        event[key] = HIDDEN
    return event


def _exception_text(exc_info: Any) -> str:
    """The traceback of an error and of what caused it, oldest first, with harmless messages."""
    parts: list[str] = []
    error: BaseException | None = exc_info[1]
    while error is not None and len(parts) < 5:
        frames = "".join(traceback.format_tb(error.__traceback__))
        parts.append(f"{frames}{type(error).__qualname__}: {_message(error)}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n\nled to\n\n".join(reversed(parts))


def _message(error: BaseException) -> str:
    """What an error says, without the values that the database or a validator would quote."""
    if sqlstate := getattr(error, "sqlstate", None):
        return f"[{sqlstate}] {getattr(error, 'constraint_name', None) or ''}".rstrip()
    if isinstance(error, ValidationError):
        return f"{error.error_count()} errors in {error.title}"
    return str(error)


def _json(event: Mapping[str, Any], **_: object) -> str:
    return orjson.dumps(event, default=repr).decode()


def _formatter(shared: list[Processor], *, readable: bool, colours: bool) -> logging.Formatter:
    last: list[Processor] = (
        [structlog.dev.ConsoleRenderer(colors=colours)]
        if readable
        else [structlog.processors.JSONRenderer(_json)]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.ExceptionRenderer(_exception_text),
            *last,
        ],
    )


def _file_handler(settings: Settings, shared: list[Processor]) -> logging.Handler:
    assert settings.log.file is not None
    try:
        settings.log.file.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.TimedRotatingFileHandler(
            settings.log.file, when="midnight", utc=True, backupCount=KEEP_DAYS, encoding="utf-8"
        )
    except OSError as error:
        raise SettingsError(
            f"LOG_FILE {settings.log.file} cannot be written ({error.strerror}): choose another "
            "path, or unset it."
        ) from error
    handler.setFormatter(_formatter(shared, readable=False, colours=False))
    return handler
