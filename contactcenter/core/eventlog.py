"""The event log: outbox, audit source and replay source in one table.

Events are appended in the transaction of the change they tell of. A reader keeps a `Position` and
reads up to the horizon: the oldest transaction that is still writing. A cursor on the id alone
would pass over a transaction that took its ids first and committed last.

An event that is `urgent` is told to every node a second time, by a NOTIFY that PostgreSQL sends at
the commit: without order, and lost where nobody listens, but never behind the horizon.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Final, NamedTuple, Union
from uuid import UUID

import orjson
import structlog

from contactcenter.core import metrics
from contactcenter.core.event import Catalogue, Event, Position
from db import Connection, Record, Uuid

log = structlog.get_logger(__name__)

START: Final = Position(0, 0)
"""Before the first event."""


def appending(only: str = "true") -> str:
    """The common table expression `appended`, for statements that do more than append: it has
    the parameters $1 to $8 of `append`, and appends nothing unless `only` holds."""
    return f"""appended AS (
    INSERT INTO event_log
        (type, version, subject, data, actor, trace, origin, occurred_at)
    SELECT e.type, e.version, e.subject, e.data, $5, e.trace, $6, e.occurred_at
    FROM unnest($1::text[], $2::smallint[], $3::text[], $4::jsonb[], $7::text[], $8::timestamptz[])
         WITH ORDINALITY AS e (type, version, subject, data, trace, occurred_at, place)
    WHERE {only}
    ORDER BY e.place
    RETURNING xid
)"""  # noqa: S608 - of constants


def shifted(statement: str, by: int) -> str:
    """The statement with the numbers of its parameters raised, to stand beside another's."""
    return re.sub(r"\$(\d+)", lambda found: f"${int(found[1]) + by}", statement)


APPEND = f"WITH {appending()} SELECT xid FROM appended LIMIT 1"  # noqa: S608

READ = """
SELECT xid, id, type, version, subject, data, actor, trace, origin, occurred_at, created_at
FROM event_log
WHERE (xid, id) > ($1::xid8, $2::bigint)
  AND xid < pg_snapshot_xmin(pg_current_snapshot())
  AND ($4::text[] IS NULL OR type = ANY ($4))
ORDER BY xid, id
LIMIT $3
"""

READ_ONE = """
SELECT xid, id, type, version, subject, data, actor, trace, origin, occurred_at, created_at
FROM event_log
WHERE id = $1
"""

TIP = """
SELECT xid, id FROM event_log
WHERE xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY xid DESC, id DESC
LIMIT 1
"""

AHEAD = """
SELECT EXISTS (SELECT FROM event_log WHERE xid >= pg_snapshot_xmin(pg_current_snapshot()))
"""

HORIZON_AGE = """
SELECT coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8
FROM event_log
WHERE xid >= pg_snapshot_xmin(pg_current_snapshot())
"""

URGENT: Final = "event_urgent"
"""The channel of notices."""
NOTICE = "SELECT count(pg_notify($1, told)) FROM unnest($2::text[]) AS told"


