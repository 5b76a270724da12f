"""Use cases of claims."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from contactcenter.core.access import Permission, Principal
from contactcenter.core.clock import Clock
from contactcenter.core.cursor import cursor_after, decode_cursor
from contactcenter.core.errors import Conflict, Forbidden, Invalid, NotFound
from contactcenter.core.event import Event
from contactcenter.core.ids import new_id
from contactcenter.core.work import Work, WorkFactory
from contactcenter.events.claims import (
    ClaimApproved,
    ClaimAssigned,
    ClaimCreated,
    ClaimDenied,
    ClaimPaid,
    ClaimReopened,
    ClaimResumed,
    ClaimSent,
    ClaimUpdated,
)
from crm import sql
from crm.access import Matter, eyes_of, only_own, refuse_hidden, require_write
from crm.claims import files, store
from crm.claims.authority import authorised, refuse
from crm.claims.model import (
    CLOSED,
    EDGES,
    HANDLER_SKILLS,
    Status,
    agreement_of,
    choose_handler,
    legal_clocks,
    payer_of,
)
from crm.claims.ports import FraudScorer
from crm.claims.schemas import (
    Approval,
    ApproveIn,
    ClaimEdit,
    ClaimEvent,
    ClaimHistory,
    ClaimNew,
    ClaimOut,
    ClaimPage,
    ClaimQuery,
    ClaimRow,
    ClaimStatusIn,
    ClockOut,
    Decision,
    DenyIn,
    DocumentIn,
    Motor,
    PayIn,
    SendIn,
)
from crm.customers import files as customers
from crm.customers.model import needle
from crm.masks import TOLD, Eyes, shown
from crm.policies import files as policies
from crm.schemas import Money, picked
from crm.sql import agent_exists
from db import Connection, Record

Match = Callable[[int], None]
MONEY: Final = frozenset({"claimed_amount", "approved_amount", "paid_amount", "reserve"})


class ClaimService:
    def __init__(
        self, work: WorkFactory, clock: Clock, zone: ZoneInfo, fraud: FraudScorer | None = None
    ) -> None:
        self._work = work
        self._clock = clock
        self._zone = zone
        self._fraud = fraud

    def _day(self, moment: datetime | None = None) -> date:
        return (moment or self._clock.now()).astimezone(self._zone).date()

    def _paid_on(self, row: Record) -> date | None:
        """Of a paid claim; where its day was not noted, that of the note itself."""
        if row["status"] != "paid":
            return None
        noted = row["resolved_at"] and self._day(row["resolved_at"])
        return row["paid_on"] or noted

    async def listed(self, principal: Principal, query: ClaimQuery) -> ClaimPage:
        at, row_id = decode_cursor(query.cursor) or (None, None)
        wanted = None if query.q is None else needle(query.q)
        if query.q is not None and wanted is None:
            return ClaimPage(items=[], next_cursor=None)
        async with self._work.reading("claims.list") as conn:
            rows = await store.listed(
                conn,
                query.customer_id,
                query.policy_id,
                query.status,
                query.adjuster_id,
                query.cause,
                query.open,
                wanted and list(wanted.words),
                only_own(principal),
                at,
                row_id,
                query.limit + 1,
            )
            seen_by = await eyes_of(conn, principal, [_matter(row) for row in rows])
        items = [
            ClaimRow(**shown(picked(ClaimRow, row, MONEY) | {"claim_id": row["id"]}, eyes))
            for row, eyes in zip(rows[: query.limit], seen_by, strict=False)
            if query.cause is None or eyes != "closed"  # else the question would be the answer
        ]
        return ClaimPage(
            items=items,
            next_cursor=cursor_after(rows, query.limit),
        )

    async def get(self, principal: Principal, claim_id: UUID) -> ClaimOut:
        async with self._work.reading("claims.get") as conn:
            await files.the_claim(conn, claim_id, own=only_own(principal))
            return await self._card(conn, principal, claim_id)

    async def _card(self, conn: Connection, principal: Principal, claim_id: UUID) -> ClaimOut:
        row = await files.the_claim(conn, claim_id)
        clocks = legal_clocks(
            incident_on=self._day(row["incident_date"]),
            known_on=row["known_on"],
            sent_on=row["sent_at"] and self._day(row["sent_at"]),
            decided_on=row["decided_on"] if row["status"] == "denied" else None,
            paid_on=self._paid_on(row),
            today=self._day(),
            law=await sql.law(conn),
        )
        approvals: list[Record] = []
        if row["status"] == "investigating":
            number = await store.round_of(conn, claim_id)
            approvals = await store.approvals(conn, claim_id, number)
        values = picked(ClaimOut, row, MONEY) | {
            "masked": False,
            "writable": await customers.open_to(
                conn, principal, row["customer_id"], closed=True, handler=row["adjuster_id"]
            ),
            "claim_id": claim_id,
            "clocks": [ClockOut(name=c.name, due_on=c.due_on, state=c.state) for c in clocks],
            "approvals": [
                Approval(user_id=a["user_id"], amount=Money(amount=a["amount"]), at=a["at"])
                for a in approvals
            ],
            "next": sorted(EDGES[row["status"]]),
        }
        return ClaimOut(**shown(values, await _eyes(conn, principal, row)))

    async def create(self, principal: Principal, new: ClaimNew) -> ClaimOut:
        """Open a claim. Whether the policy covers the incident's instant is noted and never
        blocks; neither does a report later than seven days, nor a closed file until it is erased.
        """
        async with self._work.begin("claims.create", principal.actor) as work:
            claim_id = await self._create(work, principal, new)
            return work.answer(await self._card(work.conn, principal, claim_id))

    async def _create(self, work: Work, principal: Principal, new: ClaimNew) -> UUID:
        conn = work.conn
        try:
            policy = await customers.hold_owner(
                conn, lambda: policies.the_policy(conn, new.policy_id)
            )
        except NotFound:
            raise Invalid.field("policy_id", "unknown_policy", "No such policy.") from None
        await customers.writable_customer(conn, principal, policy["customer_id"], closed=True)
        incident_on = self._day(new.incident_date)
        known_on = new.known_on or incident_on
        if new.incident_date > work.now:
            raise Invalid.field("incident_date", "in_future", "That moment has not come.")
        if not incident_on <= known_on <= self._day(work.now):
            raise Invalid.field("known_on", "bad_day", "Between the incident and today.")
        if new.adjuster_id and not await agent_exists(conn, new.adjuster_id):
            raise Invalid.field("adjuster_id", "unknown_agent", "There is no such agent.")
        await customers.check_interaction(conn, new.interaction_id, policy["customer_id"])
        covered = await policies.coverage_at(
            conn, new.policy_id, new.incident_date, work.now, self._zone
        )
        claim_id = new_id()
        motor = new.motor and _with_agreement(new.motor, injuries=new.injuries)
        at_fault = motor is not None and motor.other_at_fault
        values = _plain(new.model_dump()) | {
            "id": claim_id,
            "claim_number": await store.next_number(conn, self._day(work.now).year),
            "customer_id": policy["customer_id"],
            "known_on": known_on,
            "reported_date": work.now,
            "payer": new.payer or payer_of(new.cause, third_party_at_fault=at_fault),
            "motor": motor and motor.model_dump(),
            "coverage": {
                "answer": covered.answer,
                "why": covered.why,
                "until": covered.until,
                "notes": list(covered.notes),
            },
        }
        chosen = None
        if new.adjuster_id is None:
            skill = HANDLER_SKILLS[policy["policy_type"]]
            chosen = choose_handler(await store.handlers(conn, skill, self._day(work.now)))
            values["adjuster_id"] = chosen and chosen[0]
        values["search_text"] = files.searched(values, policy["vehicle_plate"])
        await store.insert(conn, values, work.now, principal.user_id)
        await files.add_event(work, claim_id, "moved", after="reported")
        ids = {
            "claim_id": claim_id,
            "customer_id": policy["customer_id"],
            "policy_id": new.policy_id,
        }
        work.emit(
            ClaimCreated(
                **ids,
                cause=new.cause,
                payer=values["payer"],
                adjuster_id=values["adjuster_id"],
                coverage=covered.answer,
            )
        )
        if values["adjuster_id"] is not None:
            cause = "hand" if chosen is None else chosen[1]
            await files.add_event(work, claim_id, "assigned", after=str(values["adjuster_id"]))
            work.emit(ClaimAssigned(**ids, adjuster_id=values["adjuster_id"], cause=cause))
        if self._fraud is not None:
            score = await self._fraud.score(conn, claim_id)
            await store.update(conn, claim_id, {"fraud_score": score}, work.now, None)
        work.audit("claim.created", "claim", claim_id, after=values, person=policy["customer_id"])
        return claim_id

    async def edit(
        self, principal: Principal, claim_id: UUID, edit: ClaimEdit, match: Match
    ) -> ClaimOut:
        given = _plain(edit.model_dump(exclude_unset=True))
        async with self._work.begin("claims.edit", principal.actor) as work:
            row = await self._locked(work, principal, claim_id)
            match(row["version"])
            await refuse_hidden(
                work.conn,
                principal,
                row["customer_id"],
                given,
                row,
                row["policy_type"],
                row["adjuster_id"],
            )
            injuries = given.get("injuries", row["injuries"])
            stored = None if row["motor"] is None else Motor(**row["motor"])
            motor = edit.motor if "motor" in edit.model_fields_set else stored
            if motor is not None:
                if stored is not None and motor.agreement == stored.agreement:
                    by_rule = _with_agreement(_ruled(stored), injuries=row["injuries"])
                    if stored == by_rule:  # nobody set it by hand
                        motor = _ruled(motor)
                motor = _with_agreement(motor, injuries=injuries)
                given["motor"] = motor.model_dump()
            await files.change(work, row, given, by=principal.user_id)
            return work.answer(await self._card(work.conn, principal, claim_id))

    # States

    async def send(
        self, principal: Principal, claim_id: UUID, wish: SendIn, match: Match
    ) -> ClaimOut:
        """The payer has it and has said so."""
        async with self._work.begin("claims.send", principal.actor) as work:
            row = await self._moving(work, principal, claim_id, "investigating", match)
            at = wish.at or work.now
            if not row["reported_date"] <= at <= work.now:
                raise Invalid.field("at", "bad_moment", "Between the report and now.")
            changes: dict[str, Any] = {"sent_at": row["sent_at"] or at}
            if wish.insurer_reference is not None:
                changes["insurer_reference"] = wish.insurer_reference
            fact = ClaimSent if row["status"] == "reported" else ClaimResumed
            await self._move(
                work,
                principal,
                row,
                "investigating",
                changes,
                fact(**files.ids(row)),
                note=wish.note,
            )
            return work.answer(await self._card(work.conn, principal, claim_id))

    async def set_status(
        self, principal: Principal, claim_id: UUID, wish: ClaimStatusIn, match: Match
    ) -> ClaimOut:
        """Reopen what was denied or paid, or take up what was reopened."""
        if wish.status == "investigating":
            return await self.send(principal, claim_id, SendIn(note=wish.note), match)
        async with self._work.begin("claims.reopen", principal.actor) as work:
            row = await self._moving(work, principal, claim_id, "reopened", match)
            changes = dict.fromkeys(
                (
                    "decided_by", "decided_on", "decision_document", "decision_reference",
                    "denial_reason", "paid_on", "payment_document", "payment_reference",
                    "resolved_at",
                )
            )  # fmt: skip
            await self._move(
                work, principal, row, "reopened", changes, ClaimReopened(**files.ids(row)),
                note=wish.note,
            )  # fmt: skip
            return work.answer(await self._card(work.conn, principal, claim_id))

    async def approve(
        self, principal: Principal, claim_id: UUID, wish: ApproveIn, match: Match
    ) -> ClaimOut:
        """Record the insurer's yes, or say yes under its delegated authority. There, above a sum,
        the first of two approvals leaves the claim where it is."""
        async with self._work.begin("claims.approve", principal.actor) as work:
            row = await self._moving(work, principal, claim_id, "approved", match)
            amount = wish.amount.amount
            changes = self._decision(work, row, wish) | {"approved_amount": amount}
            if wish.decided_by == "delegated" and not await authorised(
                work, principal, row, amount, self._day(work.now), reviewed=wish.reviewed
            ):
                return work.answer(await self._card(work.conn, principal, claim_id))
            fact = ClaimApproved(**files.ids(row), amount=amount, decided_by=wish.decided_by)
            note = _noted(changes["decision_reference"], wish.note)
            await self._move(
                work, principal, row, "approved", changes, fact, note=note, amount=amount
            )
            return work.answer(await self._card(work.conn, principal, claim_id))

    async def deny(
        self, principal: Principal, claim_id: UUID, wish: DenyIn, match: Match
    ) -> ClaimOut:
        async with self._work.begin("claims.deny", principal.actor) as work:
            row = await self._moving(work, principal, claim_id, "denied", match)
            if wish.decided_by == "delegated":
                if not principal.may(Permission.CLAIMS_DECIDE):
                    raise Forbidden("You decide no claims.", verdict="over_limit")
                held = await store.authority(
                    work.conn, row["carrier"], row["policy_type"], self._day(work.now)
                )
                if held is None or held[0] == 0:
                    refuse("no_authority")
            changes = self._decision(work, row, wish) | {
                "denial_reason": wish.reason,
                "resolved_at": work.now,
            }
            fact = ClaimDenied(**files.ids(row), decided_by=wish.decided_by)
            note = _noted(changes["decision_reference"], wish.reason)
            await self._move(work, principal, row, "denied", changes, fact, note=note)
            return work.answer(await self._card(work.conn, principal, claim_id))

    async def pay(
        self, principal: Principal, claim_id: UUID, wish: PayIn, match: Match
    ) -> ClaimOut:
        """The payer has paid; not more than it approved."""
        async with self._work.begin("claims.pay", principal.actor) as work:
            row = await self._moving(work, principal, claim_id, "paid", match)
            amount = wish.amount.amount
            if amount > row["approved_amount"]:
                raise Invalid.field("amount", "over_approved", "More than was approved.")
            paid_on = wish.paid_on or self._day(work.now)
            if paid_on > self._day(work.now):
                raise Invalid.field("paid_on", "in_future", "That day has not come.")
            if paid_on < (row["decided_on"] or self._day(row["incident_date"])):
                raise Invalid.field("paid_on", "bad_day", "Not before the decision.")
            if row["decided_by"] == "insurer" and wish.document is None:
                raise Invalid.field("document", "no_document", "The document of the payment.")
            changes = {
                "paid_amount": amount,
                "paid_on": paid_on,
                "payment_document": wish.document,
                "payment_reference": wish.reference,
                "resolved_at": work.now,
            }
            fact = ClaimPaid(**files.ids(row), amount=amount)
            await self._move(
                work,
                principal,
                row,
                "paid",
                changes,
                fact,
                amount=amount,
                note=_noted(wish.reference, wish.note),
            )
            return work.answer(await self._card(work.conn, principal, claim_id))

    def _decision(self, work: Work, row: Record, wish: Decision) -> dict[str, Any]:
        day = wish.decided_on or self._day(work.now)
        if day > self._day(work.now):
            raise Invalid.field("decided_on", "in_future", "That day has not come.")
        if day < self._day(row["sent_at"] or row["incident_date"]):
            raise Invalid.field("decided_on", "bad_day", "Not before the payer had it.")
        reference = wish.decision_reference or wish.insurer_reference
        if wish.decided_by == "insurer" and wish.decision_document is None and not reference:
            raise Invalid.field(
                "decision_document", "no_evidence", "The insurer's document, or its reference."
            )
        return {
            "decided_by": wish.decided_by,
            "decided_on": day,
            "decision_document": wish.decision_document,
            "decision_reference": reference,
            "insurer_reference": row["insurer_reference"] or wish.insurer_reference,
        }

    # Handler, notes, documents

    async def assign(
        self, principal: Principal, claim_id: UUID, adjuster_id: UUID, match: Match
    ) -> ClaimOut:
        async with self._work.begin("claims.assign", principal.actor) as work:
            row = await self._locked(work, principal, claim_id)
            match(row["version"])
            if row["status"] in CLOSED:
                raise Conflict("A closed claim needs no handler.", status=row["status"])
            if not await agent_exists(work.conn, adjuster_id):
                raise Invalid.field("adjuster_id", "unknown_agent", "There is no such agent.")
            if adjuster_id != row["adjuster_id"]:
                to_self = adjuster_id == principal.agent_id
                if to_self and await _eyes(work.conn, principal, row) == "closed":
                    raise Forbidden("What it says is hidden from you.", reason="hidden")
                before = row["adjuster_id"] and str(row["adjuster_id"])
                await files.add_event(
                    work, claim_id, "assigned", before=before, after=str(adjuster_id)
                )
                await files.update(work, row, {"adjuster_id": adjuster_id}, by=principal.user_id)
                work.emit(ClaimAssigned(**files.ids(row), adjuster_id=adjuster_id, cause="hand"))
            return work.answer(await self._card(work.conn, principal, claim_id))

    async def note(self, principal: Principal, claim_id: UUID, text: str) -> ClaimHistory:
        async with self._work.begin("claims.note", principal.actor) as work:
            row = await self._locked(work, principal, claim_id)
            await files.add_event(work, claim_id, "note", note=text)
            work.emit(ClaimUpdated(**files.ids(row), fields=("notes",)))
            work.audit(
                "claim.noted", "claim", claim_id, after={"note": text}, person=row["customer_id"]
            )
            return work.answer(await _history(work.conn, principal, row))

    async def add_document(
        self, principal: Principal, claim_id: UUID, document: DocumentIn, match: Match
    ) -> ClaimOut:
        """Note where a document is; its content is kept elsewhere."""
        async with self._work.begin("claims.add_document", principal.actor) as work:
            row = await self._locked(work, principal, claim_id)
            match(row["version"])
            if len(row["documents"]) >= 200:
                raise Conflict("A claim has at most 200 documents.", limit=200)
            added = {**document.model_dump(), "uploaded_at": work.now.isoformat()}
            await files.update(
                work, row, {"documents": [*row["documents"], added]}, by=principal.user_id
            )
            await files.add_event(work, claim_id, "document", note=document.name)
            work.emit(ClaimUpdated(**files.ids(row), fields=("documents",)))
            return work.answer(await self._card(work.conn, principal, claim_id))

    async def history(self, principal: Principal, claim_id: UUID) -> ClaimHistory:
        async with self._work.reading("claims.history") as conn:
            row = await files.the_claim(conn, claim_id, own=only_own(principal))
            return await _history(conn, principal, row)

    # Shared

    async def _locked(self, work: Work, principal: Principal, claim_id: UUID) -> Record:
        """The claim, held, if the asker may write: its handler, or whoever writes in the file."""
        conn, own = work.conn, only_own(principal)
        row = await customers.hold_owner(conn, lambda: files.the_claim(conn, claim_id, own=own))
        await customers.the_customer(conn, row["customer_id"], closed=True)
        row = await files.the_claim(conn, claim_id, lock=True)
        if principal.agent_id is None or principal.agent_id != row["adjuster_id"]:
            await require_write(conn, principal, row["customer_id"])
        return row

    async def _moving(
        self, work: Work, principal: Principal, claim_id: UUID, to: Status, match: Match
    ) -> Record:
        row = await self._locked(work, principal, claim_id)
        match(row["version"])
        if to not in EDGES[row["status"]]:
            raise Conflict("A claim cannot go that way.", status=row["status"], to=to)
        return row

    async def _move(
        self,
        work: Work,
        principal: Principal,
        row: Record,
        to: Status,
        changes: Mapping[str, Any],
        fact: Event,
        *,
        note: str = "",
        amount: Decimal | None = None,
    ) -> None:
        await files.update(work, row, {**changes, "status": to}, by=principal.user_id)
        await files.add_event(
            work, row["id"], "moved", before=row["status"], after=to, note=note, amount=amount
        )
        work.emit(fact)
        if (to in CLOSED) != (row["status"] in CLOSED):
            await customers.resegment(work, row["customer_id"], self._zone)


def _noted(reference: str | None, text: str) -> str:
    """What the history says of a decision or payment: its reference before the words."""
    return " · ".join(filter(None, (reference, text)))


def _matter(row: Record) -> Matter:
    return Matter(row["customer_id"], row["policy_type"], row["adjuster_id"])


async def _eyes(conn: Connection, principal: Principal, row: Record) -> Eyes:
    return (await eyes_of(conn, principal, [_matter(row)]))[0]


async def _history(conn: Connection, principal: Principal, row: Record) -> ClaimHistory:
    seen_by = await _eyes(conn, principal, row)
    return ClaimHistory(
        items=[
            ClaimEvent(**shown(picked(ClaimEvent, each, {"amount"}), seen_by))
            for each in await store.events(conn, row["id"])
            if seen_by != "customer" or each["kind"] in TOLD
        ]
    )


def _ruled(motor: Motor) -> Motor:
    return motor.model_copy(update={"agreement": None})


def _with_agreement(motor: Motor, *, injuries: bool) -> Motor:
    if motor.agreement is not None:
        return motor
    agreement = agreement_of(
        vehicles=motor.vehicles, statement_signed=motor.statement_signed, injuries=injuries
    )
    return motor.model_copy(update={"agreement": agreement})


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value["amount"] if name in MONEY and value is not None else value
        for name, value in values.items()
    }
