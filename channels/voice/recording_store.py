"""SQL of recordings: rules, rows, holds, who played them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from channels.voice.call import RecordMode
from db import Connection, Record

STANDARD: Final = "standard"


@dataclass(frozen=True, slots=True)
class RecordingRule:
    """What holds for calls of a queue."""

    mode: RecordMode = "inform"
    retention: str = STANDARD
    health: bool = False
    aside: bool = False
    """Whether hold and consult are recorded too."""


RULE = "SELECT mode, retention, health, aside FROM recording_rules WHERE queue = $1"


async def rule_of(conn: Connection, queue: str) -> RecordingRule:
    """The queue's rule; the defaults for one that has none."""
    row = await conn.fetchrow(RULE, queue)
    return RecordingRule(**row) if row else RecordingRule()


RULES = """
SELECT q.queue, coalesce(r.mode, 'inform') AS mode,
       coalesce(r.retention, 'standard') AS retention, coalesce(r.health, false) AS health,
       coalesce(r.aside, false) AS aside, coalesce(r.version, 0) AS version
FROM unnest($1::text[]) WITH ORDINALITY AS q (queue, place)
LEFT JOIN recording_rules r ON r.queue = q.queue
ORDER BY q.place
"""


async def rules(conn: Connection, queues: Sequence[str]) -> list[Record]:
    """(queue, mode, retention, health, aside, version) of these queues, in their order; version
    0: the defaults."""
    return await conn.fetch(RULES, list(queues))


ONE_AT_A_TIME = (
    "SELECT pg_advisory_xact_lock(hashtextextended('voice.recording_rules/' || $1::text, 17))"
)
SET_RULE = """
INSERT INTO recording_rules (queue, mode, retention, health, aside, updated_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (queue) DO UPDATE
SET mode = excluded.mode, retention = excluded.retention, health = excluded.health,
    aside = excluded.aside, version = recording_rules.version + 1, updated_at = excluded.updated_at
"""


async def lock_rule(conn: Connection, queue: str) -> None:
    """Nobody else sets the queue's rule before this transaction ends, whether it has one or not."""
    await conn.execute(ONE_AT_A_TIME, queue)


async def set_rule(conn: Connection, queue: str, rule: RecordingRule, at: datetime) -> None:
    await conn.execute(SET_RULE, queue, rule.mode, rule.retention, rule.health, rule.aside, at)


BEGIN = """
INSERT INTO recordings (id, call_id, state, created_at, retention, health)
VALUES ($1, $2, 'recording', $3, $4, $5)
"""


async def begin(
    conn: Connection,
    recording_id: UUID,
    call_id: UUID,
    at: datetime,
    *,
    retention: str,
    health: bool,
) -> None:
    await conn.execute(BEGIN, recording_id, call_id, at, retention, health)


CALL_OF = "SELECT call_id FROM recordings WHERE id = $1"


async def call_of(conn: Connection, recording_id: UUID) -> UUID | None:
    """Whose call it is; None: unknown."""
    call_id: UUID | None = await conn.fetchval(CALL_OF, recording_id)
    return call_id


STARTED = """
UPDATE recordings
SET started_at = coalesce(started_at, $2),
    state = CASE WHEN state = 'empty' THEN 'recording' ELSE state END
WHERE id = $1
"""


async def started(conn: Connection, recording_id: UUID, at: datetime) -> None:
    """The first frame is stored."""
    await conn.execute(STARTED, recording_id, at)


LEFT = """
UPDATE recordings SET state = 'empty', version = version + 1
WHERE id = $1 AND state = 'recording' AND started_at IS NULL
"""


async def left(conn: Connection, recording_id: UUID) -> None:
    """The call does not make it any more. Without a first frame there is nothing to wait for; if
    the media comes to tell of one yet, that is taken in all the same."""
    await conn.execute(LEFT, recording_id)


FINISHED = """
UPDATE recordings r
SET state = 'finished', finished_at = $2, path = $3, seconds = $4, bytes = $5, sha256 = $6,
    gaps = coalesce(
        (SELECT jsonb_agg(jsonb_build_object(
                    'from', extract(epoch FROM g.start - coalesce(r.started_at, r.created_at)),
                    'to', extract(epoch FROM g.until - coalesce(r.started_at, r.created_at)))
                ORDER BY g.start)
         FROM unnest($7::timestamptz[], $8::timestamptz[]) AS g (start, until)), '[]'),
    recovered = $9, fault = NULL, version = version + 1
WHERE r.id = $1 AND (r.state IN ('recording', 'empty')
                     OR $9 AND r.sha256 = '' AND r.state IN ('finished', 'failed'))
RETURNING r.call_id
"""


async def finished(
    conn: Connection,
    recording_id: UUID,
    at: datetime,
    *,
    path: str,
    seconds: float,
    size: int,
    sha256: str,
    gaps: Sequence[tuple[datetime, datetime | None]],
    recovered: bool,
) -> bool:
    """The media has closed the file; `gaps` are kept in seconds from the first frame. Of one whose
    file it could not close (no sha256) it may still have `recovered` something.
    False: unknown, or that was known."""
    call_id = await conn.fetchval(
        FINISHED,
        recording_id,
        at,
        path,
        seconds,
        size,
        sha256,
        [start for start, _ in gaps],
        [end for _, end in gaps],
        recovered,
    )
    return call_id is not None


