"""The shell around the engine: runs, each step once.

A run advances by a few steps at a time, their effects, their records and the run's new place in one
transaction: whatever is killed when, a step has had its effect and is noted, or has not and will.
`drive` is a job that carries on until the run ends or waits; it is queued in the transaction
that begins or wakes the run. A webhook, the one effect outside, is a job of its own.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from contactcenter.core.clock import Clock
from contactcenter.core.errors import Invalid, Problem, Unavailable
from contactcenter.core.ids import new_id
from contactcenter.core.jobs import JobQueue
from contactcenter.core.vault import Vault
from contactcenter.core.work import Work, WorkFactory
from contactcenter.events.workflows import (
    WorkflowCompleted,
    WorkflowFailed,
    WorkflowStarted,
)
from crm.customers import files as customers
from crm.letters.service import LetterService
from crm.tasks import service as tasks
from crm.workflows import store
from crm.workflows.expression import ExpressionError, filled, holds
from crm.workflows.model import (
    DEEPEST_CHAIN,
    Do,
    Done,
    Passed,
    State,
    Stuck,
    after,
    name_of,
    next_action,
    next_run,
)
from crm.workflows.records import change, needs
from crm.workflows.webhooks import PREFIX, Failed, Refused, Webhooks
from db import Connection, Record

log = structlog.get_logger(__name__)

DRIVE: Final = "workflows.drive"
CALL: Final = "workflows.call_webhook"
ATTEMPTS: Final = 5
AT_ONCE: Final = 8
"""Steps in one transaction at most, so that it stays short and holds few rows."""
OUTSIDE: Final = frozenset({"wait_duration", "call_webhook"})
ABOUT: Final = ("customer_id", "policy_id", "claim_id", "quote_id", "interaction_id")
ACTOR: Final = "workflow:"
KNOWN: Final = frozenset({"address_not_public", "bad_address"})
"""Why a webhook was not called, as codes that screens have sentences for."""


@dataclass(slots=True)
class Tried:
    """What one transaction has come to; what there is to go by when it is undone. `place` is where
    it began, `state` the step that it came to last, `noted` what it has noted, `did` how many of
    these were effects."""

    place: State | None = None
    state: State = field(default_factory=State)
    noted: list[dict[str, Any]] = field(default_factory=list)
    did: int = 0


class WorkflowRunner:
    def __init__(
        self,
        work: WorkFactory,
        clock: Clock,
        jobs: JobQueue,
        vault: Vault,
        zone: ZoneInfo,
        letters: LetterService,
        webhooks: Webhooks,
    ) -> None:
        self._work = work
        self._clock = clock
        self._jobs = jobs
        self._vault = vault
        self._zone = zone
        self._letters = letters
        self._webhooks = webhooks

    # Beginning

    async def heard(
        self, work: Work, name: str, event_id: int, data: Mapping[str, Any], actor: str
    ) -> None:
        """Begin what an event triggers, each once for the event. What a workflow has caused
        triggers others only so deep."""
        rows = await store.for_event(work.conn, name)
        if not rows:
            return
        depth = 0
        if actor.startswith(ACTOR):
            depth = await store.depth(work.conn, UUID(actor.removeprefix(ACTOR))) + 1
        if depth > DEEPEST_CHAIN:
            log.warning("workflow_chain_cut", type=name, event_id=event_id)
            return
        for row in rows:
            condition = row["trigger_config"].get("if")
            values = {"trigger": data, **await self._facts(work.conn, data)}
            if condition and not holds(condition, values):
                continue
            await self.begin(work, row, f"{row['id']}:{event_id}", data, "event", depth)

    async def tick(self) -> None:
        """Begin what the clock triggers, and wake what has waited long enough."""
        async with self._work.begin("workflows.tick", "system") as work:
            for row in await store.scheduled(work.conn, work.now):
                due = row["next_run_at"]
                await self.begin(work, row, f"{row['id']}:{due.isoformat()}", {}, "scheduled")
                later = next_run(row["trigger_config"], work.now, self._zone)
                await store.set_next(work.conn, row["id"], later)
        async with self._work.reading("workflows.due") as conn:
            due_runs = await store.due(conn, self._clock.now())
        for execution_id in due_runs:
            await self.drive({"execution_id": str(execution_id)})

    async def begin(
        self,
        work: Work,
        workflow: Record,
        cause: str | None,
        data: Mapping[str, Any],
        trigger: str,
        depth: int = 0,
        held: UUID | None = None,
    ) -> Record | None:
        """The run; None: its cause has begun it before. `held`: the living customer whose file the
        caller holds."""
        execution_id = new_id()
        about = await self._whole(work.conn, data, held)
        run = await store.start(
            work.conn,
            execution_id,
            workflow["id"],
            workflow["version"],
            cause,
            depth,
            about,
            len(workflow["steps"]),
            work.now,
        )
        if run is None:
            return None
        work.emit(
            WorkflowStarted(execution_id=execution_id, workflow_id=workflow["id"], trigger=trigger)
        )
        await self._drive_later(work, execution_id)
        return run

    async def _whole(
        self, conn: Connection, data: Mapping[str, Any], held: UUID | None
    ) -> dict[str, Any]:
        """What a run is about, with what stands behind it: whose it is, for a task what that is
        about, and for a contact the claim that was reported in it."""
        about = dict(data)
        task_id = _id(about, "task_id")
        if task_id is not None:
            of_task = await store.behind_task(conn, task_id)
            about |= {name: each for name, each in of_task.items() if about.get(name) is None}
        if about.get("customer_id") is None:
            behind = await store.customer_behind(conn, *(_id(about, name) for name in ABOUT[1:]))
            about["customer_id"] = None if behind is None else str(behind)
        named = _id(about, "customer_id")
        if named is not None and named != held:  # merged since, perhaps
            about["customer_id"] = str(await customers.successor(conn, named))
        whose, contact = _id(about, "customer_id"), _id(about, "interaction_id")
        of_records = any(about.get(name) for name in ("policy_id", "claim_id", "quote_id"))
        if whose is not None and contact is not None and not of_records:
            claim = await store.claim_of(conn, whose, contact)
            about |= {name: str(value) for name, value in (claim or {}).items()}
        return about

    async def _drive_later(self, work: Work, execution_id: UUID, run_at: Any = None) -> None:
        await self._jobs.enqueue(
            work.conn, DRIVE, {"execution_id": str(execution_id)}, run_at=run_at
        )

    # Running

    async def drive(self, payload: Mapping[str, Any]) -> None:
        """Carry a run on until it ends or waits; a job."""
        execution_id = UUID(payload["execution_id"])
        while await self._advance(execution_id):
            pass

    async def _advance(self, execution_id: UUID, most: int = AT_ONCE) -> bool:
        """Up to `most` steps; whether there may be another now."""
        tried = Tried()
        try:
            async with self._work.begin("workflows.step", f"{ACTOR}{execution_id}") as work:
                row = await self._awake(work, execution_id)
                return row is not None and await self._steps(work, row, most, tried)
        except Unavailable:  # nothing has happened: the job tries again
            raise
        except (Problem, ExpressionError, ValueError) as error:
            if tried.did and most > 1:  # undone with what failed: they again, without it
                return await self._advance(execution_id, min(tried.did, most - 1))
            text = error.detail if isinstance(error, Problem) else "The step cannot be done."
            async with self._work.begin("workflows.fail", f"{ACTOR}{execution_id}") as work:
                row = await self._awake(work, execution_id)
                if row is None:
                    return False
                if _place(row) != tried.place:
                    return True  # another driver has carried it on since
                await self._fail(work, row, text, tried, code_of(error))
            return False

    async def _awake(self, work: Work, execution_id: UUID) -> Record | None:
        """The run, locked, if it is to go on now; a wait whose time has come is over with it."""
        row = await store.run(work.conn, execution_id, lock=True)
        if row is None or row["status"] not in {"running", "waiting"}:
            return None
        if row["status"] == "waiting":
            if row["wake_at"] is None or row["wake_at"] > work.now:
                return None
            number = row["steps_completed"]
            await store.end_step(work.conn, execution_id, number, "done", None, None, work.now)
            await self._moved(work, row, "running", {})
            row = await store.run(work.conn, execution_id, lock=True)
        return row

    async def _steps(self, work: Work, row: Record, most: int, tried: Tried) -> bool:
        """Do them, note them and what was passed, and write it down with the run's new place."""
        steps, noted = row["steps"], tried.noted
        state, results = _place(row), dict(row["results"])
        tried.place = tried.state = state
        values = {"trigger": row["trigger_data"], "results": results, **row["facts"]}
        status, wake_at, error = "running", None, None
        while status == "running" and tried.did < most:
            state, action, passed = next_action(steps, state, values)
            noted.extend(map(_passed, passed))
            tried.state = state
            match action:
                case Done():
                    status = "completed"
                case Stuck():
                    status, error = "failed", "It has done as many steps as a run may."
                case Do() if action.type in OUTSIDE:
                    status, wake_at = "waiting", await self._leave(work, row["id"], state, action)
                    noted.append(_note(state, action, "waiting", None))
                case Do():
                    result = await self._perform(work, row, state.done, action, values)
                    noted.append(_note(state, action, "done", result))
                    results[name_of(steps[action.step], action.step)] = result
                    tried.did += 1
                    state = after(state)
                    if state.step >= len(steps):
                        status = "completed"
                    elif _seen(action):
                        values |= await self._facts(work.conn, row["trigger_data"])
        await store.move_run(
            work.conn, row["id"], step=state.step, done=state.done, status=status, at=work.now,
            wake_at=wake_at, results=results, error=error, noted=noted,
        )  # fmt: skip
        about = {"execution_id": row["id"], "workflow_id": row["workflow_id"]}
        if status == "completed":
            work.emit(WorkflowCompleted(**about, steps=state.done))
        elif status == "failed":
            work.emit(WorkflowFailed(**about, step=state.step))
        return status == "running"

    async def _leave(
        self, work: Work, execution_id: UUID, state: State, action: Do
    ) -> datetime | None:
        """The run waits, for a time or for an answer; until when."""
        if action.type == "wait_duration":
            wake_at = work.now + timedelta(seconds=action.config["seconds"])
            await self._drive_later(work, execution_id, wake_at)
            return wake_at
        payload = {"execution_id": str(execution_id), "number": state.done}
        await self._jobs.enqueue(work.conn, CALL, payload)
        return None

    async def _perform(
        self, work: Work, row: Record, number: int, action: Do, values: Mapping[str, Any]
    ) -> dict[str, Any]:
        """An effect in our own tables; answers what later steps may look at."""
        config = action.config
        customer_id = _id(row["trigger_data"], "customer_id")
        cause = f"workflow:{row['id']}:{number}"
        if action.type == "create_task":
            task_id = await tasks.create(
                work, _task(config, row["trigger_data"], values, work.now), self._zone, cause=cause
            )
            return {"task_id": str(task_id)}
        if action.type == "update_record":
            record = config.get("record", "customer")
            record_id = needs(record, _about(row, record, values["results"]))
            await change(work, record, record_id, config["field"], filled(config["value"], values))
            return {"record": record, "field": config["field"]}
        customer_id = needs("customer", customer_id)
        await customers.hold(work.conn, customer_id)
        letter_id = await self._letters.write(
            work,
            customer_id,
            kind="workflow",
            subject=filled(config["subject"], values)[:200].replace("\n", " "),
            body=filled(config["body"], values),
            cause=cause,
        )
        return {"letter_id": str(letter_id)}

    async def call_webhook(self, payload: Mapping[str, Any]) -> None:
        """Call one, and carry the run on; a job. Five attempts, then the run has failed."""
        execution_id, number = UUID(payload["execution_id"]), payload["number"]
        async with self._work.begin("workflows.try_webhook", f"{ACTOR}{execution_id}") as work:
            row = await store.run(work.conn, execution_id, lock=True)
            attempt = await store.try_step(work.conn, execution_id, number)
            if row is None or row["status"] != "waiting" or attempt is None:
                return
            now = work.now
            facts = await self._facts(work.conn, row["trigger_data"])
        config = row["steps"][row["step"]]["config"]
        values = {"trigger": row["trigger_data"], "results": row["results"], **facts}
        body = {name: _template(value, values) for name, value in config.get("body", {}).items()}
        secret = PREFIX + base64.b64encode(self._unsigned(row)).decode()
        if row["webhook_secret"] is not None:
            sealed = self._vault.open(row["webhook_secret"], bound(row["workflow_id"]))
            secret = sealed.decode()
        try:
            status = await self._webhooks.call(
                config["url"],
                {"execution_id": str(execution_id), "data": body},
                message_id=f"{execution_id}.{number}",
                timestamp=int(now.timestamp()),
                secret=secret,
            )
        except (Refused, Failed) as error:
            if isinstance(error, Failed) and attempt < ATTEMPTS:
                raise
            code = "refused_webhook" if isinstance(error, Refused) else "webhook_down"
            why = {"code": str(error) if str(error) in KNOWN else code}
            await self._webhook_ended(execution_id, number, why, str(error))
        else:
            await self._webhook_ended(execution_id, number, {"status": status}, None)

    def _unsigned(self, row: Record) -> bytes:
        """The key of a workflow whose secret nobody has asked for: signed, for nobody to check."""
        return self._vault.mac("workflow.webhook", row["workflow_id"].bytes)

    async def _webhook_ended(
        self, execution_id: UUID, number: int, result: Mapping[str, Any] | None, error: str | None
    ) -> None:
        async with self._work.begin("workflows.webhook", f"{ACTOR}{execution_id}") as work:
            row = await store.run(work.conn, execution_id, lock=True)
            status = "done" if error is None else "failed"
            if row is None or not await store.end_step(
                work.conn, execution_id, number, status, result, error, work.now
            ):
                return
            if error is not None:
                await self._fail(work, row, f"The webhook failed: {error}.")
                return
            name = name_of(row["steps"][row["step"]], row["step"])
            await self._moved(work, row, "running", {name: result})
            await self._drive_later(work, execution_id)

    async def _moved(
        self, work: Work, row: Record, status: str, results: Mapping[str, Any]
    ) -> None:
        done = after(_place(row))
        await store.move_run(
            work.conn, row["id"], step=done.step, done=done.done, status=status, at=work.now,
            results=results,
        )  # fmt: skip

    async def _fail(
        self,
        work: Work,
        row: Record,
        text: str,
        tried: Tried | None = None,
        code: str = "step_impossible",
    ) -> None:
        """`tried`: the way to a step of our own, which is noted with it and with the code of why;
        a webhook has been."""
        state, noted = _place(row), []
        if tried is not None:
            state = tried.state
            step = Do(state.step, row["steps"][state.step]["type"], {})
            noted = [*tried.noted, _note(state, step, "failed", {"code": code}) | {"error": text}]
        await store.move_run(
            work.conn, row["id"], step=state.step, done=state.done, status="failed",
            at=work.now, error=text, noted=noted,
        )  # fmt: skip
        work.emit(
            WorkflowFailed(execution_id=row["id"], workflow_id=row["workflow_id"], step=state.step)
        )

    async def _facts(self, conn: Connection, data: Mapping[str, Any]) -> dict[str, Any]:
        return await store.facts(conn, *(_id(data, name) for name in ABOUT))


