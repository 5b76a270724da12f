"""Use cases of tasks. The whole office sees every task. Who writes in a customer's file writes its
tasks, and who handles a claim those of the claim; a task of one's own, or of nobody's, can be done
by whoever has or takes it. What nobody's task says is written, and it is cancelled, in its file.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import UTC, date, datetime, time
from functools import partial
from typing import Any, Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from contactcenter.core.access import Principal
from contactcenter.core.clock import Clock
from contactcenter.core.cursor import cursor_after, decode_cursor, encode_cursor
from contactcenter.core.errors import Conflict, Forbidden, Invalid, NotFound
from contactcenter.core.ids import new_id
from contactcenter.core.work import Work, WorkFactory
from contactcenter.events.tasks import TaskCancelled, TaskCompleted, TaskCreated, TaskUpdated
from crm import sql
from crm.access import NOBODY, Matter, eyes_of, require_write, unread, written
from crm.customers import files as customers
from crm.masks import MASK, Eyes
from crm.schemas import picked
from crm.tasks import store
from crm.tasks.model import COMPLAINT, EDGES, OPEN, complaint_clock, day_bounds
from crm.tasks.schemas import (
    ComplaintOut,
    DueTasks,
    May,
    TaskEdit,
    TaskNew,
    TaskOut,
    TaskPage,
    TaskQuery,
)
from db import Connection, Record

Match = Callable[[int], None]
REFERENCES: Final = (
    "customer_id", "policy_id", "claim_id", "quote_id", "interaction_id", "assigned_to",
    "assigned_agent",
)  # fmt: skip
UNKNOWN: Final = {
    **{name: f"unknown_{name.removesuffix('_id')}" for name in REFERENCES},
    "assigned_to": "unknown_user",
    "assigned_agent": "unknown_agent",
}
UNSAID: Final = {"title": MASK, "description": MASK, "metadata": {}, "tags": []}
"""What is seen of a task about somebody's health while the identity gate is closed."""
WHOSE: Final = frozenset({"assigned_to", "assigned_agent"})
TAKEN: Final = frozenset({"status", "assigned_to", "assigned_agent"})
"""What whoever takes a task writes in it."""
OF_CUSTOMER: Final = ("policy_id", "claim_id", "quote_id")


async def create(
    work: Work,
    values: Mapping[str, Any],
    zone: ZoneInfo,
    *,
    by: UUID | None = None,
    cause: str | None = None,
    check: Callable[[Mapping[str, Any]], Awaitable[None]] | None = None,
) -> UUID | None:
    """Write a task; `values` are fields of TaskNew. The customer is that of what it is about, a
    complaint is due when the law says. `check` is asked of the fields, with their customer, before
    anything is written. None: the same `cause` has made one before."""
    given = TaskNew(**values)
    filled = given.model_dump() | {"status": given.status or "pending"}
    filled |= await checked(work.conn, filled)
    if filled["customer_id"] is not None:
        filled |= await _held(work.conn, filled)
    if check is not None:
        await check(filled)
    if given.task_type == COMPLAINT:
        assert given.received_on is not None
        if given.received_on > work.now.astimezone(zone).date():
            raise Invalid.field("received_on", "in_future", "That day has not come.")
        end = await _legal_end(work.conn, given.received_on, zone)
        filled["due_date"] = min(given.due_date or end, end)
    task_id = new_id()
    written = await store.insert(
        work.conn, {**filled, "id": task_id, "cause": cause, "created_by": by}, work.now
    )
    if not written:
        return None
    work.emit(
        TaskCreated(
            **_ids({**filled, "id": task_id}),
            task_type=given.task_type,
            priority=given.priority,
            due_date=filled["due_date"],
        )
    )
    work.audit("task.created", "task", task_id, after=filled, person=filled["customer_id"])
    return task_id


async def _held(conn: Connection, values: Mapping[str, Any]) -> dict[str, Any]:
    """The customer, whose file is held: a living one, or of a late claim a closed one."""
    about = dict(values)
    while True:
        customer_id = about["customer_id"]
        try:
            await customers.hold(conn, customer_id, closed=about["claim_id"] is not None)
        except Conflict:
            if all(about[name] is None for name in OF_CUSTOMER):
                raise
            # Merged since: what the task is about has another customer now.
            found = await checked(conn, {**about, "customer_id": None})
            if found["customer_id"] == customer_id:
                raise
            about |= found
        else:
            return {"customer_id": customer_id}


