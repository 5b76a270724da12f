from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

import db
from contactcenter.core.ids import new_id
from contactcenter.events.workflows import WorkflowFailed
from crm.workflows.model import LONGEST_RUN
from db.seeds.history import WORKFLOWS
from tests.integration.crm.conftest import Office, a_policy, agent_of
from tests.integration.crm.test_claims import claim_body

THREE: list[dict[str, Any]] = [
    {"type": "create_task", "name": "call",
     "config": {"title": "Llamar a {{ customer.first_name }}", "due_in_seconds": 3600}},
    {"type": "update_record", "config": {"field": "add_tag", "value": "contacted"}},
    {"type": "send_email", "config": {"subject": "Hola", "body": "Hola, {{customer.first_name}}"}},
]  # fmt: skip


async def a_workflow(office: Office, steps: list[dict[str, Any]], **fields: Any) -> str:
    made = await office.do(
        "elena", "POST", "/workflows",
        {"name": "w", "trigger_type": "manual", "steps": steps, **fields},
    )  # fmt: skip
    workflow_id: str = made["workflow_id"]
    return workflow_id


async def begun(office: Office, workflow_id: str, *, who: str = "lucia", **about: Any) -> str:
    run = await office.do(who, "POST", f"/workflows/{workflow_id}/execute", about)
    execution_id: str = run["execution_id"]
    return execution_id


async def seen(office: Office, execution_id: str) -> dict[str, Any]:
    run: dict[str, Any] = await office.do("lucia", "GET", f"/workflow-executions/{execution_id}")
    return run


async def drive(office: Office, execution_id: str) -> dict[str, Any]:
    await office.crm.runner.drive({"execution_id": execution_id})
    return await seen(office, execution_id)


async def test_three_steps_by_hand(office: Office) -> None:
    customer = await office.person(email="ana@correo.example")
    run = await begun(office, await a_workflow(office, THREE), customer_id=customer["customer_id"])
    done = await drive(office, run)
    assert (done["status"], done["steps_completed"]) == ("completed", 3), done
    assert [(s["type"], s["status"]) for s in done["steps"]] == [
        ("create_task", "done"), ("update_record", "done"), ("send_email", "done"),
    ]  # fmt: skip
    task = await office.do("lucia", "GET", f"/tasks/{done['results']['call']['task_id']}")
    assert (task["title"], task["due_date"]) == ("Llamar a Ana", "2027-03-16T10:00:00Z")
    letters = f"/customers/{customer['customer_id']}/letters"
    (letter,) = (await office.do("lucia", "GET", letters))["items"]
    assert (letter["state"], letter["subject"]) == ("queued", "Hola")
    await office.crm.letters.send({"letter_id": letter["letter_id"]})
    (sent,) = office.mail.sent
    assert (sent.address, sent.subject) == ("ana@correo.example", "Hola")
    assert "Hola, Ana" in sent.text
    assert "{{" not in sent.text
    assert (await office.do("lucia", "GET", f"/customers/{customer['customer_id']}"))["tags"] == [
        "contacted"
    ]
    again = await drive(office, run)
    assert again == done
    told = await office.events("workflow.started", "workflow.completed")
    assert [e.event.name for e in told] == ["workflow.started", "workflow.completed"]


@pytest.mark.parametrize(
    ("who", "greeting"),
    [
        ({"kind": "company", "company_name": "Cierzo SL", "first_name": "", "last_name": ""},
         "Hola, Cierzo SL:"),
        ({"company_name": "Taller de Ana"}, "Hola, Ana:"),
    ],
)  # fmt: skip
async def test_the_office_s_own_letters_greet_persons_and_companies(
    office: Office, who: dict[str, Any], greeting: str
) -> None:
    steps = [step for flow in WORKFLOWS for step in flow["steps"] if step["type"] == "send_email"]
    customer = await office.person(email="alta@correo.example", **who)
    workflow_id = await a_workflow(office, steps)
    run = await begun(office, workflow_id, customer_id=customer["customer_id"])
    assert (await drive(office, run))["steps_completed"] == len(steps) == 2
    letters = await office.do("lucia", "GET", f"/customers/{customer['customer_id']}/letters")
    for letter in letters["items"]:
        await office.crm.letters.send({"letter_id": letter["letter_id"]})
    assert [sent.text.splitlines()[0] for sent in office.mail.sent] == [greeting] * 2


