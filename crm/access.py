"""Who may see a customer's file, and who may write in it.

Staff read every file, a customer only their own. Agents and adjusters write in files of their
team's portfolio, and in any file while an interaction with that customer is open with them.
Supervisors write in every portfolio, or in those of the teams that their rights are limited to.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from contactcenter.core.access import Permission, Principal
from contactcenter.core.errors import Forbidden, Invalid
from crm.masks import HEALTH, MASKED, Eyes, sent_back
from crm.sql import contact_of_health
from db import Connection, Record

NOBODY: Final = UUID(int=0)

WRITTEN = """
SELECT c.id FROM customers c
LEFT JOIN agents m ON m.id = c.portfolio_manager_id
LEFT JOIN agents me ON me.id = $2
WHERE c.id = ANY ($1::uuid[]) AND (
    m.id = me.id OR m.team = me.team OR m.team = ANY ($3::text[]) OR EXISTS (
        SELECT FROM segments s JOIN interactions i ON i.id = s.interaction_id
        WHERE s.agent_id = $2 AND s.state <> 'ended' AND i.customer_id = c.id))
"""
GATES = """
WITH live AS (
    SELECT i.customer_id, EXISTS (
        SELECT FROM identity_checks k
        WHERE k.interaction_id = i.id AND k.customer_id = i.customer_id AND k.level >= 2) AS passed
    FROM segments s JOIN interactions i ON i.id = s.interaction_id
    WHERE s.agent_id = $2 AND s.state <> 'ended'
)
SELECT c.id, EXISTS (SELECT FROM live l WHERE l.customer_id = c.id) AS open,
       EXISTS (SELECT FROM live l WHERE l.customer_id = c.id AND l.passed) AS passed,
       coalesce(m.id = $2 OR m.team = me.team OR m.team = ANY ($3::text[]), false) AS kept
FROM customers c LEFT JOIN agents m ON m.id = c.portfolio_manager_id
LEFT JOIN agents me ON me.id = $2
WHERE c.id = ANY ($1::uuid[])
"""
# Interactions about somebody's health, and what the agent $2 has to do with each: `held`, its
# conversation is in their hands; `offered`, it waits for a skill of theirs; `skilled`, its queue is
# one of theirs; `had`, they had a part in it, noted it, or handle a claim reported in it.
OF_HEALTH = f"""
SELECT i.id, CASE WHEN i.customer_set THEN i.customer_id
                  ELSE coalesce(i.customer_id, c.customer_id) END AS customer_id,
       EXISTS (SELECT FROM segments s JOIN interactions o ON o.id = s.interaction_id
               WHERE s.agent_id = $2 AND s.state <> 'ended'
                 AND o.conversation_id = i.conversation_id) AS held,
       EXISTS (SELECT FROM work_items w JOIN queues q ON q.key = w.queue
               JOIN agent_skills k ON k.agent_id = $2 AND k.skill = q.skill
               WHERE w.interaction_id = i.id AND w.answered_at IS NULL AND w.ended_at IS NULL)
           AS offered,
       EXISTS (SELECT FROM queues q JOIN agent_skills k ON k.agent_id = $2 AND k.skill = q.skill
               WHERE q.key = i.queue) AS skilled,
       coalesce(i.agent_id = $2, false)
           OR EXISTS (SELECT FROM segments s WHERE s.interaction_id = i.id AND s.agent_id = $2)
           OR EXISTS (SELECT FROM claims l WHERE l.interaction_id = i.id AND l.adjuster_id = $2)
           AS had
FROM interactions i JOIN contacts c ON c.id = i.contact_id
WHERE i.id = ANY ($1::uuid[]) AND {contact_of_health("i")}
"""  # noqa: S608 - a constant
MAY_GIVE_TO = """
SELECT EXISTS (
    SELECT FROM agents m LEFT JOIN agents me ON me.id = $2
    WHERE m.id = $1 AND (m.id = me.id OR m.team = me.team OR m.team = ANY ($3::text[]))
)
"""


def only_own(principal: Principal) -> UUID | None:
    """The user whose own file is all that this principal sees; None: sees every file."""
    if principal.kind == "system" or principal.may(Permission.CUSTOMERS_ALL):
        return None
    return principal.user_id or NOBODY


def leads(principal: Principal) -> bool:
    """Whether it may do what only supervisors do, in the files that it may write in."""
    return principal.kind == "system" or principal.may(Permission.PORTFOLIOS_ALL)


def writes_all(principal: Principal) -> bool:
    return leads(principal) and principal.teams is None


def _teams(principal: Principal) -> list[str]:
    """In whose portfolios it writes, besides those of its own agent's team."""
    return list(principal.teams or ()) if principal.agent_id is None or leads(principal) else []


async def written(
    conn: Connection, principal: Principal, customer_ids: Collection[UUID]
) -> frozenset[UUID]:
    """Of these customers, those in whose files the principal writes."""
    if not customer_ids or writes_all(principal):
        return frozenset(customer_ids)
    rows = await conn.fetch(WRITTEN, list(customer_ids), principal.agent_id, _teams(principal))
    return frozenset(row["id"] for row in rows)


