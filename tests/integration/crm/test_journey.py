"""From a call to the letter, as the office's parts take it from one another."""

from __future__ import annotations

import db
from contactcenter.core.ids import new_id
from contactcenter.events.interactions import InteractionClosed
from contactcenter.interactions.model import Address
from tests.integration.crm.conftest import Office, a_policy, agent_of
from tests.integration.crm.test_claims import claim_body, skilled
from tests.integration.crm.test_identify import came_in, customer_of
from tests.integration.crm.test_workflows import a_workflow, drive

SETTLED = """
UPDATE interactions SET outcome = 'information_given' WHERE id = $1 RETURNING conversation_id
"""
WRAPPED_UP = """
INSERT INTO segments (id, interaction_id, agent_id, channel, state, cost, full_cost, started_at,
                      state_since, ended_at, disposition)
VALUES ($1, $2, $3, 'voice', 'ended', 0, 0, now(), now(), now(), 'claim_reported')
"""


async def test_from_a_call_to_claim_handler_task_and_letter(
    office: Office, conn: db.Connection
) -> None:
    """A known number calls; the claim of that call has its handler, a workflow begun by it makes
    the task and the letter, and the call, a claim to one of the two who had it, begins another
    about that claim. What is to be done about a claim is its handler's."""
    await skilled(office, conn)
    letter = {"subject": "Su parte {{ claim.claim_number }}", "body": "Hola, {{customer.name}}"}
    by_claim = await a_workflow(
        office,
        [{"type": "create_task", "config": {"title": "Pedir la factura"}},
         {"type": "send_email", "config": letter}],
        trigger_type="event", trigger_config={"event": "claim.created"},
    )  # fmt: skip
    reported = {"if": '"claim_reported" in interaction.outcomes', "else": "end"}
    by_call = await a_workflow(
        office,
        [{"type": "condition_check", "config": reported},
         {"type": "create_task", "config": {"title": "Repasar {{ claim.claim_number }}"}}],
        trigger_type="event", trigger_config={"event": "interaction.closed"},
    )  # fmt: skip
    ana = await office.person(mobile="600550010", email="ana@correo.example")
    policy = await a_policy(office, customer_id=ana["customer_id"])
    _, call = await came_in(office, Address("phone", "+34600550010"), channel="voice")
    await office.listen("crm.identify")
    assert await customer_of(conn, call) == ana["customer_id"]

    claim = await office.do(
        "lucia", "POST", "/claims", claim_body(policy["policy_id"], interaction_id=str(call))
    )
    assert claim["adjuster_id"] == str(agent_of(office, "pablo"))
    await conn.execute(WRAPPED_UP, new_id(), call, agent_of(office, "lucia"))
    async with office.deps.work.begin("test.close", "test") as work:
        thread = await work.conn.fetchval(SETTLED, call)
        work.emit(
            InteractionClosed(
                interaction_id=call, conversation_id=thread, channel="voice", reason="completed"
            )
        )
    await office.listen("crm.workflows")
    for workflow_id in (by_claim, by_call):
        (run,) = (await office.do("elena", "GET", f"/workflows/{workflow_id}/executions"))["items"]
        assert (await drive(office, run["execution_id"]))["status"] == "completed"

    about = f"customer_id={ana['customer_id']}"
    tasks = (await office.do("lucia", "GET", f"/tasks?{about}"))["items"]
    assert {each["title"] for each in tasks} == {
        "Pedir la factura", f"Repasar {claim['claim_number']}",
    }  # fmt: skip
    assert {(each["claim_id"], each["assigned_agent"]) for each in tasks} == {
        (claim["claim_id"], claim["adjuster_id"])
    }
    customer = f"/customers/{ana['customer_id']}"
    (queued,) = (await office.do("lucia", "GET", f"{customer}/letters"))["items"]
    await office.crm.letters.send({"letter_id": queued["letter_id"]})
    (sent,) = office.mail.sent
    assert (sent.address, sent.subject) == (
        "ana@correo.example", f"Su parte {claim['claim_number']}",
    )  # fmt: skip
    shown = (await office.do("lucia", "GET", f"{customer}/timeline"))["items"]
    assert {each["kind"] for each in shown} == {"interaction", "claim", "task", "policy", "letter"}