async def language_of(conn: Connection, agent_id: UUID | None, known: Collection[str]) -> str:
    """Of the known languages, that of whose task it is; nobody's is in the office's, Spanish."""
    language = None if agent_id is None else await store.language_of(conn, agent_id)
    return language if language is not None and language in known else "es"


async def _legal_end(conn: Connection, received_on: date, zone: ZoneInfo) -> datetime:
    """The last minute of the day by which a complaint is answered."""
    clock = complaint_clock(received_on, received_on, await sql.law(conn))
    return datetime.combine(clock.due_on, time(23, 59), zone).astimezone(UTC)


async def change(work: Work, row: Record, given: Mapping[str, Any], *, by: UUID | None) -> None:
    """Set what is given of a locked task. Conflict for one that has ended."""
    if row["status"] not in OPEN:
        raise Conflict("A task that has ended stays as it is.", status=row["status"])
    after = given.get("status", row["status"])
    if after != row["status"] and after not in EDGES[row["status"]]:
        raise Conflict("A task cannot go that way.", status=row["status"], to=after)
    await checked(work.conn, {name: given.get(name) for name in REFERENCES})
    changes = {name: value for name, value in given.items() if row[name] != value}
    if not changes:
        return
    await store.update(work.conn, row["id"], changes, work.now, by)
    work.emit(TaskUpdated(**_ids({**dict(row), **changes}), fields=tuple(sorted(changes))))
    work.audit(
        "task.updated",
        "task",
        row["id"],
        before={name: row[name] for name in changes},
        after=changes,
        person=row["customer_id"],
    )


