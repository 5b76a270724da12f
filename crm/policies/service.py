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
from contactcenter.core.errors import Conflict, Invalid, NotFound
from contactcenter.core.ids import new_id
from contactcenter.core.work import Work, WorkFactory
from contactcenter.events.policies import (
    PolicyCancelled,
    PolicyCreated,
    PolicyEndorsed,
    PolicyExpiringSoon,
    PolicyNonRenewalChanged,
    PolicyRenewed,
    PolicyStatusChanged,
    PolicyUpdated,
)
from contactcenter.interactions.service import decode_cursor, encode_cursor
from crm.access import only_own, require_write
from crm.customers import service as customers
from crm.customers.model import needle, search_text
from crm.days import add_months
from crm.policies import store
from crm.policies.coverage import Contract, Coverage, Premium, check_coverage
from crm.policies.model import (
    EDGES,
    IN_FORCE,
    Refund,
    Version,
    instant,
    moment_due,
    next_term,
    non_renewal_state,
    overlaps,
    refund,
    renewal_calendar,
    terms_at,
    withdrawal_ends,
)
from crm.policies.premium import premium_lines, rates_on, total
from crm.policies.schemas import (
    CancelIn,
    Cancelled,
    CoverageOut,
    CoverageQuery,
    Expiring,
    ExpiringQuery,
    ExpiringRow,
    History,
    InsurerIn,
    Insurers,
    NonRenewalIn,
    NonRenewalOut,
    Party,
    PartyOut,
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
    RefundOut,
    RenewalDates,
    RenewIn,
    TermsQuery,
    VersionOut,
    Warning_,
)
from crm.schemas import Money, euros, picked
from db import Connection, Record

Match = Callable[[int], None]
FAR: Final = datetime(9999, 1, 1, tzinfo=UTC)
BATCH: Final = 200
NOTHING: Final = UUID(int=0)
MONEY: Final = frozenset(
    {"premium_amount", "premium_net", "coverage_amount", "property_value", "refund_estimate"}
)
SEARCHED: Final = ("policy_number", "reference", "vehicle_plate", "property_address")


# For the room's other slices ---------------------------------------------------------------------


async def the_policy(
    conn: Connection, policy_id: UUID, *, own: UUID | None = None, lock: bool = False
) -> Record:
    if lock:
        await store.lock(conn, policy_id)
    row = await store.find(conn, policy_id, own)
    if row is None:
        raise NotFound
    return row


async def coverage_at(
    conn: Connection,
    policy_id: UUID,
    at: datetime,
    now: datetime,
    zone: ZoneInfo,
    peril: str | None = None,
) -> Coverage:
    """Whether the policy covers an instant, by its terms, receipts and end as known now."""
    row = await the_policy(conn, policy_id)
    versions = [store.version_of(each) for each in await store.versions(conn, policy_id)]
    receipts = await store.receipts(conn, policy_id)
    then = terms_at(versions, at, now)
    since = (v for v in versions[1:] if v.effective_at <= at < v.known_at and v.changes)
    contract = Contract(
        starts_at=instant(row["coverage_start_date"], row["coverage_start_time"], zone),
        ends_at=instant(row["coverage_end_date"], row["coverage_end_time"], zone),
        status=row["status"],
        ended_at=row["cancelled_at"],
        first_premium_agreed=row["first_premium_agreed"],
        covers=tuple(then.get("covers") or ()),
        premiums=tuple(
            Premium(r["due_on"], r["first"], r["paid_at"], r["claimed_at"])
            for r in receipts
            if r["state"] != "cancelled" and r["total"] > 0
        ),
        endorsed_since=any(since),
    )
    return check_coverage(contract, at, zone, peril)


