from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest

import db
from contactcenter.core.audit import Note, Written
from contactcenter.core.ids import new_id
from contactcenter.identity.audit import AuditJournal
from tests.integration.crm.conftest import Office, a_policy, policy_body, receipt_body


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