async def test_records_that_a_workflow_changes(office: Office, conn: db.Connection) -> None:
    policy = await a_policy(office)
    claim = await office.do("lucia", "POST", "/claims", claim_body(policy["policy_id"]))
    quote = await office.do(
        "lucia", "POST", "/quotes",
        {"customer_id": policy["customer_id"], "quote_type": "home",
         "base_premium": {"amount": "300.00"}, "coverage_details": {}},
    )  # fmt: skip
    task = await office.do("lucia", "POST", "/tasks", {"title": "x"})
    about = {
        "customer_id": policy["customer_id"], "policy_id": policy["policy_id"],
        "claim_id": claim["claim_id"], "quote_id": quote["quote_id"],
    }  # fmt: skip
    steps = [
        {"type": "update_record", "config": {"record": record, "field": field, "value": value}}
        for record, field, value in (
            ("customer", "locale", "ca"),
            ("policy", "notes", "Vista"),
            ("claim", "insurer_reference", "R-1"),
            ("claim", "notes", "Avisado"),
            ("quote", "notes", "Vista"),
            ("task", "priority", "urgent"),
        )
    ]
    run = await begun(
        office, await a_workflow(office, steps), **about, data={"task_id": task["task_id"]}
    )
    done = await drive(office, run)
    assert done["status"] == "completed", done
    for path, field, value in (
        (f"/customers/{about['customer_id']}", "locale", "ca"),
        (f"/policies/{about['policy_id']}", "notes", "Vista"),
        (f"/claims/{about['claim_id']}", "insurer_reference", "R-1"),
        (f"/quotes/{about['quote_id']}", "notes", "Vista"),
        (f"/tasks/{task['task_id']}", "priority", "urgent"),
    ):
        assert (await office.do("lucia", "GET", path))[field] == value
    names = {each.event.name for each in await office.events()}
    assert names >= {
        "customer.updated", "policy.updated", "claim.updated", "quote.updated", "task.updated"
    }  # fmt: skip
    for record, field, value in (
        ("customer", "locale", "xx"),
        ("task", "status", "completed"),
        ("policy", "certificate_url", "no url"),
    ):
        bad = [
            {"type": "update_record", "config": {"record": record, "field": field, "value": value}}
        ]
        run = await begun(
            office, await a_workflow(office, bad), **about, data={"task_id": task["task_id"]}
        )
        assert (await drive(office, run))["status"] == "failed"


@pytest.mark.parametrize(
    ("record", "field"),
    [("policy", "status"), ("claim", "approved_amount"), ("quote", "status"), ("task", "cause"),
     ("insurer", "name"), ("customer", "dni")],
)  # fmt: skip
async def test_what_no_workflow_may_change(office: Office, record: str, field: str) -> None:
    step = {"type": "update_record", "config": {"record": record, "field": field, "value": "x"}}
    refused = await office.ask(
        "elena", "POST", "/workflows", {"name": "w", "trigger_type": "manual", "steps": [step]}
    )
    assert (refused.status, refused.body["errors"][0]["loc"]) == (422, ["steps", 0])


async def test_two_drivers_of_one_run(office: Office, conn: db.Connection) -> None:
    customer = await office.person(email="ana@correo.example")
    run = await begun(office, await a_workflow(office, THREE), customer_id=customer["customer_id"])
    await asyncio.gather(*(drive(office, run) for _ in range(4)))
    assert (await seen(office, run))["status"] == "completed"
    assert await conn.fetchval("SELECT count(*) FROM tasks") == 1
    assert await conn.fetchval("SELECT count(*) FROM customer_letters") == 1


async def test_waiting(office: Office) -> None:
    customer = await office.person()
    steps = [{"type": "wait_duration", "config": {"seconds": 3600}}, THREE[1]]
    run = await begun(office, await a_workflow(office, steps), customer_id=customer["customer_id"])
    assert (await drive(office, run))["status"] == "waiting"
    assert (await drive(office, run))["status"] == "waiting"
    office.clock.set(office.clock.now() + timedelta(seconds=3600))
    await office.crm.runner.tick()
    assert (await seen(office, run))["status"] == "completed"


async def test_a_run_is_cancelled(office: Office) -> None:
    customer = await office.person()
    steps = [{"type": "wait_duration", "config": {"seconds": 3600}}, THREE[1]]
    run = await begun(office, await a_workflow(office, steps), customer_id=customer["customer_id"])
    await drive(office, run)
    path = f"/workflow-executions/{run}/cancel"
    assert (await office.do("elena", "POST", path))["status"] == "cancelled"
    (told,) = await office.events("workflow.cancelled")
    assert told.event.subject == run
    office.clock.set(office.clock.now() + timedelta(seconds=3600))
    await office.crm.runner.tick()
    assert (await drive(office, run))["status"] == "cancelled"
    assert (await office.do("lucia", "GET", f"/customers/{customer['customer_id']}"))["tags"] == []
    again = await office.ask("elena", "POST", path)
    assert (again.status, again.body["ctx"]["status"]) == (409, "cancelled")


