from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

import db
from contactcenter.core.audit import Note, Written
from contactcenter.core.ids import new_id
from contactcenter.events.policies import ReceiptReturned
from contactcenter.identity.audit import AuditJournal
from tests.integration.crm.conftest import Office, a_no, a_policy, policy_body, receipt_body


async def test_a_proposal_is_issued_and_begins(office: Office) -> None:
    made = await a_policy(
        office,
        policy_number=None,
        coverage_start_date="2027-03-20",
        coverage_start_time="12:00",
        coverage_end_date="2028-03-20",
        coverage_end_time="12:00",
        parties=[{"role": "driver", "name": "Luis Beltrán"}],
    )
    path = f"/policies/{made['policy_id']}"
    assert (made["status"], made["vehicle_plate"]) == ("proposal", "1234BCD")
    assert [party["role"] for party in made["parties"]] == ["policyholder", "driver"]
    assert made["reference"].startswith("P-2027-")
    issued = await office.edit("lucia", path, {"policy_number": "AL-1"})
    assert issued["status"] == "pending"
    office.clock.set(datetime(2027, 3, 20, 10, 59, tzinfo=UTC))  # 11:59 in Madrid
    await office.crm.by_clock.turn()
    assert (await office.do("lucia", "GET", path))["status"] == "pending"
    office.clock.set(datetime(2027, 3, 20, 11, 0, tzinfo=UTC))
    await office.crm.by_clock.turn()
    assert (await office.do("lucia", "GET", path))["status"] == "active"
    await office.crm.by_clock.turn()
    changes = [
        (each.event.before, each.event.after)  # type: ignore[attr-defined]
        for each in await office.events("policy.status_changed")
    ]
    assert changes == [("proposal", "pending"), ("pending", "active")]


@pytest.mark.parametrize(
    ("fields", "where", "kind"),
    [
        ({"coverage_end_date": "2027-01-01"}, None, "bad_period"),
        ({"premium_amount": {"amount": "0"}}, "premium_amount", "amount_not_positive"),
        ({"premium_amount": {"amount": "1.234"}}, "premium_amount", "decimal_max_places"),
        ({"premium_amount": {"amount": "1", "currency": "USD"}}, "premium_amount", "literal_error"),
        ({"carrier": "nobody"}, "carrier", "unknown_insurer"),
        ({"policy_type": "boat"}, "policy_type", "literal_error"),
        ({"customer_id": str(new_id())}, "customer_id", "unknown_customer"),
        ({"issued_by": str(new_id())}, "issued_by", "unknown_agent"),
        ({"parties": [{"role": "driver"}]}, "parties", "party_unclear"),
        ({"parties": [{"role": "policyholder", "name": "X"}]}, "parties", "party_unclear"),
        ({"certificate_url": "javascript:x"}, "certificate_url", "string_pattern_mismatch"),
    ],
)
async def test_bad_policies(
    office: Office, fields: dict[str, Any], where: str | None, kind: str
) -> None:
    body = policy_body((await office.person())["customer_id"]) | fields
    answer = await office.ask("lucia", "POST", "/policies", body)
    assert answer.status == 422, answer.body
    assert answer.body["errors"][0]["type"] == kind
    if where:
        assert answer.body["errors"][0]["loc"][0] == where


async def test_numbers_are_unique_by_insurer_and_overlaps_only_warn(office: Office) -> None:
    one = await a_policy(office, policy_number="7")
    taken = await office.ask(
        "lucia", "POST", "/policies", policy_body(one["customer_id"], policy_number="7")
    )
    assert (taken.status, taken.body["ctx"]["field"]) == (409, "policy_number")
    two = await a_policy(office, policy_number="7", carrier="brisa")
    assert two["warnings"] == [{"type": "overlap", "policy_ids": [one["policy_id"]]}]
    found = await office.do("pablo", "GET", "/policies/search?q=1234-bcd")
    assert {each["policy_id"] for each in found["items"]} == {one["policy_id"], two["policy_id"]}
    by_plate = await office.do("pablo", "GET", "/customers/search?q=1234bcd")
    assert {each["found_by"] for each in by_plate["items"]} == {"policy"}
    refused = await office.ask("pablo", "POST", "/policies", policy_body(one["customer_id"]))
    assert refused.status == 403


