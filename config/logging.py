"""Logs: one structlog pipeline for our own lines and those of the libraries.

JSON lines in production and wherever no terminal reads; coloured text on a terminal. Ids that are
bound with `bound_ids(request_id=..., interaction_id=...)` appear on every line inside. Events are
short names and values are ids and numbers: personal data does not belong in a log. Fields whose
name says otherwise are blanked at any depth, and of an error its class and its place are told, not
what it says: that may quote what somebody wrote.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import enum
import logging
import logging.handlers
import numbers
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from contextlib import AbstractContextManager, nullcontext
from datetime import date, time, timedelta
from pathlib import PurePath
from typing import Any, Final, TextIO
from uuid import UUID

import orjson
import structlog
from pydantic import ValidationError
from structlog.typing import Processor

from config.settings import Settings, SettingsError

KEEP_DAYS = 14
HIDDEN = "[hidden]"
PERSONAL = frozenset(
    {
        "address", "authorization", "birth_date", "body", "cookie", "dni", "email", "first_name",
        "iban", "last_name", "message", "mobile", "name", "nif", "note", "password", "phone",
        "plate", "refresh_token", "secret", "set-cookie", "tax_id", "telephone", "text", "token",
    }
)  # fmt: skip

HARMLESS: Final = (
    str, numbers.Number, type(None), UUID, date, time, timedelta, enum.Enum, PurePath,
)  # fmt: skip
"""Values that are shown as they are; of others only the class."""

OF_CODE: Final = (AttributeError, ImportError, NameError, TypeError)
"""Errors whose text speaks of classes and names in the code."""

DEPTH: Final = 5

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
    """Blank fields that by their name hold something of a person or a secret, and what cannot be
    looked into."""
    for key, value in event.items():
        if key in PERSONAL or key.lower() in PERSONAL:
            event[key] = HIDDEN
        elif type(value) is not str and key[0] != "_" and key != "exc_info":
            event[key] = _shown(value, DEPTH)
    return event


def _shown(value: object, depth: int) -> object:
    """The value without what it may hold of a person."""
    if isinstance(value, HARMLESS):
        return value
    if isinstance(value, BaseException):
        return _summary(value)
    if isinstance(value, asyncio.Task):
        return f"Task {value.get_name()}"
    if depth and isinstance(value, Mapping):
        return {
            str(k): HIDDEN if str(k).lower() in PERSONAL else _shown(v, depth - 1)
            for k, v in value.items()
        }
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [_shown(each, depth - 1) for each in value]
    return f"<{type(value).__qualname__}>"


def _exception_text(exc_info: Any) -> str:
    """The traceback of an error and of what caused it, oldest first, with harmless messages."""
    parts: list[str] = []
    error: BaseException | None = exc_info[1]
    while error is not None and len(parts) < 5:
        frames = "".join(traceback.format_tb(error.__traceback__))
        parts.append(frames + _summary(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n\nled to\n\n".join(reversed(parts))


def _summary(error: BaseException) -> str:
    """An error's class, and what it says as far as nobody's words can be in it."""
    said = _message(error)
    return type(error).__qualname__ + (f": {said}" if said else "")


def _message(error: BaseException) -> str:
    if sqlstate := getattr(error, "sqlstate", None):
        return f"[{sqlstate}] {getattr(error, 'constraint_name', None) or ''}".rstrip()
    if isinstance(error, ValidationError):
        return f"{error.error_count()} errors in {error.title}"
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(_summary(each) for each in error.exceptions)
    if isinstance(error, OSError) and error.errno is not None:
        return f"[Errno {error.errno}] {error.strerror}"  # without the file or the address
    for number in ("smtp_code", "status"):
        if isinstance(answered := getattr(error, number, None), int):
            return str(answered)
    return str(error) if isinstance(error, OF_CODE) else ""


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Of what a library puts into its sentences, only what is harmless."""

    def format(self, record: logging.LogRecord) -> str:
        if isinstance(record.msg, str):
            record = copy.copy(record)
            if record.name == "asyncio":  # its further lines quote tasks, and so their errors
                record.msg, record.args = record.getMessage().partition("\n")[0], ()
            elif isinstance(record.args, tuple):
                record.args = tuple(_shown(each, DEPTH) for each in record.args)
        return super().format(record)


def _json(event: Mapping[str, Any], **_: object) -> str:
    return orjson.dumps(event, default=repr).decode()


def _formatter(shared: list[Processor], *, readable: bool, colours: bool) -> logging.Formatter:
    last: list[Processor] = (
        [structlog.dev.ConsoleRenderer(colors=colours)]
        if readable
        else [structlog.processors.JSONRenderer(_json)]
    )
    return _Formatter(
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
