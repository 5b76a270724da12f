"""Use cases of workflows: their definitions, and a look at their runs."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from contactcenter.core.access import Principal
from contactcenter.core.clock import Clock
from contactcenter.core.cursor import cursor_after, decode_cursor
from contactcenter.core.errors import Conflict, Invalid, NotFound
from contactcenter.core.ids import new_id
from contactcenter.core.vault import Vault
from contactcenter.core.work import WorkFactory
from contactcenter.events.workflows import (
    WorkflowCancelled,
)
from crm.access import Matter, eyes_of, require_write
from crm.customers import files as customers
from crm.masks import shown
from crm.schemas import Page, picked
from crm.tasks.service import REFERENCES, checked
from crm.workflows import store
from crm.workflows.model import (
    DefinitionError,
    check_definition,
    check_trigger,
    next_run,
)
from crm.workflows.runner import ABOUT, WorkflowRunner, bound
from crm.workflows.schemas import (
    ExecuteIn,
    ExecutionOut,
    ExecutionPage,
    ExecutionRow,
    SecretOut,
    StepRun,
    WorkflowEdit,
    WorkflowNew,
    WorkflowOut,
    WorkflowPage,
    WorkflowQuery,
    WorkflowRow,
)
from crm.workflows.webhooks import PREFIX
from db import Connection, Record

log = structlog.get_logger(__name__)

Match = Callable[[int], None]
MATTERS: Final = ("claim_id", "policy_id", "quote_id")
"""What a run is about that may be a matter of health."""


class WorkflowService:
    def __init__(
        self,
        work: WorkFactory,
        clock: Clock,
        vault: Vault,
        zone: ZoneInfo,
        runner: WorkflowRunner,
        events: frozenset[str],
    ) -> None:
        """`events`: the names that can be triggers."""
        self._work = work
        self._clock = clock
        self._vault = vault
        self._zone = zone
        self._runner = runner
        self._events = events

    # Definitions

    async def listed(self, query: WorkflowQuery) -> WorkflowPage:
        at, row_id = decode_cursor(query.cursor) or (None, None)
        async with self._work.reading("workflows.list") as conn:
            rows = await store.listed(
                conn, query.active, query.trigger_type, at, row_id, query.limit + 1
            )
        items = [
            WorkflowRow(**picked(WorkflowRow, row), workflow_id=row["id"])
            for row in rows[: query.limit]
        ]
        return WorkflowPage(
            items=items,
            next_cursor=cursor_after(rows, query.limit),
        )

    async def get(self, workflow_id: UUID) -> WorkflowOut:
        async with self._work.reading("workflows.get") as conn:
            return await _card(conn, workflow_id)

    async def create(self, principal: Principal, new: WorkflowNew) -> WorkflowOut:
        steps = _steps(new)
        self._check(new.trigger_type, new.trigger_config, steps)
        async with self._work.begin("workflows.create", principal.actor) as work:
            workflow_id = new_id()
            await store.insert(
                work.conn,
                workflow_id,
                new.name,
                new.description,
                new.trigger_type,
                new.trigger_config,
                steps,
                new.active,
                self._next(new.trigger_type, new.trigger_config),
                work.now,
                principal.user_id,
            )
            await store.add_version(work.conn, workflow_id, 1, steps, work.now)
            work.audit("workflow.created", "workflow", workflow_id, after={"steps": steps})
            return work.answer(await _card(work.conn, workflow_id))

    async def edit(
        self, principal: Principal, workflow_id: UUID, edit: WorkflowEdit, match: Match
    ) -> WorkflowOut:
        """A new version; runs that have begun go on with theirs."""
        async with self._work.begin("workflows.edit", principal.actor) as work:
            row = await store.find(work.conn, workflow_id, lock=True)
            if row is None:
                raise NotFound
            match(row["version"])
            given = edit.model_dump(exclude_unset=True)
            trigger = given.get("trigger_type", row["trigger_type"])
            config = given.get("trigger_config", row["trigger_config"])
            steps = row["steps"] if edit.steps is None else _steps(edit)
            self._check(trigger, config, steps)
            version = await store.update(
                work.conn,
                workflow_id,
                given.get("name", row["name"]),
                given.get("description", row["description"]),
                trigger,
                config,
                steps,
                given.get("active", row["active"]),
                self._next(trigger, config),
                work.now,
                principal.user_id,
            )
            await store.add_version(work.conn, workflow_id, version, steps, work.now)
            work.audit(
                "workflow.updated",
                "workflow",
                workflow_id,
                before={name: row[name] for name in given},
                after={**given, **({"steps": steps} if "steps" in given else {})},
            )
            return work.answer(await _card(work.conn, workflow_id))

    async def new_secret(
        self, principal: Principal, workflow_id: UUID, match: Match
    ) -> tuple[SecretOut, int]:
        """Make the secret that this workflow's webhooks are signed with, and show it once, with
        the workflow's version."""
        secret = PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
        async with self._work.begin("workflows.new_secret", principal.actor) as work:
            row = await store.find(work.conn, workflow_id, lock=True)
            if row is None:
                raise NotFound
            match(row["version"])
            sealed = self._vault.seal(secret.encode(), bound(workflow_id))
            version = await store.set_secret(work.conn, workflow_id, sealed, work.now)
            await store.add_version(work.conn, workflow_id, version, row["steps"], work.now)
            work.audit("workflow.secret_changed", "workflow", workflow_id)
        return SecretOut(secret=secret), version

    def _check(
        self, trigger: str, config: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]
    ) -> None:
        try:
            check_definition(steps)
        except DefinitionError as error:
            told = {"reason": error.reason, "about": error.about}
            fault = {"loc": ["steps", error.step], "type": "bad_step", "msg": str(error)}
            raise Invalid(str(error), errors=[fault | {"ctx": told}]) from error
        try:
            check_trigger(trigger, config, self._events)
        except ValueError as error:
            raise Invalid.field("trigger_config", "bad_trigger", str(error)) from error

    def _next(self, trigger: str, config: Mapping[str, Any]) -> Any:
        if trigger != "scheduled":
            return None
        return next_run(config, self._clock.now(), self._zone)

    # Runs

    async def execute(
        self, principal: Principal, workflow_id: UUID, wish: ExecuteIn
    ) -> ExecutionOut:
        """Begin a run by hand, about one customer whose file the asker may write in."""
        async with self._work.begin("workflows.execute", principal.actor) as work:
            row = await store.find(work.conn, workflow_id)
            if row is None:
                raise NotFound
            if not row["active"]:
                raise Conflict("This workflow is switched off.")
            about, held = await _about(work.conn, principal, wish)
            data = {**wish.data, **about}
            run = await self._runner.begin(work, row, None, data, "manual", held=held)
            assert run is not None, "a run by hand has no cause"
            work.audit(
                "workflow_execution.started",
                "workflow_execution",
                run["id"],
                after={"workflow_id": workflow_id, "version": row["version"], **data},
                person=_person(run),
            )
            return work.answer(await _told(work.conn, principal, run, row["steps"], []))

    async def executions(self, workflow_id: UUID, page: Page) -> ExecutionPage:
        try:
            before = None if page.cursor is None else UUID(page.cursor)
        except ValueError as error:
            raise Invalid.field("cursor", "bad_cursor", "Not a cursor of this list.") from error
        async with self._work.reading("workflows.executions") as conn:
            if await store.find(conn, workflow_id) is None:
                raise NotFound
            rows = await store.runs(conn, workflow_id, before, page.limit + 1)
        items = [
            ExecutionRow(**picked(ExecutionRow, row), execution_id=row["id"])
            for row in rows[: page.limit]
        ]
        more = len(rows) > page.limit
        return ExecutionPage(items=items, next_cursor=str(items[-1].execution_id) if more else None)

    async def execution(self, principal: Principal, execution_id: UUID) -> ExecutionOut:
        async with self._work.reading("workflows.execution") as conn:
            return await _execution(conn, principal, execution_id)

    async def cancel(self, principal: Principal, execution_id: UUID) -> ExecutionOut:
        async with self._work.begin("workflows.cancel", principal.actor) as work:
            row = await store.run(work.conn, execution_id, lock=True)
            if row is None:
                raise NotFound
            if row["status"] not in {"running", "waiting"}:
                raise Conflict("This run is over.", status=row["status"])
            await store.move_run(
                work.conn, execution_id, step=row["step"], done=row["steps_completed"],
                status="cancelled", at=work.now,
            )  # fmt: skip
            work.emit(WorkflowCancelled(execution_id=execution_id, workflow_id=row["workflow_id"]))
            work.audit(
                "workflow_execution.cancelled",
                "workflow_execution",
                execution_id,
                before={"status": row["status"]},
                after={"status": "cancelled"},
                person=_person(row),
            )
            return work.answer(await _execution(work.conn, principal, execution_id))