async def test_the_timeline_calls_a_policy_by_the_insurers_number(office: Office) -> None:
    policy = await a_policy(office, policy_number="AU-7")
    path = f"/customers/{policy['customer_id']}/timeline"
    timeline = await office.do("lucia", "GET", path)
    [shown] = [one for one in timeline["items"] if one["kind"] == "policy"]
    assert shown["subject"] == "AU-7"


async def test_endorsements_are_kept_over_two_times(office: Office) -> None:
    made = await a_policy(office)
    path = f"/policies/{made['policy_id']}"
    changed = await office.edit(
        "lucia", path,
        {"vehicle_plate": "5678 FGH", "effective_date": "2027-03-01", "reason": "otro coche"},
    )  # fmt: skip
    assert changed["vehicle_plate"] == "5678FGH"

    async def plate(at: str, known: str) -> Any:
        seen = await office.do("lucia", "GET", f"{path}/versions?at={at}&known={known}")
        return seen["terms"].get("vehicle_plate")

    assert await plate("2027-03-10T00:00:00Z", "2027-03-20T00:00:00Z") == "5678FGH"
    assert await plate("2027-02-10T00:00:00Z", "2027-03-20T00:00:00Z") == "1234BCD"
    covered = await office.do("lucia", "GET", f"{path}/coverage?at=2027-03-10T00:00:00Z")
    assert (covered["answer"], covered["notes"]) == ("covered", ["endorsed_since"])
    outside = await office.ask(
        "lucia", "PATCH", path, {"vehicle_plate": "1", "effective_date": "2026-01-01"},
        **{"If-Match": "*"},
    )  # fmt: skip
    assert outside.status == 422
    numbers = [
        v["number"] for v in (await office.do("lucia", "GET", f"{path}/versions"))["versions"]
    ]
    assert numbers == [1, 2]
    assert len(await office.events("policy.endorsed")) == 1


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


async def test_cancellations(office: Office) -> None:
    made = await a_policy(office)
    path = f"/policies/{made['policy_id']}"
    paid = await office.do(
        "lucia", "POST", f"{path}/receipts", receipt_body(kind="new", first=True)
    )
    await office.do(
        "lucia", "POST", f"/receipts/{paid['receipt_id']}/move",
        {"state": "collected", "at": "2027-02-02T10:00:00Z"},
    )  # fmt: skip
    back = await office.do(
        "lucia", "POST", f"{path}/receipts",
        receipt_body(
            kind="extorno", net={"amount": "-45.00"}, total={"amount": "-50.00"}, commission=None
        ),
    )  # fmt: skip
    assert back["state"] == "issued"
    body = {
        "reason": "insurer_terminates",
        "effective_date": "2027-07-01",
        "requested_by": "insurer",
    }
    assert (await office.ask("lucia", "POST", f"{path}/cancel", {})).status == 422
    outside = {**body, "effective_date": "2029-01-01"}
    assert (await office.ask("lucia", "POST", f"{path}/cancel", outside)).status == 422
    stranger = {**body, "requested_by_customer_id": str(new_id())}
    refused = await office.ask("lucia", "POST", f"{path}/cancel", stranger)
    assert (refused.status, refused.body["ctx"]["reason"]) == (409, "not_policyholder")
    asker = {"requested_by_customer_id": made["customer_id"]}
    side = {**body, **asker, "requested_by": "policyholder"}
    assert (await office.ask("lucia", "POST", f"{path}/cancel", side)).status == 422
    withdraw = {"reason": "distance_withdrawal", "effective_date": "2027-03-16", **asker}
    assert (await office.ask("lucia", "POST", f"{path}/cancel", withdraw)).status == 409
    done = await office.do("lucia", "POST", f"{path}/cancel", body)
    assert done["refund"] == {
        "rule": "unearned_days",
        "estimate": {"amount": "151.64", "currency": "EUR"},  # 400.00 − 50.00 − 400.00 · 181 / 365
        "days": 184,
        "of_days": 365,
    }
    assert done["policy"]["status"] == "active"  # until it takes effect
    assert (await office.ask("lucia", "POST", f"{path}/cancel", body)).status == 409
    seen = await office.do("lucia", "GET", f"{path}/coverage?at=2027-07-01T00:00:00%2B02:00")
    assert (seen["answer"], seen["why"]) == ("not_in_force", "ended")
    office.clock.set(datetime(2027, 7, 1, 8, 0, tzinfo=UTC))
    await office.crm.by_clock.turn()
    assert (await office.do("lucia", "GET", path))["status"] == "cancelled"
    back = await office.do("lucia", "POST", f"{path}/status", {"status": "active"})
    assert (back["status"], back["cancelled_at"]) == ("active", None)


