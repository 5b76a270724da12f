"""A move names the version that it was decided on: whoever comes second is told, and may look."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from contactcenter.core.errors import PreconditionFailed
from tests.integration.crm.conftest import Office, a_no, a_policy, receipt_body

STALE = {"If-Match": '"99"'}


def declared(office: Office, path: str) -> bool:
    (route,) = [
        each
        for each in office.crm.module.routes
        if (each.method, each.path) == ("POST", f"/api/v1{path}")
    ]
    return PreconditionFailed in route.errors


async def test_every_move_of_a_policy_and_a_receipt_says_that_it_may_come_second(
    office: Office,
) -> None:
    made = await a_policy(office, coverage_start_date="2026-05-01", coverage_end_date="2027-05-01")
    base = f"/policies/{made['policy_id']}"
    receipt = await office.do("lucia", "POST", f"{base}/receipts", receipt_body())
    paid = f"/receipts/{receipt['receipt_id']}"
    asker = {"requested_by_customer_id": made["customer_id"]}
    no = {"received_on": "2027-03-16", **asker}
    step = {"on": "2027-03-16"}
    wish = {"reason": "total_loss", "effective_date": "2027-03-16", **asker}
    moves: list[tuple[str, str, Any]] = [
        (base, "cancel", wish), (base, "renew", {}), (base, "status", {"status": "suspended"}),
        (base, "non-renewal", no), (base, "non-renewal/sent", step),
        (base, "non-renewal/acknowledged", step), (paid, "move", {"state": "presented"}),
        (paid, "claimed", None), (paid, "settle", {"reference": "L1"}),
    ]  # fmt: skip
    for path, verb, body in moves:
        stale = await office.ask("lucia", "POST", f"{path}/{verb}", body, **STALE)
        assert stale.status == 412, (verb, stale.body)
        kind = path.split("/")[1]
        assert declared(office, f"/{kind}/{{id}}/{verb}"), verb
    await a_no(office, made)  # without a version nothing is asked for


@pytest.mark.parametrize("count", [1, 120])
async def test_late_tasks_are_counted_and_not_listed(office: Office, count: int) -> None:
    """However many there are; what is due later today is another figure, what is done is none."""
    days = ["2027-03-15T10:00:00Z"] * count + ["2027-03-16T20:00:00Z", "2027-03-17T10:00:00Z", None]
    for day in days:
        task = await office.do("lucia", "POST", "/tasks", {"title": "Llamar", "due_date": day})
    await office.do("marcos", "POST", "/tasks", {"title": "Suya", "due_date": days[0]})
    office.clock.set(datetime(2027, 3, 16, 9, tzinfo=UTC))
    assert await office.do("lucia", "GET", "/tasks/due") == {"overdue": count, "today": 1}
    late = await office.do("lucia", "GET", "/tasks?mine=true&open=true&due=overdue&limit=1")
    await office.do("lucia", "POST", f"/tasks/{late['items'][0]['task_id']}/complete")
    await office.do("lucia", "POST", f"/tasks/{task['task_id']}/cancel")
    assert await office.do("lucia", "GET", "/tasks/due") == {"overdue": count - 1, "today": 1}