class TaskService:
    def __init__(self, work: WorkFactory, clock: Clock, zone: ZoneInfo) -> None:
        self._work = work
        self._clock = clock
        self._zone = zone

    async def listed(self, principal: Principal, query: TaskQuery) -> TaskPage:
        at, row_id = decode_cursor(query.cursor) or (None, None)
        now = self._clock.now()
        start, end = day_bounds(now.astimezone(self._zone).date(), self._zone)
        before, since = {
            "overdue": (now, None), "today": (end, start), None: (None, None)
        }[query.due]  # fmt: skip
        user, agent = query.assigned_to, query.assigned_agent
        if query.mine:
            user, agent = principal.user_id, principal.agent_id
        async with self._work.reading("tasks.list") as conn:
            rows = await store.listed(
                conn,
                query.sort,
                user,
                agent,
                query.status,
                query.open,
                before,
                since,
                query.customer_id,
                query.claim_id,
                query.policy_id,
                query.task_type,
                at,
                row_id,
                query.limit + 1,
            )
            items = await self._cards(conn, principal, rows[: query.limit])
        if query.sort == "created":
            return TaskPage(items=items, next_cursor=cursor_after(rows, query.limit))
        if len(rows) <= query.limit:
            return TaskPage(items=items, next_cursor=None)
        last = items[-1]
        at = last.completed_at if query.sort == "completed" else last.due_date
        after = encode_cursor(at or store.NEVER, last.task_id)
        return TaskPage(items=items, next_cursor=after)

    async def count_due(self, principal: Principal) -> DueTasks:
        """The asker's own that are late, and those still due on the centre's today."""
        now = self._clock.now()
        _, until = day_bounds(now.astimezone(self._zone).date(), self._zone)
        user, agent = principal.user_id, principal.agent_id
        async with self._work.reading("tasks.count_due") as conn:
            overdue, today = await store.count_due(conn, user, agent, now, until)
        return DueTasks(overdue=overdue, today=today)

    async def get(self, principal: Principal, task_id: UUID) -> TaskOut:
        async with self._work.reading("tasks.get") as conn:
            return await self._card(conn, principal, task_id)

    async def create(self, principal: Principal, new: TaskNew) -> TaskOut:
        """A task, the creator's own unless it names somebody."""
        values = new.model_dump(exclude_unset=True)
        if new.assigned_to is None and new.assigned_agent is None:
            values |= {"assigned_to": principal.user_id, "assigned_agent": principal.agent_id}
        async with self._work.begin("tasks.create", principal.actor) as work:
            await _check_interaction(work.conn, new)
            check = partial(_require_file, work.conn, principal)
            task_id = await create(work, values, self._zone, by=principal.user_id, check=check)
            assert task_id is not None, "a task of somebody's own has no cause"
            return work.answer(await self._card(work.conn, principal, task_id))

    async def edit(
        self, principal: Principal, task_id: UUID, edit: TaskEdit, match: Match
    ) -> TaskOut:
        given = edit.model_dump(exclude_unset=True)
        async with self._work.begin("tasks.edit", principal.actor) as work:
            row = await the_task(work.conn, task_id, lock=True)
            if not (_own(principal, row) or (_nobodys(row) and _takes(principal, given))):
                await _require_file(work.conn, principal, row)
            await _refuse_hidden(work.conn, principal, row, given)
            match(row["version"])
            if "due_date" in given and row["received_on"] is not None:
                end = await _legal_end(work.conn, row["received_on"], self._zone)
                given["due_date"] = min(given["due_date"] or end, end)
            await change(work, row, given, by=principal.user_id)
            return work.answer(await self._card(work.conn, principal, task_id))

    async def end(
        self,
        principal: Principal,
        task_id: UUID,
        status: Literal["completed", "cancelled"],
        match: Match,
    ) -> TaskOut:
        """Complete or cancel it. Conflict when it has ended before (ctx.status)."""
        async with self._work.begin(f"tasks.{status}", principal.actor) as work:
            row = await the_task(work.conn, task_id, lock=True)
            done = status == "completed" and _nobodys(row)
            if not (done or _own(principal, row)):
                await _require_file(work.conn, principal, row)
            if _nobodys(row) and (await _seen_by(work.conn, principal, [row])) == ["closed"]:
                raise Forbidden("What it says is hidden from you.", reason="hidden")
            match(row["version"])
            if not await store.end(work.conn, task_id, status, work.now, principal.user_id):
                raise Conflict("It has ended before.", status=row["status"])
            fact = TaskCompleted if status == "completed" else TaskCancelled
            work.emit(fact(**_ids(row)))
            work.audit(
                f"task.{status}", "task", task_id, before={"status": row["status"]},
                after={"status": status}, person=row["customer_id"],
            )  # fmt: skip
            return work.answer(await self._card(work.conn, principal, task_id))

    async def _card(self, conn: Connection, principal: Principal, task_id: UUID) -> TaskOut:
        (card,) = await self._cards(conn, principal, [await the_task(conn, task_id)])
        return card

    async def _cards(
        self, conn: Connection, principal: Principal, rows: Sequence[Record]
    ) -> list[TaskOut]:
        """What a task about somebody's health says is hidden while the gate is closed."""
        seen_by = await _seen_by(conn, principal, rows)
        files = await written(conn, principal, {row["customer_id"] for row in rows} - {None})
        handled = await _handled(conn, principal, rows)
        return [
            await self._out(
                conn,
                row,
                UNSAID if eyes == "closed" else {},
                _may(
                    principal,
                    row,
                    filed=row["customer_id"] is None
                    or row["customer_id"] in files
                    or row["claim_id"] in handled,
                    read=eyes != "closed",
                ),
            )
            for row, eyes in zip(rows, seen_by, strict=True)
        ]

    async def _out(
        self, conn: Connection, row: Record, unsaid: Mapping[str, Any], may: list[May]
    ) -> TaskOut:
        now, complaint = self._clock.now(), None
        if row["received_on"] is not None:
            today = now.astimezone(self._zone).date()
            clock = complaint_clock(row["received_on"], today, await sql.law(conn))
            complaint = ComplaintOut(
                due_on=clock.due_on,
                regime=clock.regime,
                working_day=clock.working_day,
                of=clock.of,
            )
        due = row["due_date"]
        return TaskOut(
            **(picked(TaskOut, row) | dict(unsaid)),
            task_id=row["id"],
            may=may,
            overdue=due is not None and due < now and row["status"] in OPEN,
            complaint=complaint,
        )


async def the_task(conn: Connection, task_id: UUID, *, lock: bool = False) -> Record:
    row = await store.find(conn, task_id, lock=lock)
    if row is None:
        raise NotFound
    return row


def _nobodys(row: Record) -> bool:
    return row["assigned_to"] is None and row["assigned_agent"] is None


def _own(principal: Principal, row: Record) -> bool:
    """Whether a task is one's own, by whom it was made or for whom."""
    own = {principal.user_id, principal.agent_id} - {None}
    return not own.isdisjoint({row["assigned_to"], row["assigned_agent"], row["created_by"]})


def _has(principal: Principal, row: Record) -> bool:
    """Whether it is for the asker to do."""
    own = {principal.user_id, principal.agent_id} - {None}
    return not own.isdisjoint({row["assigned_to"], row["assigned_agent"]})