class Heard(AuditJournal):
    """Keeps what it is given to write."""

    notes: ClassVar[list[Note]] = []

    async def prepare(self, conn: db.Connection, notes: Sequence[Note], **more: Any) -> Written:
        self.notes.extend(notes)
        return await super().prepare(conn, notes, **more)


async def test_parties_are_dated_and_audited(office: Office) -> None:
    heard = Heard(office.deps.vault)
    heard.notes.clear()
    office.deps.work.keep_journal(heard)
    child = {"role": "driver", "name": "Leo Sanz"}
    made = await a_policy(office, parties=[child])
    path = f"/policies/{made['policy_id']}"
    heir = {"role": "beneficiary", "customer_id": made["customer_id"], "share": "50.00"}
    for _ in range(2):  # the second time nothing changes
        await office.edit(
            "lucia",
            path,
            {"parties": [heir], "effective_date": "2027-03-01", "reason": "Suplemento"},
        )
    seen = await office.do("lucia", "GET", f"{path}/versions")
    assert [each["kind"] for each in seen["versions"]] == ["issue", "endorsement"]
    assert seen["versions"][1]["changes"] == {"parties": [heir]}
    for day, parties in (("02-01", [child]), ("03-02", [heir])):
        then = await office.do("lucia", "GET", f"{path}/versions?at=2027-{day}T12:00:00Z")
        assert then["terms"]["parties"] == parties
    told = [
        ((n.before or {})["parties"], (n.after or {})["parties"])
        for n in heard.notes
        if "parties" in (n.before or {})
    ]
    assert told == [([child], [heir])]


async def test_cover_is_that_of_the_day_whatever_holds_today(office: Office) -> None:
    """Suspended and lifted, cancelled and put back in force; each from its own moment."""
    made = await a_policy(office)
    path, holder = f"/policies/{made['policy_id']}", made["customer_id"]

    async def cover(day: str) -> str:
        seen = await office.do("lucia", "GET", f"{path}/coverage?at=2027-{day}T12:00:00Z")
        answer: str = seen["answer"]
        return answer

    async def status(to: str, day: str | None = None) -> int:
        body = {"status": to} | ({"effective_at": f"2027-{day}T00:00:00Z"} if day else {})
        return (await office.ask("lucia", "POST", f"{path}/status", body)).status

    assert await status("suspended") == 200  # on 16 March
    assert [await cover(day) for day in ("02-16", "03-20")] == ["covered", "suspended"]
    office.clock.set(datetime(2027, 4, 10, 8, 0, tzinfo=UTC))
    assert [await status("active", day) for day in ("03-01", "04-11", "04-01")] == [422, 422, 200]
    days = ("03-15", "03-20", "04-02")
    assert [await cover(day) for day in days] == ["covered", "suspended", "covered"]
    await office.do(
        "lucia", "POST", f"{path}/cancel",
        {"reason": "policyholder_wish", "effective_date": "2027-04-05",
         "requested_by_customer_id": holder},
    )  # fmt: skip
    office.clock.set(datetime(2027, 5, 10, 8, 0, tzinfo=UTC))
    assert await status("active") == 200
    moments = ("03-20", "04-04", "04-06", "05-09", "05-11")
    assert [await cover(day) for day in moments] == [
        "suspended", "covered", "not_in_force", "not_in_force", "covered",
    ]  # fmt: skip


