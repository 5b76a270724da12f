"""Editing what configures routing. A change is told by `queue.changed`, and holds for every
visit from then on; visits that wait keep the place they have. What work is closed with is told by
`disposition.changed`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel

from contactcenter.core.access import Principal
from contactcenter.core.errors import Conflict, Forbidden, Invalid, NotFound
from contactcenter.core.work import Work, WorkFactory
from contactcenter.events.routing import DispositionChanged, QueueChanged
from db import Connection
from routing.config import ConfigError, read_queue
from routing.core.model import QueueConfig, bases_apart, boosts_too_low
from routing.hours import CalendarError, parse_calendar
from routing.queues import store
from routing.queues.schemas import (
    CalendarCard,
    CalendarEdit,
    CalendarNew,
    Disposition,
    DispositionEdit,
    DispositionNew,
    QueueCard,
    QueueEdit,
    QueueNew,
    Skill,
    SkillEdit,
    SkillNew,
)

Match = Callable[[int], None]
"""Compares the asker's If-Match with the stored version; raises PreconditionFailed."""


class SetupService:
    def __init__(self, work: WorkFactory, zone: ZoneInfo) -> None:
        self._work = work
        self._zone = zone

    # Queues

    async def queues(self) -> list[QueueCard]:
        async with self._work.reading("queues.list") as conn:
            return [QueueCard(**row) for row in await store.queues(conn)]

    async def queue(self, key: str) -> QueueCard:
        async with self._work.reading("queues.show") as conn:
            rows = await store.queues(conn, key)
        if not rows:
            raise NotFound
        return QueueCard(**rows[0])

    async def create_queue(self, principal: Principal, new: QueueNew) -> QueueCard:
        _whole_centre(principal)
        async with self._work.begin("queues.create", principal.actor) as work:
            await self._check(work.conn, new.key, new)
            if not await store.insert_queue(work.conn, new.key, _values(new), work.now):
                raise Conflict("There is a queue with this key.")
            work.emit(QueueChanged(queue=new.key))
            work.audit("queue.created", "queue", new.key, after=new.model_dump())
        return await self.queue(new.key)

    async def edit_queue(
        self, principal: Principal, key: str, edit: QueueEdit, match: Match
    ) -> QueueCard:
        """Replace a queue's configuration. A queue with waiters cannot be retired (ctx.waiting)."""
        async with self._work.begin("queues.edit", principal.actor) as work:
            version = await store.lock_queue(work.conn, key)
            if version is None or not principal.sees_queue(key):
                raise NotFound
            match(version)
            await self._check(work.conn, key, edit)
            (before,) = await store.queues(work.conn, key)
            if edit.retired and (waiting := await store.waiting(work.conn, key)):
                raise Conflict("Somebody still waits in this queue.", waiting=waiting)
            await store.update_queue(work.conn, key, _values(edit), work.now)
            work.emit(QueueChanged(queue=key))
            _note(work, "queue", key, before, edit)
        return await self.queue(key)

    async def _check(self, conn: Connection, key: str, edit: QueueEdit) -> None:
        """Invalid unless the configuration can be read and all it names exists."""
        try:
            core = read_queue(key, edit.skill, edit.strategy, edit.config)
        except ConfigError as error:
            raise Invalid.field("config", "bad_config", str(error)) from error
        known = {row["key"] for row in await store.skills(conn)}
        missing = sorted(_skills_in(core) - known)
        if missing:
            raise Invalid.field("config", "unknown_skill", "There is no such skill.", keys=missing)
        if not await store.calendars(conn, edit.calendar):
            raise Invalid.field("calendar", "unknown_calendar", "There is no such calendar.")
        queues = {row["key"] for row in await store.queues(conn)}
        overflows = {p.overflow for p in core.policies.values() if p.overflow is not None}
        if absent := sorted(overflows - queues):
            raise Invalid.field("config", "unknown_queue", "No such queue.", keys=absent)
        if not edit.retired:
            await self._check_boosts(conn, core)

    async def _check_boosts(self, conn: Connection, core: QueueConfig) -> None:
        """Invalid when somebody could wait for ever behind higher bases (domain 1.3): in this
        queue, or in another one because of this one's bases."""
        stored = _live(await store.queues(conn))
        before = bases_apart(stored.values())
        others = {key: queue for key, queue in stored.items() if key != core.id}
        apart = bases_apart([*others.values(), core])
        wider = {band for band, spread in apart.items() if spread > before.get(band, 0)}
        low = [f"{core.id}.{channel}" for channel in boosts_too_low(core, apart)] + [
            f"{key}.{channel}"
            for key, other in others.items()
            for channel in boosts_too_low(other, apart)
            if other.policies[channel].band in wider
        ]
        if low:
            raise Invalid.field(
                "config",
                "boost_too_low",
                "A boost is less than the bases in its band are apart: " + ", ".join(low) + ".",
                keys=low,
            )

    # Skills

    async def skills(self) -> list[Skill]:
        async with self._work.reading("skills.list") as conn:
            return [Skill(**row) for row in await store.skills(conn)]

    async def create_skill(self, principal: Principal, new: SkillNew) -> Skill:
        _whole_centre(principal)
        async with self._work.begin("skills.create", principal.actor) as work:
            if not await store.insert_skill(work.conn, new.key, new.name_es, new.name_en):
                raise Conflict("There is a skill with this key.")
            work.audit("skill.created", "skill", new.key, after=new.model_dump())
        return Skill(**new.model_dump())

    async def edit_skill(self, principal: Principal, key: str, edit: SkillEdit) -> Skill:
        _whole_centre(principal)
        async with self._work.begin("skills.edit", principal.actor) as work:
            if not await store.lock_skill(work.conn, key):
                raise NotFound
            (before,) = await store.skills(work.conn, key)
            await store.update_skill(work.conn, key, edit.name_es, edit.name_en)
            _note(work, "skill", key, before, edit)
        return Skill(key=key, name_es=edit.name_es, name_en=edit.name_en)

    async def delete_skill(self, principal: Principal, key: str) -> None:
        _whole_centre(principal)
        async with self._work.begin("skills.delete", principal.actor) as work:
            before = await store.skills(work.conn, key)
            if not before:
                raise NotFound
            if not await store.delete_skill(work.conn, key):
                raise Conflict("A queue or an agent has this skill.")
            work.audit("skill.deleted", "skill", key, before=before[0])

    # Calendars

    async def calendars(self) -> list[CalendarCard]:
        async with self._work.reading("calendars.list") as conn:
            return [CalendarCard(**row) for row in await store.calendars(conn)]

    async def calendar(self, key: str) -> CalendarCard:
        async with self._work.reading("calendars.show") as conn:
            rows = await store.calendars(conn, key)
        if not rows:
            raise NotFound
        return CalendarCard(**rows[0])

    async def create_calendar(self, principal: Principal, new: CalendarNew) -> CalendarCard:
        self._check_calendar(new)
        _whole_centre(principal)
        async with self._work.begin("calendars.create", principal.actor) as work:
            if not await store.insert_calendar(
                work.conn, new.key, new.timezone, new.weekly, new.exceptions
            ):
                raise Conflict("There is a calendar with this key.")
            work.audit("calendar.created", "calendar", new.key, after=new.model_dump())
        return await self.calendar(new.key)

    async def edit_calendar(
        self, principal: Principal, key: str, edit: CalendarEdit, match: Match
    ) -> CalendarCard:
        self._check_calendar(edit)
        _whole_centre(principal)
        async with self._work.begin("calendars.edit", principal.actor) as work:
            version = await store.lock_calendar(work.conn, key)
            if version is None:
                raise NotFound
            match(version)
            (before,) = await store.calendars(work.conn, key)
            await store.update_calendar(work.conn, key, edit.timezone, edit.weekly, edit.exceptions)
            await _tell_queues(work, key)
            _note(work, "calendar", key, before, edit)
        return await self.calendar(key)

    def _check_calendar(self, edit: CalendarEdit) -> None:
        try:
            zone = ZoneInfo(edit.timezone) if edit.timezone else self._zone
            parse_calendar(edit.weekly, edit.exceptions, zone)
        except (ZoneInfoNotFoundError, IsADirectoryError) as error:
            raise Invalid.field("timezone", "unknown_zone", "No such time zone.") from error
        except CalendarError as error:
            raise Invalid.field("weekly", "bad_calendar", str(error)) from error
        except ValueError as error:
            raise Invalid.field("timezone", "unknown_zone", "No such time zone.") from error

    # Dispositions

    async def dispositions(self) -> list[Disposition]:
        async with self._work.reading("dispositions.list") as conn:
            return [Disposition(**row) for row in await store.dispositions(conn)]

    async def create_disposition(self, principal: Principal, new: DispositionNew) -> Disposition:
        async with self._work.begin("dispositions.create", principal.actor) as work:
            await self._check_queue(work.conn, principal, new.queue)
            if new.key == "none" or not await store.insert_disposition(
                work.conn, new.key, _disposition_values(new)
            ):
                raise Conflict("There is a disposition with this key.")
            work.emit(DispositionChanged(disposition=new.key))
            work.audit("disposition.created", "disposition", new.key, after=new.model_dump())
        return Disposition(**new.model_dump(), version=1)

    async def edit_disposition(
        self, principal: Principal, key: str, edit: DispositionEdit, match: Match
    ) -> Disposition:
        """Replace it. One that is retired is offered no more; what was closed with it keeps it."""
        async with self._work.begin("dispositions.edit", principal.actor) as work:
            version = await store.lock_disposition(work.conn, key)
            if version is None:
                raise NotFound
            (before,) = await store.dispositions(work.conn, key)
            _require_reach(principal, before["queue"])
            match(version)
            await self._check_queue(work.conn, principal, edit.queue)
            await store.update_disposition(work.conn, key, _disposition_values(edit))
            work.emit(DispositionChanged(disposition=key))
            _note(work, "disposition", key, before, edit)
        return Disposition(key=key, **edit.model_dump(), version=version + 1)

    async def _check_queue(self, conn: Connection, principal: Principal, queue: str | None) -> None:
        """Of a disposition: that it is there, and that the asker may change it."""
        if queue is not None and not (
            principal.sees_queue(queue) and await store.queues(conn, queue)
        ):
            raise Invalid.field("queue", "unknown_queue", "There is no such queue.")
        _require_reach(principal, queue)


