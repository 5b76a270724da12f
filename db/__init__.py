"""PostgreSQL: pool, units of work, migrations, the embedded server, backup."""

from __future__ import annotations

from asyncpg.pgproto.pgproto import UUID as Uuid  # noqa: N811 - uuid.UUID in C

from db.pool import (
    CheckViolation,
    Connection,
    ConnectionLost,
    DatabaseError,
    DatabaseUnavailableError,
    DeadlockDetected,
    ForeignKeyViolation,
    Isolation,
    LockNotAvailable,
    Pool,
    QueryCanceled,
    Record,
    Refused,
    SerializationFailure,
    UniqueViolation,
    acquire,
    affected,
    connect,
    create_pool,
    lengthen,
    statement,
    transaction,
)

__all__ = [
    "CheckViolation",
    "Connection",
    "ConnectionLost",
    "DatabaseError",
    "DatabaseUnavailableError",
    "DeadlockDetected",
    "ForeignKeyViolation",
    "Isolation",
    "LockNotAvailable",
    "Pool",
    "QueryCanceled",
    "Record",
    "Refused",
    "SerializationFailure",
    "UniqueViolation",
    "Uuid",
    "acquire",
    "affected",
    "connect",
    "create_pool",
    "lengthen",
    "statement",
    "transaction",
]
