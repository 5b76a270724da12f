"""How a policy's term ends: renewed, cancelled, or not renewed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from contactcenter.core.access import Principal
from contactcenter.core.errors import Conflict, Invalid
from contactcenter.core.work import Work, WorkFactory
from contactcenter.events.policies import (
    PolicyCancelled,
    PolicyNonRenewalChanged,
)
from crm import sql
from crm.customers import files as customers
from crm.law import Law
from crm.policies import files, store
from crm.policies.model import (
    EDGES,
    IN_FORCE,
    Refund,
    RenewalCalendar,
    instant,
    insurer_last_day,
    next_term,
    notice_late,
    open_terms,
    refund,
    renewal_calendar,
    term_of,
    term_premium,
    withdrawal_ends,
)
from crm.policies.present import ends_at
from crm.policies.schemas import (
    CancelIn,
    Cancelled,
    NonRenewalIn,
    NonRenewalStep,
    PolicyOut,
    RefundOut,
    RenewIn,
    Warning_,
)
from crm.schemas import euros
from db import Record

Match = Callable[[int], None]


class TermService:
    def __init__(self, work: WorkFactory, zone: ZoneInfo) -> None:
        self._work = work
        self._zone = zone

    def _today(self, now: datetime) -> date:
        return now.astimezone(self._zone).date()

    async def cancel(
        self, principal: Principal, policy_id: UUID, wish: CancelIn, match: Match
    ) -> Cancelled:
        """End it before its term; the refund is an estimate. Conflict for what has ended, for a
        wish of somebody who is not the policyholder, for a withdrawal that is too late, and for a
        non-renewal that is not one."""
        async with self._work.begin("policies.cancel", principal.actor) as work:
            row = await files.locked(work, principal, policy_id)
            match(row["version"])
            if "cancelled" not in EDGES[row["status"]] or row["cancelled_at"] is not None:
                raise Conflict("This policy has ended, or is going to.", status=row["status"])
            self._check_wish(row, wish, self._today(work.now), await sql.law(work.conn))
            start, end = await self._term(work, row, wish.effective_date)
            if wish.reason == "non_renewal":
                await self._check_no(work, row, wish)
            effect = instant(wish.effective_date, wish.effective_time, self._zone)
            amount, frequency = await files.premium_at(work.conn, row, effect)
            estimate = refund(
                wish.reason,
                await store.paid_in_term(work.conn, policy_id, start, end),
                term_premium(amount, frequency, start, end),
                start,
                end,
                wish.effective_date,
                cover_on_request=row["cover_on_request"],
            )
            ahead = await store.paid_in_term(work.conn, policy_id, end)
            if estimate.amount is not None and ahead:  # of a term that does not begin
                estimate = replace(estimate, amount=estimate.amount + ahead)
            await files.add_version(work, policy_id, "cancellation", effect, {}, wish.note)
            changes: dict[str, Any] = {
                "cancellation_reason": wish.reason,
                "cancelled_at": effect,
                "cancelled_by": wish.requested_by,
                "refund_estimate": estimate.amount,
            }
            if effect <= work.now or row["status"] == "proposal":
                changes["status"] = "cancelled"
            await files.update_terms(work, principal, row, self._zone, changes)
            work.emit(
                PolicyCancelled(
                    policy_id=policy_id,
                    customer_id=row["customer_id"],
                    reason=wish.reason,
                    effective_at=effect,
                    refund_estimate=estimate.amount,
                )
            )
            await customers.resegment(work, row["customer_id"], self._zone)
            return work.answer(
                Cancelled(
                    policy=await files.card(work.conn, principal, policy_id, self._zone),
                    refund=_refund(estimate),
                )
            )

    async def _term(self, work: Work, row: Record, day: date) -> tuple[date, date]:
        """The term that a day lies in, of those that are not over: the next one may be on file."""
        terms = await files.terms_of(work.conn, row, self._zone)
        term = term_of(open_terms(terms, self._today(work.now)), day)
        if term is None:
            raise Invalid.field(
                "effective_date", "outside_term", "It must lie within the present term."
            )
        return term

    async def _said_of(self, work: Work, row: Record, term_end: date | None) -> tuple[date, date]:
        """The term that a no is about: the present one, or the one before it."""
        terms = await files.terms_of(work.conn, row, self._zone)
        present = open_terms(terms, self._today(work.now))[0]
        if term_end is None or term_end == present[1]:
            return present
        before = next((term for term in terms if term[1] == term_end == present[0]), None)
        if before is None:
            raise Invalid.field(
                "term_end", "outside_term", "The end of the present term, or of the one before."
            )
        return before

    @staticmethod
    async def _check_no(work: Work, row: Record, wish: CancelIn) -> None:
        """Non-renewal ends a policy with a term, and once the other side has the no."""
        day = wish.effective_date
        no = await store.non_renewal(work.conn, row["id"], day)
        if (
            no is None
            or no["acknowledged_on"] is None
            or wish.effective_time != row["coverage_end_time"]
        ):
            raise Conflict(
                "A policy is not renewed from a term's end on, once a no is acknowledged.",
                reason="no_non_renewal",
            )

    @staticmethod
    def _check_asker(row: Record, asked: UUID | None) -> None:
        """Only the policyholder ends a contract, and it is on file who asked."""
        if asked is None:
            raise Invalid.field("requested_by_customer_id", "missing", "Say who asks for it.")
        if asked != row["customer_id"]:
            raise Conflict("Only the policyholder can cancel.", reason="not_policyholder")

    def _check_wish(self, row: Record, wish: CancelIn, today: date, law: Law) -> None:
        if wish.requested_by != "insurer" or wish.requested_by_customer_id is not None:
            self._check_asker(row, wish.requested_by_customer_id)
        insurers_own = wish.reason == "insurer_terminates"
        if insurers_own != (wish.requested_by == "insurer") and wish.reason in {
            "insurer_terminates",
            "policyholder_wish",
            "distance_withdrawal",
        }:
            raise Invalid.field("requested_by", "wrong_side", "This reason is the other side's.")
        if wish.reason == "distance_withdrawal":
            concluded = row["concluded_on"]
            if not row["distance_sale"] or concluded is None:
                raise Conflict("It was not concluded at a distance.", reason="not_distance")
            last = withdrawal_ends(concluded, row["policy_type"], law)
            if max(today, wish.effective_date) > last:
                raise Conflict(
                    "The time to withdraw is over.", reason="too_late", last_day=last.isoformat()
                )

    async def renew(
        self, principal: Principal, policy_id: UUID, wish: RenewIn, match: Match
    ) -> PolicyOut:
        """A further term, which begins when the present one ends.

        Conflict when a no has been acknowledged or the term is over, unless the insurer consents.
        A premium that rises with less notice than the law asks for is a warning: the policyholder
        may refuse it (LCS art. 22.3).
        """
        async with self._work.begin("policies.renew", principal.actor) as work:
            row = await files.locked(work, principal, policy_id)
            match(row["version"])
            if row["status"] not in {*IN_FORCE, "expired"} or row["cancelled_at"] is not None:
                raise Conflict("This policy cannot be renewed.", status=row["status"])
            start = row["coverage_end_date"]
            no = await store.non_renewal(work.conn, policy_id, start)
            refused = no is not None and no["acknowledged_on"] is not None
            if (refused or row["status"] == "expired") and not wish.insurer_consents:
                raise Conflict(
                    "It was not renewed: the insurer would have to consent.",
                    reason="non_renewal" if refused else "expired",
                )
            end = wish.end_date or next_term(row["term_start_date"], start)
            if end <= start:
                raise Invalid.field("end_date", "bad_period", "It must end after it begins.")
            terms: dict[str, Any] = {"coverage_end_date": end}
            if wish.premium_amount is not None:
                terms["premium_amount"] = wish.premium_amount.amount
            if wish.premium_net is not None:
                terms["premium_net"] = wish.premium_net.amount
            ends = ends_at(row, self._zone)
            agreed, _ = await files.premium_at(work.conn, row, ends)
            await files.renew(work, principal, row, self._zone, terms, note=wish.note)
            rises = terms.get("premium_amount", agreed) > agreed
            told = wish.insurer_notified_on
            last = insurer_last_day(start, await sql.law(work.conn))
            late = rises and (told is None or told > last)
            warnings = [Warning_(type="terms_changed_late")] if late else []
            return work.answer(
                await files.card(work.conn, principal, policy_id, self._zone, *warnings)
            )

    async def receive_no(
        self, principal: Principal, policy_id: UUID, no: NonRenewalIn, match: Match
    ) -> PolicyOut:
        """Somebody will not renew a term. It counts only when the other side has it; a late one is
        noted as late, for the insurer may still agree."""
        async with self._work.begin("policies.receive_no", principal.actor) as work:
            row = await files.locked(work, principal, policy_id)
            match(row["version"])
            if row["status"] not in IN_FORCE or row["cancelled_at"] is not None:
                raise Conflict("This policy does not renew.", status=row["status"])
            if no.by == "policyholder" or no.requested_by_customer_id is not None:
                self._check_asker(row, no.requested_by_customer_id)
            if no.received_on > self._today(work.now):
                raise Invalid.field("received_on", "in_future", "That day has not come.")
            _, end = await self._said_of(work, row, no.term_end)
            late = notice_late(no.by, await self._calendar(work, row, end), no.received_on)
            if not await store.put_non_renewal(
                work.conn, policy_id, end, no.by, no.received_on, late
            ):
                raise Conflict("A no for this term is on file.", reason="exists")
            await store.touch(work.conn, policy_id, work.now)
            await self._tell_no(work, row, "received", no.by, late)
            return work.answer(await files.card(work.conn, principal, policy_id, self._zone))

    async def move_no(
        self,
        principal: Principal,
        policy_id: UUID,
        wish: NonRenewalStep,
        state: Literal["sent", "acknowledged"],
        match: Match,
    ) -> PolicyOut:
        """It was passed on, or the other side has confirmed it: then a renewal beyond the term's
        end does not hold any more. Late is what the side that is told has after its last day."""
        async with self._work.begin("policies.move_no", principal.actor) as work:
            row = await files.locked(work, principal, policy_id)
            match(row["version"])
            if wish.on > self._today(work.now):
                raise Invalid.field("on", "in_future", "That day has not come.")
            term = await self._said_of(work, row, wish.term_end)
            no = await store.non_renewal(work.conn, policy_id, term[1])
            sent, acknowledged = (wish.on, None) if state == "sent" else (None, wish.on)
            late = no is not None and notice_late(
                no["by"],
                await self._calendar(work, row, term[1]),
                no["received_on"],
                sent or no["sent_on"],
                acknowledged,
            )
            if no is None or not await store.move_non_renewal(
                work.conn, policy_id, term[1], sent, acknowledged, late
            ):
                raise Conflict("received → sent → acknowledged, each not before the last.")
            if acknowledged is not None and term[1] < row["coverage_end_date"]:
                await files.take_back(work, principal, row, term, self._zone)
            else:
                await store.touch(work.conn, policy_id, work.now)
            await self._tell_no(work, row, state, no["by"], late)
            return work.answer(await files.card(work.conn, principal, policy_id, self._zone))

    @staticmethod
    async def _calendar(work: Work, row: Record, term_end: date) -> RenewalCalendar:
        return renewal_calendar(term_end, row["notice_months"] or 0, await sql.law(work.conn))

    @staticmethod
    async def _tell_no(work: Work, row: Record, state: str, by: str, late: bool) -> None:
        work.emit(
            PolicyNonRenewalChanged(
                policy_id=row["id"],
                customer_id=row["customer_id"],
                state=state,
                by=by,
                late=late,
            )
        )
        before = {"sent": "received", "acknowledged": "sent"}.get(state)
        work.audit(
            f"policy.non_renewal_{state}",
            "policy",
            row["id"],
            before=None if before is None else {"non_renewal": before},
            after={"non_renewal": state, "by": by, "late": late},
        )


def _refund(estimate: Refund) -> RefundOut:
    return RefundOut(
        rule=estimate.rule,
        estimate=euros(estimate.amount),
        days=estimate.days,
        of_days=estimate.of_days,
    )