def code_of(error: Exception) -> str:
    """Why a step of our own cannot be done: the field's fault, the reason, or the problem's kind.
    It is the result of the failed step, for screens to say in their own language."""
    if isinstance(error, Invalid) and error.errors:
        return str(error.errors[0]["type"])
    if isinstance(error, Problem):
        return str(error.ctx.get("reason") or error.ctx.get("type") or error.code)
    return "step_impossible"


def bound(workflow_id: UUID) -> str:
    return f"workflows.webhook_secret/{workflow_id}"


def _id(data: Mapping[str, Any], name: str) -> UUID | None:
    value = data.get(name)
    try:
        return None if value is None else UUID(str(value))
    except ValueError:
        return None


def _template(value: Any, values: Mapping[str, Any]) -> Any:
    """A webhook's body with its texts filled in, however deep they lie."""
    match value:
        case str():
            return filled(value, values)
        case Mapping():
            return {name: _template(each, values) for name, each in value.items()}
        case list():
            return [_template(each, values) for each in value]
    return value


def _task(
    config: Mapping[str, Any], data: Mapping[str, Any], values: Mapping[str, Any], now: Any
) -> dict[str, Any]:
    """Whoever handles the claim does what is to be done about it; else whoever keeps the file."""
    made: dict[str, Any] = {
        "title": filled(config["title"], values)[:100] or "…",
        "description": filled(str(config.get("description", "")), values) or None,
        "priority": config.get("priority", "medium"),
        "task_type": config.get("task_type", "general"),
        **{name: _id(data, name) for name in ABOUT},
    }
    handler = (values.get("claim") or {}).get("adjuster_id")
    manager = (values.get("customer") or {}).get("portfolio_manager_id")
    if handler or manager:
        made["assigned_agent"] = UUID(handler or manager)
    if "due_in_seconds" in config:
        made["due_date"] = now + timedelta(seconds=config["due_in_seconds"])
    return made


def _place(row: Record) -> State:
    return State(row["step"], row["steps_completed"])


def _passed(one: Passed) -> dict[str, Any]:
    return {
        "number": one.number,
        "step": one.step,
        "type": one.type,
        "status": "passed" if one.way == "over" else "done",
        "result": None if one.way == "over" else {"went": one.way},
    }


def _seen(action: Do) -> bool:
    """Whether conditions and texts may look at what the step has changed."""
    return action.type == "update_record" and action.config["field"] not in store.UNSEEN


def _note(state: State, action: Do, status: str, result: Any) -> dict[str, Any]:
    return {
        "number": state.done,
        "step": action.step,
        "type": action.type,
        "status": status,
        "result": result,
    }


def _about(row: Record, record: str, results: Mapping[str, Any]) -> UUID | None:
    """Which record of a kind the run is about: that of its trigger; of tasks, else the last that
    it has made itself."""
    found = _id(row["trigger_data"], f"{record}_id")
    if found is None and record == "task":
        for number, step in enumerate(row["steps"]):
            made = (results.get(name_of(step, number)) or {}).get("task_id")
            found = found if made is None else _id({"task_id": made}, "task_id")
    return found
