"""Use cases of policies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import db
from contactcenter.core.access import Principal
from contactcenter.core.clock import Clock
from contactcenter.core.cursor import cursor_after, decode_cursor
from contactcenter.core.errors import Conflict, Invalid
from contactcenter.core.work import Work, WorkFactory
from contactcenter.events.policies import (
    PolicyEndorsed,
    PolicyUpdated,
)
from crm import sql
from crm.access import eyes, only_own, refuse_hidden
from crm.customers import files as customers
from crm.customers.model import needle
from crm.masks import shown
from crm.policies import files, store
from crm.policies.model import (
    EDGES,
    breaks,
    instant,
    terms_at,
)
from crm.policies.premium import premium_lines, rates_on, total, unfit
from crm.policies.present import (
    FAR,
    Parties,
    agreed_for,
    ends_at,
    noted,
    over_at,
    present,
    starts_at,
    versions_of,
)
from crm.policies.schemas import (
    CoverageOut,
    CoverageQuery,
    Expiring,
    ExpiringQuery,
    ExpiringRow,
    History,
    InsurerIn,
    InsurerOut,
    Insurers,
    PolicyEdit,
    PolicyNew,
    PolicyOut,
    PolicyPage,
    PolicyQuery,
    PolicyRow,
    PolicySearch,
    PolicyStatusIn,
    PremiumIn,
    PremiumLineOut,
    PremiumOut,
    TermsQuery,
    VersionOut,
)
from crm.schemas import Money, picked
from db import Record

Match = Callable[[int | None], None]
BREAKS: Final[Mapping[tuple[str, str], str]] = {
    ("active", "suspended"): "suspension",
    ("suspended", "active"): "resumption",
    ("cancelled", "active"): "reinstatement",
}
"""A change of state that stops cover or brings it back → its kind of version."""


CANCELLATION: Final = ("cancellation_reason", "cancelled_at", "cancelled_by", "refund_estimate")


def _ends_ahead(row: Record, now: datetime) -> bool:
    """A cancellation is on file, and has not come."""
    lives = row["status"] in {"pending", "active", "suspended"}
    return lives and row["cancelled_at"] is not None and row["cancelled_at"] > now


class PolicyService:
    def __init__(self, work: WorkFactory, clock: Clock, zone: ZoneInfo) -> None:
        self._work = work
        self._clock = clock
        self._zone = zone

    def _today(self, now: datetime | None = None) -> date:
        return (now or self._clock.now()).astimezone(self._zone).date()

    async def listed(self, principal: Principal, query: PolicyQuery | PolicySearch) -> PolicyPage:
        at, row_id = decode_cursor(query.cursor) or (None, None)
        wanted = needle(query.q) if isinstance(query, PolicySearch) else None
        if isinstance(query, PolicySearch) and wanted is None:
            return PolicyPage(items=[], next_cursor=None)
        async with self._work.reading("policies.list") as conn:
            rows = await store.listed(
                conn,
                query.customer_id,
                query.policy_type,
                query.status,
                query.carrier,
                only_own(principal),
                wanted and list(wanted.grams),
                wanted and list(wanted.words),
                at,
                row_id,
                query.limit + 1,
            )
        items = [PolicyRow(**files.shown(row)) for row in rows[: query.limit]]
        return PolicyPage(
            items=items,
            next_cursor=cursor_after(rows, query.limit),
        )

    async def expiring(self, principal: Principal, query: ExpiringQuery) -> Expiring:
        """Whose term ends from today until `days` later, both days included."""
        today = self._today()
        async with self._work.reading("policies.expiring") as conn:
            law = await sql.law(conn)
            rows = await store.expiring(
                conn,
                today,
                today + timedelta(days=query.days),
                query.policy_type,
                only_own(principal),
                query.limit,
            )
        return Expiring(
            items=[
                ExpiringRow(**files.shown(row), renewal=files.renewal_dates(row, law))
                for row in rows
            ]
        )

    async def get(self, principal: Principal, policy_id: UUID) -> PolicyOut:
        async with self._work.reading("policies.get") as conn:
            await files.the_policy(conn, policy_id, own=only_own(principal))
            return await files.card(conn, principal, policy_id, self._zone)

    async def create(self, principal: Principal, new: PolicyNew) -> PolicyOut:
        """A policy, or without the insurer's number a proposal. An overlap is a warning."""
        async with self._work.begin("policies.create", principal.actor) as work:
            await customers.writable_customer(
                work.conn, principal, new.customer_id, field="customer_id"
            )
            policy_id = await files.create(
                work, new, self._zone, by=principal.user_id, agent_id=principal.agent_id
            )
            return work.answer(await files.card(work.conn, principal, policy_id, self._zone))

    async def edit(
        self, principal: Principal, policy_id: UUID, edit: PolicyEdit, match: Match
    ) -> PolicyOut:
        """Endorse what an endorsement changes, from its date on, and set the rest."""
        given = files.plain(edit.model_dump(exclude_unset=True, exclude={"parties"}))
        async with self._work.begin("policies.edit", principal.actor) as work:
            row = await files.locked(work, principal, policy_id)
            match(row["version"])
            holder, line = row["customer_id"], row["policy_type"]
            await refuse_hidden(work.conn, principal, holder, given, row, line)
            if row["status"] == "replaced":
                raise Conflict("A replaced policy does not change any more.", status=row["status"])
            await files.check(work.conn, {**given, "parties": edit.model_dump()["parties"]})
            rest = {n: v for n, v in given.items() if n in store.OFFICE and row[n] != v}
            changes: dict[str, Any] = dict(rest)
            parties: Parties | None = None
            endorsed = await self._endorse(work, row, given, edit)
            if endorsed:
                now = await present(work.conn, row, work.now, self._zone)
                changes |= now.changes
                parties = now.parties
            if "policy_number" in rest:
                changes |= self._issued(work, row, rest["policy_number"])
            if changes or endorsed:
                await files.update(work, principal, row, changes, parties=parties)
            if rest:
                work.emit(
                    PolicyUpdated(
                        policy_id=policy_id,
                        customer_id=row["customer_id"],
                        fields=tuple(sorted(rest)),
                    )
                )
            return work.answer(await files.card(work.conn, principal, policy_id, self._zone))

    async def _endorse(
        self, work: Work, row: Record, given: Mapping[str, Any], edit: PolicyEdit
    ) -> bool:
        """Put on file what is to be other than it is agreed for the moment of its effect. False:
        nothing is."""
        start, over = starts_at(row, self._zone), over_at(row, self._zone)
        if edit.effective_date is None:
            effective = max(work.now, start)
        else:
            effective = instant(edit.effective_date, edit.effective_time, self._zone)
        agreed, parties = await agreed_for(work.conn, row, effective, self._zone)
        terms = {n: v for n, v in given.items() if n in store.TERMS and agreed.get(n) != v}
        if edit.parties is not None and edit.parties != parties:
            terms["parties"] = noted(edit.parties)
        if not terms:
            return False
        if not start <= effective < over:
            raise Invalid.field(
                "effective_date", "outside_term", "It must lie within the policy's life."
            )
        number = await files.add_version(
            work, row["id"], "endorsement", effective, terms, edit.reason
        )
        work.emit(
            PolicyEndorsed(
                policy_id=row["id"],
                customer_id=row["customer_id"],
                number=number,
                effective_at=effective,
                fields=tuple(sorted(terms)),
            )
        )
        return True

    def _issued(self, work: Work, row: Record, number: str | None) -> dict[str, Any]:
        if number is None:
            raise Invalid.field("policy_number", "number_kept", "An issued policy has its number.")
        if row["status"] != "proposal":
            return {}
        after = files.by_time(starts_at(row, self._zone), ends_at(row, self._zone), work.now)
        files.tell_status(work, row, after)
        return {"status": after}

    async def set_status(
        self, principal: Principal, policy_id: UUID, wish: PolicyStatusIn, match: Match
    ) -> PolicyOut:
        """Suspend it, put it back in force, or note what replaces it: it is replaced when the other
        one begins. `active` takes a cancellation ahead back and lifts nothing else."""
        async with self._work.begin("policies.set_status", principal.actor) as work:
            row = await files.locked(work, principal, policy_id)
            match(row["version"])
            if wish.status == "active" and _ends_ahead(row, work.now):
                await self._take_back(work, principal, row, wish)
                return work.answer(await files.card(work.conn, principal, policy_id, self._zone))
            if wish.status not in EDGES[row["status"]] or (
                wish.status == "active"
                and (
                    row["status"] in {"proposal", "pending", "expired"}
                    or row["policy_number"] is None  # a proposal that was cancelled
                )
            ):
                raise Conflict(
                    "This does not fit the policy's state.", status=row["status"], to=wish.status
                )
            changes: dict[str, Any] = {"status": wish.status}
            if wish.status == "replaced":
                other = wish.replaced_by and await store.find(work.conn, wish.replaced_by)
                if not other or other["id"] == policy_id:
                    raise Invalid.field("replaced_by", "unknown_policy", "No such policy.")
                if other["customer_id"] != row["customer_id"]:
                    raise Conflict("The other policy is another customer's.")
                begins = starts_at(other, self._zone)
                changes = {"replaced_by": wish.replaced_by, "cancelled_at": begins}
                if begins <= work.now:
                    changes["status"] = "replaced"
            if row["status"] == "cancelled":  # put back in force
                changes |= dict.fromkeys(CANCELLATION)
            kind = BREAKS.get((row["status"], wish.status))
            if kind is not None:
                effective = await self._break_at(work, row, wish.effective_at)
                await files.add_version(work, policy_id, kind, effective, {}, wish.note)
            await files.update_terms(work, principal, row, self._zone, changes)
            if "status" in changes:
                files.tell_status(work, row, wish.status)
            else:
                work.emit(
                    PolicyUpdated(
                        policy_id=policy_id,
                        customer_id=row["customer_id"],
                        fields=("replaced_by",),
                    )
                )
            await customers.resegment(work, row["customer_id"], self._zone)
            return work.answer(await files.card(work.conn, principal, policy_id, self._zone))

    async def _take_back(
        self, work: Work, principal: Principal, row: Record, wish: PolicyStatusIn
    ) -> None:
        """The cancellation ahead does not come: at its own moment the contract goes on."""
        at = row["cancelled_at"]
        if wish.effective_at not in {None, at}:
            raise Invalid.field("effective_at", "break_moment", "At the cancellation's own moment.")
        await files.add_version(work, row["id"], "reinstatement", at, {}, wish.note)
        await files.update_terms(work, principal, row, self._zone, dict.fromkeys(CANCELLATION))
        work.emit(
            PolicyUpdated(policy_id=row["id"], customer_id=row["customer_id"], fields=CANCELLATION)
        )
        await customers.resegment(work, row["customer_id"], self._zone)

    async def _break_at(self, work: Work, row: Record, wished: datetime | None) -> datetime:
        """When cover stops or comes back: now, or a moment that lies in the policy's life, not
        ahead, and not before what it takes back."""
        if wished is None:
            return work.now
        versions = await versions_of(work.conn, row["id"])
        start = starts_at(row, self._zone)
        open_since = [since for spans in breaks(versions) for since, until in spans if not until]
        if not max([start, *open_since]) <= wished <= work.now:
            raise Invalid.field(
                "effective_at", "break_moment", "Not before what it ends, nor ahead."
            )
        return wished

    async def coverage(
        self, principal: Principal, policy_id: UUID, query: CoverageQuery
    ) -> CoverageOut:
        async with self._work.reading("policies.coverage", snapshot=True) as conn:
            await files.the_policy(conn, policy_id, own=only_own(principal))
            answer = await files.coverage_at(
                conn, policy_id, query.at, self._clock.now(), self._zone, query.peril
            )
        return CoverageOut(
            answer=answer.answer,
            why=answer.why,
            until=answer.until and answer.until.astimezone(UTC),
            notes=list(answer.notes),
            at=query.at,
        )

    async def history(self, principal: Principal, policy_id: UUID, query: TermsQuery) -> History:
        """What was agreed for an instant, as known at another; by default all that is known."""
        async with self._work.reading("policies.history") as conn:
            policy = await files.the_policy(conn, policy_id, own=only_own(principal))
            seen_by = await eyes(conn, principal, policy["customer_id"], policy["policy_type"])
            rows = await store.versions(conn, policy_id)
        versions = [store.version_of(row) for row in rows]
        terms = terms_at(versions, query.at or FAR, query.known or FAR)
        return History(
            terms=shown(terms, seen_by),
            versions=[VersionOut(**shown(dict(row), seen_by)) for row in rows],
        )

    async def insurers(self) -> Insurers:
        async with self._work.reading("insurers.list") as conn:
            return Insurers(items=[InsurerOut(**row) for row in await store.insurers(conn)])

    async def put_insurer(
        self, principal: Principal, insurer: InsurerIn, match: Match
    ) -> InsurerOut:
        """Add an insurer, or change the one with this key, whose version `match` compares. Conflict
        for a DGS code that another has, and for a key that somebody else takes meanwhile."""
        async with self._work.begin("insurers.put", principal.actor) as work:
            known = await store.insurer(work.conn, insurer.key, lock=True)
            match(None if known is None else known["version"])
            try:
                row = await store.put_insurer(
                    work.conn, *insurer.model_dump().values(), known=known is not None
                )
            except db.UniqueViolation as error:
                if error.constraint_name == "insurers_pkey":
                    raise Conflict(
                        "Another insurer has this key.", field="key", type="key_taken"
                    ) from error
                raise Conflict(
                    "Another insurer has this DGS code.", field="dgs_code", type="dgs_code_taken"
                ) from error
            work.audit(
                "insurer.changed",
                "insurer",
                insurer.key,
                before=None if known is None else picked(InsurerIn, known),
                after=insurer.model_dump(),
            )
            return work.answer(InsurerOut(**row))

    async def premium(self, wish: PremiumIn) -> PremiumOut:
        """The lines of a year's premium by the rates of a day: an estimate, not a tariff."""
        async with self._work.reading("policies.premium") as conn:
            rates = rates_on(await store.rates(conn), wish.on)
        parts = {
            name: getattr(wish, name).amount
            for name in ("capital", "compulsory", "rider")
            if getattr(wish, name) is not None
        }
        if wrong := unfit(wish.policy_type, wish.net.amount, parts):
            raise Invalid.field(*wrong)
        lines = premium_lines(wish.policy_type, wish.net.amount, wish.frequency, rates, **parts)
        return PremiumOut(
            lines=[
                PremiumLineOut(kind=each.kind, amount=Money(amount=each.amount)) for each in lines
            ],
            total=Money(amount=total(lines)),
        )