class Entry(NamedTuple):
    """An event on its way into the log."""

    event: Event
    occurred_at: datetime
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event as the log has it."""

    position: Position
    event: Event
    actor: str
    occurred_at: datetime  # the centre's clock
    recorded_at: datetime  # the database's clock, start of the transaction
    trace: str | None = None
    origin: str | None = None  # None: live; import, demo


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable(Event):
    """A row whose type or shape this process does not know: written by a newer one."""

    name: ClassVar[str] = "unreadable"
    subject_field: ClassVar[str] = "about"

    about: str
    written_as: str
    written_version: int


async def append(
    conn: Connection,
    entries: Sequence[Entry],
    *,
    actor: str,
    origin: str | None = None,
    statement: str = APPEND,
    more: Sequence[Any] = (),
) -> int | None:
    """Write the entries in their order; answers the id of the transaction: the open one, or that
    of the statement alone.

    `statement` is APPEND with something more in it to save a round trip; `more` are the values of
    its parameters from $9 on. None: what is more in it let nothing be appended.
    """
    events = [entry.event for entry in entries]
    xid: int | None = await conn.fetchval(
        statement,
        [event.name for event in events],
        [event.version for event in events],
        [event.subject for event in events],
        events,
        actor,
        origin,
        [entry.trace for entry in entries],
        [entry.occurred_at for entry in entries],
        *more,
    )
    return xid


class Notice(NamedTuple):
    """An urgent event, and the transaction that it has in the log too."""

    xid: int
    event: Event


async def notify(conn: Connection, xid: int, events: Sequence[Event]) -> None:
    """Have every node that listens told of these events when the open transaction commits."""
    texts = [
        orjson.dumps([xid, event.name, event.version, event.subject, event], default=str).decode()
        for event in events
    ]
    await conn.execute(NOTICE, URGENT, texts)


def notice(catalogue: Catalogue, text: str) -> Notice:
    """What `notify` said; an event of an unknown shape comes as `Unreadable`."""
    xid, *event = orjson.loads(text)
    return Notice(xid, _event(catalogue, *event))


async def read(
    conn: Connection,
    catalogue: Catalogue,
    after: Position,
    *,
    limit: int,
    types: Sequence[str] | None = None,
) -> list[Recorded]:
    """The next events after a position, oldest first, never beyond the horizon.

    Fewer than `limit` mean that everything up to the horizon has been read. A row that cannot be
    decoded comes as `Unreadable`, so that a reader gets past it.
    """
    rows = await conn.fetch(READ, after.xid, after.id, limit, types)
    return [_recorded(catalogue, row) for row in rows]


async def read_one(conn: Connection, catalogue: Catalogue, event_id: int) -> Recorded | None:
    """The event of a row, wherever the horizon is."""
    row = await conn.fetchrow(READ_ONE, event_id)
    return None if row is None else _recorded(catalogue, row)


async def tip(conn: Connection) -> Position:
    """The newest readable position; `START` for an empty log.

    Read in the same REPEATABLE READ snapshot as tables, it says where to go on from them. Events
    after it may already be in that snapshot (their transaction had ended, an older one had not),
    so whoever applies them must be able to apply one twice.
    """
    row = await conn.fetchrow(TIP)
    return START if row is None else Position(row["xid"], row["id"])


async def ahead(conn: Connection) -> bool:
    """Whether this REPEATABLE READ snapshot shows more than its `tip` says: the effects of events
    that cannot be read yet, since a transaction older than theirs is open."""
    return bool(await conn.fetchval(AHEAD))


async def horizon_age(conn: Connection) -> float:
    """Seconds for which the oldest committed event has waited for an open transaction."""
    return float(await conn.fetchval(HORIZON_AGE))


def _recorded(catalogue: Catalogue, row: Record) -> Recorded:
    return Recorded(
        position=Position(row["xid"], row["id"]),
        event=_event(catalogue, row["type"], row["version"], row["subject"], row["data"]),
        actor=row["actor"],
        occurred_at=row["occurred_at"],
        recorded_at=row["created_at"],
        trace=row["trace"],
        origin=row["origin"],
    )


def _event(catalogue: Catalogue, name: str, version: int, subject: str, data: Any) -> Event:
    try:
        return decoder(catalogue[name])(data)
    except (KeyError, TypeError, ValueError) as error:
        metrics.EVENTS_UNREADABLE.inc()
        log.warning("event_unreadable", type=name, version=version, error=type(error).__name__)
        return Unreadable(about=subject, written_as=name, written_version=version)


Convert = Callable[[Any], Any]
_decoders: dict[type[Event], Callable[[dict[str, Any]], Event]] = {}


def decoder(cls: type[Event]) -> Callable[[dict[str, Any]], Event]:
    """A function from the stored object to the event, with every field in its declared type.

    It uses the object up. A field that the row does not have takes its default; one that the class
    does not have is left out: so a newer and an older version of a class read the row. Raises
    TypeError for a class with a field of a type that JSON cannot give back.
    """
    decode = _decoders.get(cls)
    if decode is None:
        decode = _decoders[cls] = _compile(cls)
    return decode


def _compile(cls: type[Event]) -> Callable[[dict[str, Any]], Event]:
    hints = typing.get_type_hints(cls)
    steps = [(field.name, _converter(hints[field.name])) for field in fields(cls)]
    names = {name for name, _ in steps}
    converted = tuple((name, convert) for name, convert in steps if convert is not None)

    def decode(data: dict[str, Any]) -> Event:
        if data.keys() != names:
            data = {name: value for name, value in data.items() if name in names}
        for name, convert in converted:
            if name in data:
                data[name] = convert(data[name])
        return cls(**data)

    return decode


def _converter(hint: Any) -> Convert | None:
    """How a value of this type comes out of JSON; None when it is already right."""
    if hint in {str, int, bool, float, Any}:
        return None
    if hint in _SCALARS:
        return _SCALARS[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in {Union, types.UnionType}:
        return _optional(hint, arguments)
    if origin is typing.Literal:
        return None
    if origin is tuple and arguments[1:] == (Ellipsis,):
        inner = _converter(arguments[0])
        return tuple if inner is None else _tuple(inner)
    if origin is dict and arguments[0] is str:
        inner = _converter(arguments[1])
        return None if inner is None else _mapping(inner)
    raise TypeError(f"an event cannot hold {hint}")


_SCALARS: Final[dict[Any, Convert]] = {
    UUID: Uuid,
    datetime: datetime.fromisoformat,
    Decimal: Decimal,
}


def _optional(hint: Any, arguments: tuple[Any, ...]) -> Convert | None:
    present = [argument for argument in arguments if argument is not types.NoneType]
    if len(present) != 1:
        raise TypeError(f"an event cannot hold {hint}")
    inner = _converter(present[0])
    return None if inner is None else lambda value: None if value is None else inner(value)


def _tuple(inner: Convert) -> Convert:
    return lambda value: tuple(map(inner, value))


def _mapping(inner: Convert) -> Convert:
    return lambda value: {key: inner(item) for key, item in value.items()}
