"""Terms on file ahead of their effect: until then the row is as of now, then the clock turns it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

import db
from crm.policies import files
from crm.policies.present import noted, present
from db import migrate
from tests.integration.crm.conftest import Office, a_no, a_policy, receipt_body

BEFORE, AFTER = datetime(2027, 4, 30, 21, 59, 59, tzinfo=UTC), datetime(2027, 4, 30, 22, tzinfo=UTC)
COMING = {"vehicle_plate": "5678 FGH", "effective_date": "2027-05-01"}


async def endorsed(office: Office, policy: dict[str, Any], **fields: Any) -> Any:
    return await office.edit("lucia", f"/policies/{policy['policy_id']}", fields)


async def found(office: Office, plate: str) -> int:
    rows = await office.do("pablo", "GET", f"/policies/search?q={plate}")
    people = await office.do("pablo", "GET", f"/customers/search?q={plate}")
    assert len(rows["items"]) == len(people["items"])
    return len(rows["items"])


async def turned(office: Office) -> list[tuple[str, ...]]:
    return [e.event.fields for e in await office.events("policy.terms_turned")]  # type: ignore[attr-defined]


async def test_an_endorsement_ahead_turns_the_row_when_it_holds(office: Office) -> None:
    made = await a_policy(office)
    path = f"/policies/{made['policy_id']}"
    ahead = await endorsed(office, made, premium_amount={"amount": "450.00"}, **COMING)
    assert (ahead["vehicle_plate"], ahead["premium_amount"]["amount"]) == ("1234BCD", "400.00")
    assert (ahead["turns_at"], ahead["version"]) == ("2027-04-30T22:00:00Z", made["version"] + 1)
    assert [await found(office, plate) for plate in ("1234BCD", "5678FGH")] == [1, 1]

    async def shown() -> tuple[str, str, str, str]:
        rows = await office.do("lucia", "GET", f"/policies?customer_id={made['customer_id']}")
        glance = await office.do("lucia", "GET", f"/customers/{made['customer_id']}/file")
        stats = await office.do("lucia", "GET", f"/customers/{made['customer_id']}/stats")
        return (
            rows["items"][0]["vehicle_plate"],
            rows["items"][0]["premium_amount"]["amount"],
            stats["annual_premium"]["amount"],
            glance["policies"][0]["policy"]["vehicle_plate"],
        )

    office.clock.set(BEFORE)
    await office.crm.by_clock.turn()
    assert await shown() == ("1234BCD", "400.00", "400.00", "1234BCD")
    office.clock.set(AFTER)
    for _ in range(2):  # a second time there is nothing to do
        await office.crm.by_clock.turn()
        assert await shown() == ("5678FGH", "450.00", "450.00", "5678FGH")
    assert [await found(office, plate) for plate in ("1234BCD", "5678FGH")] == [0, 1]
    assert await turned(office) == [("premium_amount", "vehicle_plate")]
    now = await office.do("lucia", "GET", path)
    assert (now["turns_at"], now["version"]) == (None, ahead["version"] + 1)


async def test_what_passed_while_nothing_ran_is_as_if_it_had_run(office: Office) -> None:
    """Three changes on file, the first two come while the clock stands still."""
    made = await a_policy(office)
    for day, plate in (("05-01", "2222 BBB"), ("04-01", "3333 CCC"), ("07-01", "4444 DDD")):
        await endorsed(office, made, vehicle_plate=plate, effective_date=f"2027-{day}")
    office.clock.set(datetime(2027, 6, 1, 8, tzinfo=UTC))
    await asyncio.gather(office.crm.by_clock.turn(), office.crm.by_clock.turn())
    now = await office.do("lucia", "GET", f"/policies/{made['policy_id']}")
    assert (now["vehicle_plate"], now["turns_at"]) == ("2222BBB", "2027-06-30T22:00:00Z")
    assert await turned(office) == [("vehicle_plate",)]
    assert [await found(office, each) for each in ("3333CCC", "4444DDD")] == [0, 1]


async def test_an_endorsement_is_held_against_the_terms_of_its_own_moment(office: Office) -> None:
    made = await a_policy(office)
    await endorsed(office, made, **COMING)
    # For June the plate is the coming one already: nothing changes. For April it is the old one.
    same = await endorsed(office, made, vehicle_plate="5678 FGH", effective_date="2027-06-01")
    back = await endorsed(office, made, vehicle_plate="1234 BCD", effective_date="2027-07-01")
    soon = await endorsed(office, made, vehicle_plate="5678 FGH", effective_date="2027-04-01")
    assert [each["vehicle_plate"] for each in (same, back, soon)] == ["1234BCD"] * 3
    history = await office.do("lucia", "GET", f"/policies/{made['policy_id']}/versions")
    assert [each["effective_at"][:10] for each in history["versions"][1:]] == [
        "2027-04-30", "2027-06-30", "2027-03-31",
    ]  # fmt: skip
    assert soon["turns_at"] == "2027-03-31T22:00:00Z"


async def test_parties_change_when_their_endorsement_holds(office: Office) -> None:
    """Who is merged meanwhile comes in as who that is then."""
    driver, same = await office.person(), await office.person()
    made = await a_policy(office, parties=[{"role": "driver", "name": "Leo Sanz"}])
    new = [{"role": "driver", "customer_id": driver["customer_id"]}]
    ahead = await endorsed(office, made, parties=new, effective_date="2027-05-01")
    assert [each["name"] for each in ahead["parties"][1:]] == ["Leo Sanz"]
    loser = {"loser_id": driver["customer_id"]}
    await office.do("elena", "POST", f"/customers/{same['customer_id']}/merge", loser)
    office.clock.set(AFTER)
    await office.crm.by_clock.turn()
    now = await office.do("lucia", "GET", f"/policies/{made['policy_id']}")
    assert [each["customer_id"] for each in now["parties"][1:]] == [same["customer_id"]]
    assert await turned(office) == [("parties",)]


LEO = [{"role": "driver", "name": "Leo Sanz"}]


def beside(policy: dict[str, Any]) -> list[str]:
    return [each["name"] for each in policy["parties"][1:]]


async def test_who_came_first_is_on_file_though_nobody_was(office: Office) -> None:
    """He drives from May on; later we hear that he did since April."""
    made = await a_policy(office)
    await endorsed(office, made, parties=LEO, effective_date="2027-05-01")
    office.clock.set(datetime(2027, 6, 1, 8, tzinfo=UTC))
    await office.crm.by_clock.turn()
    before = await endorsed(office, made, parties=LEO, effective_date="2027-04-01")
    assert beside(before) == ["Leo Sanz"]
    path = f"/policies/{made['policy_id']}/versions"
    versions = (await office.do("lucia", "GET", path))["versions"]
    assert [each["changes"]["parties"] for each in versions] == [[], LEO, LEO]
    for day, parties in (("03-31", []), ("04-02", LEO)):
        then = await office.do("lucia", "GET", f"{path}?at=2027-{day}T12:00:00Z")
        assert then["terms"]["parties"] == parties


@pytest.mark.parametrize("first", ["written", "left out", "erased"])
async def test_who_came_last_goes_when_it_is_taken_back(
    office: Office, conn: db.Connection, first: str
) -> None:
    """By a cancellation from before on. A first version may leave out that there was nobody; what
    an erased file says no more takes nobody out."""
    made = await a_policy(office)
    await endorsed(office, made, parties=LEO, effective_date="2027-05-01")
    office.clock.set(datetime(2027, 6, 1, 8, tzinfo=UTC))
    await office.crm.by_clock.turn()
    if first != "written":
        no_parties = (
            "changes - 'parties'" if first == "left out" else "changes || '{\"parties\": null}'"
        )
        await conn.execute("SELECT set_config('contactcenter.erasing', 'on', false)")
        await conn.execute(
            f"UPDATE policy_versions SET changes = {no_parties} WHERE number = 1 OR $1",
            first == "erased",
        )
    wish = {"reason": "total_loss", "effective_date": "2027-04-01",
            "requested_by_customer_id": made["customer_id"]}  # fmt: skip
    over = await office.do("lucia", "POST", f"/policies/{made['policy_id']}/cancel", wish)
    assert beside(over["policy"]) == (["Leo Sanz"] if first == "erased" else [])


async def test_to_look_what_holds_writes_nothing(office: Office, conn: db.Connection) -> None:
    made = await a_policy(office)
    await endorsed(office, made, parties=LEO, **COMING)
    row = await files.the_policy(conn, UUID(made["policy_id"]))
    turn = await present(conn, row, AFTER, ZoneInfo("Europe/Madrid"))
    assert (turn.changes, turn.parties and noted(turn.parties[1])) == (
        {"vehicle_plate": "5678FGH", "turns_at": None}, LEO,
    )  # fmt: skip
    assert beside(await office.do("lucia", "GET", f"/policies/{made['policy_id']}")) == []


async def test_who_came_with_a_renewal_goes_with_it(office: Office) -> None:
    """The renewal is taken back after its term began."""
    made = await a_policy(office, coverage_start_date="2026-05-01", coverage_end_date="2027-05-01")
    path = f"/policies/{made['policy_id']}"
    await office.do("lucia", "POST", f"{path}/renew", {})
    await endorsed(office, made, parties=LEO, effective_date="2027-05-01")
    await a_no(office, made, term_end="2027-05-01")
    sent = {"on": "2027-03-16", "term_end": "2027-05-01"}
    await office.do("lucia", "POST", f"{path}/non-renewal/sent", sent)
    office.clock.set(datetime(2027, 5, 2, 8, tzinfo=UTC))
    await office.crm.by_clock.turn()
    assert beside(await office.do("lucia", "GET", path)) == ["Leo Sanz"]
    known = {"on": "2027-05-02", "term_end": "2027-05-01"}
    ends = await office.do("lucia", "POST", f"{path}/non-renewal/acknowledged", known)
    assert (ends["coverage_end_date"], beside(ends)) == ("2027-05-01", [])


async def test_a_renewal_ahead_costs_what_it_costs_from_its_own_start(office: Office) -> None:
    made = await a_policy(office, coverage_start_date="2026-05-01", coverage_end_date="2027-05-01")
    path = f"/policies/{made['policy_id']}"
    await office.do("lucia", "POST", f"{path}/receipts", receipt_body(due_on="2027-03-01"))
    dearer = {"premium_amount": {"amount": "500.00"}, "insurer_notified_on": "2027-02-01"}
    ahead = await office.do("lucia", "POST", f"{path}/renew", dearer)
    assert (ahead["coverage_end_date"], ahead["premium_amount"]["amount"]) == (
        "2028-05-01",
        "400.00",
    )
    again = {"premium_amount": {"amount": "450.00"}}  # less than the term before it
    cheaper = await office.do("lucia", "POST", f"{path}/renew", again)
    assert cheaper["warnings"] == []
    office.clock.set(AFTER)
    await office.crm.by_clock.turn()
    now = await office.do("lucia", "GET", path)
    assert (now["status"], now["premium_amount"]["amount"]) == ("active", "500.00")
    (receipt,) = (await office.do("lucia", "GET", f"{path}/receipts"))["items"]
    assert receipt["total"]["amount"] == "400.00"  # the insurer's own, whatever the premium is


async def test_a_no_takes_two_renewals_ahead_back(office: Office) -> None:
    made = await a_policy(office, coverage_start_date="2026-05-01", coverage_end_date="2027-05-01")
    path = f"/policies/{made['policy_id']}"
    for premium in ("500.00", "600.00"):
        await office.do("lucia", "POST", f"{path}/renew", {"premium_amount": {"amount": premium}})
    await a_no(office, made, term_end="2027-05-01")
    for state in ("sent", "acknowledged"):
        step = {"on": "2027-03-16", "term_end": "2027-05-01"}
        ends = await office.do("lucia", "POST", f"{path}/non-renewal/{state}", step)
    assert (ends["coverage_end_date"], ends["premium_amount"]["amount"]) == ("2027-05-01", "400.00")
    office.clock.set(datetime(2028, 5, 2, 8, tzinfo=UTC))
    await office.crm.by_clock.turn()
    over = await office.do("lucia", "GET", path)
    assert (over["status"], over["premium_amount"]["amount"], over["turns_at"]) == (
        "cancelled", "400.00", None,
    )  # fmt: skip


async def test_nothing_turns_after_a_contract_has_ended(office: Office) -> None:
    made = await a_policy(office)
    path = f"/policies/{made['policy_id']}"
    await endorsed(office, made, **COMING)
    wish = {"reason": "total_loss", "effective_date": "2027-04-10",
            "requested_by_customer_id": made["customer_id"]}  # fmt: skip
    ends = await office.do("lucia", "POST", f"{path}/cancel", wish)
    assert ends["policy"]["turns_at"] is None
    assert await found(office, "5678FGH") == 0
    late = {"vehicle_plate": "1111 BBB", "effective_date": "2027-04-10"}
    refused = await office.ask("lucia", "PATCH", path, late, **{"If-Match": "*"})
    assert (refused.status, refused.body["errors"][0]["type"]) == (422, "outside_term")
    office.clock.set(AFTER)
    await office.crm.by_clock.turn()
    over = await office.do("lucia", "GET", path)
    assert (over["status"], over["vehicle_plate"]) == ("cancelled", "1234BCD")
    assert await turned(office) == []
    lives = await office.do("lucia", "POST", f"{path}/status", {"status": "active"})
    assert (lives["status"], lives["vehicle_plate"]) == ("active", "5678FGH")


async def test_before_0047_rows_held_what_comes_last_and_are_made_anew_since(
    office: Office, conn: db.Connection
) -> None:
    """Down, and up again; a row of which nothing is ahead stays as it is."""
    driver, same = await office.person(), await office.person()
    made = await a_policy(office, parties=LEO)
    path = f"/policies/{made['policy_id']}"
    new = [
        {"role": "driver", "customer_id": driver["customer_id"]},
        {"role": "owner", "name": "Mar Gil"},
    ]
    await endorsed(office, made, parties=new, **COMING)
    await office.do("lucia", "POST", f"{path}/renew", {"premium_amount": {"amount": "500.00"}})
    loser = {"loser_id": driver["customer_id"]}
    await office.do("elena", "POST", f"/customers/{same['customer_id']}/merge", loser)
    still = await a_policy(office, parties=LEO, vehicle_plate="7777 DDD")
    shown = [await office.do("lucia", "GET", path), still]
    assert (shown[0]["vehicle_plate"], beside(shown[0])) == ("1234BCD", ["Leo Sanz"])

    migrations = migrate.read()
    await migrate.down(conn, migrations, 52)
    last = await office.do("lucia", "GET", path)
    assert (last["vehicle_plate"], last["premium_amount"]["amount"]) == ("5678FGH", "500.00")
    assert (last["coverage_end_date"], last["turns_at"]) == ("2029-01-01", None)
    assert [each["customer_id"] for each in last["parties"][1:]] == [same["customer_id"], None]
    assert await office.do("lucia", "GET", f"/policies/{still['policy_id']}") == still

    await conn.execute(
        "UPDATE policies SET turns_at = 'epoch' WHERE vehicle_plate = '5678FGH'"  # as 0047 does
    )
    await migrate.up(conn, migrations)
    due = await office.do("lucia", "GET", path)
    assert due["turns_at"] == due["updated_at"]
    await office.crm.by_clock.turn()
    again = [await office.do("lucia", "GET", f"/policies/{p['policy_id']}") for p in (made, still)]
    moved = {"version": 0, "updated_at": ""}
    assert [each | moved for each in again] == [each | moved for each in shown]


@pytest.mark.parametrize("day", ["2026-12-31", "2028-01-01"])
async def test_an_endorsement_lies_in_the_policys_life(office: Office, day: str) -> None:
    made = await a_policy(office)
    wish = {"vehicle_plate": "1111 BBB", "effective_date": day}
    path = f"/policies/{made['policy_id']}"
    refused = await office.ask("lucia", "PATCH", path, wish, **{"If-Match": "*"})
    assert (refused.status, refused.body["errors"][0]["loc"]) == (422, ["effective_date"])
    unchanged = await office.do("lucia", "GET", path)
    assert (unchanged["version"], unchanged["turns_at"]) == (made["version"], None)


WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


async def waiting(conn: db.Connection, count: int) -> None:
    async with asyncio.timeout(10):
        while await conn.fetchval(WAITING) < count:
            await asyncio.sleep(0.005)


async def test_the_clock_and_a_merge_hold_a_file_in_one_order(
    office: Office, conn: db.Connection
) -> None:
    """The clock has a policy in its hands when its customer is merged: one waits for the other."""
    made = await a_policy(office, coverage_start_date="2027-03-20", coverage_end_date="2028-03-20")
    other = await office.person()
    await conn.execute(
        "CREATE FUNCTION holds() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NEW; END $$;"
        "CREATE TRIGGER holds BEFORE UPDATE OF status ON policies FOR EACH ROW"
        " EXECUTE FUNCTION holds()"
    )
    await conn.execute("SELECT pg_advisory_lock(7)")
    office.clock.set(datetime(2027, 3, 20, 8, tzinfo=UTC))
    turn = asyncio.create_task(office.crm.by_clock.turn())
    await waiting(conn, 1)
    merge = asyncio.create_task(
        office.ask(
            "elena", "POST", f"/customers/{other['customer_id']}/merge",
            {"loser_id": made["customer_id"]},
        )
    )  # fmt: skip
    await waiting(conn, 2)
    await conn.execute("SELECT pg_advisory_unlock(7)")
    await turn
    assert (await merge).status == 200
    now = await office.do("lucia", "GET", f"/policies/{made['policy_id']}")
    assert (now["status"], now["customer_id"]) == ("active", other["customer_id"])
