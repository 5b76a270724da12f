"""A customer's file at one glance: for the desk's panel, while somebody calls or writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from contactcenter.core.access import Permission, Principal
from contactcenter.core.clock import Clock
from contactcenter.core.errors import NotFound
from contactcenter.core.http import Request, Route
from contactcenter.core.work import WorkFactory
from contactcenter.interactions import service as hall
from crm.access import Matter, eyes_of
from crm.claims.schemas import ClaimQuery
from crm.claims.service import ClaimService
from crm.customers.schemas import CustomerOut, CustomerRow
from crm.customers.service import CustomerService
from crm.desk import store
from crm.desk.schemas import DeskFile, DueReceipt, FiledPolicy
from crm.desk.service import advise_customers, whose
from crm.policies import files as policies
from crm.policies.schemas import CoverageOut, PolicyQuery, PolicyRow
from crm.policies.service import PolicyService
from crm.quotes.schemas import QuoteQuery, QuoteRow
from crm.quotes.service import QuoteService
from crm.schemas import Money
from crm.tasks.schemas import TaskQuery
from crm.tasks.service import TaskService
from db import Connection, Record

AT_MOST: Final = 20
"""Policies, claims, quotes and tasks each: a fleet's others are on its own page."""
NOT_WAITED_FOR: Final[Mapping[str, Any]] = {"health_authorisation": None}
"""What is known of an authorisation by whoever reads a file whose health is hidden."""
GONE: Final = frozenset({"expired", "cancelled", "replaced"})
CANDIDATES: Final = 8


@dataclass(frozen=True, slots=True)
class _Came:
    """As whom somebody came in: the queue that they asked for, and what else advice is told
    (`advise_customers`), so that the desk says of them what routing did."""

    queue: str = ""
    how: Mapping[str, Any] = field(default_factory=dict)


class DeskService:
    def __init__(
        self,
        work: WorkFactory,
        clock: Clock,
        zone: ZoneInfo,
        who: CustomerService,
        covers: PolicyService,
        claims: ClaimService,
        quotes: QuoteService,
        tasks: TaskService,
    ) -> None:
        self._work = work
        self._clock = clock
        self._zone = zone
        self._who = who
        self._covers = covers
        self._claims = claims
        self._quotes = quotes
        self._tasks = tasks

    async def of_interaction(self, principal: Principal, interaction_id: UUID) -> DeskFile:
        """Of whom an interaction is about; of an ambiguous address, who it may be. Whoever has it
        in hand, or is waited for with it, is told of an authorisation before the gate is passed."""
        async with self._work.reading("desk.whose") as conn:
            await hall.require_sight(conn, principal, interaction_id=interaction_id)
            row = await store.whose(conn, interaction_id)
            if row is None:
                raise NotFound
            contact = await hall.contact(conn, row["contact_id"])
            found = await whose(conn, contact, row["customer_id"], row["customer_set"])
            hides = len(found) == 1 and not (
                await store.waited_for(conn, interaction_id, principal.agent_id)
                or await _reads_health(conn, principal, *found)
            )
        kept = row["routing_facts"]
        came = _Came(
            kept.get("asked") or row["queue"] or "",
            {
                "said": {**(kept.get("said") or {}), **(NOT_WAITED_FOR if hides else {})},
                "interaction_id": interaction_id if row["direction"] == "inbound" else None,
                "contact": contact,
            },
        )
        if len(found) == 1:
            return await self._of(principal, found.pop(), came)
        candidates = sorted(found)[:CANDIDATES]
        rows = [await self._who.get(principal, each) for each in candidates]
        async with self._work.reading("desk.advice") as conn:
            advice, _ = await advise_customers(
                conn, found, came.queue, now=self._clock.now(), zone=self._zone, **came.how
            )
        return DeskFile(
            state="candidates" if found else "unknown",
            customer=None,
            candidates=[_row(each) for each in rows],
            banner=advice.banner,
            contacts_7_days=0,
            unpaid_since=None,
            covered_until=None,
            last_safe_day=None,
            policies=[],
            more_policies=0,
            claims=[],
            quotes=[],
            tasks=[],
        )

    async def of_customer(self, principal: Principal, customer_id: UUID) -> DeskFile:
        async with self._work.reading("desk.gate") as conn:
            reads = await _reads_health(conn, principal, customer_id)
        how = {} if reads else {"said": NOT_WAITED_FOR}
        return await self._of(principal, customer_id, _Came(how=how))

    async def _of(self, principal: Principal, customer_id: UUID, came: _Came) -> DeskFile:
        customer = await self._who.get(principal, customer_id)
        held = await self._covers.listed(principal, PolicyQuery(customer_id=customer_id, limit=200))
        now = self._clock.now()
        running = [each for each in held.items if each.status not in GONE]
        async with self._work.reading("desk.file") as conn:
            advice, facts = await advise_customers(
                conn, {customer_id}, came.queue, now=now, zone=self._zone, **came.how
            )
            names = await store.insurer_names(conn)
            due = await store.due_receipts(conn, [each.policy_id for each in running])
            filed: list[FiledPolicy] = []
            for each in sorted(running, key=lambda p: p.policy_id not in due)[:AT_MOST]:
                cover = await policies.coverage_at(conn, each.policy_id, now, now, self._zone)
                filed.append(
                    FiledPolicy(
                        policy=each,
                        carrier_name=names.get(each.carrier, each.carrier),
                        cover=CoverageOut(
                            answer=cover.answer,
                            why=cover.why,
                            until=cover.until,
                            notes=list(cover.notes),
                            at=now,
                        ),
                        receipt=_due(each, due),
                    )
                )
        claims = await self._claims.listed(
            principal, ClaimQuery(customer_id=customer_id, open=True, limit=AT_MOST)
        )
        tasks = await self._tasks.listed(
            principal, TaskQuery(customer_id=customer_id, open=True, limit=AT_MOST)
        )
        quotes = await self._quotes.listed(
            principal, QuoteQuery(customer_id=customer_id, limit=AT_MOST)
        )
        return DeskFile(
            state="identified",
            customer=customer,
            candidates=[],
            banner=advice.banner,
            contacts_7_days=facts.get("claim_contacts") or 0,
            unpaid_since=facts.get("unpaid_since"),
            covered_until=facts.get("covered_until"),
            last_safe_day=facts.get("last_safe_day"),
            policies=filed,
            more_policies=len(held.items) - len(filed),
            claims=claims.items,
            quotes=[each for each in quotes.items if _waits(each)],
            tasks=tasks.items,
        )