async def test_a_withdrawal_takes_effect_within_its_time(office: Office) -> None:
    sold: dict[str, Any] = {"distance_sale": True, "concluded_on": "2027-03-10"}
    made = await a_policy(office, coverage_start_date="2027-03-10", **sold)
    path = f"/policies/{made['policy_id']}/cancel"
    wish = {
        "reason": "distance_withdrawal", "requested_by_customer_id": made["customer_id"],
    }  # fmt: skip
    late = await office.ask("lucia", "POST", path, {**wish, "effective_date": "2027-03-25"})
    assert (late.status, late.body["ctx"]["last_day"]) == (409, "2027-03-24")
    await office.do("lucia", "POST", path, {**wish, "effective_date": "2027-03-24"})


async def test_what_is_returned_is_no_longer_settled(office: Office) -> None:
    policy = (await a_policy(office))["policy_id"]
    made = [
        await office.do("lucia", "POST", f"/policies/{policy}/receipts", receipt_body(**who))
        for who in ({"collected_by": "insurer"}, {"collected_by": "broker"})
    ]
    theirs, path = [f"/receipts/{each['receipt_id']}" for each in made]
    for each in (theirs, path):
        await office.do("lucia", "POST", f"{each}/move", {"state": "collected"})
    refused = await office.ask("lucia", "POST", f"{theirs}/settle", {"reference": "L1"})
    assert refused.status == 409, "the insurer has had it all along"
    settled = await office.do("lucia", "POST", f"{path}/settle", {"reference": "L1"})
    back = await office.do(
        "lucia", "POST", f"{path}/move", {"state": "returned", "return_code": "MD06"}
    )
    assert (back["settled_at"], back["settlement"]) == (None, None)
    (told,) = await office.events("receipt.returned")
    assert isinstance(told.event, ReceiptReturned)
    assert told.event.settlement == "L1"
    assert told.event.settled_at == datetime.fromisoformat(settled["settled_at"])
    await office.do("lucia", "POST", f"{path}/move", {"state": "collected"})
    again = await office.do("lucia", "POST", f"{path}/settle", {"reference": "L2"})
    assert again["settlement"] == "L2"


async def test_what_was_paid_and_returned_stays_covered_for_its_time(office: Office) -> None:
    """Paid within the month, taken back by the bank seven months later."""
    base = f"/policies/{(await a_policy(office))['policy_id']}"
    made = await office.do("lucia", "POST", f"{base}/receipts", receipt_body())
    move = f"/receipts/{made['receipt_id']}/move"
    paid = {"state": "collected", "at": "2027-02-10T10:00:00Z"}
    seen = await office.ask("lucia", "POST", move, paid, **{"If-Match": '"1"'})
    assert (seen.status, seen.etag) == (200, '"2"')
    office.clock.set(datetime(2027, 9, 20, 8, 0, tzinfo=UTC))
    back = {"state": "returned", "return_code": "MD06", "at": "2027-09-15T10:00:00Z"}
    stale = await office.ask("lucia", "POST", move, back, **{"If-Match": '"1"'})
    assert stale.status == 412
    early = await office.ask("lucia", "POST", move, {**back, "at": "2027-02-10T09:00:00Z"})
    assert (early.status, early.body["errors"][0]["loc"]) == (422, ["at"])
    await office.do("lucia", "POST", move, back, **{"If-Match": '"2"'})
    for day, answer in (("02-05", "grace_until"), ("06-01", "covered"), ("09-16", "suspended")):
        cover = await office.do("lucia", "GET", f"{base}/coverage?at=2027-{day}T12:00:00Z")
        assert cover["answer"] == answer, day
    again = {"state": "collected", "at": "2027-09-18T10:00:00Z"}
    await office.do("lucia", "POST", move, again, **{"If-Match": "*"})
    for day, answer in (("06-01", "covered"), ("09-19", "suspended"), ("09-20", "covered")):
        cover = await office.do("lucia", "GET", f"{base}/coverage?at=2027-{day}T09:59:00Z")
        assert cover["answer"] == answer, day