async def create(
    work: Work, new: PolicyNew, zone: ZoneInfo, *, by: UUID | None, agent_id: UUID | None
) -> UUID:
    """Put a policy on file; the caller has checked that the customer's file may be written."""
    await _check(work.conn, new.model_dump())
    values = _plain(new.model_dump(exclude={"parties"}))
    policy_id = new_id()
    starts = instant(new.coverage_start_date, new.coverage_start_time, zone)
    ends = instant(new.coverage_end_date, new.coverage_end_time, zone)
    status = "proposal" if new.policy_number is None else _by_time(starts, ends, work.now)
    values |= {
        "id": policy_id,
        "reference": await store.next_reference(work.conn, work.now.astimezone(zone).year),
        "term_start_date": new.coverage_start_date,
        "issued_by": new.issued_by or agent_id,
        "status": status,
    }
    values["search_text"] = search_text([values.get(name) for name in SEARCHED])
    try:
        await store.insert(work.conn, values, work.now, by)
    except db.UniqueViolation as error:
        raise _number_taken() from error
    await _version(
        work, policy_id, "issue", starts, {name: values[name] for name in store.TERMS}, ""
    )
    holder = {"role": "policyholder", "customer_id": new.customer_id}
    await store.add_party(work.conn, new_id(), policy_id, holder)
    await store.put_parties(work.conn, policy_id, _numbered(new.parties))
    work.emit(
        PolicyCreated(
            policy_id=policy_id,
            customer_id=new.customer_id,
            policy_type=new.policy_type,
            status=status,
        )
    )
    work.audit("policy.created", "policy", policy_id, after=values, person=new.customer_id)
    await customers.resegment(work, new.customer_id)
    return policy_id


