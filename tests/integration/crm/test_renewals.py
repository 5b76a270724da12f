from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.integration.crm.conftest import Office, a_no, a_policy, receipt_body


async def test_renewal_is_contiguous(office: Office) -> None:
    made = await a_policy(office)
    path = f"/policies/{made['policy_id']}"
    renewed = await office.do("lucia", "POST", f"{path}/renew", {})
    assert (renewed["term_start_date"], renewed["coverage_end_date"]) == (
        "2028-01-01",
        "2029-01-01",
    )
    assert renewed["warnings"] == []
    rising = await office.do(
        "lucia", "POST", f"{path}/renew",
        {"premium_amount": {"amount": "472.00"}, "insurer_notified_on": "2028-11-02"},
    )  # fmt: skip
    assert [w["type"] for w in rising["warnings"]] == ["terms_changed_late"]
    in_time = await office.do(
        "lucia", "POST", f"{path}/renew",
        {"premium_amount": {"amount": "500.00"}, "insurer_notified_on": "2029-11-01"},
    )  # fmt: skip
    assert in_time["warnings"] == []
    assert len(await office.events("policy.renewed")) == 3


async def test_the_insurers_notice_is_a_rule_with_its_first_day(office: Office) -> None:
    made = await a_policy(office)
    path = f"/policies/{made['policy_id']}"
    assert made["renewal"]["insurer_last_day"] == "2027-11-01"
    async with office.deps.pool.acquire() as conn:
        await conn.execute(
            "INSERT INTO legal_periods (kind, valid_from, amount, source)"
            " VALUES ('insurer_notice_months', '2028-01-01', 3, 'a later law')"
        )
    changed = await office.do("lucia", "GET", path)
    assert changed["renewal"]["insurer_last_day"] == "2027-10-01"
    told = {"premium_amount": {"amount": "500.00"}, "insurer_notified_on": "2027-10-15"}
    rising = await office.do("lucia", "POST", f"{path}/renew", told)
    assert [w["type"] for w in rising["warnings"]] == ["terms_changed_late"]


async def test_a_no_counts_once_the_insurer_has_it(office: Office) -> None:
    made = await a_policy(office, coverage_start_date="2026-05-01", coverage_end_date="2027-05-01")
    path = f"/policies/{made['policy_id']}"
    no = await a_no(office, made)
    assert (no["non_renewal"]["state"], no["non_renewal"]["late"]) == ("received", False)
    assert no["renewal"]["last_day"] == "2027-04-01"
    early = await office.ask(
        "lucia", "POST", f"{path}/non-renewal/acknowledged", {"on": "2027-03-16"}
    )
    assert early.status == 409
    await office.do("lucia", "POST", f"{path}/non-renewal/sent", {"on": "2027-03-16"})
    await office.crm.by_clock.tell_expiring()
    assert len(await office.events("policy.expiring_soon")) == 1  # not acknowledged: still told
    done = await office.do(
        "lucia", "POST", f"{path}/non-renewal/acknowledged", {"on": "2027-03-16"}
    )
    assert (done["non_renewal"]["state"], done["status"]) == ("acknowledged", "active")
    assert (await office.ask("lucia", "POST", f"{path}/renew", {})).status == 409
    office.clock.set(datetime(2027, 5, 1, 8, 0, tzinfo=UTC))
    await office.crm.by_clock.tell_expiring()
    await office.crm.by_clock.turn()
    ended = await office.do("lucia", "GET", path)
    assert (ended["status"], ended["cancellation_reason"]) == ("cancelled", "non_renewal")
    assert len(await office.events("policy.expiring_soon")) == 1
    assert len(await office.events("policy.cancelled")) == 1


async def test_silence_renews(office: Office) -> None:
    """Two terms pass while nobody looks: each is on file, and the second still runs."""
    dates = {"coverage_start_date": "2026-05-01", "coverage_end_date": "2027-05-01"}
    made = await a_policy(office, coverage_end_time="12:00", **dates)
    path = f"/policies/{made['policy_id']}"
    beyond = await office.do("lucia", "GET", f"{path}/coverage?at=2027-05-01T10:00:00Z")
    assert (beyond["answer"], beyond["why"]) == ("ask_insurer", "renewal_unconfirmed")
    office.clock.set(datetime(2028, 5, 2, 8, 0, tzinfo=UTC))
    await office.crm.by_clock.turn()
    now = await office.do("lucia", "GET", path)
    assert (now["status"], now["term_start_date"], now["coverage_end_date"]) == (
        "active", "2028-05-01", "2029-05-01",
    )  # fmt: skip
    versions = (await office.do("lucia", "GET", f"{path}/versions"))["versions"]
    assert [(v["kind"], v["effective_at"]) for v in versions[1:]] == [
        ("renewal", "2027-05-01T10:00:00Z"), ("renewal", "2028-05-01T10:00:00Z"),
    ]  # fmt: skip
    told = [each.event for each in await office.events("policy.renewed")]
    assert [(e.term_start, e.tacit) for e in told] == [  # type: ignore[attr-defined]
        ("2027-05-01", True), ("2028-05-01", True),
    ]  # fmt: skip
    seen = await office.do("lucia", "GET", f"{path}/coverage?at=2027-06-01T00:00:00Z")
    assert seen["answer"] == "covered"