async def test_an_event_begins_it_once_and_chains_end(office: Office) -> None:
    steps = [{"type": "create_task", "config": {"title": "otra"}}]
    trigger = {"event": "task.created"}
    workflow_id = await a_workflow(office, steps, trigger_type="event", trigger_config=trigger)
    await office.do("lucia", "POST", "/tasks", {"title": "primera"})
    for _ in range(8):
        await office.listen("crm.workflows")
        runs = await office.do("lucia", "GET", f"/workflows/{workflow_id}/executions")
        for run in runs["items"]:
            await drive(office, run["execution_id"])
    runs = await office.do("lucia", "GET", f"/workflows/{workflow_id}/executions")
    assert len(runs["items"]) == 4  # depths 0 to 3
    assert {run["status"] for run in runs["items"]} == {"completed"}


async def test_a_claim_that_is_reported_sets_its_workflow_going(
    office: Office, conn: db.Connection
) -> None:
    seeded = WORKFLOWS[0]
    await office.do("elena", "POST", "/workflows", seeded)
    await conn.execute(
        "INSERT INTO dispositions (key, label_es, label_en, ordinal)"
        " VALUES ('claim_reported', 'x', 'x', 1), ('other', 'x', 'x', 2)"
    )
    ana = await office.person(email="ana@correo.example")
    for disposition in ("claim_reported", "other"):
        body = {"customer_id": ana["customer_id"], "disposition": disposition}
        await office.do("lucia", "POST", "/interactions", body)
    for _ in range(2):
        await office.listen("crm.workflows")
    (run,) = await conn.fetch("SELECT id, trigger_data FROM workflow_executions")
    assert run["trigger_data"]["customer_id"] == ana["customer_id"]
    assert (await drive(office, str(run["id"])))["status"] == "waiting"
    office.clock.advance(3 * 86_400)
    done = await drive(office, str(run["id"]))
    assert done["status"] == "completed"
    tasks = await office.do("lucia", "GET", f"/tasks?customer_id={ana['customer_id']}")
    assert [task["task_type"] for task in tasks["items"]] == ["claim", "claim"]
    assert tasks["items"][1]["interaction_id"] == run["trigger_data"]["interaction_id"]
    assert await conn.fetchval("SELECT count(*) FROM customer_letters") == 1


async def test_a_condition_on_the_trigger(office: Office) -> None:
    workflow_id = await a_workflow(
        office, [{"type": "create_task", "config": {"title": "x"}}], trigger_type="event",
        trigger_config={"event": "customer.created", "if": 'trigger.kind == "company"'},
    )  # fmt: skip
    await office.person()
    await office.do("lucia", "POST", "/customers", {"kind": "company", "company_name": "Cierzo SL"})
    await office.listen("crm.workflows")
    await office.listen("crm.workflows")
    runs = await office.do("lucia", "GET", f"/workflows/{workflow_id}/executions")
    assert len(runs["items"]) == 1


async def test_by_the_clock(office: Office) -> None:
    workflow_id = await a_workflow(
        office, [{"type": "create_task", "config": {"title": "x"}}], trigger_type="scheduled",
        trigger_config={"daily_at": "11:00"},
    )  # fmt: skip
    for _ in range(3):
        await office.crm.runner.tick()
        office.clock.set(office.clock.now() + timedelta(hours=1))
    runs = await office.do("lucia", "GET", f"/workflows/{workflow_id}/executions")
    assert len(runs["items"]) == 1


async def test_a_step_that_cannot_be_done_fails_the_run(office: Office) -> None:
    workflow_id = await a_workflow(office, [THREE[1]])
    done = await drive(office, await begun(office, workflow_id))
    assert (done["status"], done["error_message"]) == ("failed", "This run is about no customer.")
    assert (
        await office.ask("elena", "POST", f"/workflow-executions/{done['execution_id']}/cancel")
    ).status == 409


