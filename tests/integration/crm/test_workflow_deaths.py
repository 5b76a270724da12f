from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

import db
from contactcenter.core.work import Work, WorkFactory
from tests.integration.crm.conftest import Office
from tests.integration.crm.test_workflows import THREE, a_workflow, begun, seen


class Killed(BaseException):
    """The process is gone: nothing of its own code runs any more."""


class Mortal:
    """A work factory whose process dies at one commit, before or just after it, or, with the
    commit still to come, when a step has had its effect."""

    def __init__(self, whole: WorkFactory, dies_at: int, where: str) -> None:
        self._whole = whole
        self._dies_at = dies_at
        self._where = where
        self.commits = 0
        self.effects = 0

    @contextlib.asynccontextmanager
    async def begin(self, name: str, actor: str) -> AsyncIterator[Work]:
        async with self._whole.begin(name, actor) as work:
            yield work
            self.commits += 1
            dies = self.commits == self._dies_at
            if dies and self._where == BEFORE:
                raise Killed
        if dies and self._where == AFTER:
            raise Killed

    def reading(self, name: str) -> Any:
        return self._whole.reading(name)

    def around(self, perform: Any) -> Any:
        async def performed(*args: Any) -> Any:
            result = await perform(*args)
            self.effects += 1
            if self.effects == self._dies_at and self._where == WITHIN:
                raise Killed
            return result

        return performed


BEFORE, AFTER, WITHIN = "before its commit", "after its commit", "after a step's effect"


class Answers:
    """A receiver that answers at once; what it was sent, by message id."""

    def __init__(self) -> None:
        self.got: list[str] = []

    async def call(self, _: str, __: Any, *, message_id: str, timestamp: int, secret: str) -> int:
        assert timestamp
        assert secret
        self.got.append(message_id)
        return 200


async def live(office: Office, run: str, mortal: Mortal) -> Answers:
    """Carry a run to its end as the jobs would: each is tried again after its process died."""
    runner, answers = office.crm.runner, Answers()
    whole, webhooks = runner._work, runner._webhooks
    runner._webhooks = answers  # type: ignore[assignment]
    perform = runner._perform
    runner._perform = mortal.around(perform)  # type: ignore[method-assign]
    for _ in range(12):
        runner._work = mortal  # type: ignore[assignment]
        now = await seen(office, run)
        if now["status"] not in {"running", "waiting"}:
            break
        waits = now["steps"][-1] if now["status"] == "waiting" else None
        with contextlib.suppress(Killed):
            if waits is not None and waits["type"] == "call_webhook":
                payload = {"execution_id": run, "number": waits["number"]}
                await runner.call_webhook(payload)
            else:
                if waits is not None:
                    office.clock.advance(61)
                await runner.drive({"execution_id": run})
    runner._work, runner._webhooks = whole, webhooks
    runner._perform = perform  # type: ignore[method-assign]
    return answers


EVERY_KIND: list[dict[str, Any]] = [
    {"type": "create_task", "name": "call", "config": {"title": "Llamar"}},
    {"type": "condition_check", "config": {"if": "customer.kind == \"person\"", "else": "end"}},
    {"type": "update_record", "config": {"field": "notes", "value": "visto"}},
    {"type": "wait_duration", "config": {"seconds": 60}},
    {"type": "send_email", "config": {"subject": "Hola", "body": "Hola"}},
    {"type": "update_record", "config": {"record": "task", "field": "priority", "value": "high"}},
    {"type": "call_webhook", "config": {"url": "https://example.com/x"}},
    {"type": "create_task", "config": {"title": "Cerrar"}},
]  # fmt: skip


@pytest.mark.parametrize("where", [BEFORE, AFTER, WITHIN])
async def test_a_run_survives_a_death_between_any_two_steps(
    office: Office, conn: db.Connection, where: str
) -> None:
    """Wherever it dies, it ends, and each effect is there once."""
    customer = await office.person(email="ana@correo.example")
    workflow_id = await a_workflow(office, EVERY_KIND)
    run = await begun(office, workflow_id, customer_id=customer["customer_id"])
    count = Mortal(office.deps.work, 0, BEFORE)
    await live(office, run, count)
    assert (await seen(office, run))["status"] == "completed"
    assert (count.commits, count.effects) == (5, 5)  # the webhook takes two, each wait ends one
    for dies_at in range(1, 6):
        await conn.execute("UPDATE customers SET notes = NULL")
        run = await begun(office, workflow_id, customer_id=customer["customer_id"])
        answers = await live(office, run, Mortal(office.deps.work, dies_at, where))
        done = await seen(office, run)
        assert (done["status"], done["steps_completed"]) == ("completed", len(EVERY_KIND)), dies_at
        assert [(step["number"], step["status"]) for step in done["steps"]] == [
            (number, "done") for number in range(len(EVERY_KIND))
        ]
        causes = await conn.fetch(
            "SELECT cause FROM tasks WHERE cause LIKE $1"
            " UNION ALL SELECT cause FROM customer_letters WHERE cause LIKE $1",
            f"workflow:{run}:%",
        )
        assert sorted(row["cause"][-1] for row in causes) == ["0", "4", "7"]
        assert await conn.fetchval("SELECT notes FROM customers") == "visto"
        # the outside is told at least once, always of the same message
        assert set(answers.got) == {f"{run}.6"}
        assert len(answers.got) <= 2


async def test_a_run_whose_job_is_lost_is_found_again(office: Office, conn: db.Connection) -> None:
    customer = await office.person(email="ana@correo.example")
    run = await begun(office, await a_workflow(office, THREE), customer_id=customer["customer_id"])
    await conn.execute("DELETE FROM pgqueuer")
    await office.crm.runner.tick()
    assert (await seen(office, run))["status"] == "running"
    office.clock.advance(360)
    await office.crm.runner.tick()
    assert (await seen(office, run))["status"] == "completed"
