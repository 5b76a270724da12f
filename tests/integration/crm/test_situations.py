"""The twenty situations of a broker's office, as one table, by the rules as they are stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import db
from crm.desk import store
from crm.desk.model import Advice, Known, advise, advise_any, check_rules
from crm.desk.service import FOLLOW_UP
from tests.integration.crm.conftest import Office, agent_of
from tests.integration.crm.test_identify import came_in

LUCIA, MARCOS, CARMEN, TERESA, SARA = (UUID(int=n) for n in range(1, 6))
HERE = frozenset({LUCIA, MARCOS, CARMEN, TERESA, SARA})
NINE = datetime(2027, 3, 17, 8, tzinfo=UTC)  # 9:00 of the day after the office's today
CLAIM = {"handler": LUCIA, "handler_deputy": MARCOS}


class Row(NamedTuple):
    name: str
    facts: dict[str, Any]
    people: dict[str, UUID]
    queue: str
    band: int
    base: int | None
    preferred: tuple[UUID, ...]
    seconds: int
    greeting: str
    banner: str
    more: dict[str, Any] = {}  # noqa: RUF012 - never written
    here: frozenset[UUID] = HERE
    asked: str = "PR"
    tasks: tuple[tuple[bool, str], ...] = ()  # whether it is the handler's, and what it is under


ROWS = [
    Row("unknown number, Catalan menu", {"identified": False, "language": "ca", "key": "new"}, {},
        "CO", 2, 40, (), 0, "neutral", "catalan", {"skill": "ca", "skill_level": 3, "skill_s": 60},
        asked="CO"),
    Row("open motor claim, handler free", {"identified": True, "claim_line": "SA"}, CLAIM,
        "SA", 2, 60, (LUCIA,), 30, "neutral", "claim"),
    Row("same, handler on leave", {"identified": True, "claim_line": "SA"}, CLAIM,
        "SA", 2, 60, (MARCOS,), 30, "neutral", "claim", here=HERE - {LUCIA}),
    Row("same, the deputy away too", {"identified": True, "claim_line": "SA"}, CLAIM,
        "SA", 2, 60, (), 0, "neutral", "claim", here=HERE - {LUCIA, MARCOS}),
    Row("third contact in 7 days", {"claim_line": "SA", "claim_contacts": 3}, CLAIM,
        "SA", 2, 75, (LUCIA,), 20, "neutral", "repeat", {"then": "supervisor"}),
    Row("accident, injured pressed", {"key": "injured", "claim_line": "SH"}, CLAIM,
        "SA", 1, 100, (), 0, "emergency_112", "injured", {"skill": "SA", "skill_level": 3}),
    Row("pipe leaking 22:40, verified", {"key": "leak", "open": False, "verified": True}, CLAIM,
        "assistance", 1, 90, (), 0, "assistance", "passed_on",
        {"task_for": "handler", "task_agent": LUCIA}, tasks=((True, "leak_verified"),)),
    Row("same, unidentified", {"key": "leak", "open": False, "verified": False}, {},
        "assistance_menu", 1, 90, (), 0, "neutral", "passed_on", {"task_for": "SH"},
        tasks=((False, "SH"),)),
    Row("hail", {"key": "claim", "peril": "hail", "claim_line": "SH"}, CLAIM,
        "SH", 2, 60, (), 0, "hail", "hail",
        {"fifo": True, "overflow": ({"SA": 1}, {"PR": 1, "SH": 2}), "overflow_s": 60}),
    Row("river flood", {"key": "claim", "peril": "flood"}, CLAIM,
        "SH", 2, 60, (), 0, "consorcio", "consorcio"),
    Row("renewal in 48 days", {"renewal_days": 48, "renewal_open": True}, {"manager": CARMEN},
        "PR", 2, 65, (CARMEN,), 20, "neutral", "last_safe_day",
        {"skill": "retention", "skill_level": 3}),
    Row("renewal in 20 days, wants out", {"renewal_days": 20, "renewal_open": False},
        {"manager": CARMEN}, "PR", 2, 55, (CARMEN,), 20, "neutral", "period_passed_ask_insurer"),
    Row("first receipt returned", {"first_receipt": True, "renewal_days": 60}, {"issuer": CARMEN},
        "PR", 2, 70, (CARMEN,), 15, "neutral", "insurer_may_be_free"),
    Row("later receipt returned, day 12", {"receipt_days": 12, "suspended": False},
        {"manager": CARMEN}, "PR", 2, 60, (), 0, "neutral", "covered_until"),
    Row("a crash, receipt unpaid 45 days",
        {"key": "claim", "suspended": True, "receipt_days": 45}, {"manager": CARMEN},
        "SA", 2, 60, (), 0, "neutral", "suspended_promise_nothing"),
    Row("complaint at working day 11 of 15", {"complaint_day": 11, "claim_line": "SA"},
        {"complaint": TERESA, **CLAIM}, "RE", 2, 80, (TERESA,), 60, "neutral", "complaint",
        {"then": "supervisor"}),
    Row("fleet client through its switchboard", {"segment": "fleet", "identified": True},
        {"manager": CARMEN}, "CO", 2, 65, (CARMEN,), 30, "neutral", "ambiguous_number"),
    Row("hung up, WhatsApp 1 min later", {"claim_line": "SA", "returned": True}, CLAIM,
        "SA", 2, 60, (LUCIA,), 30, "kept_turn", "claim"),
    Row("workshop or perito number", {"professional": True}, CLAIM,
        "SA", 2, 45, (LUCIA,), 30, "neutral", "professional_no_client_data"),
    Row("surgery tomorrow, authorisation", {"health_authorisation": True}, {"manager": SARA},
        "SV", 2, 75, (SARA,), 20, "neutral", "authorisation", {"permission": "health"}),
]  # fmt: skip


OTHERS = [
    Row("open home claim", {"identified": True, "claim_line": "SH"}, CLAIM,
        "SH", 2, 60, (LUCIA,), 30, "neutral", "claim"),
    Row("third contact about it in 7 days", {"claim_line": "SH", "claim_contacts": 3}, CLAIM,
        "SH", 2, 75, (LUCIA,), 20, "neutral", "repeat", {"then": "supervisor"}),
    Row("open health claim", {"identified": True, "claim_line": "SV"}, CLAIM,
        "SV", 2, 60, (LUCIA,), 30, "neutral", "claim"),
    Row("a VIP", {"identified": True, "segment": "vip"}, {"manager": CARMEN},
        "PR", 2, 65, (CARMEN,), 20, "neutral", "vip"),
    Row("somebody known who chose Catalan", {"identified": True, "language": "ca"}, {},
        "PR", 2, None, (), 0, "neutral", "catalan_known",
        {"skill": "ca", "skill_level": 3, "skill_s": 60}),
]  # fmt: skip
"""What the rules tell apart besides."""


TASKS = """
SELECT title, assigned_agent, due_date, tags, customer_id, priority FROM tasks
WHERE interaction_id = $1
"""


async def test_situations(office: Office, conn: db.Connection) -> None:
    rules = await store.rules(conn)
    lucia = agent_of(office, "lucia")
    check_rules(rules)
    await conn.execute(
        "UPDATE users SET locale = 'en' WHERE id = $1", office.people["lucia"].user_id
    )
    assert len(ROWS) == 20
    for row in [*ROWS, *OTHERS]:
        advice = advise(Known(row.asked, row.facts, row.people, row.here), rules)
        told = (advice.queue, advice.band, advice.base, advice.preferred, advice.preferred_s)
        assert told == (row.queue, row.band, row.base, row.preferred, row.seconds), row.name
        assert (advice.greeting, advice.banner) == (row.greeting, row.banner), row.name
        for name, value in row.more.items():
            assert getattr(advice, name) == value, row.name
        # besides, the task that it asks for: one for the interaction, by nine the next morning
        contact, interaction = await came_in(office)
        named = replace(advice, task_agent=lucia if advice.task_agent == LUCIA else None)
        for _ in range(2):
            async with office.deps.work.begin("test.follow", "test") as work:
                await office.crm.adviser.follow(work, contact, interaction, named)
        tasks = await conn.fetch(TASKS, interaction)
        titles = {task["title"] for task in tasks}  # in its owner's language
        made = [tuple(task)[1:4] for task in tasks]
        owned = made and made[0][0] is not None
        assert titles <= {FOLLOW_UP["en" if owned else "es"]}, row.name
        assert made == [(lucia if who else None, NINE, [tag]) for who, tag in row.tasks], row.name
    # a couple shares a mobile, one has a claim: by key; the highest of both; nobody until picked
    one = Known("PR", {"identified": True, "ambiguous": True, "claim_line": "SA"}, CLAIM, HERE)
    other = Known("PR", {"identified": True, "ambiguous": True}, {}, HERE)
    both = advise_any([one, other], rules)
    assert (both.queue, both.band, both.base) == ("PR", 2, 60)
    assert (both.preferred, both.banner) == ((), "ambiguous")
    for said, where in (
        ({"key": "injured"}, ("SA", 1, 100)),
        ({"key": "leak", "open": False}, ("assistance_menu", 1, 90)),
    ):
        urgent = [replace(each, facts={**each.facts, **said}) for each in (one, other)]
        told_of = advise_any(urgent, rules)
        assert (told_of.queue, told_of.band, told_of.base) == where
    assert advise(Known("SH", {"identified": True}), rules) == Advice("SH")
    assert advise(Known("SH", {"identified": True, "company": True}), rules) == Advice("SH")
    for days, over, banner in ((45, False, "suspended"), (200, True, "extinct_ask_insurer")):
        unpaid = {"receipt_days": days, "suspended": True, "extinct": over}
        told_of = advise(Known("PR", unpaid), rules)
        assert (told_of.queue, told_of.base, told_of.banner) == ("PR", 60, banner)
    for peril in ("flood", "extraordinary_wind", "earthquake", "volcano", "terrorism"):
        struck = advise(Known("SH", {"peril": peril, "key": "claim"}), rules)
        assert (struck.queue, struck.base, struck.greeting) == ("SH", 60, "consorcio"), peril
    assert advise(Known("SH", {"identified": False}), rules) == Advice("SH")