async def test_a_cancelled_receipt_leaves_its_number_to_the_true_one(office: Office) -> None:
    policy = await a_policy(office)
    path = f"/policies/{policy['policy_id']}/receipts"
    wrong = await office.do("lucia", "POST", path, receipt_body(number="R-7"))
    true = receipt_body(number="R-7", total={"amount": "410.00"})
    assert (await office.ask("lucia", "POST", path, true)).body["ctx"]["field"] == "number"
    await office.do(
        "lucia", "POST", f"/receipts/{wrong['receipt_id']}/move", {"state": "cancelled"}
    )
    await office.do("lucia", "POST", path, true)
    assert (await office.ask("lucia", "POST", path, true)).status == 409
    seen = (await office.do("lucia", "GET", path))["items"]
    assert [(each["number"], each["state"], each["total"]["amount"]) for each in seen] == [
        ("R-7", "issued", "410.00"), ("R-7", "cancelled", "400.00"),
    ]  # fmt: skip


async def test_receipts_along_both_axes(office: Office) -> None:
    made = await a_policy(office)
    base = f"/policies/{made['policy_id']}"
    receipt = await office.do("lucia", "POST", f"{base}/receipts", receipt_body(number="1"))
    again = await office.ask("lucia", "POST", f"{base}/receipts", receipt_body(number="1"))
    assert again.status == 409
    move, settle = (f"/receipts/{receipt['receipt_id']}/{verb}" for verb in ("move", "settle"))
    early = await office.ask("lucia", "POST", settle, {"reference": "L1"})
    assert early.status == 409
    for state, extra in (
        ("presented", {}),
        ("collected", {}),
        ("returned", {"return_code": "MD06"}),
        ("re_presented", {}),
        ("returned", {"return_code": "AM04"}),
    ):
        moved = await office.do("lucia", "POST", move, {"state": state, **extra})
        assert moved["state"] == state
    unpaid = await office.do("lucia", "GET", f"/customers/{made['customer_id']}/stats")
    assert (unpaid["unpaid_receipts"], unpaid["unpaid_amount"]["amount"]) == (1, "400.00")
    assert unpaid["segment"] == "at_risk"
    grace = await office.do("lucia", "GET", f"{base}/coverage?at=2027-02-10T00:00:00Z")
    assert (grace["answer"], grace["until"]) == ("grace_until", "2027-03-01T23:00:00Z")
    gone = await office.do("lucia", "GET", f"{base}/coverage?at=2027-03-10T00:00:00Z")
    assert (gone["answer"], gone["why"]) == ("suspended", "premium_unpaid")
    await office.do("lucia", "POST", move, {"state": "paid_at_broker"})
    assert (
        await office.ask("lucia", "POST", move, {"state": "returned", "return_code": "MD06"})
    ).status == 409
    settled = await office.do("lucia", "POST", settle, {"reference": "L1"})
    assert settled["settlement"] == "L1"
    assert (await office.ask("lucia", "POST", settle, {"reference": "L2"})).status == 409
    names = [each.event.name for each in await office.events() if "receipt" in each.event.name]
    assert names == [
        "receipt.issued", "receipt.presented", "receipt.collected", "receipt.returned",
        "receipt.presented", "receipt.returned", "receipt.collected", "receipt.settled",
    ]  # fmt: skip
    for bad in (
        receipt_body(total={"amount": "-1.00"}),
        receipt_body(kind="extorno"),
        receipt_body(lines=[{"kind": "net", "amount": {"amount": "1.00"}}]),
    ):
        assert (await office.ask("lucia", "POST", f"{base}/receipts", bad)).status == 422


async def test_two_moves_of_a_receipt_at_once(office: Office) -> None:
    made = await a_policy(office)
    receipt = await office.do(
        "lucia", "POST", f"/policies/{made['policy_id']}/receipts", receipt_body()
    )
    move = f"/receipts/{receipt['receipt_id']}/move"
    answers = await asyncio.gather(
        *(office.ask("lucia", "POST", move, {"state": "presented"}) for _ in range(4))
    )
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409]
    assert len(await office.events("receipt.presented")) == 1


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


async def test_a_policy_replaces_another(office: Office) -> None:
    old = await a_policy(office)
    new = await a_policy(office, customer_id=old["customer_id"], coverage_start_date="2027-03-16")
    done = await office.do(
        "lucia", "POST", f"/policies/{old['policy_id']}/status",
        {"status": "replaced", "replaced_by": new["policy_id"]},
    )  # fmt: skip
    assert done["status"] == "replaced"
    stuck = await office.ask(
        "lucia", "PATCH", f"/policies/{old['policy_id']}", {"notes": "x"}, **{"If-Match": "*"}
    )
    assert stuck.status == 409


