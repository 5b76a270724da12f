"""Cursors of lists that are in the order of time: an instant and a row's id, as text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from contactcenter.core.errors import Invalid
from db import Record

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def encode_cursor(at: datetime, row_id: UUID) -> str:
    """Where the next page begins; opaque to whoever holds it."""
    return f"{(at - _EPOCH) // _MICROSECOND:x}.{row_id.hex}"


def cursor_after(rows: Sequence[Record], limit: int) -> str | None:
    """Where the next page begins, of rows with `created_at` and `id` that are read newest first and
    one beyond the limit; None: there is no next."""
    if len(rows) <= limit:
        return None
    return encode_cursor(rows[limit - 1]["created_at"], rows[limit - 1]["id"])


def decode_cursor(cursor: str | None) -> tuple[datetime, UUID] | None:
    """Read `encode_cursor` back; Invalid for anything else."""
    if cursor is None:
        return None
    at, _, row_id = cursor.partition(".")
    try:
        return _EPOCH + int(at, 16) * _MICROSECOND, UUID(row_id)
    except (ValueError, OverflowError) as error:
        raise Invalid.field("cursor", "bad_cursor", "Not a cursor of this list.") from error
