"""A no to a next term: whose it is, when it is too late, and what it ends."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from contactcenter.core.ids import new_id
from tests.integration.crm.conftest import Office, a_no, a_policy

TERM = {"coverage_start_date": "2026-05-01", "coverage_end_date": "2027-05-01"}


def steps(office: Office, policy: dict[str, Any]) -> Any:
    async def step(state: str, day: str, **more: str) -> Any:
        path = f"/policies/{policy['policy_id']}/non-renewal/{state}"
        return await office.do("lucia", "POST", path, {"on": day, **more})

    return step


async def test_non_renewal_cancels_only_from_a_terms_end_with_the_no_acknowledged(
    office: Office,
) -> None:
    made = await a_policy(office, coverage_end_time="12:00", **TERM)
    path = f"/policies/{made['policy_id']}/cancel"
    body = {
        "reason": "non_renewal", "effective_date": "2027-05-01", "effective_time": "12:00",
        "requested_by_customer_id": made["customer_id"],
    }  # fmt: skip

    async def refused(**fields: Any) -> None:
        answer = await office.ask("lucia", "POST", path, {**body, **fields})
        assert (answer.status, answer.body["ctx"]["reason"]) == (409, "no_non_renewal")

    await refused()  # nobody has said no
    await a_no(office, made)
    step = steps(office, made)
    await step("sent", "2027-03-16")
    await refused()  # the insurer has not said that it has it
    await step("acknowledged", "2027-03-16")
    await refused(effective_date="2027-03-20")
    await refused(effective_time="00:00")
    done = await office.do("lucia", "POST", path, body)
    assert done["refund"]["rule"] == "none"
    assert done["policy"]["cancelled_at"] == "2027-05-01T10:00:00Z"


@pytest.mark.parametrize(
    ("by", "late"),
    [("policyholder", [False, False, True]), ("insurer", [False, True, True])],
)
async def test_late_is_what_the_other_side_has_too_late(
    office: Office, by: str, late: list[bool]
) -> None:
    """The insurer by 1 April, when it acknowledges; the policyholder by 1 March, when we tell."""
    office.clock.set(datetime(2027, 2, 20, 9, tzinfo=UTC))
    made = await a_policy(office, **TERM)
    step = steps(office, made)
    seen = [await a_no(office, made, by=by, received_on="2027-02-20")]
    office.clock.set(datetime(2027, 3, 30, 9, tzinfo=UTC))
    seen.append(await step("sent", "2027-03-30"))
    office.clock.set(datetime(2027, 4, 2, 9, tzinfo=UTC))
    seen.append(await step("acknowledged", "2027-04-02"))
    assert [each["non_renewal"]["late"] for each in seen] == late
    warned = ["notice_late" in [w["type"] for w in each["warnings"]] for each in seen]
    assert warned == late
    told = await office.events("policy.non_renewal_changed")
    assert [each.event.late for each in told] == late  # type: ignore[attr-defined]


async def test_what_the_insurer_has_on_its_last_day_is_in_time(office: Office) -> None:
    made = await a_policy(office, **TERM)
    step = steps(office, made)
    await a_no(office, made)
    office.clock.set(datetime(2027, 4, 5, 9, tzinfo=UTC))
    await step("sent", "2027-04-01")
    noted = await step("acknowledged", "2027-04-01")
    assert noted["non_renewal"]["late"] is False


async def test_only_the_policyholder_says_no(office: Office) -> None:
    made = await a_policy(office, **TERM)
    base = f"/policies/{made['policy_id']}"
    cancel = {"reason": "policyholder_wish", "effective_date": "2027-03-20"}
    no = {"received_on": "2027-03-16"}
    for verb, body in (
        ("cancel", cancel),
        ("cancel", {**cancel, "reason": "total_loss", "requested_by": "both"}),
        ("non-renewal", no),
    ):
        nobody = await office.ask("lucia", "POST", f"{base}/{verb}", body)
        assert nobody.status == 422, nobody.body
        assert nobody.body["errors"][0]["loc"] == ["requested_by_customer_id"]
        stranger = {**body, "requested_by_customer_id": str(new_id())}
        refused = await office.ask("lucia", "POST", f"{base}/{verb}", stranger)
        assert (refused.status, refused.body["ctx"]["reason"]) == (409, "not_policyholder")
    insurers = await office.do("lucia", "POST", f"{base}/non-renewal", {**no, "by": "insurer"})
    assert insurers["non_renewal"]["by"] == "insurer"


async def test_a_no_that_comes_after_silence_renewed_ends_the_term_before(office: Office) -> None:
    made = await a_policy(office, **TERM)
    path = f"/policies/{made['policy_id']}"
    office.clock.set(datetime(2027, 5, 2, 9, tzinfo=UTC))
    await office.crm.by_clock.turn()
    renewed = await office.do("lucia", "GET", path)
    assert renewed["coverage_end_date"] == "2028-05-01"
    other = await office.ask(
        "lucia", "POST", f"{path}/non-renewal",
        {"received_on": "2027-05-02", "by": "insurer", "term_end": "2027-04-30"},
    )  # fmt: skip
    assert (other.status, other.body["errors"][0]["loc"]) == (422, ["term_end"])
    ended = {"term_end": "2027-05-01"}
    noted = await a_no(office, made, received_on="2027-05-02", **ended)
    assert (noted["non_renewal"]["term_end"], noted["non_renewal"]["late"]) == ("2027-05-01", True)
    step = steps(office, made)
    await step("sent", "2027-05-02", **ended)
    assert (await step("acknowledged", "2027-05-02", **ended))["coverage_end_date"] == "2027-05-01"
    await office.crm.by_clock.turn()
    over = await office.do("lucia", "GET", path)
    assert (over["status"], over["cancellation_reason"]) == ("cancelled", "non_renewal")
    assert over["cancelled_at"] == "2027-04-30T22:00:00Z"


async def test_a_step_of_a_no_is_refused_when_somebody_was_quicker(office: Office) -> None:
    made = await a_policy(office, **TERM)
    path = f"/policies/{made['policy_id']}"
    seen = (await office.ask("lucia", "GET", path)).etag or ""
    await a_no(office, made)
    for state in ("sent", "acknowledged"):
        stale = await office.ask(
            "lucia", "POST", f"{path}/non-renewal/{state}", {"on": "2027-03-16"},
            **{"If-Match": seen},
        )  # fmt: skip
        assert stale.status == 412
        now = (await office.ask("lucia", "GET", path)).etag or ""
        await office.do(
            "lucia", "POST", f"{path}/non-renewal/{state}", {"on": "2027-03-16"},
            **{"If-Match": now},
        )  # fmt: skip
