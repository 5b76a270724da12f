"""Who changed a customer's file is told by name: a person, or the run of a workflow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import db
from contactcenter.core.audit import Note, Written
from contactcenter.core.vault import Vault
from contactcenter.identity.audit import AuditJournal
from tests.integration.crm.conftest import Office, a_policy
from tests.integration.crm.test_claims import a_claim, skilled
from tests.integration.crm.test_quotes import quote_body
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


async def test_what_changes_by_itself_is_noted_too(office: Office, conn: db.Connection) -> None:
    office.deps.work.keep_journal(AuditJournal(office.deps.vault))
    dates = {"coverage_start_date": "2027-03-17", "coverage_end_date": "2027-06-17"}
    policy = await a_policy(office, auto_renew=False, **dates)
    await office.do("lucia", "POST", "/quotes", quote_body(policy["customer_id"]))
    claim = await a_claim(office)
    assert claim["adjuster_id"] is None
    await skilled(office, conn)
    await office.listen("crm.claim_handlers")
    for day in (datetime(2027, 3, 18, tzinfo=UTC), datetime(2027, 7, 1, tzinfo=UTC)):
        office.clock.set(day)
        await office.crm.by_clock.turn()
        await office.crm.quotes.expire_due()
    noted = await conn.fetch(
        "SELECT action, actor, person FROM audit_logs WHERE person IS NOT NULL"
    )
    whose = {claim["customer_id"], policy["customer_id"]}
    by_itself = [
        row["action"] for row in noted
        if not row["actor"].startswith("user:") and str(row["person"]) in whose
    ]  # fmt: skip
    for action in ("policy.turned", "quote.expired", "claim.assigned", "customer.segmented"):
        assert action in by_itself
    assert by_itself.count("policy.turned") == 2


class Seen(AuditJournal):
    """Keeps what it is given to write."""

    def __init__(self, vault: Vault) -> None:
        super().__init__(vault)
        self.notes: list[Note] = []

    async def prepare(self, conn: db.Connection, notes: Sequence[Note], **about: Any) -> Written:
        self.notes += notes
        return await super().prepare(conn, notes, **about)


async def test_settings_are_noted_with_what_was_before(office: Office) -> None:
    seen = Seen(office.deps.vault)
    office.deps.work.keep_journal(seen)
    insurer = {"key": "genciana", "dgs_code": "C0977", "name": "Genciana"}
    seen_it = {"If-Match": "*"}
    await office.do("alba", "PUT", "/insurers", insurer)
    changed = {**insurer, "name": "Genciana Seguros"}
    await office.do("alba", "PUT", "/insurers", changed, **seen_it)
    for offers in (3, 4):
        wish = {"line": "auto", "min_offers": offers}
        await office.do("alba", "PUT", "/quote-rules", wish, **seen_it)
    new = {"phone": "+34976111222", "name": "Talleres Sotillo", "kind": "workshop"}
    made = await office.do("alba", "POST", "/professionals", new)
    await office.do("alba", "DELETE", f"/professionals/{made['professional_id']}", **seen_it)
    told = {
        action: [note.before for note in seen.notes if note.action == action]
        for action in ("insurer.changed", "quotes.rule", "professional.dropped")
    }
    first, second = told["insurer.changed"]
    assert first is None
    assert second is not None
    assert second["name"] == "Genciana"
    assert told["quotes.rule"][1] == {"line": "auto", "min_offers": 3}
    assert told["professional.dropped"] == [new]


async def test_what_begins_and_ends_runs_is_noted(office: Office) -> None:
    """By hand, or with the file that was closed; and what a workflow was before."""
    seen = Seen(office.deps.vault)
    office.deps.work.keep_journal(seen)
    customer = (await office.person())["customer_id"]
    workflow = await a_workflow(
        office, [{"type": "wait_duration", "config": {"seconds": 60}}], name="Bienvenida"
    )
    trigger = {"trigger_type": "event", "trigger_config": {"event": "customer.created"}}
    await office.edit("elena", f"/workflows/{workflow}", {"name": "Acogida", **trigger})
    first, second = [await begun(office, workflow, customer_id=customer) for _ in "ab"]
    await drive(office, first)
    await office.do("elena", "POST", f"/workflow-executions/{first}/cancel")
    task = (await office.do("lucia", "POST", "/tasks", {"title": "t", "customer_id": customer}))[
        "task_id"
    ]
    quote = (await office.do("lucia", "POST", "/quotes", quote_body(customer)))["quote_id"]
    await office.do("elena", "DELETE", f"/customers/{customer}", **{"If-Match": "*"})

    def noted(action: str) -> list[tuple[str, Any, Any, str]]:
        return [
            (note.resource_id, note.before, note.after, str(note.person))
            for note in seen.notes
            if note.action == action
        ]

    ((_, before, after, _),) = noted("workflow.updated")
    assert before == {"name": "Bienvenida", "trigger_type": "manual", "trigger_config": {}}
    assert after == {"name": "Acogida", **trigger}
    begins = noted("workflow_execution.started")
    assert [(each[0], each[3]) for each in begins] == [(first, customer), (second, customer)]
    by_file = {"because": "customer.deleted"}
    assert noted("workflow_execution.cancelled") == [
        (first, {"status": "waiting"}, {"status": "cancelled"}, customer),
        (second, {"status": "running"}, {"status": "cancelled", **by_file}, customer),
    ]
    assert noted("task.cancelled") == [
        (task, {"status": "pending"}, {"status": "cancelled", **by_file}, customer)
    ]
    assert noted("quote.expired") == [
        (quote, {"status": "draft"}, {"status": "expired", **by_file}, customer)
    ]
