"""Who changed a customer's file is told by name: a person, or the run of a workflow."""

from __future__ import annotations

import db
from contactcenter.identity.audit import AuditJournal
from tests.integration.crm.conftest import Office
from tests.integration.crm.test_workflows import a_workflow, begun, drive

ROWS = """
SELECT actor, user_id, person, changes IS NOT NULL AS told FROM audit_logs
WHERE action = 'customer.updated' AND resource_type = 'customer' AND resource_id = $1 ORDER BY id
"""


async def test_a_change_by_hand_and_one_by_a_workflow(office: Office, conn: db.Connection) -> None:
    office.deps.work.keep_journal(AuditJournal(office.deps.vault))
    customer_id = (await office.person())["customer_id"]
    await office.edit("lucia", f"/customers/{customer_id}", {"notes": "Llamar por la tarde."})
    step = {"type": "update_record", "config": {"field": "add_tag", "value": "contacted"}}
    run = await begun(office, await a_workflow(office, [step]), customer_id=customer_id)
    assert (await drive(office, run))["status"] == "completed"

    by_hand, by_run = await conn.fetch(ROWS, customer_id)
    lucia = office.people["lucia"]
    assert (by_hand["actor"], by_hand["user_id"]) == (lucia.actor, lucia.user_id)
    assert (by_run["actor"], by_run["user_id"]) == (f"workflow:{run}", None)
    for row in (by_hand, by_run):
        assert (str(row["person"]), row["told"]) == (customer_id, True)
