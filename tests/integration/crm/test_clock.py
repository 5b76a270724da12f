"""What the clock does to policies, each by itself."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

import db
from contactcenter.core.work import MOST_FAILED
from tests.integration.crm.conftest import Office, a_policy

ENDING = {"coverage_start_date": "2026-05-01", "coverage_end_date": "2027-05-01"}


async def test_a_policy_that_fails_holds_up_no_other(office: Office, conn: db.Connection) -> None:
    plates = ("1111BBB", "2222BBB", "3333BBB")
    made = [
        await a_policy(office, auto_renew=plate != "3333BBB", vehicle_plate=plate, **ENDING)
        for plate in plates
    ]
    await conn.execute(
        "CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'broken'; END $$;"
        "CREATE TRIGGER fails BEFORE UPDATE ON policies FOR EACH ROW"
        " WHEN (OLD.vehicle_plate = '1111BBB') EXECUTE FUNCTION fails()"
    )
    office.clock.set(datetime(2029, 5, 2, 8, 0, tzinfo=UTC))
    with pytest.raises(ExceptionGroup, match="Not everything"):
        await office.crm.by_clock.turn()
    ends = "SELECT status, coverage_end_date::text FROM policies WHERE id = $1"

    async def found() -> list[tuple[str, str]]:
        rows = [await conn.fetchrow(ends, UUID(each["policy_id"])) for each in made]
        return [tuple(row) for row in rows if row is not None]

    done = [("active", "2030-05-01"), ("expired", "2027-05-01")]
    assert await found() == [("active", "2027-05-01"), *done]
    await conn.execute("DROP TRIGGER fails ON policies; DROP FUNCTION fails")
    await office.crm.by_clock.turn()
    assert await found() == [("active", "2030-05-01"), *done]


async def test_terms_that_cannot_turn_keep_nothing_from_beginning_and_ending(
    office: Office, conn: db.Connection
) -> None:
    """However many they are."""
    broken = await a_policy(office, vehicle_plate="1111BBB")
    for _ in range(1, MOST_FAILED):
        await a_policy(office, customer_id=broken["customer_id"], vehicle_plate="1111BBB")
    begins = await a_policy(office, coverage_start_date="2027-04-01")
    ends = await a_policy(office, **ENDING | {"coverage_end_date": "2027-04-01"}, auto_renew=False)
    await conn.execute(
        "UPDATE policies SET turns_at = created_at WHERE vehicle_plate = '1111BBB';"
        "CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'broken'; END $$;"
        "CREATE TRIGGER fails BEFORE UPDATE ON policies FOR EACH ROW"
        " WHEN (OLD.vehicle_plate = '1111BBB') EXECUTE FUNCTION fails()"
    )
    office.clock.set(datetime(2027, 4, 1, 8, 0, tzinfo=UTC))
    with pytest.raises(ExceptionGroup, match="Not everything") as failed:
        await office.crm.by_clock.turn()
    group = failed.value.exceptions[0]
    assert isinstance(group, ExceptionGroup)
    assert len(group.exceptions) == MOST_FAILED
    for each, status in ((begins, "active"), (ends, "expired")):
        now = await office.do("lucia", "GET", f"/policies/{each['policy_id']}")
        assert now["status"] == status


async def test_a_late_renewal_lifts_the_suspension_of_the_old_term(office: Office) -> None:
    made = await a_policy(office, auto_renew=False, **ENDING)
    path = f"/policies/{made['policy_id']}"
    await office.do("lucia", "POST", f"{path}/status", {"status": "suspended"})
    office.clock.set(datetime(2027, 5, 2, 8, 0, tzinfo=UTC))
    await office.crm.by_clock.turn()
    late = await office.do("lucia", "POST", f"{path}/renew", {"insurer_consents": True})
    assert late["status"] == "active"
    history = (await office.do("lucia", "GET", f"{path}/versions"))["versions"]
    assert [each["kind"] for each in history] == ["issue", "suspension", "renewal", "resumption"]
    for at, why in (("2027-04-30", "suspended_by_agreement"), ("2027-05-02", None)):
        seen = await office.do("lucia", "GET", f"{path}/coverage?at={at}T12:00:00Z")
        assert seen["why"] == why, (at, seen)
