from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import db
from contactcenter.events.policies import ReceiptReturned
from tests.integration.crm.conftest import Office, a_policy, receipt_body


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
