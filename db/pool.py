"""Connections to PostgreSQL. The only package that imports asyncpg is this one.

A unit of work takes one connection: `async with transaction(pool, "claims.create") as conn`.
Session state (LISTEN, session advisory locks, SET without LOCAL) belongs on a connection of its
own from connect(), never on one of the pool: a pooled connection is handed on without a reset.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy
from prometheus_client import Histogram

from config.settings import Settings

if TYPE_CHECKING:
    Record: TypeAlias = asyncpg.Record
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Driver: TypeAlias = asyncpg.Connection[asyncpg.Record]
else:
    Record = asyncpg.Record
    Pool = asyncpg.Pool
    Connection = asyncpg.Connection | PoolConnectionProxy
    Driver = asyncpg.Connection

UniqueViolation = asyncpg.UniqueViolationError
ForeignKeyViolation = asyncpg.ForeignKeyViolationError
CheckViolation = asyncpg.CheckViolationError
SerializationFailure = asyncpg.SerializationError
DeadlockDetected = asyncpg.DeadlockDetectedError
LockNotAvailable = asyncpg.LockNotAvailableError
QueryCanceled = asyncpg.QueryCanceledError
DatabaseError = asyncpg.PostgresError

ConnectionLost = (
    asyncpg.PostgresConnectionError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a reply that no longer fits: the session was ended under it
    OSError,
)
"""What `except ConnectionLost:` catches: the server went away, or cannot be reached yet."""

MINIMUM_SERVER = 17
Isolation = Literal["read_committed", "repeatable_read", "serializable"]

TRANSACTION_SECONDS = Histogram(
    "db_transaction_seconds",
    "From begin to the end of commit or rollback",
    ["name", "outcome"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5),
)
ACQUIRE_SECONDS = Histogram(
    "db_acquire_seconds",
    "Waiting for a connection of the pool",
    buckets=(0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5),
)

_unit: contextvars.ContextVar[tuple[asyncio.Task[Any] | None, str] | None] = contextvars.ContextVar(
    "db_unit", default=None
)


REFUSED = "CC001"
"""The error code of the SQL function `refuse`."""


class Refused(Exception):  # noqa: N818 - a statement's answer, no fault
    """A statement found that it must not be carried out: nothing of it is."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DatabaseUnavailableError(Exception):
    """The database cannot be used; the text is one sentence with the way out."""


def _json(value: Any) -> bytes:
    return orjson.dumps(value, default=str)  # Decimal and friends travel as text


BUILT_IN: Final = 16384
"""Types below are PostgreSQL's own: the same in every database of a server's version."""
ARRAYS: Final = (1000, 1001, 1005, 1007, 1016, 1185, 1187, 2951, 3807)
"""Of bool, bytea, int2, int4, int8, timestamptz, interval, uuid and jsonb."""

_told: dict[int, Any] = {}


class _Session(Driver):
    """A session that knows what the first of this process was told of the built-in types.

    The driver asks in each of its sessions what an array is, in a query of some ten milliseconds
    for every kind; a pool that grows in a storm would do little else.
    """

    async def _introspect_types(self, typeoids: Iterable[int], timeout: float | None) -> Any:
        wanted = set(typeoids)
        if not wanted <= _told.keys():
            asked = wanted if max(wanted) >= BUILT_IN else wanted.union(ARRAYS)
            told = await super()._introspect_types(asked, timeout)  # type: ignore[misc]
            if max(wanted) >= BUILT_IN:
                return told
            _told.update(dict.fromkeys(asked, told))
        rows = [row for one in wanted for row in _told[one][0]]
        return rows, _told[max(wanted)][1]


async def _prepare(conn: asyncpg.Connection[Record]) -> None:
    """jsonb and json carry Python values. jsonb's binary form is one version byte, then text."""
    await conn.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: b"\x01" + _json(value),
        decoder=lambda data: orjson.loads(memoryview(data)[1:]),
    )
    await conn.set_type_codec(
        "json", schema="pg_catalog", format="binary", encoder=_json, decoder=orjson.loads
    )


async def _leave_session(conn: Connection) -> None:
    """Nothing: asyncpg has rolled back what was open, and a pooled session holds no other state."""


def _options(settings: Settings, application: str, transaction_timeout_ms: int) -> dict[str, Any]:
    if settings.database.url is None:
        raise DatabaseUnavailableError(
            "No database is known here: set DATABASE_URL, or start with `make run`."
        )
    return {
        "dsn": settings.database.url,
        "server_settings": {
            "application_name": application,
            "timezone": "UTC",
            "transaction_timeout": str(transaction_timeout_ms),
        },
        "connection_class": _Session,
        "statement_cache_size": 500,
        "max_cached_statement_lifetime": 0,
    }