def _whole_centre(principal: Principal) -> None:
    """Forbidden for whoever's rights end at some queues or teams: it holds for all of them."""
    if principal.is_limited:
        raise Forbidden("That changes more than your queues.", reason="beyond")


def _require_reach(principal: Principal, queue: str | None) -> None:
    """Forbidden for what belongs to a queue beyond the limits, or to all."""
    if queue is None:
        _whole_centre(principal)
    if not principal.sees_queue(queue):
        raise NotFound


def _note(work: Work, what: str, key: str, before: dict[str, Any], edit: BaseModel) -> None:
    """Leave a note of a change, with what is shown as it was and as it is now."""
    after = edit.model_dump()
    old = {name: before[name] for name in after}
    work.audit(f"{what}.changed", what, key, before=old, after=after)


async def _tell_queues(work: Work, calendar: str) -> None:
    for queue in await store.queues_of_calendar(work.conn, calendar):
        work.emit(QueueChanged(queue=queue))


def _live(rows: Iterable[Mapping[str, Any]]) -> dict[str, QueueConfig]:
    """The queues that take work; of one that cannot be read nothing is offered."""
    found = {}
    for row in rows:
        if not row["retired"]:
            with suppress(ConfigError):
                found[row["key"]] = read_queue(
                    row["key"], row["skill"], row["strategy"], row["config"]
                )
    return found


def _skills_in(core: QueueConfig) -> set[str]:
    steps = [requirement for step in core.steps for requirement in (*step.require, *step.prefer)]
    return {requirement.skill for requirement in (*core.require, *steps)}


def _values(edit: QueueEdit) -> tuple[object, ...]:
    return (
        edit.name_es,
        edit.name_en,
        edit.skill,
        edit.calendar,
        edit.strategy,
        edit.config,
        edit.ordinal,
        edit.retired,
    )


def _disposition_values(edit: DispositionEdit) -> tuple[object, ...]:
    return (edit.label_es, edit.label_en, edit.queue, edit.ordinal, edit.retired)