def _may(principal: Principal, row: Record, *, filed: bool, read: bool) -> list[May]:
    """What the asker may do with a task. `filed`: they write in its file; `read`: what it says is
    shown to them."""
    if row["status"] not in OPEN:
        return []
    free, writes = _nobodys(row) and read, filed or _own(principal, row)
    allowed: Mapping[May, bool] = {
        "edit": writes,
        "take": free and principal.agent_id is not None,
        "complete": free or (writes and not _nobodys(row)),
        "cancel": writes and (read or not _nobodys(row)),
    }
    return [name for name, allows in allowed.items() if allows]


def _takes(principal: Principal, given: Mapping[str, Any]) -> bool:
    """Whether an edit of nobody's task only begins it, or gives it to the asker."""
    return (
        given.keys() <= TAKEN
        and given.get("assigned_to") in {None, principal.user_id}
        and given.get("assigned_agent") in {None, principal.agent_id}
    )


async def _refuse_hidden(
    conn: Connection, principal: Principal, row: Record, given: Mapping[str, Any]
) -> None:
    """Invalid for an edit of what the asker does not see of a task, or one that would show it:
    whoever has a task reads it."""
    own = {principal.user_id, principal.agent_id} - {None}
    field = next(
        (
            name
            for name, value in given.items()
            if name in UNSAID or (name in WHOSE and value != row[name] and value in own)
        ),
        None,
    )
    begins = _nobodys(row) and given.get("status", row["status"]) != row["status"]
    if field is None and not begins:
        return
    if (await _seen_by(conn, principal, [row])) == ["closed"]:
        field = field or "status"
        raise Invalid.field(field, "hidden", "It is hidden from you: leave it as it is.")


async def _seen_by(conn: Connection, principal: Principal, rows: Sequence[Record]) -> list[Eyes]:
    """With whose eyes the principal sees each task: those of what it is about, else of the contact
    that it came of. A task's handler is whose it is, and whoever handles the claim that it is
    about."""
    handled = await _handled(conn, principal, rows)
    seen_by = await eyes_of(
        conn,
        principal,
        [
            Matter(
                row["customer_id"] or NOBODY,
                row["line"],
                principal.agent_id if row["claim_id"] in handled else row["assigned_agent"],
            )
            for row in rows
        ],
    )
    said_in = {row["interaction_id"] for row in rows if not _has(principal, row)} - {None}
    closed = await unread(conn, principal, said_in)
    return [
        "closed" if row["interaction_id"] in closed and not _has(principal, row) else eyes
        for row, eyes in zip(rows, seen_by, strict=True)
    ]


async def _handled(
    conn: Connection, principal: Principal, rows: Sequence[Mapping[str, Any] | Record]
) -> frozenset[UUID]:
    """Of the claims that these tasks are about, those that the asker handles."""
    return await store.handled(conn, {row["claim_id"] for row in rows} - {None}, principal.agent_id)


async def _require_file(
    conn: Connection, principal: Principal, row: Mapping[str, Any] | Record
) -> None:
    """Forbidden unless the asker may write in the file that the task is in."""
    if row["customer_id"] is None:
        return
    if not await _handled(conn, principal, [row]):
        await require_write(conn, principal, row["customer_id"])


async def checked(conn: Connection, values: Mapping[str, Any]) -> dict[str, Any]:
    """Invalid when something it refers to is not there, or is another customer's; the customer."""
    found = await store.references_of(conn, [values[name] for name in REFERENCES])
    for name in REFERENCES:
        if values[name] is not None and not found[name]:
            raise Invalid.field(name, UNKNOWN[name], "There is no such.")
    owners = {found[name] for name in OF_CUSTOMER if values[name] is not None}
    if values["customer_id"] is not None:
        owners.add(values["customer_id"])
    if len(owners) > 1:
        raise Invalid.field("customer_id", "another_customer", "These are of two customers.")
    return {"customer_id": next(iter(owners), None)}


async def _check_interaction(conn: Connection, new: TaskNew) -> None:
    """Invalid for an interaction of another customer than the task's."""
    given = dict.fromkeys(REFERENCES) | {name: getattr(new, name) for name in REFERENCES}
    customer_id = (await checked(conn, given))["customer_id"]
    if customer_id is not None:
        await customers.check_interaction(conn, new.interaction_id, customer_id)


def _ids(row: Mapping[str, Any] | Record) -> dict[str, Any]:
    return {
        "task_id": row["id"],
        "customer_id": row["customer_id"],
        "assigned_to": row["assigned_to"],
        "assigned_agent": row["assigned_agent"],
    }