# Use cases ---------------------------------------------------------------------------------------


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
        items = [PolicyRow(**_shown(row)) for row in rows[: query.limit]]
        last = items[-1] if len(rows) > query.limit else None
        return PolicyPage(
            items=items,
            next_cursor=encode_cursor(last.created_at, last.policy_id) if last else None,
        )

    async def expiring(self, principal: Principal, query: ExpiringQuery) -> Expiring:
        """Whose term ends from today until `days` later, both days included."""
        today = self._today()
        async with self._work.reading("policies.expiring") as conn:
            local = await store.holidays(conn)
            rows = await store.expiring(
                conn,
                today,
                today + timedelta(days=query.days),
                query.policy_type,
                only_own(principal),
                query.limit,
            )
        return Expiring(
            items=[ExpiringRow(**_shown(row), renewal=_renewal(row, local)) for row in rows]
        )

    async def get(self, principal: Principal, policy_id: UUID) -> PolicyOut:
        async with self._work.reading("policies.get") as conn:
            await the_policy(conn, policy_id, own=only_own(principal))
            return await self.card(conn, policy_id)

    async def card(self, conn: Connection, policy_id: UUID, *more: Warning_) -> PolicyOut:
        """A policy as it is shown; whoever asks has checked that the asker may see it."""
        row = await the_policy(conn, policy_id)
        local = await store.holidays(conn)
        no = await store.non_renewal(conn, policy_id, row["coverage_end_date"])
        near = await store.similar(conn, row)
        mine = (row["coverage_start_date"], row["coverage_end_date"])
        both = [
            other["id"]
            for other in near
            if overlaps(*mine, [(other["coverage_start_date"], other["coverage_end_date"])])
        ]
        warnings = [*more]
        if both and row["status"] in {"proposal", "pending", *IN_FORCE}:
            warnings.append(Warning_(type="overlap", policy_ids=both))
        if no is not None and no["late"]:
            warnings.append(Warning_(type="notice_late"))
        return PolicyOut(
            **picked(PolicyOut, row, MONEY),
            policy_id=policy_id,
            renewal=_renewal(row, local),
            non_renewal=None
            if no is None
            else NonRenewalOut(**no, state=non_renewal_state(no["sent_on"], no["acknowledged_on"])),
            parties=[PartyOut(**party) for party in await store.parties(conn, policy_id)],
            warnings=warnings,
        )

    async def create(self, principal: Principal, new: PolicyNew) -> PolicyOut:
        """A policy, or without the insurer's number a proposal. An overlap is a warning."""
        async with self._work.begin("policies.create", principal.actor) as work:
            await customers.writable_customer(
                work.conn, principal, new.customer_id, field="customer_id"
            )
            policy_id = await create(
                work, new, self._zone, by=principal.user_id, agent_id=principal.agent_id
            )
            return work.answer(await self.card(work.conn, policy_id))

    async def edit(
        self, principal: Principal, policy_id: UUID, edit: PolicyEdit, match: Match
    ) -> PolicyOut:
        """Endorse what an endorsement changes, from its date on, and set the rest."""
        given = _plain(edit.model_dump(exclude_unset=True, exclude={"parties"}))
        async with self._work.begin("policies.edit", principal.actor) as work:
            row = await self._locked(work, principal, policy_id)
            match(row["version"])
            if row["status"] == "replaced":
                raise Conflict("A replaced policy does not change any more.", status=row["status"])
            await _check(work.conn, {**given, "parties": edit.model_dump()["parties"]})
            terms = {
                name: value
                for name, value in given.items()
                if name in store.TERMS and row[name] != value
            }
            rest = {n: v for n, v in given.items() if n in store.OFFICE and row[n] != v}
            changes: dict[str, Any] = dict(rest)
            if terms:
                changes |= await self._endorse(work, row, terms, edit)
            if "policy_number" in rest:
                changes |= self._issued(work, row, rest["policy_number"])
            if edit.parties is not None:
                await store.put_parties(work.conn, policy_id, _numbered(edit.parties))
                rest["parties"] = len(edit.parties)
            if changes or rest:
                await self._update(work, principal, row, changes)
                if rest:
                    work.emit(
                        PolicyUpdated(
                            policy_id=policy_id,
                            customer_id=row["customer_id"],
                            fields=tuple(sorted(rest)),
                        )
                    )
            return work.answer(await self.card(work.conn, policy_id))

    async def _endorse(
        self, work: Work, row: Record, terms: Mapping[str, Any], edit: PolicyEdit
    ) -> dict[str, Any]:
        start = instant(row["coverage_start_date"], row["coverage_start_time"], self._zone)
        end = instant(row["coverage_end_date"], row["coverage_end_time"], self._zone)
        if edit.effective_date is None:
            effective = max(work.now, start)
        else:
            effective = instant(edit.effective_date, edit.effective_time, self._zone)
        if not start <= effective < end:
            raise Invalid.field(
                "effective_date", "outside_term", "It must lie within the policy's life."
            )
        number = await _version(work, row["id"], "endorsement", effective, terms, edit.reason)
        work.emit(
            PolicyEndorsed(
                policy_id=row["id"],
                customer_id=row["customer_id"],
                number=number,
                effective_at=effective,
                fields=tuple(sorted(terms)),
            )
        )
        return await _newest(work, row["id"])

    def _issued(self, work: Work, row: Record, number: str | None) -> dict[str, Any]:
        if number is None:
            raise Invalid.field("policy_number", "number_kept", "An issued policy has its number.")
        if row["status"] != "proposal":
            return {}
        after = _by_time(
            instant(row["coverage_start_date"], row["coverage_start_time"], self._zone),
            instant(row["coverage_end_date"], row["coverage_end_time"], self._zone),
            work.now,
        )
        _tell_status(work, row, after)
        return {"status": after}

    async def cancel(
        self, principal: Principal, policy_id: UUID, wish: CancelIn, match: Match
    ) -> Cancelled:
        """End it before its term; the refund is an estimate. Conflict for what has ended, for a
        wish of somebody who is not the policyholder, and for a withdrawal that is too late."""
        async with self._work.begin("policies.cancel", principal.actor) as work:
            row = await self._locked(work, principal, policy_id)
            match(row["version"])
            if "cancelled" not in EDGES[row["status"]] or row["cancelled_at"] is not None:
                raise Conflict("This policy has ended, or is going to.", status=row["status"])
            self._check_wish(row, wish, self._today(work.now))
            effect = instant(wish.effective_date, wish.effective_time, self._zone)
            paid = await store.paid_in_term(work.conn, policy_id, row["term_start_date"])
            estimate = refund(
                wish.reason,
                paid,
                row["term_start_date"],
                row["coverage_end_date"],
                wish.effective_date,
                cover_on_request=row["cover_on_request"],
            )
            await _version(work, policy_id, "cancellation", effect, {}, wish.note)
            changes: dict[str, Any] = {
                "cancellation_reason": wish.reason,
                "cancelled_at": effect,
                "cancelled_by": wish.requested_by,
                "refund_estimate": estimate.amount,
            }
            if effect <= work.now or row["status"] == "proposal":
                changes["status"] = "cancelled"
            await self._update(work, principal, row, changes)
            work.emit(
                PolicyCancelled(
                    policy_id=policy_id,
                    customer_id=row["customer_id"],
                    reason=wish.reason,
                    effective_at=effect,
                    refund_estimate=estimate.amount,
                )
            )
            await customers.resegment(work, row["customer_id"])
            return work.answer(
                Cancelled(policy=await self.card(work.conn, policy_id), refund=_refund(estimate))
            )

    @staticmethod
    def _check_wish(row: Record, wish: CancelIn, today: date) -> None:
        asked = wish.requested_by_customer_id
        if asked is not None and asked != row["customer_id"]:
            raise Conflict("Only the policyholder can cancel.", reason="not_policyholder")
        insurers_own = wish.reason == "insurer_terminates"
        if insurers_own != (wish.requested_by == "insurer") and wish.reason in {
            "insurer_terminates",
            "policyholder_wish",
            "distance_withdrawal",
        }:
            raise Invalid.field("requested_by", "wrong_side", "This reason is the other side's.")
        if not row["term_start_date"] <= wish.effective_date <= row["coverage_end_date"]:
            raise Invalid.field(
                "effective_date", "outside_term", "It must lie within the present term."
            )
        if wish.reason == "distance_withdrawal":
            concluded = row["concluded_on"]
            if not row["distance_sale"] or concluded is None:
                raise Conflict("It was not concluded at a distance.", reason="not_distance")
            if today > (last := withdrawal_ends(concluded, row["policy_type"])):
                raise Conflict(
                    "The time to withdraw is over.", reason="too_late", last_day=last.isoformat()
                )

    async def renew(
        self, principal: Principal, policy_id: UUID, wish: RenewIn, match: Match
    ) -> PolicyOut:
        """A further term, which begins when the present one ends.

        Conflict when a no has been acknowledged or the term is over, unless the insurer consents.
        A premium that rises with less than two months' notice is a warning: the policyholder may
        refuse it (LCS art. 22.3).
        """
        async with self._work.begin("policies.renew", principal.actor) as work:
            row = await self._locked(work, principal, policy_id)
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
            effective = instant(start, row["coverage_end_time"], self._zone)
            await _version(work, policy_id, "renewal", effective, terms, wish.note)
            changes = await _newest(work, policy_id) | {"term_start_date": start}
            if row["status"] == "expired":
                changes["status"] = "active"
                _tell_status(work, row, "active")
            await self._update(work, principal, row, changes)
            work.emit(
                PolicyRenewed(
                    policy_id=policy_id,
                    customer_id=row["customer_id"],
                    term_start=start.isoformat(),
                    term_end=end.isoformat(),
                )
            )
            rises = terms.get("premium_amount", row["premium_amount"]) > row["premium_amount"]
            told, last = wish.insurer_notified_on, add_months(start, -2)
            late = rises and (told is None or told > last)
            warnings = [Warning_(type="terms_changed_late")] if late else []
            return work.answer(await self.card(work.conn, policy_id, *warnings))

    async def set_status(
        self, principal: Principal, policy_id: UUID, wish: PolicyStatusIn, match: Match
    ) -> PolicyOut:
        """Suspend it, put it back in force, or note what replaces it."""
        async with self._work.begin("policies.set_status", principal.actor) as work:
            row = await self._locked(work, principal, policy_id)
            match(row["version"])
            if wish.status not in EDGES[row["status"]] or (
                row["status"] in {"proposal", "expired"} and wish.status == "active"
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
                begins = instant(
                    other["coverage_start_date"], other["coverage_start_time"], self._zone
                )
                changes |= {"replaced_by": wish.replaced_by, "cancelled_at": begins}
            if row["status"] == "cancelled":  # put back in force
                changes |= dict.fromkeys(
                    ("cancellation_reason", "cancelled_at", "cancelled_by", "refund_estimate")
                )
                await _version(work, policy_id, "reinstatement", work.now, {}, wish.note)
            await self._update(work, principal, row, changes)
            _tell_status(work, row, wish.status)
            await customers.resegment(work, row["customer_id"])
            return work.answer(await self.card(work.conn, policy_id))

    # Non-renewal

    async def receive_no(
        self, principal: Principal, policy_id: UUID, no: NonRenewalIn
    ) -> PolicyOut:
        """Somebody will not renew. It counts only when the other side has it; a late one is
        noted as late, for the insurer may still agree."""
        async with self._work.begin("policies.receive_no", principal.actor) as work:
            row = await self._locked(work, principal, policy_id)
            if row["status"] not in IN_FORCE or row["cancelled_at"] is not None:
                raise Conflict("This policy does not renew.", status=row["status"])
            if no.received_on > self._today(work.now):
                raise Invalid.field("received_on", "in_future", "That day has not come.")
            end = row["coverage_end_date"]
            dates = renewal_calendar(
                end, row["notice_months"] or 0, await store.holidays(work.conn)
            )
            last = dates.last_day if no.by == "policyholder" else dates.insurer_last_day
            late = no.received_on > last
            if not await store.put_non_renewal(
                work.conn, policy_id, end, no.by, no.received_on, late
            ):
                raise Conflict("A no for this term is on file.", reason="exists")
            await self._tell_no(work, row, "received", no.by, late)
            return work.answer(await self.card(work.conn, policy_id))

    async def move_no(
        self, principal: Principal, policy_id: UUID, *, sent: date | None, acknowledged: date | None
    ) -> PolicyOut:
        """It was passed on, or the other side has confirmed it."""
        async with self._work.begin("policies.move_no", principal.actor) as work:
            row = await self._locked(work, principal, policy_id)
            if max(day for day in (sent, acknowledged) if day) > self._today(work.now):
                raise Invalid.field("on", "in_future", "That day has not come.")
            moved = await store.move_non_renewal(
                work.conn, policy_id, row["coverage_end_date"], sent, acknowledged
            )
            if moved is None:
                raise Conflict("received → sent → acknowledged, each not before the last.")
            state = "sent" if acknowledged is None else "acknowledged"
            await self._tell_no(work, row, state, moved["by"], moved["late"])
            return work.answer(await self.card(work.conn, policy_id))

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
        work.audit(f"policy.non_renewal_{state}", "policy", row["id"], after={"by": by})

    # Reading

    async def coverage(
        self, principal: Principal, policy_id: UUID, query: CoverageQuery
    ) -> CoverageOut:
        async with self._work.reading("policies.coverage", snapshot=True) as conn:
            await the_policy(conn, policy_id, own=only_own(principal))
            answer = await coverage_at(
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
            await the_policy(conn, policy_id, own=only_own(principal))
            rows = await store.versions(conn, policy_id)
        versions = [store.version_of(row) for row in rows]
        return History(
            terms=terms_at(versions, query.at or FAR, query.known or FAR),
            versions=[VersionOut(**row) for row in rows],
        )

    async def insurers(self) -> Insurers:
        async with self._work.reading("insurers.list") as conn:
            return Insurers(items=[InsurerIn(**row) for row in await store.insurers(conn)])

    async def put_insurer(self, principal: Principal, insurer: InsurerIn) -> InsurerIn:
        async with self._work.begin("insurers.put", principal.actor) as work:
            try:
                await store.put_insurer(work.conn, *insurer.model_dump().values())
            except db.UniqueViolation as error:
                raise Conflict("Another insurer has this DGS code.", field="dgs_code") from error
            work.audit("insurer.changed", "insurer", insurer.key, after=insurer.model_dump())
        return insurer

    async def premium(self, wish: PremiumIn) -> PremiumOut:
        """The lines of a year's premium by the rates of a day: an estimate, not a tariff."""
        async with self._work.reading("policies.premium") as conn:
            rates = rates_on(await store.rates(conn), wish.on)
        parts = {
            name: getattr(wish, name).amount
            for name in ("capital", "compulsory", "rider")
            if getattr(wish, name) is not None
        }
        lines = premium_lines(wish.policy_type, wish.net.amount, wish.frequency, rates, **parts)
        return PremiumOut(
            lines=[
                PremiumLineOut(kind=each.kind, amount=Money(amount=each.amount)) for each in lines
            ],
            total=Money(amount=total(lines)),
        )

    # By the clock

    async def turn(self) -> None:
        """What begins or ends by itself: terms that start, terms and notices that run out."""
        while await self._turn():
            pass

    async def _turn(self) -> bool:
        async with self._work.begin("policies.turn", "system") as work:
            zone = self._zone.key
            begun = await store.beginning(work.conn, zone, work.now, BATCH)
            for row in begun:
                await store.set_status(work.conn, row["id"], "active", work.now)
                _tell_status(work, row, "active")
            ended = await store.ending(work.conn, zone, work.now, BATCH)
            for row in ended:
                if row["cancellation_reason"] is not None:
                    await store.set_status(work.conn, row["id"], "cancelled", work.now)
                    _tell_status(work, row, "cancelled")
                elif row["not_renewed_by"] is not None:
                    at = await store.not_renewed(
                        work.conn, row["id"], zone, work.now, row["not_renewed_by"]
                    )
                    work.emit(
                        PolicyCancelled(
                            policy_id=row["id"],
                            customer_id=row["customer_id"],
                            reason="non_renewal",
                            effective_at=at,
                            refund_estimate=None,
                        )
                    )
                else:
                    await store.set_status(work.conn, row["id"], "expired", work.now)
                    _tell_status(work, row, "expired")
            for customer_id in sorted({row["customer_id"] for row in (*begun, *ended)}):
                await customers.resegment(work, customer_id)
        return BATCH in (len(begun), len(ended))

    async def tell_expiring(self) -> None:
        """policy.expiring_soon, once for each policy, term and moment."""
        last = NOTHING
        while True:
            async with self._work.begin("policies.tell_expiring", "system") as work:
                today = self._today(work.now)
                local = await store.holidays(work.conn)
                until = today + timedelta(days=120)
                rows = await store.renewable(work.conn, today, until, last, BATCH)
                for row in rows:
                    await self._tell_moment(work, row, today, local)
            if len(rows) < BATCH:
                return
            last = rows[-1]["id"]

    @staticmethod
    async def _tell_moment(work: Work, row: Record, today: date, local: frozenset[date]) -> None:
        end = row["coverage_end_date"]
        dates = renewal_calendar(end, row["notice_months"], local)
        moment = moment_due(dates, row["told"], today, end)
        if moment is None or not await store.tell(work.conn, row["id"], end, moment, work.now):
            return
        work.emit(
            PolicyExpiringSoon(
                policy_id=row["id"],
                customer_id=row["customer_id"],
                term_end=end.isoformat(),
                moment=moment,
                last_day=dates.last_day.isoformat(),
                our_last_day=dates.our_last_day.isoformat(),
            )
        )

    # Shared

    async def _locked(self, work: Work, principal: Principal, policy_id: UUID) -> Record:
        row = await the_policy(work.conn, policy_id, own=only_own(principal), lock=True)
        await require_write(work.conn, principal, row["customer_id"])
        return row

    @staticmethod
    async def _update(
        work: Work, principal: Principal, row: Record, changes: Mapping[str, Any]
    ) -> None:
        after = {**dict(row), **changes}
        text = search_text([after.get(name) for name in SEARCHED])
        try:
            await store.update(
                work.conn, row["id"], {**changes, "search_text": text}, work.now, principal.user_id
            )
        except db.UniqueViolation as error:
            raise _number_taken() from error
        work.audit(
            work.name,
            "policy",
            row["id"],
            before={name: row[name] for name in changes},
            after=dict(changes),
            person=row["customer_id"],
        )


# Parts -------------------------------------------------------------------------------------------


async def _version(
    work: Work,
    policy_id: UUID,
    kind: str,
    effective: datetime,
    changes: Mapping[str, Any],
    reason: str,
) -> int:
    return await store.add_version(
        work.conn,
        new_id(),
        policy_id,
        kind=kind,
        effective_at=effective,
        known_at=work.now,
        changes=changes,
        reason=reason,
        by=work.actor,
    )


async def _newest(work: Work, policy_id: UUID) -> dict[str, Any]:
    """The terms of the latest effect: what the policy's row holds."""
    rows = await store.versions(work.conn, policy_id)
    versions: list[Version] = [store.version_of(row) for row in rows]
    return terms_at(versions, FAR, FAR)


async def _check(conn: Connection, values: Mapping[str, Any]) -> None:
    carrier = values.get("carrier")
    if carrier is not None:
        found = await store.insurers(conn, carrier)
        if not found or found[0]["retired"]:
            raise Invalid.field("carrier", "unknown_insurer", "There is no such insurer.")
    if values.get("issued_by") and not await customers.agent_exists(conn, values["issued_by"]):
        raise Invalid.field("issued_by", "unknown_agent", "There is no such agent.")
    people = [party["customer_id"] for party in values.get("parties") or ()]
    people = [each for each in people if each is not None]
    if people and not await store.all_there(conn, people):
        raise Invalid.field("parties", "unknown_customer", "There is no such customer.")


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Money as the column has it."""
    return {
        name: value["amount"] if name in MONEY and value is not None else value
        for name, value in values.items()
    }


def _numbered(parties: list[Party]) -> list[tuple[UUID, dict[str, Any]]]:
    return [(new_id(), party.model_dump()) for party in parties]


def _by_time(starts: datetime, ends: datetime, now: datetime) -> str:
    return "pending" if now < starts else "active" if now < ends else "expired"


def _number_taken() -> Conflict:
    return Conflict(
        "This insurer's policy of that number is on file.",
        field="policy_number",
        type="policy_number_taken",
    )


def _tell_status(work: Work, row: Record, after: str) -> None:
    work.emit(
        PolicyStatusChanged(
            policy_id=row["id"],
            customer_id=row["customer_id"],
            before=row["status"],
            after=after,
        )
    )


def _shown(row: Record) -> dict[str, Any]:
    """The fields of PolicyRow."""
    return picked(PolicyRow, row, MONEY) | {"policy_id": row["id"]}


def _renewal(row: Record, local: frozenset[date]) -> RenewalDates | None:
    if row["notice_months"] is None or not row["auto_renew"]:
        return None
    dates = renewal_calendar(row["coverage_end_date"], row["notice_months"], local)
    return RenewalDates(
        last_day=dates.last_day,
        our_last_day=dates.our_last_day,
        insurer_last_day=dates.insurer_last_day,
    )


def _refund(estimate: Refund) -> RefundOut:
    return RefundOut(
        rule=estimate.rule,
        estimate=euros(estimate.amount),
        days=estimate.days,
        of_days=estimate.of_days,
    )