async def may_write(conn: Connection, principal: Principal, customer_id: UUID) -> bool:
    return customer_id in await written(conn, principal, [customer_id])


async def require_portfolio(conn: Connection, principal: Principal, manager: UUID | None) -> None:
    """Forbidden for whoever writes in one team's files only and would put one in another's."""
    if manager is None or manager == principal.agent_id or writes_all(principal):
        return
    if not await conn.fetchval(MAY_GIVE_TO, manager, principal.agent_id, _teams(principal)):
        raise Forbidden("That portfolio is another team's.", reason="portfolio")


async def require_write(conn: Connection, principal: Principal, customer_id: UUID) -> None:
    """Forbidden unless the principal may write in this customer's file."""
    if not await may_write(conn, principal, customer_id):
        raise Forbidden("This customer is in another team's portfolio.", reason="portfolio")


@dataclass(frozen=True, slots=True)
class Matter:
    """What is looked at: whose it is, of which line, and which agent handles it."""

    customer_id: UUID
    line: str | None
    handler: UUID | None = None


async def hidden(conn: Connection, principal: Principal, customer_id: UUID) -> bool:
    """Whether the identity gate is closed: document, account, birth date and health are masked.

    With the customer on the line it opens in that interaction, whosever portfolio it is; without,
    it is open to whoever may write in the file, and to the handler of what is looked at.
    """
    if only_own(principal) is not None or writes_all(principal):
        return False
    gates = await _gates(conn, principal, [customer_id])
    return _closed(principal, gates.get(customer_id), None)


async def eyes(
    conn: Connection,
    principal: Principal,
    customer_id: UUID,
    line: str,
    handler: UUID | None = None,
) -> Eyes:
    """With whose eyes the principal sees a matter of this line in a customer's file."""
    return (await eyes_of(conn, principal, [Matter(customer_id, line, handler)]))[0]


async def eyes_of(conn: Connection, principal: Principal, matters: Sequence[Matter]) -> list[Eyes]:
    """With whose eyes the principal sees each of these; a matter of no line is nobody's health."""
    if only_own(principal) is not None:
        return ["customer" for _ in matters]
    of_health = {each.customer_id for each in matters if each.line in HEALTH}
    if not of_health or writes_all(principal):
        return ["office" for _ in matters]
    gates = await _gates(conn, principal, of_health)
    return [
        "closed"
        if each.line in HEALTH and _closed(principal, gates.get(each.customer_id), each.handler)
        else "office"
        for each in matters
    ]


async def unread(
    conn: Connection, principal: Principal, interaction_ids: Collection[UUID]
) -> frozenset[UUID]:
    """Of these interactions, those about somebody's health that the principal does not read.

    Whoever has one in hand, or is waited for with it, reads it; so do its queue's people while
    nobody is known to be on the line. Else the gate of the customer's file decides, and it is open
    to whoever had a part in it as to a handler.
    """
    if not interaction_ids or only_own(principal) is not None or writes_all(principal):
        return frozenset()
    rows = await conn.fetch(OF_HEALTH, list(interaction_ids), principal.agent_id)
    known = {row["customer_id"] for row in rows} - {None}
    gates = await _gates(conn, principal, known) if known else {}

    def reads(row: Record) -> bool:
        if row["held"] or row["offered"]:
            return True
        if row["customer_id"] is None:
            return row["had"] or row["skilled"] or leads(principal)
        handler = principal.agent_id if row["had"] else None
        return not _closed(principal, gates.get(row["customer_id"]), handler)

    return frozenset(row["id"] for row in rows if not reads(row))


class Veil:
    """What the hall asks of the gate (contactcenter.interactions.ports)."""

    async def unread(
        self, conn: Connection, principal: Principal, interaction_ids: Collection[UUID]
    ) -> frozenset[UUID]:
        return await unread(conn, principal, interaction_ids)


async def _gates(
    conn: Connection, principal: Principal, customer_ids: Collection[UUID]
) -> dict[UUID, Record]:
    rows = await conn.fetch(GATES, list(customer_ids), principal.agent_id, _teams(principal))
    return {row["id"]: row for row in rows}


def _closed(principal: Principal, gate: Record | None, handler: UUID | None) -> bool:
    if gate is None:
        return True
    if gate["open"]:
        return not gate["passed"]
    if principal.agent_id is not None and principal.agent_id == handler:
        return False
    return not gate["kept"]


async def refuse_hidden(
    conn: Connection,
    principal: Principal,
    customer_id: UUID,
    given: Mapping[str, Any],
    stored: Mapping[str, Any] | Record,
    line: str = "",
    handler: UUID | None = None,
) -> None:
    """Invalid for a field that is hidden from the principal and would be emptied by what is shown
    in its place (masks.sent_back)."""
    field = sent_back(given, dict(stored), line)
    if field is None:
        return
    if line in HEALTH:
        closed = await eyes(conn, principal, customer_id, line, handler) == "closed"
    else:
        closed = await hidden(conn, principal, customer_id)
    if closed:
        raise Invalid.field(field, "masked_value", MASKED)
