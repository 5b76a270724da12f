"""The office's rules: read as a whole, changed row by row by whoever has read them as they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest

import db
from contactcenter.core.ids import new_id
from crm import sql
from tests.integration.crm.conftest import Office, agent_of
from tests.integration.crm.test_audit import Seen

TODAY = date(2027, 3, 16)
HOLIDAY = {"day": "2027-04-23", "name": "San Jorge", "scope": "regional"}
RATE: dict[str, Any] = {
    "kind": "ips", "line": "*", "valid_from": "2028-01-01", "rate": "0.09", "source": "Ley nueva",
}  # fmt: skip
PERIOD = {
    "kind": "grace_months", "line": "*", "valid_from": "2028-01-01", "amount": 2, "source": "Ley",
}  # fmt: skip
LIMIT = {"role": "adjuster", "valid_from": "2027-06-01", "limit": {"amount": "4000"}}
AUTHORITY = {
    "carrier": "aldaba", "policy_type": "auto", "valid_from": "2027-01-01",
    "max_amount": {"amount": "5000"}, "four_eyes_above": {"amount": "1000"},
}  # fmt: skip
SECTIONS = [
    ("holidays", HOLIDAY, ("day",)),
    ("premium-rates", RATE, ("kind", "line", "valid_from")),
    ("legal-periods", PERIOD, ("kind", "line", "valid_from")),
    ("approval-limits", LIMIT, ("role", "valid_from")),
    ("delegated-authorities", AUTHORITY, ("carrier", "policy_type", "valid_from")),
]


@pytest.mark.parametrize(("path", "row", "key"), SECTIONS)
async def test_a_row_is_written_noted_and_taken_away(
    office: Office, path: str, row: dict[str, Any], key: tuple[str, ...]
) -> None:
    seen = Seen(office.deps.vault)
    office.deps.work.keep_journal(seen)
    where = "?" + "&".join(f"{name}={row[name]}" for name in key)
    path = f"/{path}"
    before = await office.ask("lucia", "GET", path)
    assert before.status == 200
    for who, status in (("lucia", 403), ("ines", 403)):
        assert (await office.ask(who, "PUT", path, row, **{"If-Match": "*"})).status == status
    assert (await office.ask("ines", "GET", path)).status == 403
    assert (await office.ask("alba", "PUT", path, row)).status == 428
    made = await office.ask("alba", "PUT", path, row, **{"If-Match": before.etag or ""})
    assert made.status == 200, made.body
    assert len(made.body["items"]) == len(before.body["items"]) + 1
    assert made.etag != before.etag
    # Whoever has read it as it was writes over nothing, and nothing is told as a change.
    stale = {"If-Match": before.etag or ""}
    assert (await office.ask("alba", "PUT", path, row, **stale)).status == 412
    assert (await office.ask("alba", "DELETE", f"{path}{where}", **stale)).status == 412
    same = await office.ask("alba", "PUT", path, row, **{"If-Match": made.etag or ""})
    assert (same.etag, same.body) == (made.etag, made.body)
    assert (await office.ask("alba", "DELETE", f"{path}{where}")).status == 428
    gone = await office.ask("alba", "DELETE", f"{path}{where}", **{"If-Match": made.etag or ""})
    assert gone.body["items"] == before.body["items"]
    again = await office.ask("alba", "DELETE", f"{path}{where}", **{"If-Match": "*"})
    assert again.status == 404
    section, named = path[1:].replace("-", "_"), " ".join(str(row[name]) for name in key)
    told = [note for note in seen.notes if note.resource_id == named]
    assert [(note.action, note.before is None, note.after is None) for note in told] == [
        (f"{section}.changed", True, False), (f"{section}.dropped", False, True),
    ]  # fmt: skip
    assert told[0].after == told[1].before


async def test_the_limit_of_a_role_is_not_the_role_s_own_to_raise(office: Office) -> None:
    refused = await office.ask("elena", "PUT", "/approval-limits", LIMIT, **{"If-Match": "*"})
    assert refused.status == 403


async def test_national_holidays_are_counted_by_themselves(
    office: Office, conn: db.Connection
) -> None:
    shown = (await office.do("lucia", "GET", "/holidays?year=2027"))["items"]
    words = {each["day"]: each["by_law"] for each in shown}
    assert len(words) == 10
    assert words["2027-03-26"] == "good_friday"
    twice = {**HOLIDAY, "day": "2027-10-12"}
    refused = await office.ask("elena", "PUT", "/holidays", twice, **{"If-Match": "*"})
    assert refused.status == 422
    assert refused.body["errors"][0]["type"] == "national_already"
    await office.do("elena", "PUT", "/holidays", HOLIDAY, **{"If-Match": "*"})
    assert (await sql.law(conn)).holidays == {date(2027, 4, 23)}


async def test_what_the_law_fixes_can_be_followed_and_never_lost(
    office: Office, conn: db.Connection
) -> None:
    await office.do("elena", "PUT", "/legal-periods", PERIOD, **{"If-Match": "*"})
    law = await sql.law(conn)
    assert law.length("grace_months", date(2027, 12, 31)) == 1
    assert law.length("grace_months", date(2028, 1, 1)) == 2
    path = "/legal-periods?kind=grace_months&valid_from="
    for day, status in (("1981-04-17", 200), ("2028-01-01", 409)):
        answer = await office.ask("elena", "DELETE", f"{path}{day}", **{"If-Match": "*"})
        assert answer.status == status
    assert answer.body["ctx"]["type"] == "last_rule"
    # Those of some lines do not stand for all.
    path = "/premium-rates?kind=ips&valid_from=2021-01-01"
    assert (await office.ask("elena", "DELETE", path, **{"If-Match": "*"})).status == 409
    for rate, where in (({"flat": "1.005"}, "flat"), ({"rate": "1.1"}, "rate")):
        bad = {key: value for key, value in RATE.items() if key != "rate"} | rate
        answer = await office.ask("elena", "PUT", "/premium-rates", bad, **{"If-Match": "*"})
        assert (answer.status, answer.body["errors"][0]["loc"][0]) == (422, where)


async def test_a_new_rate_holds_from_its_day(office: Office) -> None:
    wish = {"policy_type": "home", "net": {"amount": "100"}, "on": str(TODAY)}
    await office.do(
        "elena", "PUT", "/premium-rates", {**RATE, "valid_from": str(TODAY)}, **{"If-Match": "*"}
    )
    lines = (await office.do("lucia", "POST", "/premium-lines", wish))["lines"]
    assert {"kind": "ips", "amount": {"amount": "9.00", "currency": "EUR"}} in lines


async def test_a_deputy_has_days(office: Office, conn: db.Connection) -> None:
    lucia, marcos, pablo = (str(agent_of(office, name)) for name in ("lucia", "marcos", "pablo"))
    for deputy, first, last in ((pablo, None, None), (lucia, "2027-03-10", "2027-03-15")):
        body = {"agent_id": marcos, "deputy_id": deputy, "valid_from": first, "valid_to": last}
        await office.do("elena", "PUT", "/handler-deputies", body, **{"If-Match": "*"})
    ask = "SELECT deputy_of($1, $2)"
    for day, who in (
        ("2027-03-09", None), ("2027-03-10", lucia), ("2027-03-15", lucia), ("2027-03-16", pablo),
    ):  # fmt: skip
        found = await conn.fetchval(ask, UUID(marcos), date.fromisoformat(day))
        assert (found and str(found)) == who
    answer = await office.ask("lucia", "GET", "/handler-deputies")
    assert [(row["deputy_name"], row["now"]) for row in answer.body["items"]] == [
        ("pablo", True), ("lucia", False),
    ]  # fmt: skip
    gone = {"agent_id": marcos, "deputy_id": None, "valid_from": "2027-03-10"}
    stale = await office.ask("elena", "PUT", "/handler-deputies", gone, **{"If-Match": '"1"'})
    assert stale.status == 412
    left = await office.do(
        "elena", "PUT", "/handler-deputies", gone, **{"If-Match": answer.etag or ""}
    )
    assert [row["deputy_name"] for row in left["items"]] == ["pablo"]


async def test_a_limited_supervisor_names_deputies_of_their_own_team(office: Office) -> None:
    office.people["nora"] = replace(office.people["elena"], teams=frozenset({"north"}))
    body = {"agent_id": str(agent_of(office, "lucia")), "deputy_id": str(new_id())}
    path, whatever = "/handler-deputies", {"If-Match": "*"}
    assert (await office.ask("nora", "PUT", path, body, **whatever)).status == 422
    body["deputy_id"] = str(agent_of(office, "pablo"))
    assert (await office.ask("nora", "PUT", path, body, **whatever)).status == 403


async def test_each_line_says_how_many_offers_its_quotes_compare(office: Office) -> None:
    before = (await office.do("lucia", "GET", "/quote-rules"))["items"]
    assert [one["line"] for one in before] == ["auto", "home", "life", "health", "business"]
    wish = {"line": "life", "min_offers": 4}
    await office.do("elena", "PUT", "/quote-rules", wish, **{"If-Match": "*"})
    after = (await office.do("lucia", "GET", "/quote-rules"))["items"]
    assert after == [{**one, "min_offers": 4} if one["line"] == "life" else one for one in before]