def _person(run: Record) -> UUID | None:
    """The customer that a run is about."""
    named = run["trigger_data"].get("customer_id")
    return None if named is None else UUID(named)


async def _about(
    conn: Connection, principal: Principal, wish: ExecuteIn
) -> tuple[dict[str, str], UUID | None]:
    """What the run is about, and the customer whose file is held. Invalid for what is not there or
    is of two customers, Forbidden for a customer in whose file the asker may not write."""
    if wish.data.keys() & set(ABOUT):
        raise Invalid.field("data", "named_twice", "What it is about has fields of its own.")
    given = {name: getattr(wish, name) for name in ABOUT}
    owner = (await checked(conn, dict.fromkeys(REFERENCES) | given))["customer_id"]
    caller = None
    if wish.interaction_id is not None:
        caller = await store.customer_behind(conn, None, None, None, wish.interaction_id)
    if owner is not None and caller not in {None, owner}:
        raise Invalid.field("interaction_id", "another_customer", "These are of two customers.")
    customer_id = owner or caller
    if customer_id is not None:
        late = wish.claim_id is not None
        await customers.hold(conn, customer_id, closed=late)
        await require_write(conn, principal, customer_id)
    return {name: str(each) for name, each in given.items() if each is not None}, customer_id


async def _card(conn: Connection, workflow_id: UUID) -> WorkflowOut:
    row = await store.card(conn, workflow_id)
    if row is None:
        raise NotFound
    return WorkflowOut(
        **picked(WorkflowOut, row),
        workflow_id=workflow_id,
        signed=row["webhook_secret"] is not None,
    )


