"""What the clock does to policies, each by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from prometheus_client import REGISTRY

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
    assert await found() == [("active", "2027-05-01"), *done], "it is set aside for a while"
    office.clock.advance(15 * 60)
    await office.crm.by_clock.turn()
    assert await found() == [("active", "2030-05-01"), *done]


async def test_however_many_fail_the_others_are_done_and_those_are_tried_later(
    office: Office, conn: db.Connection
) -> None:
    """They are set aside and counted, longer each time, whichever come first, and taken back once
    they are done or not due any more."""
    broken = await a_policy(office, vehicle_plate="1111BBB")
    whose = {"customer_id": broken["customer_id"]}
    for _ in range(1, MOST_FAILED + 5):
        await a_policy(office, **whose, vehicle_plate="1111BBB")
    turns = await a_policy(office, **whose)
    begins = await a_policy(office, coverage_start_date="2027-04-01")
    ends = await a_policy(office, **ENDING | {"coverage_end_date": "2027-04-01"}, auto_renew=False)
    await conn.execute(
        "UPDATE policies SET turns_at = created_at WHERE vehicle_plate = '1111BBB';"
        "CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'broken'; END $$;"
        "CREATE TRIGGER fails BEFORE UPDATE ON policies FOR EACH ROW"
        " WHEN (OLD.vehicle_plate = '1111BBB') EXECUTE FUNCTION fails()"
    )
    await conn.execute(
        "UPDATE policies SET turns_at = updated_at WHERE id = $1", UUID(turns["policy_id"])
    )
    start = datetime(2027, 4, 1, 8, 0, tzinfo=UTC)

    async def run(minutes: int) -> int:
        """How many failures a run tells of, so long after the first."""
        office.clock.set(start + timedelta(minutes=minutes))
        try:
            await office.crm.by_clock.turn()
        except ExceptionGroup as group:
            return len(group.exceptions)
        return 0

    async def parked() -> list[tuple[str, str, int, int]]:
        rows = await conn.fetch(
            "SELECT step, error, failures, count(*) AS n FROM policy_turn_failures"
            " GROUP BY step, error, failures ORDER BY n"
        )
        return [tuple(row) for row in rows]

    many = MOST_FAILED + 5
    assert await run(0) == MOST_FAILED, "so many are told of"
    for each, status in ((begins, "active"), (ends, "expired")):
        now = await office.do("lucia", "GET", f"/policies/{each['policy_id']}")
        assert now["status"] == status
    due = "SELECT count(*) FROM policies WHERE turns_at <= $1"
    assert await conn.fetchval(due, start) == many, "the one that can turn has turned"
    assert await parked() == [("terms", "RaiseError", 1, many)]
    assert REGISTRY.get_sample_value("policy_turns_parked") == many
    assert [await run(minutes) for minutes in (1, 14, 15, 30, 44)] == [
        0, 0, MOST_FAILED, 0, 0,
    ]  # fmt: skip
    assert await parked() == [("terms", "RaiseError", 2, many)]
    await conn.execute(
        "DROP TRIGGER fails ON policies; DROP FUNCTION fails;"
        "UPDATE policies SET turns_at = NULL WHERE id = (SELECT min(policy_id::text)::uuid FROM"
        " policy_turn_failures)"
    )
    assert await run(45) == 0
    assert await conn.fetchval(due, start) == 0
    assert (await parked(), REGISTRY.get_sample_value("policy_turns_parked")) == ([], 0)


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
