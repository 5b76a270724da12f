"""Use cases of customers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import db
from contactcenter.core.access import Principal
from contactcenter.core.clock import Clock
from contactcenter.core.cursor import cursor_after, decode_cursor, encode_cursor
from contactcenter.core.errors import Conflict, Forbidden, Invalid, NotFound
from contactcenter.core.jobs import JobQueue
from contactcenter.core.work import Work, WorkFactory, each_alone
from contactcenter.events.customers import (
    CustomerDeleted,
    CustomerErased,
    CustomerUpdated,
)
from contactcenter.events.quotes import QuoteExpired
from contactcenter.events.tasks import TaskCancelled
from contactcenter.events.workflows import WorkflowCancelled
from contactcenter.interactions import erasing as hall
from crm.access import (
    Matter,
    eyes_of,
    hidden,
    leads,
    may_write,
    only_own,
    refuse_hidden,
    require_portfolio,
    require_write,
    unread,
)
from crm.customers import erasing, files, merge_store, store
from crm.customers.model import (
    check_rule,
    lifetime_value,
    masked,
    needles,
)
from crm.customers.schemas import (
    CustomerEdit,
    CustomerNew,
    CustomerOut,
    CustomerPage,
    CustomerQuery,
    CustomerRow,
    CustomerStats,
    Hit,
    Hits,
    SearchQuery,
    SegmentRule,
    SegmentRules,
    SegmentRulesOut,
    Timeline,
    TimelineItem,
    TimelineQuery,
)
from crm.customers.searching import Searching
from crm.masks import MASK, for_customer
from crm.schemas import Money, picked
from crm.sql import lock_section, section_version, turn_section
from db import Connection, Record

Match = Callable[[int], None]
RESEGMENT: Final = "customers.resegment"
RULES: Final = "segment_rules"
SEGMENT_BATCH: Final = 40
ERASE_SECONDS: Final = 30
"""How long erasing one file may take: its texts are looked for in whole tables."""
MONEY: Final = frozenset({"annual_premium", "claims_paid", "unpaid_amount"})
CENT: Final = Decimal("0.01")
WORDED: Final = frozenset({"interaction", "letter", "task"})
"""Entries whose subject somebody has written."""
HIDDEN: Final = ("dni", "tax_id", "iban")
"""What the identity gate covers, with the birth date."""


class CustomerService:
    def __init__(self, work: WorkFactory, clock: Clock, zone: ZoneInfo, jobs: JobQueue) -> None:
        self._work = work
        self._jobs = jobs
        self._clock = clock
        self._zone = zone
        self._searching = Searching(clock)

    async def listed(self, principal: Principal, query: CustomerQuery) -> CustomerPage:
        at, row_id = decode_cursor(query.cursor) or (None, None)
        async with self._work.reading("customers.list") as conn:
            rows = await store.listed(
                conn,
                query.status,
                query.segment,
                query.kind,
                query.tag,
                query.portfolio_manager_id,
                query.household_id,
                only_own(principal),
                at,
                row_id,
                query.limit + 1,
            )
        own = only_own(principal) is not None
        items = [CustomerRow(**files.shown(row, own=own)) for row in rows[: query.limit]]
        return CustomerPage(
            items=items,
            next_cursor=cursor_after(rows, query.limit),
        )

    async def search(self, principal: Principal, query: SearchQuery) -> Hits:
        """By part of a name, document, number, mail address, plate or policy number."""
        wanted = needles(query.q)
        if wanted is None:
            return Hits(items=[], more=False)
        async with self._work.reading("customers.search") as conn:
            rows = await self._searching.search(conn, wanted, only_own(principal), query.limit + 1)
        own = only_own(principal) is not None
        return Hits(
            items=[
                Hit(
                    **files.shown(row, own=own),
                    found_by="policy" if row["by_policy"] else "customer",
                )
                for row in rows[: query.limit]
            ],
            more=len(rows) > query.limit,
        )

    async def get(self, principal: Principal, customer_id: UUID) -> CustomerOut:
        async with self._work.reading("customers.get") as conn:
            return await self._card(conn, principal, customer_id)

    async def _card(self, conn: Connection, principal: Principal, customer_id: UUID) -> CustomerOut:
        row = await store.find(conn, customer_id, only_own(principal))
        if row is None:
            raise NotFound
        living = row["status"] not in {"merged", "deleted"} and only_own(principal) is None
        writable = living and await may_write(conn, principal, customer_id)
        closed = await hidden(conn, principal, customer_id)
        merge_id = None
        if row["status"] == "merged" and only_own(principal) is None:
            merge = await merge_store.standing_merge(conn, customer_id)
            if merge is not None and await may_write(conn, principal, merge["winner_id"]):
                merge_id = merge["id"]
        values = {
            **row,
            "customer_id": customer_id,
            "name": files.name_of(row),
            "masked": closed,
            "writable": writable,
            "merge_id": merge_id,
            "signs_in": row["user_id"] is not None,
        }
        if closed:
            values |= {name: masked(row[name]) for name in HIDDEN} | {"birth_date": None}
        if only_own(principal) is not None:
            values = for_customer(values)
        return CustomerOut.model_validate({name: values[name] for name in CustomerOut.model_fields})

    async def create(self, principal: Principal, new: CustomerNew) -> CustomerOut:
        """A new file, in the creating agent's portfolio unless it names another of the team's.

        Conflict with ctx.duplicates for somebody who may be known already, until `confirm`; for a
        document or mail address that another file has, always.
        """
        values = new.model_dump(exclude={"kind", "confirm"})
        values["portfolio_manager_id"] = new.portfolio_manager_id or principal.agent_id
        async with self._work.begin("customers.create", principal.actor) as work:
            await files.check_references(work.conn, values)
            await require_portfolio(work.conn, principal, values["portfolio_manager_id"])
            alike = await files.alike(work.conn, new.kind, values, None)
            if alike and not new.confirm:
                raise Conflict(
                    "This may be a customer we know.",
                    duplicates=[
                        {"customer_id": str(row["id"]), "score": score, "by": list(by)}
                        for row, score, by in alike
                    ],
                )
            customer_id = await files.create(work, new.kind, values, by=principal.user_id)
            return work.answer(await self._card(work.conn, principal, customer_id))

    async def update(
        self, principal: Principal, customer_id: UUID, edit: CustomerEdit, match: Match
    ) -> CustomerOut:
        given = edit.model_dump(exclude_unset=True)
        async with self._work.begin("customers.update", principal.actor) as work:
            row = await files.the_customer(
                work.conn, customer_id, own=only_own(principal), lock=True
            )
            await require_write(work.conn, principal, customer_id)
            match(row["version"])
            manager = given.get("portfolio_manager_id", row["portfolio_manager_id"])
            if manager != row["portfolio_manager_id"]:
                if not leads(principal):
                    raise Forbidden("Only a supervisor moves a customer to another portfolio.")
                await require_portfolio(work.conn, principal, manager)
            await refuse_hidden(work.conn, principal, customer_id, given, row)
            await files.check_references(work.conn, given)
            await files.update(work, row, given, by=principal.user_id)
            return work.answer(await self._card(work.conn, principal, customer_id))

    async def link_user(
        self, principal: Principal, customer_id: UUID, email: str | None, match: Match
    ) -> CustomerOut:
        """Say as whom the customer signs in and so sees their file, or that they no longer do.
        Conflict (ctx.reason) for an address that is not verified or is not a customer's, and where
        the user or the file has another already."""
        async with self._work.begin("customers.link_user", principal.actor) as work:
            row = await files.the_customer(
                work.conn, customer_id, own=only_own(principal), lock=True
            )
            await require_write(work.conn, principal, customer_id)
            match(row["version"])
            user = None if email is None else await store.user_of(work.conn, email)
            if email is not None and user is None:
                raise Invalid.field("email", "unknown_user", "There is no such user.")
            if user is not None and not user["fit"]:
                raise Conflict("This address is not a customer's, or not verified.", reason="unfit")
            user_id = None if user is None else user["id"]
            if user is not None and (
                user["customer_id"] not in {None, customer_id}
                or row["user_id"] not in {None, user_id}
            ):
                raise Conflict("One file has one user.", reason="linked")
            if row["user_id"] != user_id:
                try:
                    await store.set_user(
                        work.conn, customer_id, user_id, work.now, principal.user_id
                    )
                except db.UniqueViolation as error:
                    raise Conflict("One file has one user.", reason="linked") from error
                work.emit(CustomerUpdated(customer_id=customer_id, fields=("user_id",)))
                work.audit(
                    "customer.user_linked" if user_id else "customer.user_unlinked",
                    "customer",
                    customer_id,
                    before={"user_id": row["user_id"]},
                    after={"user_id": user_id},
                    person=customer_id,
                )
            return work.answer(await self._card(work.conn, principal, customer_id))

    async def delete(self, principal: Principal, customer_id: UUID, match: Match) -> None:
        """Close the file. Its personal data goes at once when no contract keeps it, else six years
        after the last one's end (Código de Comercio, art. 30). Open tasks, quotes and workflows end
        with it. Conflict while a policy, claim, receipt or interaction is open (ctx.open: kind →
        how many)."""
        async with self._work.begin("customers.delete", principal.actor) as work:
            row = await files.the_customer(
                work.conn, customer_id, own=only_own(principal), lock=True
            )
            if not leads(principal):
                raise Forbidden
            await require_write(work.conn, principal, customer_id)
            match(row["version"])
            still = {
                k: v for k, v in (await erasing.open_things(work.conn, customer_id)).items() if v
            }
            if still:
                raise Conflict("Something of this customer is still open.", open=still)
            await erasing.close(work.conn, customer_id, work.now, principal.user_id)
            await self._end_open(work, customer_id, principal.user_id)
            work.emit(CustomerDeleted(customer_id=customer_id))
            work.audit(
                "customer.deleted", "customer", customer_id, person=customer_id,
                before={"status": row["status"]}, after={"status": "deleted"},
            )  # fmt: skip
            await self._erase(work, customer_id)

    async def erase_due(self) -> None:
        """Erase the closed files whose time has come, each by itself."""
        now = self._clock.now()
        async with self._work.reading("customers.erasable", snapshot=True) as conn:
            await db.lengthen(conn, 0)
            due = await erasing.erasable(conn, now.astimezone(self._zone).date(), now)
        await each_alone(due, self._erase_due)

    async def _erase_due(self, customer_id: UUID) -> None:
        async with self._work.begin("customers.erase_due", "system") as work:
            await self._erase(work, customer_id)

    async def _end_open(self, work: Work, customer_id: UUID, by: UUID | None) -> None:
        for task in await erasing.end_tasks(work.conn, customer_id, work.now, by):
            work.emit(
                TaskCancelled(
                    task_id=task["id"],
                    customer_id=customer_id,
                    assigned_to=task["assigned_to"],
                    assigned_agent=task["assigned_agent"],
                )
            )
            _ended(work, "task.cancelled", "task", task, customer_id)
        for quote in await erasing.end_quotes(work.conn, customer_id, work.now, by):
            work.emit(QuoteExpired(quote_id=quote["id"], customer_id=customer_id))
            _ended(work, "quote.expired", "quote", quote, customer_id)
        for run in await erasing.end_runs(work.conn, customer_id, work.now):
            work.emit(WorkflowCancelled(execution_id=run["id"], workflow_id=run["workflow_id"]))
            _ended(work, "workflow_execution.cancelled", "workflow_execution", run, customer_id)

    async def _erase(self, work: Work, customer_id: UUID) -> None:
        """Unless something keeps it."""
        today = work.now.astimezone(self._zone).date()
        held = await erasing.hold_erasable(work.conn, today, work.now, customer_id)
        if held is None:
            return
        await db.lengthen(work.conn, ERASE_SECONDS)
        by = await erasing.closed_by(work.conn, held)
        gone, rows = await erasing.erase(work.conn, held, work.now)
        rows.update(await hall.erase_customers(work.conn, gone))
        for each in gone:
            merged = each != held
            work.emit(
                CustomerErased(
                    customer_id=each,
                    rows={} if merged else dict(rows),
                    into=held if merged else None,
                    closed_by=by,
                )
            )
            work.audit("customer.erased", "customer", each)

    # Figures and history

    async def stats(self, principal: Principal, customer_id: UUID) -> CustomerStats:
        now = self._clock.now()
        async with self._work.reading("customers.stats", snapshot=True) as conn:
            own = only_own(principal)
            customer = await store.find(conn, customer_id, own)
            if customer is None:
                raise NotFound
            today = now.astimezone(self._zone).date()
            row = await store.stats(conn, customer_id, now, today, own is not None)
            rates = await store.rates(conn, today)
        yearly = [
            (Decimal(net), _rate(rates, "commission", line), _rate(rates, "retention", line))
            for line, net in row["lines"]
        ]
        figures: dict[str, Any] = {
            name: Money(amount=(row[name] or Decimal(0)).quantize(CENT))
            if name in MONEY
            else row[name]
            for name in CustomerStats.model_fields.keys() & set(row.keys())
        }
        figures["unpaid_receipts"] = row["unpaid_receipts"] or 0
        figures |= {
            "segment": customer["segment"],
            "lifetime_value": Money(amount=lifetime_value(row["earned"] or Decimal(0), yearly)),
        }
        if own is not None:
            figures = for_customer(figures)
        return CustomerStats(customer_id=customer_id, **figures)

    async def timeline(
        self, principal: Principal, customer_id: UUID, query: TimelineQuery
    ) -> Timeline:
        """Everything on all channels, newest first."""
        before = decode_cursor(query.cursor)
        async with self._work.reading("customers.timeline") as conn:
            own = only_own(principal)
            if await store.find(conn, customer_id, own) is None:
                raise NotFound
            rows = await store.timeline(
                conn, customer_id, before, query.channel, query.limit + 1, own is not None
            )
            matters = [Matter(customer_id, row["line"], row["handler"]) for row in rows]
            seen_by = await eyes_of(conn, principal, matters)
            said_in = {row["contact"] for row in rows} - {None}
            closed = await unread(conn, principal, said_in)
        items = [
            TimelineItem(
                **picked(TimelineItem, row)
                | (_unsaid(row) if eyes == "closed" or _said_in(row, closed, principal) else {})
            )
            for row, eyes in zip(rows[: query.limit], seen_by, strict=False)
        ]
        last = items[-1] if len(rows) > query.limit else None
        return Timeline(items=items, next_cursor=encode_cursor(last.at, last.id) if last else None)

    async def resegment(self, principal: Principal, customer_id: UUID) -> CustomerOut:
        async with self._work.begin("customers.resegment", principal.actor) as work:
            await files.the_customer(work.conn, customer_id, own=only_own(principal), lock=True)
            await require_write(work.conn, principal, customer_id)
            await files.resegment(work, customer_id, self._zone)
            return work.answer(await self._card(work.conn, principal, customer_id))

    async def resegment_all(self) -> None:
        """By the clock: years pass and receipts fall due without anybody writing in a file."""
        async with self._work.begin("customers.resegment_all", "system") as work:
            await self._jobs.enqueue(work.conn, RESEGMENT, {"after": None})

    async def resegment_some(self, payload: dict[str, Any]) -> None:
        """The job: the next customers by the rules of now, and a further job for those after."""
        last = payload["after"] and UUID(payload["after"])
        async with self._work.begin("customers.resegment_some", "system") as work:
            found = await store.living_after(work.conn, last, SEGMENT_BATCH)
            for customer_id in found:
                await files.resegment(work, customer_id, self._zone)
            if len(found) == SEGMENT_BATCH:
                await self._jobs.enqueue(work.conn, RESEGMENT, {"after": str(found[-1])})

    async def rules(self) -> SegmentRulesOut:
        async with self._work.reading("segments.rules") as conn:
            return await _rules(conn)

    async def set_rules(
        self, principal: Principal, rules: SegmentRules, match: Match
    ) -> SegmentRulesOut:
        pairs = [(rule.segment, rule.conditions) for rule in rules.items]
        for _, conditions in pairs:
            try:
                check_rule(conditions)
            except (ValueError, ArithmeticError) as error:
                raise Invalid.field("items", "bad_rule", str(error)) from error
        if len({segment for segment, _ in pairs}) < len(pairs):
            raise Invalid.field("items", "bad_rule", "Each segment has one rule.")
        async with self._work.begin("segments.set_rules", principal.actor) as work:
            match(await lock_section(work.conn, RULES))
            before = await store.rules(work.conn)
            await store.put_rules(work.conn, pairs)
            await turn_section(work.conn, RULES)
            await self._jobs.enqueue(work.conn, RESEGMENT, {"after": None})
            work.audit(
                "segments.changed",
                "segments",
                "rules",
                before=dict(before),
                after=dict(pairs),
            )
            return work.answer(await _rules(work.conn))


async def _rules(conn: Connection) -> SegmentRulesOut:
    version = await section_version(conn, RULES)
    rules = await store.rules(conn)
    items = [SegmentRule(segment=s, conditions=c) for s, c in rules]
    return SegmentRulesOut(items=items, version=version)


def _ended(work: Work, action: str, kind: str, row: Record, customer_id: UUID) -> None:
    """Note what ended with its customer's file."""
    work.audit(
        action,
        kind,
        row["id"],
        before={"status": row["before"]},
        after={"status": row["status"], "because": "customer.deleted"},
        person=customer_id,
    )


def _said_in(row: Record, closed: Collection[UUID], principal: Principal) -> bool:
    """Whether an entry is of a contact that the asker does not read; one's own task is read."""
    return row["contact"] in closed and (
        row["handler"] is None or row["handler"] != principal.agent_id
    )


def _unsaid(row: Record) -> dict[str, Any]:
    """What of an entry about health is not told while the gate is closed. A claim's number says
    nothing of it; the subject of a letter, a contact or a task may."""
    outcome = {} if row["kind"] == "interaction" else {"outcome": None}
    return outcome | ({"subject": row["subject"] and MASK} if row["kind"] in WORDED else {})


def _rate(rates: Mapping[tuple[str, str], Decimal], kind: str, line: str) -> Decimal:
    return rates.get((kind, line), rates.get((kind, "*"), Decimal(0)))