async def _execution(conn: Connection, principal: Principal, execution_id: UUID) -> ExecutionOut:
    """A run, and what began it as the asker sees the claim, policy or quote that it is about."""
    row = await store.run(conn, execution_id)
    if row is None:
        raise NotFound
    steps = await store.steps(conn, execution_id)
    return await _told(conn, principal, row, row["steps"], steps)


async def _told(
    conn: Connection,
    principal: Principal,
    run: Record,
    definition: Sequence[dict[str, Any]],
    steps: Sequence[Record],
) -> ExecutionOut:
    data = run["trigger_data"]
    matter = await store.matter_of(conn, run["id"]) if any(map(data.get, MATTERS)) else None
    if matter is not None:
        about = Matter(matter["customer_id"], matter["line"], matter["handler"])
        (seen_by,) = await eyes_of(conn, principal, [about])
        data = shown(data, seen_by)
    return ExecutionOut(
        **picked(ExecutionRow, run),
        execution_id=run["id"],
        trigger_data=data,
        results=run["results"],
        definition=list(definition),
        steps=[StepRun(**step) for step in steps],
    )


def _steps(given: WorkflowEdit) -> list[dict[str, Any]]:
    assert given.steps is not None
    return [step.model_dump(by_alias=True, exclude_none=True) for step in given.steps]