async def _reads_health(conn: Connection, principal: Principal, customer_id: UUID) -> bool:
    """Whether what a customer's file says of their health is shown to the asker."""
    (seen_by,) = await eyes_of(conn, principal, [Matter(customer_id, "health")])
    return seen_by != "closed"


def _row(card: CustomerOut) -> CustomerRow:
    return CustomerRow(**{name: getattr(card, name) for name in CustomerRow.model_fields})


def _due(policy: PolicyRow, due: dict[UUID, Record]) -> DueReceipt | None:
    row = due.get(policy.policy_id)
    if row is None:
        return None
    return DueReceipt(
        number=row["number"],
        due_on=row["due_on"],
        total=Money(amount=row["total"]),
        state=row["state"],
        return_code=row["return_code"],
    )


def _waits(quote: QuoteRow) -> bool:
    return quote.status in {"draft", "sent"} or (quote.status == "accepted" and not quote.converted)


class DeskRoutes:
    def __init__(self, service: DeskService) -> None:
        self._service = service

    async def of_interaction(self, request: Request) -> DeskFile:
        return await self._service.of_interaction(request.principal, request.id("id"))

    async def of_customer(self, request: Request) -> DeskFile:
        return await self._service.of_customer(request.principal, request.id("id"))

    def table(self) -> tuple[Route, ...]:
        return tuple(
            Route(
                "GET",
                path,
                handler,
                Permission.CUSTOMERS_ALL,
                summary,
                response=DeskFile,
                tags=("customers",),
                errors=(NotFound,),
            )
            for path, handler, summary in (
                (
                    "/api/v1/interactions/{id}/file",
                    self.of_interaction,
                    "Show the file of whom an interaction is about, at one glance",
                ),
                (
                    "/api/v1/customers/{id}/file",
                    self.of_customer,
                    "Show a customer's file at one glance",
                ),
            )
        )