async def test_what_was_done_before_a_step_that_cannot_be_done_stays(
    office: Office, conn: db.Connection
) -> None:
    customer = await office.person()
    bad = {"type": "update_record",
           "config": {"field": "locale", "value": "{{ customer.last_name }}"}}  # fmt: skip
    workflow_id = await a_workflow(office, [THREE[0], THREE[1], bad, THREE[0] | {"name": "more"}])
    run = await begun(office, workflow_id, customer_id=customer["customer_id"])
    done = await drive(office, run)
    assert (done["status"], done["steps_completed"]) == ("failed", 2)
    assert [s["status"] for s in done["steps"]] == ["done", "done", "failed"]
    failed = done["steps"][-1]
    assert (failed["step"], failed["type"]) == (2, "update_record")
    assert failed["error"] == done["error_message"] == "locale cannot be that."
    assert failed["result"]["code"] == "literal_error"
    assert failed["ended_at"] is not None
    assert await conn.fetchval("SELECT count(*) FROM tasks") == 1
    told = await office.events("task.created", "workflow.failed")
    assert [e.event.name for e in told] == ["task.created", "workflow.failed"]


async def test_a_condition_sees_what_the_steps_before_it_did(office: Office) -> None:
    customer = await office.person()
    steps = [
        {"type": "create_task", "name": "first", "config": {"title": "x"}},
        {"type": "update_record", "config": {"field": "lead_source", "value": "web"}},
        {"type": "update_record", "if": 'customer.lead_source == "web"',
         "config": {"field": "add_tag", "value": "seen"}},
        {"type": "create_task", "if": "results.first.task_id == null", "config": {"title": "y"}},
    ]  # fmt: skip
    workflow_id = await a_workflow(office, steps)
    run = await begun(office, workflow_id, customer_id=customer["customer_id"])
    done = await drive(office, run)
    assert [(s["step"], s["status"], s["result"]) for s in done["steps"][2:]] == [
        (2, "done", {"record": "customer", "field": "add_tag"}), (3, "passed", None),
    ]  # fmt: skip
    card = await office.do("lucia", "GET", f"/workflows/{workflow_id}")
    assert (card["execution_count"], card["last_executed_at"] is not None) == (1, True)


FORK: list[dict[str, Any]] = [
    {"type": "condition_check",
     "config": {"if": "trigger.urgent == 1", "then": "call", "else": "next"}},
    {"type": "create_task", "config": {"title": "Escribir"}},
    {"type": "condition_check", "config": {"if": "true", "then": "end"}},
    {"type": "create_task", "name": "call", "if": "customer.id != null",
     "config": {"title": "Llamar"}},
    {"type": "update_record", "config": {"field": "add_tag", "value": "x"}},
]  # fmt: skip


@pytest.mark.parametrize(
    ("urgent", "status", "steps"),
    [
        (0, "completed", [(0, "done", "else"), (1, "done", None), (2, "done", "then")]),
        (1, "failed", [(0, "done", "then"), (3, "passed", None), (4, "failed", None)]),
    ],
)
async def test_the_way_that_a_run_took_is_seen(
    office: Office, urgent: int, status: str, steps: list[Any]
) -> None:
    workflow_id = await a_workflow(office, FORK)
    run = await begun(office, workflow_id, data={"urgent": urgent})
    done = await drive(office, run)
    assert (done["status"], done["definition"]) == (status, FORK)
    took = [(s["step"], s["status"], (s["result"] or {}).get("went")) for s in done["steps"]]
    assert took == steps
    assert [s["number"] for s in done["steps"]] == [0, 1, 2]
    if status == "failed":
        assert done["steps"][2]["error"] == done["error_message"]
        (told,) = await office.events("workflow.failed")
        assert isinstance(told.event, WorkflowFailed)
        assert told.event.step == 4
    assert await drive(office, run) == done


async def test_a_step_after_a_wait_that_cannot_be_done_fails_the_run(office: Office) -> None:
    steps = [{"type": "wait_duration", "config": {"seconds": 60}}, THREE[1]]
    run = await begun(office, await a_workflow(office, steps))
    assert (await drive(office, run))["status"] == "waiting"
    office.clock.set(office.clock.now() + timedelta(seconds=60))
    done = await drive(office, run)
    assert (done["status"], done["wake_at"]) == ("failed", None)
    assert [s["status"] for s in done["steps"]] == ["done", "failed"]


async def test_a_loop_is_seen_and_ends(office: Office) -> None:
    again = {"type": "condition_check", "name": "again", "config": {"if": "true", "then": "again"}}
    done = await drive(office, await begun(office, await a_workflow(office, [again])))
    assert (done["status"], done["steps_completed"], len(done["steps"])) == (
        "failed", LONGEST_RUN, LONGEST_RUN,
    )  # fmt: skip