async def test_value_comes_from_commission(office: Office, conn: db.Connection) -> None:
    made = await a_policy(office, premium_net={"amount": "500.00"})
    receipt = await office.do(
        "lucia", "POST", f"/policies/{made['policy_id']}/receipts",
        receipt_body(commission={"amount": "200.00"}),
    )  # fmt: skip
    await office.do(
        "lucia", "POST", f"/receipts/{receipt['receipt_id']}/move", {"state": "collected"}
    )
    await office.do(  # not due yet, and not paid
        "lucia", "POST", f"/policies/{made['policy_id']}/receipts",
        receipt_body(commission={"amount": "50.00"}, due_on="2027-12-01"),
    )  # fmt: skip
    stats = await office.do("lucia", "GET", f"/customers/{made['customer_id']}/stats")
    assert stats["lifetime_value"]["amount"] == "414.23"
    await conn.execute(
        "INSERT INTO premium_rates (kind, line, valid_from, rate, source)"
        " VALUES ('commission', 'auto', '2027-01-01', 0, 'x')"
    )
    none = await office.do("lucia", "GET", f"/customers/{made['customer_id']}/stats")
    assert none["lifetime_value"]["amount"] == "200.00"
    assert stats["segment"] == "standard"


async def test_insurers_and_premium_lines(office: Office) -> None:
    assert len((await office.do("pablo", "GET", "/insurers"))["items"]) == 3
    new = {"key": "duero", "dgs_code": "C0901", "name": "Duero"}
    assert (await office.ask("pablo", "PUT", "/insurers", new)).status == 403
    assert (await office.ask("elena", "PUT", "/insurers", new)).status == 409
    lines = await office.do(
        "pablo", "POST", "/premium-lines",
        {"policy_type": "home", "net": {"amount": "200.00"}, "on": "2027-01-01",
         "capital": {"amount": "150000.00"}},
    )  # fmt: skip
    assert lines["total"]["amount"] == "226.80"
    for line, part, amount, wrong in (
        ("home", "rider", "1.00", "another_line"),
        ("life", "compulsory", "1.00", "another_line"),
        ("life", "rider", "200.01", "too_large"),
        ("auto", "compulsory", "200.01", "too_large"),
    ):
        wish = {"policy_type": line, "net": {"amount": "200.00"}, "on": "2027-01-01",
                part: {"amount": amount}}  # fmt: skip
        no = await office.ask("pablo", "POST", "/premium-lines", wish)
        assert (no.status, no.body["errors"][0]["type"]) == (422, wrong)
        assert no.body["errors"][0]["loc"] == [part]


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


async def test_a_policy_is_replaced_when_the_other_begins(office: Office) -> None:
    old = await a_policy(office)
    customer_id = old["customer_id"]
    new = await a_policy(
        office, customer_id=customer_id, coverage_start_date="2027-05-01",
        coverage_start_time="12:00", coverage_end_date="2028-05-01",
    )  # fmt: skip
    assert [each["type"] for each in new["warnings"]] == ["overlap"]
    path = f"/policies/{old['policy_id']}"
    wish = {"status": "replaced", "replaced_by": new["policy_id"]}
    noted = await office.do("lucia", "POST", f"{path}/status", wish)
    assert (noted["status"], noted["replaced_by"]) == ("active", new["policy_id"])
    assert noted["warnings"] == []
    for hour, status in ((9, "active"), (10, "replaced")):  # 12:00 in Madrid
        office.clock.set(datetime(2027, 5, 1, hour, 0, tzinfo=UTC))
        await office.crm.by_clock.turn()
        assert (await office.do("lucia", "GET", path))["status"] == status
    seen = await office.do("lucia", "GET", f"{path}/coverage?at=2027-05-01T10:00:00Z")
    assert (seen["answer"], seen["why"]) == ("not_in_force", "ended")


