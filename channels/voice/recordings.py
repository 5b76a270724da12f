"""Recordings after the call: into the object store, onto the timeline, played, held, deleted."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import mmap
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import structlog

from channels.ports import Hours
from channels.voice import line, recording_store, store
from channels.voice.recording_store import RecordingRule
from channels.voice.schemas import (
    LegalHold,
    RecordingCard,
    RecordingList,
    RecordingRuleCard,
    RecordingRules,
    SetRecordingRule,
)
from channels.voice.waveform import peaks, sound_of
from config.settings import Recordings
from contactcenter.core.access import Permission, Principal
from contactcenter.core.clock import Clock
from contactcenter.core.errors import Conflict, Forbidden, NotFound
from contactcenter.core.ids import new_id
from contactcenter.core.jobs import JobQueue
from contactcenter.core.objects import Objects
from contactcenter.core.work import Work, WorkFactory
from contactcenter.events.calls import CallRecorded
from contactcenter.interactions import service as hall
from db import Connection, Record

log = structlog.get_logger(__name__)

ONE_PLAY: Final = timedelta(hours=1)
"""Within this time the parts that somebody fetches are one listening."""
DELETE_OBJECT: Final = "voice.delete_object"


class RecordingService:
    def __init__(
        self,
        work: WorkFactory,
        clock: Clock,
        jobs: JobQueue,
        objects: Objects,
        folder: Path,
        kept: Recordings,
        hours: Hours,
    ) -> None:
        """`folder`: where the media leaves its files; `kept`: for how long each class is kept."""
        self._work = work
        self._clock = clock
        self._jobs = jobs
        self._objects = objects
        self._folder = folder
        self._kept = kept
        self._hours = hours

    # Into the store (jobs)

    async def keep(self, payload: dict[str, Any]) -> None:
        """Store a finished recording, and say that it can be played; the media's file goes then.

        A file that is not the one that was recorded is set aside in the store, where only its
        operator reaches it, and goes with its retention like the others.
        """
        recording_id = UUID(payload["recording_id"])
        async with self._work.reading("recording.keep") as conn:
            row = await recording_store.recording(conn, recording_id)
        if row is None:
            return
        file = self._folder / Path(row["path"] or f"{recording_id}.wav").name  # in it, always
        kept = row["object_key"] is not None
        if row["state"] == "finished":
            try:
                drawn = await asyncio.to_thread(_drawn, file, row["sha256"])
            except (FileNotFoundError, ValueError) as error:
                kept = await self._set_aside(row, file, error)
            else:
                kept = await self._store(row, file, drawn)
        if kept:  # what was missing may be recovered meanwhile, and is another job's
            await asyncio.to_thread(file.unlink, missing_ok=True)

    async def _store(self, row: Record, file: Path, drawn: dict[str, list[int]]) -> bool:
        """Whether it is stored now, by this job."""
        key = _key("recordings", row)
        await self._objects.put(key, file)
        async with self._work.begin("recording.keep", "system") as work:
            call = await line.locked(work, row["call_id"])
            done = await recording_store.stored(
                work.conn,
                row["id"],
                row["sha256"],
                object_key=key,
                peaks=drawn,
                expires_at=self._expires(work, row),
            )
            if done:
                fact = line.said(CallRecorded, recording_id=row["id"], seconds=row["seconds"])
                await line.add(work, call, fact)
            return done

    async def _set_aside(self, row: Record, file: Path, error: Exception) -> bool:
        """Whether a copy of it is kept."""
        recording_id: UUID = row["id"]
        fault = "missing" if isinstance(error, FileNotFoundError) else "damaged"
        key = None
        if fault == "damaged":
            key = _key("quarantine", row)
            await self._objects.put(key, file)
        async with self._work.begin("recording.failed", "system") as work:
            expires_at = self._expires(work, row) if key else None
            if not await recording_store.failed(
                work.conn, recording_id, row["sha256"], fault, key, expires_at
            ):
                return False
            after = {"fault": fault, "key": key}
            work.audit("recording.failed", "recording", recording_id, after=after)
        log.error("recording_failed", recording_id=str(recording_id), fault=fault, key=key)
        return key is not None

    def _expires(self, work: Work, row: Record) -> datetime:
        return work.now + timedelta(days=self._kept.days(row["retention"]))

    async def delete_object(self, payload: dict[str, Any]) -> None:
        await self._objects.delete(payload["key"])

    async def expire(self) -> None:
        """Delete what is past its retention and not held (a schedule)."""
        async with self._work.reading("recording.expired") as conn:
            expired = await recording_store.expired(conn, self._clock.now())
        for recording_id in expired:
            with contextlib.suppress(Conflict):  # held meanwhile
                await self._delete(recording_id, "system", "recording.expired")

    # For screens

    async def of_call(self, principal: Principal, call_id: UUID) -> RecordingList:
        async with self._work.reading("recording.list") as conn:
            row = await store.call(conn, call_id)
            if row is None:
                raise NotFound
            await hall.require_sight(conn, principal, interaction_id=row.interaction_id)
            rows = await recording_store.of_calls(conn, [call_id])
        return RecordingList(items=[recording_card(one, principal) for one in rows])

    async def one(self, principal: Principal, recording_id: UUID) -> RecordingCard:
        async with self._work.reading("recording.one") as conn:
            return recording_card(await self._visible(conn, principal, recording_id), principal)

    async def playable(self, principal: Principal, recording_id: UUID) -> Record:
        """The row of a recording that this person may hear now. Forbidden without the health
        permission, Conflict while it is not stored (any more)."""
        async with self._work.reading("recording.playable") as conn:
            row = await self._visible(conn, principal, recording_id)
        if not _may_play(row, principal):
            raise Forbidden("Recordings of health matters take a permission of their own.")
        if row["state"] != "stored":
            raise Conflict("It cannot be played now.", state=row["state"])
        return row

    async def note_play(
        self, principal: Principal, recording_id: UUID, *, begins: bool = True
    ) -> None:
        """Keep who listened: each time from the beginning, and whoever starts in the middle. A
        player that fetches the next part goes on with what is noted."""
        assert principal.user_id is not None
        user_id = principal.user_id
        if not begins:
            async with self._work.reading("recording.play") as conn:
                since = self._clock.now() - ONE_PLAY
                if await recording_store.played_since(conn, recording_id, user_id, since):
                    return
        async with self._work.begin("recording.play", principal.actor) as work:
            await recording_store.played(work.conn, new_id(), recording_id, user_id, work.now)
            work.audit("recording.play", "recording", recording_id)

    async def sound(self, row: Record, start: int, end: int) -> AsyncIterator[bytes]:
        """Bytes of the file from `start` to before `end`, in parts. NotFound: it is gone."""
        parts = self._objects.parts(row["object_key"], start, end)
        first = await anext(parts)  # what is gone is said before the answer begins
        return _followed(first, parts)

    async def hold(
        self, principal: Principal, recording_id: UUID, asked: LegalHold
    ) -> RecordingCard:
        """Put it under legal hold, or lift that: a held one outlives its retention."""
        async with self._work.begin("recording.hold", principal.actor) as work:
            found = await self._visible(work.conn, principal, recording_id)
            if not await recording_store.hold(work.conn, recording_id, asked.reason, on=asked.on):
                raise Conflict("It is deleted.")
            before = {"on": found["legal_hold"], "reason": found["hold_reason"]}
            after = {"on": asked.on, "reason": asked.reason}
            work.audit("recording.hold", "recording", recording_id, before=before, after=after)
            row = await self._visible(work.conn, principal, recording_id)
        return recording_card(row, principal)

    async def delete(self, principal: Principal, recording_id: UUID) -> None:
        """Delete it before its time. Conflict while it is held, or not stored."""
        async with self._work.reading("recording.delete") as conn:
            await self._visible(conn, principal, recording_id)
        await self._delete(recording_id, principal.actor, "recording.delete")

    async def _delete(self, recording_id: UUID, actor: str, action: str) -> None:
        async with self._work.begin(action, actor) as work:
            gone = await recording_store.deleted(work.conn, recording_id, work.now)
            if gone is None:
                raise Conflict("It is held, or not stored.")
            if gone["object_key"] is not None:
                await self._jobs.enqueue(work.conn, DELETE_OBJECT, {"key": gone["object_key"]})
            work.audit(action, "recording", recording_id)

    async def _visible(self, conn: Connection, principal: Principal, recording_id: UUID) -> Record:
        row = await recording_store.recording(conn, recording_id)
        if row is None or row["state"] == "empty":
            raise NotFound
        await hall.require_sight(conn, principal, interaction_id=row["interaction_id"])
        return row

    # Rules

    async def rules(self) -> RecordingRules:
        async with self._work.reading("recording.rules") as conn:
            rows = await recording_store.rules(conn, await self._hours.queues(conn))
        return RecordingRules(items=[RecordingRuleCard(**row) for row in rows])

    async def set_rule(
        self,
        principal: Principal,
        queue: str,
        asked: SetRecordingRule,
        match: Callable[[int], None],
    ) -> RecordingRuleCard:
        """What holds for calls that begin in the queue from now on, or come to it from another."""
        async with self._work.begin("recording.rule", principal.actor) as work:
            if queue not in await self._hours.queues(work.conn):
                raise NotFound("There is no such queue.")
            await recording_store.lock_rule(work.conn, queue)
            (before,) = await recording_store.rules(work.conn, [queue])
            match(before["version"])
            rule = RecordingRule(asked.mode, asked.retention, asked.health, asked.aside)
            await recording_store.set_rule(work.conn, queue, rule, work.now)
            (row,) = await recording_store.rules(work.conn, [queue])
            work.audit("recording.rule", "queue", queue, before=dict(before), after=dict(row))
        return RecordingRuleCard(**row)


async def _followed(first: bytes, parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for part in parts:
        yield part


def _key(folder: str, row: Record) -> str:
    return f"{folder}/{row['created_at']:%Y/%m/%d}/{row['id']}.wav"


def _drawn(file: Path, sha256: str) -> dict[str, list[int]]:
    """The waveform of the media's file, if it is the file that the media reported. Read as it is
    needed: an hour is 58 MB. Without a digest the media has not closed it: what is there of it is
    told when the media has made it whole."""
    if not sha256:
        raise FileNotFoundError(file.name)
    with file.open("rb") as content:
        if hashlib.file_digest(content, "sha256").hexdigest() != sha256:
            raise ValueError("the file is not the one that was recorded")
        with (
            mmap.mmap(content.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
            memoryview(mapped) as wav,
            sound_of(wav) as sound,
        ):
            return peaks(sound)


def _may_play(row: Record, principal: Principal) -> bool:
    return principal.may(Permission.RECORDINGS_PLAY) and (
        not row["health"] or principal.may(Permission.RECORDINGS_HEALTH)
    )


def recording_card(row: Record, principal: Principal) -> RecordingCard:
    may_play = row["state"] == "stored" and _may_play(row, principal)
    return RecordingCard(
        recording_id=row["id"],
        call_id=row["call_id"],
        state=row["state"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        seconds=row["seconds"],
        bytes=row["bytes"],
        sha256=row["sha256"],
        gaps=row["gaps"],
        peaks=row["peaks"] if may_play else None,
        recovered=row["recovered"],
        fault=row["fault"],
        retention=row["retention"],
        expires_at=row["expires_at"],
        legal_hold=row["legal_hold"],
        health=row["health"],
        may_play=may_play,
    )