@contextlib.contextmanager
def _clear_errors() -> Iterator[None]:
    """What can go wrong on the way to a usable session, each as one sentence."""
    try:
        yield
    except asyncpg.UndefinedObjectError as error:  # transaction_timeout came with 17
        raise DatabaseUnavailableError(
            f"PostgreSQL {MINIMUM_SERVER} or newer is needed, this server is older: upgrade it, "
            "or unset DATABASE_URL to use the embedded one."
        ) from error
    except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidPasswordError) as error:
        raise DatabaseUnavailableError(
            "The database refuses this user: check user and password in DATABASE_URL."
        ) from error
    except asyncpg.InvalidCatalogNameError as error:
        raise DatabaseUnavailableError(
            "The database named in DATABASE_URL does not exist: create it, or correct the name."
        ) from error
    except (*ConnectionLost, TimeoutError) as error:
        raise DatabaseUnavailableError(
            "The database cannot be reached: check that it runs and that DATABASE_URL is right."
        ) from error


async def connect(
    settings: Settings, application: str = "contactcenter", *, transaction_timeout_ms: int = 0
) -> asyncpg.Connection[Record]:
    """A connection of one's own, for session state and long work; the caller closes it."""
    with _clear_errors():
        conn: asyncpg.Connection[Record] = await asyncpg.connect(
            **_options(settings, application, transaction_timeout_ms)
        )
    await _prepare(conn)
    return conn


async def create_pool(
    settings: Settings, application: str = "contactcenter", *, max_size: int | None = None
) -> Pool:
    """A pool of up to DB_POOL_MAX connections; its transactions end at DB_TRANSACTION_TIMEOUT_MS.

    Raises DatabaseUnavailableError when the server cannot be used.
    """
    top = max_size or settings.database.pool_max
    with _clear_errors():
        pool: Pool = await asyncpg.create_pool(
            **_options(settings, application, settings.database.transaction_timeout_ms),
            min_size=min(settings.database.pool_min, top),
            max_size=top,
            max_inactive_connection_lifetime=0,
            init=_prepare,
            reset=_leave_session,
        )
        async with pool.acquire():  # with DB_POOL_MIN=0 nothing has been tried yet
            pass
    return pool


@contextlib.asynccontextmanager
async def acquire(pool: Pool, timeout: float | None = None) -> AsyncIterator[Connection]:
    """A connection of the pool, waited for at most `timeout` seconds.

    Raises DatabaseUnavailableError when none can be had.
    """
    asked = time.perf_counter()
    try:
        async with asyncio.timeout(timeout):  # the pool's own way of it begins a task for each
            conn = await pool.acquire()
    except TimeoutError as error:
        raise DatabaseUnavailableError("Every connection to the database is in use.") from error
    except ConnectionLost as error:
        raise DatabaseUnavailableError("The database cannot be reached.") from error
    ACQUIRE_SECONDS.observe(time.perf_counter() - asked)
    try:
        yield conn
    finally:
        await pool.release(conn)


@contextlib.asynccontextmanager
async def transaction(
    pool: Pool,
    name: str,
    isolation: Isolation | None = None,
    *,
    acquire_timeout: float | None = None,
    committed: Callable[[], None] = lambda: None,
) -> AsyncIterator[Connection]:
    """One unit of work: a connection in a transaction, committed unless the body raises.

    `name` is `area.use_case` and labels the metric. `committed` is called at the commit, before
    the connection is given back. A second unit inside the first by the same
    task would take a second connection, and could wait for itself: it is refused. Raises
    DatabaseUnavailableError when no connection can be had (within `acquire_timeout` seconds).
    """
    with _unit_of(name):
        async with acquire(pool, acquire_timeout) as conn:
            with _timed(name):
                async with conn.transaction(isolation=isolation):
                    yield conn
            committed()


def affected(status: str) -> int:
    """How many rows a statement changed, of what `execute` answers ("UPDATE 3")."""
    return int(status.rsplit(" ", 1)[1])


async def lengthen(conn: Connection, seconds: int) -> None:
    """Let the connection's open transaction go on for so long from here; 0: without an end.

    Readers of the event log wait for a transaction that has written, so only one that writes
    nothing may be without an end.
    """
    # PostgreSQL keeps a clock that runs already, unless it is stopped first.
    await conn.execute(
        f"SET LOCAL transaction_timeout = 0; SET LOCAL transaction_timeout = '{int(seconds)}s'"
    )


@contextlib.asynccontextmanager
async def statement(
    pool: Pool, name: str, *, acquire_timeout: float | None = None
) -> AsyncIterator[Connection]:
    """One unit of work that is a single statement: a connection on which to run it, and nothing
    else. As `transaction`; raises Refused where the statement calls `refuse(reason)`."""
    with _unit_of(name):
        async with acquire(pool, acquire_timeout) as conn:
            with _timed(name):
                try:
                    yield conn
                except DatabaseError as error:
                    if error.sqlstate == REFUSED:
                        raise Refused(str(error)) from None
                    raise


@contextlib.contextmanager
def _unit_of(name: str) -> Iterator[None]:
    task = asyncio.current_task()
    outer = _unit.get()
    if outer is not None and outer[0] is task:
        raise RuntimeError(f"unit of work {name!r} inside {outer[1]!r}: pass the connection on")
    token = _unit.set((task, name))
    try:
        yield
    finally:
        _unit.reset(token)


@contextlib.contextmanager
def _timed(name: str) -> Iterator[None]:
    begun, outcome = time.perf_counter(), "rollback"
    try:
        yield
        outcome = "commit"
    finally:
        TRANSACTION_SECONDS.labels(name, outcome).observe(time.perf_counter() - begun)