async def test_what_overlaps(office: Office) -> None:
    first = await a_policy(office, coverage_end_date="2027-06-01", coverage_end_time="12:00")
    customer_id = first["customer_id"]
    for hour, warned in (("11:59", True), ("12:00", False)):
        more = await a_policy(
            office, customer_id=customer_id, coverage_start_date="2027-06-01",
            coverage_start_time=hour, coverage_end_date="2027-06-02",
        )  # fmt: skip
        found = {each for warning in more["warnings"] for each in warning["policy_ids"]}
        assert (first["policy_id"] in found) is warned
    lines: list[tuple[str, dict[str, Any]]] = [
        ("health", {}), ("life", {}), ("home", {"property_address": "Calle Inventada 1"}),
    ]  # fmt: skip
    for line, place in lines:
        one, two = [
            await a_policy(
                office, customer_id=customer_id, policy_type=line, vehicle_plate=None, **place
            )
            for _ in range(2)
        ]
        assert one["warnings"] == []
        assert two["warnings"] == [{"type": "overlap", "policy_ids": [one["policy_id"]]}], line


async def test_the_answer_and_the_banner_change_at_one_instant(office: Office) -> None:
    """The due day is the payer's to its last minute, by the centre's clock, for both."""
    made = await a_policy(office)
    path = f"/policies/{made['policy_id']}"
    await office.do("lucia", "POST", f"{path}/receipts", receipt_body(due_on="2027-03-16"))
    seen = []
    for moment in ("2027-03-16T22:59:59Z", "2027-03-16T23:00:00Z"):
        office.clock.set(datetime.fromisoformat(moment))
        covered = await office.do("lucia", "GET", f"{path}/coverage?at={moment}")
        glance = await office.do("lucia", "GET", f"/customers/{made['customer_id']}/file")
        stats = await office.do("lucia", "GET", f"/customers/{made['customer_id']}/stats")
        seen.append((covered["answer"], glance["unpaid_since"], stats["unpaid_receipts"]))
    assert seen == [("covered", None, 0), ("grace_until", "2027-03-16", 1)]


async def test_a_cancellation_ahead_is_taken_back_and_lifts_no_suspension(office: Office) -> None:
    made = await a_policy(office)
    path = f"/policies/{made['policy_id']}"
    active = {"status": "active"}
    await office.do("lucia", "POST", f"{path}/status", {"status": "suspended"})
    wish = {"reason": "total_loss", "effective_date": "2027-05-01",
            "requested_by_customer_id": made["customer_id"]}  # fmt: skip
    ahead = await office.do("lucia", "POST", f"{path}/cancel", wish)
    assert ahead["policy"]["status"] == "suspended"
    back = await office.do("lucia", "POST", f"{path}/status", active)
    assert (back["status"], back["cancelled_at"], back["cancellation_reason"]) == (
        "suspended", None, None,
    )  # fmt: skip
    versions = (await office.do("lucia", "GET", f"{path}/versions"))["versions"]
    assert [each["kind"] for each in versions[-2:]] == ["cancellation", "reinstatement"]
    assert versions[-1]["effective_at"] == versions[-2]["effective_at"]
    cover = await office.do("lucia", "GET", f"{path}/coverage?at=2027-06-01T00:00:00Z")
    assert (cover["answer"], cover["why"]) == ("suspended", "suspended_by_agreement")
    assert len(await office.events("policy.updated")) == 1
    await office.do("lucia", "POST", f"{path}/status", active)
    cover = await office.do("lucia", "GET", f"{path}/coverage?at=2027-06-01T00:00:00Z")
    assert cover["answer"] == "covered"


async def test_nothing_begins_before_its_start_nor_without_a_number(office: Office) -> None:
    dates = {"coverage_start_date": "2027-05-01", "coverage_end_date": "2028-05-01"}
    pending = await a_policy(office, **dates)
    proposal = await a_policy(office, vehicle_plate="7777 DDD", policy_number=None, **dates)
    wish = {"reason": "error", "effective_date": "2027-05-01",
            "requested_by_customer_id": proposal["customer_id"]}  # fmt: skip
    gone = await office.do("lucia", "POST", f"/policies/{proposal['policy_id']}/cancel", wish)
    assert gone["policy"]["status"] == "cancelled"
    for policy in (pending, proposal):
        path = f"/policies/{policy['policy_id']}/status"
        assert (await office.ask("lucia", "POST", path, {"status": "active"})).status == 409
