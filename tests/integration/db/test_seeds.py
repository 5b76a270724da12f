"""The development centre's rows: written once, the same everywhere, and readable by the router."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

import db
from db import seeds
from routing.book import QueueBook
from routing.config import read_queue
from routing.hours import parse_calendar

COUNTS = """
SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM agents),
       (SELECT count(*) FROM agent_skills), (SELECT count(*) FROM agent_states),
       (SELECT count(*) FROM queues), (SELECT count(*) FROM skills),
       (SELECT count(*) FROM calendars), (SELECT count(*) FROM dispositions),
       (SELECT count(*) FROM contacts), (SELECT count(*) FROM contact_addresses),
       (SELECT count(*) FROM centre_settings),
       (SELECT count(*) FROM customers), (SELECT count(*) FROM policies),
       (SELECT count(*) FROM tasks), (SELECT count(*) FROM interactions),
       (SELECT count(*) FROM workflows), (SELECT count(*) FROM workflow_versions),
       (SELECT count(*) FROM claims), (SELECT count(*) FROM quotes)
"""


async def test_seeding_twice_is_seeding_once(conn: db.Connection) -> None:
    await seeds.run(conn, environment="test", rounds=4)
    first = tuple(await conn.fetchrow(COUNTS) or ())
    await conn.execute("UPDATE queues SET name_es = 'Otro nombre' WHERE key = 'SA'")
    await seeds.run(conn, environment="test", rounds=4)
    assert tuple(await conn.fetchrow(COUNTS) or ()) == first
    assert first[:2] == (7, 14)
    roles = await conn.fetch("SELECT role, count(*) FROM users WHERE email_verified GROUP BY role")
    assert {row["role"]: row["count"] for row in roles} == {
        "admin": 1, "supervisor": 2, "agent": 3, "customer": 1
    }  # fmt: skip
    assert first[11:] == (50, 100, 40, 120, 4, 4, 30, 40)
    assert await conn.fetchval("SELECT name_es FROM queues WHERE key = 'SA'") == "Otro nombre"


async def test_the_demo_begins_on_a_monday_at_ten_to_eleven(conn: db.Connection) -> None:
    await seeds.run(conn, environment="development", rounds=5)
    costs = await conn.fetchval("SELECT array_agg(DISTINCT left(password_hash, 7)) FROM users")
    assert costs == ["$2b$05$"], "the setting's"
    seconds = (await conn.fetchval("SELECT value FROM centre_settings WHERE key = 'demo_offset'"))[
        "seconds"
    ]
    there = await conn.fetchval(
        "SELECT to_char((now() + make_interval(secs => $1)) AT TIME ZONE 'Europe/Madrid',"
        " 'ID HH24:MI')",
        float(seconds),
    )
    assert there in {"1 10:50", "1 10:49"}
    monday = await conn.fetchval(
        "SELECT ((now() + make_interval(secs => $1)) AT TIME ZONE 'Europe/Madrid')::date",
        float(seconds),
    )
    for latest in (
        "SELECT max(incident_date)::date FROM claims",
        "SELECT max(created_at)::date FROM interactions",
    ):
        assert await conn.fetchval(latest) <= monday, latest


async def test_production_gets_nothing(conn: db.Connection) -> None:
    with pytest.raises(ValueError, match="production"):
        await seeds.run(conn, environment="production", rounds=4)
    assert await conn.fetchval("SELECT count(*) FROM users") == 0


async def test_the_office_is_what_a_broker_has(conn: db.Connection) -> None:
    from crm.customers.model import company_document, personal_document, search_text

    await seeds.run(conn, environment="test", rounds=4)
    lines = await conn.fetch("SELECT policy_type, count(*) FROM policies GROUP BY 1")
    assert {row[0]: row[1] for row in lines} == {"auto": 40, "home": 30, "life": 20, "health": 10}
    carriers = await conn.fetch("SELECT carrier, count(*) FROM policies GROUP BY 1")
    assert sorted(row[1] for row in carriers) == [16, 16, 17, 17, 17, 17]
    states = await conn.fetch("SELECT status, count(*) FROM policies GROUP BY 1")
    assert {row[0]: row[1] for row in states} == {
        "active": 86, "pending": 3, "proposal": 3, "suspended": 2, "expired": 3, "cancelled": 3,
    }  # fmt: skip
    for row in await conn.fetch("SELECT * FROM customers"):
        if row["kind"] == "person":
            assert personal_document(row["dni"]) == row["dni"]
            name = f"{row['first_name']} {row['last_name']}"
        else:
            assert company_document(row["tax_id"]) == row["tax_id"]
            name = row["company_name"]
        parts = [name, row["dni"], row["tax_id"], row["mobile"], row["email"]]
        assert row["search_text"] == search_text(parts)
    states = await conn.fetch("SELECT DISTINCT status FROM claims")
    assert len(states) == 5
    converted, expired = await conn.fetchrow(
        "SELECT count(*) FILTER (WHERE converted), count(*) FILTER (WHERE status = 'expired')"
        " FROM quotes"
    ) or (0, 0)
    assert (converted, expired) == (4, 8)
    linked = await conn.fetchval("SELECT count(*) FROM contacts WHERE customer_id IS NOT NULL")
    assert linked == 50


async def test_its_claims_are_of_policies_in_force_and_have_a_history(
    conn: db.Connection,
) -> None:
    from crm.claims.model import EDGES

    await seeds.run(conn, environment="test", rounds=4)
    early = await conn.fetchval(
        "SELECT count(*) FROM claims l JOIN policies p ON p.id = l.policy_id"
        " WHERE (l.incident_date AT TIME ZONE 'Europe/Madrid')::date < p.coverage_start_date"
        " OR l.incident_date::date >= p.coverage_end_date"
    )
    assert early == 0
    for claim in await conn.fetch("SELECT id, status, adjuster_id FROM claims"):
        events = await conn.fetch(
            "SELECT kind, before, after, at FROM claim_events WHERE claim_id = $1 ORDER BY id",
            claim["id"],
        )
        assert [e["at"] for e in events] == sorted(e["at"] for e in events)
        moves = [(e["before"], e["after"]) for e in events if e["kind"] == "moved"]
        assert moves[0] == (None, "reported")
        assert all(after in EDGES[before] for before, after in moves[1:])
        assert moves[-1][1] == claim["status"]
        assigned = [e["after"] for e in events if e["kind"] == "assigned"]
        assert assigned == [str(claim["adjuster_id"])]


async def test_its_quotes_may_have_been_sent_and_are_priced_by_the_rates(
    conn: db.Connection,
) -> None:
    from crm.policies.premium import Rate, premium_lines, rates_on
    from crm.quotes.model import missing
    from crm.quotes.schemas import Mediation, Offer

    await seeds.run(conn, environment="test", rounds=4)
    today = await conn.fetchval("SELECT now()::date")
    rates = rates_on(
        [
            Rate(row["kind"], row["line"], row["valid_from"], row["rate"], row["flat"])
            for row in await conn.fetch("SELECT * FROM premium_rates")
        ],
        today,
    )
    rules = {row[0]: row[1] for row in await conn.fetch("SELECT line, min_offers FROM quote_rules")}
    kinds: dict[str, set[str]] = {}
    for row in await conn.fetch("SELECT * FROM quotes"):
        line, offers = row["quote_type"], row["carrier_quotes"]
        amounts = {each["kind"]: Decimal(each["amount"]) for each in row["lines"]}
        parts = {k.removeprefix("of_"): amounts.pop(k) for k in [*amounts] if k.startswith("of_")}
        wanted = premium_lines(line, row["base_premium"], row["frequency"], rates, **parts)
        assert amounts == {each.kind: each.amount for each in wanted}
        assert row["total_premium"] == sum(amounts.values())
        kinds[line] = set(amounts)
        if row["status"] != "draft":
            carriers = [offer["carrier"] for offer in offers]
            wants = (line, row["mediation"], carriers, rules[line], row["carrier"])
            assert missing(*wants) == ()
            Mediation(**row["mediation"])
            assert row["carrier"] in {Offer(**offer).carrier for offer in offers}
    assert "ips" not in kinds["life"] | kinds["health"]
    assert kinds["auto"] == {"net", "ips", "extraordinary", "compulsory_motor", "winding_up"}
    assert kinds["home"] == {"net", "ips", "extraordinary", "winding_up"}


async def test_its_customers_are_in_the_segments_that_the_rules_give(conn: db.Connection) -> None:
    from crm.customers import store
    from crm.customers.files import standing
    from crm.customers.model import segment_of
    from crm.days import national_holidays

    await seeds.run(conn, environment="test", rounds=4)
    kinds = await conn.fetch("SELECT kind, count(*) FROM customers GROUP BY 1")
    assert {row[0]: row[1] for row in kinds} == {"person": 42, "company": 8}
    days = [row[0] for row in await conn.fetch("SELECT day FROM holidays ORDER BY day")]
    assert {day.year for day in days} == {2026, 2027}
    assert all(day.weekday() < 5 and day not in national_holidays(day.year) for day in days)
    now, rules = await conn.fetchval("SELECT now()"), await store.rules(conn)
    stored = {row[0]: row[1] for row in await conn.fetch("SELECT id, segment FROM customers")}
    computed = {
        customer_id: segment_of(
            (await standing(conn, customer_id, now, ZoneInfo("Europe/Madrid")))[0], rules
        )
        for customer_id in stored
    }
    assert stored == computed
    assert len(set(stored.values())) >= 4


async def test_what_lies_behind_the_files(conn: db.Connection) -> None:
    from contactcenter.events import CATALOGUE
    from crm.workflows.expression import check
    from crm.workflows.listeners import triggers
    from crm.workflows.model import check_definition
    from db.seeds.history import OUTCOMES, WORKFLOWS

    await seeds.run(conn, environment="test", rounds=4)
    events = {cls.name for cls in triggers(CATALOGUE)}
    for workflow in WORKFLOWS:
        check_definition(workflow["steps"])
        if workflow["trigger_type"] == "event":
            assert workflow["trigger_config"]["event"] in events
            check(workflow["trigger_config"]["if"])
    known = {row["key"] for row in await conn.fetch("SELECT key FROM dispositions")}
    assert known >= {*OUTCOMES, "claim_reported"}
    overdue, today, ahead, done = await conn.fetchrow(
        "SELECT count(*) FILTER (WHERE due_date < now()),"
        " count(*) FILTER (WHERE due_date::date = now()::date),"
        " count(*) FILTER (WHERE due_date > now()), count(*) FILTER (WHERE status = 'completed')"
        " FROM tasks"
    ) or (0, 0, 0, 0)
    assert min(overdue, today, ahead, done) > 0
    youngest = await conn.fetchval("SELECT now() - max(created_at) FROM interactions")
    assert youngest.days >= 9
    orphans = await conn.fetchval("SELECT count(*) FROM interactions WHERE customer_id IS NULL")
    assert orphans == 0


def test_the_router_can_read_every_default_queue() -> None:
    given = tomllib.loads((seeds.DEFAULTS / "queues.toml").read_text(encoding="utf-8"))
    for queue in given["queues"]:
        read_queue(queue["key"], queue["skill"], "longest_idle", queue.get("config", {}))
    for calendar in given["calendars"]:
        parse_calendar(calendar["weekly"], calendar["exceptions"], ZoneInfo(seeds.ZONE))


async def test_a_fresh_centre_has_limits(conn: db.Connection) -> None:
    """Whoever waits at the other end moves on or is offered to leave a message; nothing that is
    written ends or moves by itself, and health and complaints stay with their own."""
    await seeds.centre(conn, "Nueva")
    queues = await QueueBook(ZoneInfo(seeds.ZONE)).all(conn)
    assert len(queues) == 6
    for key, queue in queues.items():
        for channel, policy in queue.core.policies.items():
            live = channel in {"voice", "chat"}
            assert (policy.max_waiting is not None) == live, (key, channel)
            assert (policy.max_wait_ms is not None) == live, (key, channel)
            flows = {"SA": "SH", "SH": "SA"}.get(key) if channel == "voice" else None
            assert policy.overflow == flows, (key, channel)
            if policy.max_wait_ms is not None:
                assert policy.max_wait_ms >= 3 * policy.target_ms, "late already, and not before"