async def test_what_silence_does_not_renew(office: Office) -> None:
    dates = {"coverage_start_date": "2026-05-01", "coverage_end_date": "2027-05-01"}
    said_no = await a_policy(office, **dates)
    await a_no(office, said_no)
    life = await a_policy(office, policy_type="life", **dates)
    once = await a_policy(office, auto_renew=False, **dates)
    extinct = await a_policy(office, **dates)
    await office.do(
        "lucia", "POST", f"/policies/{extinct['policy_id']}/receipts",
        receipt_body(due_on="2026-10-01"),
    )  # fmt: skip
    office.clock.set(datetime(2027, 5, 2, 8, 0, tzinfo=UTC))
    await office.crm.by_clock.turn()
    for policy, answer, why in (
        (said_no, "ask_insurer", "renewal_unconfirmed"),  # the insurer may never have had it
        (life, "ask_insurer", "renewal_unconfirmed"),
        (once, "not_in_force", "ended"),
        (extinct, "not_in_force", "extinct"),
    ):
        path = f"/policies/{policy['policy_id']}"
        assert (await office.do("lucia", "GET", path))["status"] == "expired"
        seen = await office.do("lucia", "GET", f"{path}/coverage?at=2027-05-02T00:00:00Z")
        assert (seen["answer"], seen["why"]) == (answer, why)
    no = f"/policies/{said_no['policy_id']}/non-renewal"
    await office.do("lucia", "POST", f"{no}/sent", {"on": "2027-03-16"})
    await office.do("lucia", "POST", f"{no}/acknowledged", {"on": "2027-05-02"})
    seen = await office.do(
        "lucia", "GET", f"/policies/{said_no['policy_id']}/coverage?at=2027-05-02T00:00:00Z"
    )
    assert (seen["answer"], seen["why"]) == ("not_in_force", "ended")
    assert await office.events("policy.renewed") == []


async def test_a_term_runs_out_and_is_renewed_late(office: Office) -> None:
    dates = {"coverage_start_date": "2026-05-01", "coverage_end_date": "2027-05-01"}
    made = await a_policy(office, auto_renew=False, **dates)
    path = f"/policies/{made['policy_id']}"
    office.clock.set(datetime(2027, 5, 2, 8, 0, tzinfo=UTC))
    await office.crm.by_clock.turn()
    assert (await office.do("lucia", "GET", path))["status"] == "expired"
    refused = await office.ask("lucia", "POST", f"{path}/renew", {})
    assert (refused.status, refused.body["ctx"]["reason"]) == (409, "expired")
    late = await office.do("lucia", "POST", f"{path}/renew", {"insurer_consents": True})
    assert (late["status"], late["coverage_end_date"]) == ("active", "2028-05-01")


async def test_a_late_no_is_noted_as_late(office: Office) -> None:
    made = await a_policy(office, coverage_start_date="2026-04-10", coverage_end_date="2027-04-10")
    path = f"/policies/{made['policy_id']}"
    no = await a_no(office, made)
    assert no["non_renewal"]["late"]
    assert {"type": "notice_late", "policy_ids": []} in no["warnings"]
    body = {"received_on": "2027-03-17", "requested_by_customer_id": made["customer_id"]}
    future = await office.ask("lucia", "POST", f"{path}/non-renewal", body)
    assert (future.status, future.body["errors"][0]["type"]) == (422, "in_future")


async def test_expiring_and_its_edges(office: Office) -> None:
    made = {}
    for end in ("2027-03-15", "2027-03-16", "2027-04-15", "2027-04-16"):
        start = f"2026{end[4:]}"
        made[end] = await a_policy(
            office, coverage_start_date=start, coverage_end_date=end, vehicle_plate=f"X{end}"
        )
    rows = await office.do("lucia", "GET", "/policies/expiring?days=30")
    assert [row["coverage_end_date"] for row in rows["items"]] == ["2027-04-15"]
    assert made["2027-03-16"]["status"] == "expired"  # it ended at 00:00
    assert (await office.ask("lucia", "GET", "/policies/expiring?days=-1")).status == 422