@pytest.mark.parametrize("record", ["policy", "claim"])
async def test_a_closed_file_is_changed_by_no_workflow_but_its_claim(
    office: Office, conn: db.Connection, record: str
) -> None:
    policy = await a_policy(office)
    claim = await office.do("lucia", "POST", "/claims", claim_body(policy["policy_id"]))
    change = {"type": "update_record",
              "config": {"record": record, "field": "notes", "value": "x"}}  # fmt: skip
    workflow_id = await a_workflow(office, [change])
    about = {"policy_id": policy["policy_id"], "claim_id": claim["claim_id"]}
    run = await begun(office, workflow_id, **about)
    await conn.execute("UPDATE customers SET status = 'deleted'")
    done = await drive(office, run)
    assert done["status"] == ("failed" if record == "policy" else "completed"), done


async def test_versions(office: Office) -> None:
    workflow_id = await a_workflow(office, THREE)
    path = f"/workflows/{workflow_id}"
    run = await begun(office, workflow_id, customer_id=(await office.person())["customer_id"])
    changed = await office.edit("elena", path, {"steps": THREE[:1]})
    assert changed["version"] == 2
    assert (await drive(office, run))["steps_total"] == 3
    off = await office.edit("elena", path, {"active": False})
    assert off["active"] is False
    assert (await office.ask("lucia", "POST", f"{path}/execute", {})).status == 409
    bad = {"name": "w", "trigger_type": "manual", "steps": [{"type": "wait_duration"}]}
    answer = await office.ask("elena", "POST", "/workflows", bad)
    (fault,) = answer.body["errors"]
    assert (answer.status, fault["type"], fault["loc"][-2:]) == (422, "bad_step", ["steps", 0])
    assert fault["ctx"] == {"reason": "takes", "about": "seconds"}
    answer = await office.ask(
        "elena", "POST", "/workflows",
        {**bad, "steps": THREE, "trigger_type": "event", "trigger_config": {"event": "no.such"}},
    )  # fmt: skip
    assert (answer.status, answer.body["errors"][0]["type"]) == (422, "bad_trigger")
    assert (await office.ask("lucia", "POST", "/workflows", bad)).status == 403


async def test_runs_that_are_not_there(office: Office) -> None:
    assert (await office.ask("lucia", "GET", f"/workflow-executions/{new_id()}")).status == 404
    assert (await office.ask("lucia", "GET", f"/workflows/{new_id()}/executions")).status == 404


async def test_what_a_run_is_about_is_seen_as_the_claim_itself(office: Office) -> None:
    """An illness is masked for another team here too, and shown to whoever handles the claim."""
    config = {"event": "claim.created"}
    workflow_id = await a_workflow(
        office, [THREE[1]], trigger_type="event", trigger_config=config
    )  # fmt: skip
    policy = await a_policy(office, policy_type="health", vehicle_plate=None)
    body = claim_body(
        policy["policy_id"], claim_type="hospital", cause="illness",
        adjuster_id=str(agent_of(office, "sara")),
    )  # fmt: skip
    await office.do("lucia", "POST", "/claims", body)
    await office.listen()
    (run,) = (await office.do("lucia", "GET", f"/workflows/{workflow_id}/executions"))["items"]
    path = f"/workflow-executions/{run['execution_id']}"
    for who, cause in (("pablo", "•••"), ("lucia", "illness"), ("sara", "illness")):
        assert (await office.do(who, "GET", path))["trigger_data"]["cause"] == cause, who


async def test_a_run_by_hand_is_about_one_customer_of_one_s_own(office: Office) -> None:
    """Another team's file starts nothing; neither does one customer's policy for another."""
    ours, theirs = [await a_policy(office, who) for who in ("lucia", "pablo")]
    path = f"/workflows/{await a_workflow(office, THREE)}/execute"
    ana, eva = ours["customer_id"], theirs["customer_id"]
    claim = await office.do("pablo", "POST", "/claims", claim_body(theirs["policy_id"]))
    for about, status, fault in (
        ({"customer_id": eva}, 403, "portfolio"),
        ({"policy_id": theirs["policy_id"]}, 403, "portfolio"),
        ({"claim_id": claim["claim_id"]}, 403, "portfolio"),
        ({"customer_id": ana, "policy_id": theirs["policy_id"]}, 422, "another_customer"),
        ({"policy_id": ours["policy_id"], "claim_id": claim["claim_id"]}, 422, "another_customer"),
        ({"customer_id": ana, "data": {"policy_id": theirs["policy_id"]}}, 422, "named_twice"),
        ({"customer_id": str(new_id())}, 422, "unknown_customer"),
        ({"customer_id": ana, "policy_id": ours["policy_id"]}, 201, None),
    ):
        answer = await office.ask("lucia", "POST", path, about)
        told = answer.body.get("ctx", {}).get("reason") or answer.body.get("errors", [{}])[0].get(
            "type"
        )
        assert (answer.status, told) == (status, fault), about