RECORDING_COLUMNS = """
    r.id, r.call_id, r.state, r.created_at, r.started_at, r.finished_at, r.path, r.object_key,
    r.sha256, r.bytes, r.seconds, r.gaps, r.peaks, r.recovered, r.retention, r.expires_at,
    r.legal_hold, r.hold_reason, r.health, r.fault, r.deleted_at, r.version
"""

RECORDING = f"""
SELECT {RECORDING_COLUMNS}, c.interaction_id
FROM recordings r JOIN calls c ON c.id = r.call_id WHERE r.id = $1
"""  # noqa: S608 - a constant

OF_CALLS = f"""
SELECT {RECORDING_COLUMNS} FROM recordings r
WHERE r.call_id = ANY ($1::uuid[]) AND r.state <> 'empty' ORDER BY r.created_at, r.id
"""  # noqa: S608 - a constant


async def recording(conn: Connection, recording_id: UUID) -> Record | None:
    return await conn.fetchrow(RECORDING, recording_id)


async def of_calls(conn: Connection, call_ids: Sequence[UUID]) -> list[Record]:
    """Those that there is, or was, something of."""
    return await conn.fetch(OF_CALLS, list(call_ids))


STORED = """
UPDATE recordings
SET state = 'stored', object_key = $3, peaks = $4, expires_at = $5, path = NULL,
    version = version + 1
WHERE id = $1 AND state = 'finished' AND sha256 = $2
RETURNING call_id
"""


async def stored(
    conn: Connection,
    recording_id: UUID,
    sha256: str,
    *,
    object_key: str,
    peaks: dict[str, list[int]],
    expires_at: datetime | None,
) -> bool:
    """The file of this digest is in the object store. False: it was before, or is not the one."""
    found = await conn.fetchval(STORED, recording_id, sha256, object_key, peaks, expires_at)
    return found is not None


FAILED = """
UPDATE recordings
SET state = 'failed', fault = $3, object_key = $4, expires_at = $5, path = NULL,
    version = version + 1
WHERE id = $1 AND state = 'finished' AND sha256 = $2 RETURNING id
"""


async def failed(
    conn: Connection,
    recording_id: UUID,
    sha256: str,
    fault: str,
    object_key: str | None,
    expires_at: datetime | None,
) -> bool:
    """The media's file of this digest is `missing`, or `damaged` and set aside. False: it was said
    before, or another has been reported."""
    found = await conn.fetchval(FAILED, recording_id, sha256, fault, object_key, expires_at)
    return found is not None


HOLD = """
UPDATE recordings SET legal_hold = $2, hold_reason = $3, version = version + 1
WHERE id = $1 AND state <> 'deleted' RETURNING id
"""


async def hold(conn: Connection, recording_id: UUID, reason: str, *, on: bool) -> bool:
    return await conn.fetchval(HOLD, recording_id, on, reason) is not None


EXPIRED = """
SELECT id FROM recordings
WHERE state IN ('stored', 'failed') AND NOT legal_hold AND expires_at <= $1
ORDER BY expires_at LIMIT 500
"""


async def expired(conn: Connection, now: datetime) -> list[UUID]:
    """Those whose time is over and that nobody holds."""
    return [row["id"] for row in await conn.fetch(EXPIRED, now)]


DELETED = """
UPDATE recordings
SET state = 'deleted', deleted_at = $2, peaks = NULL, version = version + 1
WHERE id = $1 AND state IN ('stored', 'failed') AND NOT legal_hold
RETURNING object_key
"""


async def deleted(conn: Connection, recording_id: UUID, at: datetime) -> Record | None:
    """Mark it deleted; the row with its object_key, or None when it may not be."""
    return await conn.fetchrow(DELETED, recording_id, at)


PLAYED = """
INSERT INTO recording_plays (id, recording_id, user_id, at) VALUES ($1, $2, $3, $4)
"""


async def played(
    conn: Connection, play_id: UUID, recording_id: UUID, user_id: UUID, at: datetime
) -> None:
    await conn.execute(PLAYED, play_id, recording_id, user_id, at)


PLAYED_SINCE = """
SELECT EXISTS (SELECT FROM recording_plays WHERE recording_id = $1 AND user_id = $2 AND at >= $3)
"""


async def played_since(
    conn: Connection, recording_id: UUID, user_id: UUID, since: datetime
) -> bool:
    """Whether it is noted that this person has listened to it since then."""
    return bool(await conn.fetchval(PLAYED_SINCE, recording_id, user_id, since))


# Reports of the media ----------------------------------------------------------------------------

TAKE_REPORT = """
INSERT INTO media_nodes AS m (node, acked, seen_at) VALUES ($1, $2, $3)
ON CONFLICT (node) DO UPDATE SET acked = excluded.acked, seen_at = excluded.seen_at
WHERE m.acked < excluded.acked
RETURNING node
"""


async def take_report(conn: Connection, journal: UUID, seq: int, at: datetime) -> bool:
    """Whether the report of that journal has not been taken in before, whatever clocks say. A
    journal that begins anew counts from 1 again under another id."""
    return await conn.fetchval(TAKE_REPORT, str(journal), seq, at) is not None