async def test_moments_are_told_once(office: Office) -> None:
    made = await a_policy(office, coverage_start_date="2026-06-10", coverage_end_date="2027-06-10")
    dates = {"coverage_start_date": "2026-06-10", "coverage_end_date": "2027-06-10"}
    life = await a_policy(office, policy_type="life", **dates)
    once = await a_policy(office, auto_renew=False, vehicle_plate="7777 BBB", **dates)
    far = await a_policy(
        office, notice_months=5, vehicle_plate="7778 BBB",
        coverage_start_date="2026-09-10", coverage_end_date="2027-09-10",
    )  # fmt: skip
    for _ in range(100):
        await office.crm.by_clock.tell_expiring()
        office.clock.set(office.clock.now() + timedelta(days=1))
    told: dict[str, list[Any]] = {}
    for each in await office.events("policy.expiring_soon"):
        event: Any = each.event
        told.setdefault(str(event.policy_id), []).append(event)
    four = ["d75", "d60", "d45", "last_days"]
    for policy, our_last_day in ((made, "2027-05-03"), (life, "2027-06-03"), (once, "2027-06-03")):
        heard = told[policy["policy_id"]]
        assert [e.moment for e in heard] == four
        assert {e.our_last_day for e in heard} == {our_last_day}
    first = told[far["policy_id"]][0]
    assert (first.moment, first.last_day) == ("last_days", "2027-04-10")


async def test_a_term_has_one_renewal_task(office: Office) -> None:
    made = await a_policy(office, coverage_start_date="2026-05-30", coverage_end_date="2027-05-30")

    tasks: list[tuple[str, str]] = []

    async def tasks_by(*days: datetime) -> int:
        for day in days:
            office.clock.set(day)
            await office.crm.by_clock.tell_expiring()
            await office.listen("crm.renewal_tasks")
        found = await office.do("lucia", "GET", f"/tasks?policy_id={made['policy_id']}")
        assert {each["task_type"] for each in found["items"]} == {"renewal"}
        tasks.clear()
        tasks.extend((each["status"], each["priority"]) for each in found["items"])
        return len(tasks)

    d60, d45 = datetime(2027, 4, 2, 9, tzinfo=UTC), datetime(2027, 4, 16, 9, tzinfo=UTC)
    assert await tasks_by(d60, d45) == 1
    told = await office.events("policy.expiring_soon")
    assert {each.event.moment for each in told} >= {"d60", "d45"}  # type: ignore[attr-defined]
    assert tasks == [("pending", "high")]
    await office.do("lucia", "POST", f"/policies/{made['policy_id']}/renew", {})
    assert await tasks_by(datetime(2027, 4, 28, 9, tzinfo=UTC)) == 1  # decided: nothing more
    assert tasks == [("pending", "high")]  # whoever has it ends it
    assert await tasks_by(datetime(2028, 3, 31, 9, tzinfo=UTC)) == 2
    assert tasks == [("pending", "high")] * 2


async def test_a_renewal_ahead_leaves_the_present_term_as_it_is(office: Office) -> None:
    dates = {"coverage_start_date": "2026-05-01", "coverage_end_date": "2027-05-01"}
    lost = await a_policy(office, **dates)
    path = f"/policies/{lost['policy_id']}"
    await office.do("lucia", "POST", f"{path}/renew", {}, **{"If-Match": "*"})
    for start, end in (("2026-05-01", "2027-05-01"), ("2027-05-01", "2028-05-01")):
        body = receipt_body(due_on="2027-03-01", period_start=start, period_end=end)
        receipt = await office.do("lucia", "POST", f"{path}/receipts", body)
        move = f"/receipts/{receipt['receipt_id']}/move"
        await office.do("lucia", "POST", move, {"state": "collected"})
    body = {"reason": "total_loss", "effective_date": "2026-04-30", "requested_by": "policyholder",
            "requested_by_customer_id": lost["customer_id"]}  # fmt: skip
    early = await office.ask("lucia", "POST", f"{path}/cancel", body, **{"If-Match": "*"})
    assert (early.status, early.body["errors"][0]["type"]) == (422, "outside_term")
    body["effective_date"] = "2027-03-16"
    done = await office.do("lucia", "POST", f"{path}/cancel", body, **{"If-Match": "*"})
    assert done["policy"]["status"] == "cancelled"
    assert done["refund"]["estimate"]["amount"] == "400.00"  # of the term that does not begin

    said_no = await a_policy(office, vehicle_plate="5555 BBB", **dates)
    path = f"/policies/{said_no['policy_id']}"
    dearer = {"premium_amount": {"amount": "500.00"}}
    await office.do("lucia", "POST", f"{path}/renew", dearer, **{"If-Match": "*"})
    noted = await a_no(office, said_no)
    assert (noted["non_renewal"]["term_end"], noted["non_renewal"]["late"]) == ("2027-05-01", False)
    assert noted["coverage_end_date"] == "2028-05-01"  # the insurer has not got it yet
    for state in ("sent", "acknowledged"):
        ends = await office.do("lucia", "POST", f"{path}/non-renewal/{state}", {"on": "2027-03-16"})
    assert (ends["coverage_end_date"], ends["premium_amount"]["amount"]) == ("2027-05-01", "400.00")
    assert ends["non_renewal"]["state"] == "acknowledged"
    office.clock.set(datetime(2027, 5, 1, 8, 0, tzinfo=UTC))
    await office.crm.by_clock.turn()
    over = await office.do("lucia", "GET", path)
    assert (over["status"], over["cancellation_reason"]) == ("cancelled", "non_renewal")
