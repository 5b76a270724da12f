"""What begins and ends by the clock."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from contactcenter.core.access import SYSTEM
from contactcenter.core.work import Work, WorkFactory
from contactcenter.events.policies import (
    PolicyCancelled,
    PolicyExpiringSoon,
)
from crm import sql
from crm.customers import files as customers
from crm.law import Law
from crm.policies import files, store
from crm.policies.model import instant, moment_due, renewal_calendar, tacit_term
from db import Record

BATCH: Final = 200
HORIZON: Final = 100
"""Days: 75 before the end, and eight working days before notice is given, lie within."""
NOTHING: Final = UUID(int=0)


class PolicyClock:
    def __init__(self, work: WorkFactory, zone: ZoneInfo) -> None:
        self._work = work
        self._zone = zone

    def _today(self, now: datetime) -> date:
        return now.astimezone(self._zone).date()

    async def turn(self) -> None:
        """What begins or ends by itself: terms that start, terms and notices that run out."""
        while await self._turn():
            pass

    async def _turn(self) -> bool:
        async with self._work.begin("policies.turn", "system") as work:
            zone = self._zone.key
            begun = await store.beginning(work.conn, zone, work.now, BATCH)
            for row in begun:
                await _turned(work, row, "active")
            ended = await store.ending(work.conn, zone, work.now, BATCH)
            renewed = [await self._end(work, row) for row in ended]
            for customer_id in sorted({row["customer_id"] for row in (*begun, *ended)}):
                await customers.resegment(work, customer_id, self._zone)
        return any(renewed) or BATCH in (len(begun), len(ended))

    async def _end(self, work: Work, row: Record) -> bool:
        """End a policy, or give it the term that silence makes: then True.

        A no that is on file but not acknowledged is no silence: the policy expires, and who asks
        for its cover is sent to the insurer. So does a contract with a rule of its own (life).
        """
        if row["cancellation_reason"] is not None:
            await _turned(work, row, "cancelled")
        elif row["replaced_by"] is not None:
            await _turned(work, row, "replaced")
        elif row["counts"]:
            at = await store.not_renewed(
                work.conn, row["id"], self._zone.key, work.now, row["said_no"]
            )
            await files.add_version(work, row["id"], "cancellation", at, {}, "")
            _note(work, row, "cancelled", cancellation_reason="non_renewal")
            work.emit(
                PolicyCancelled(
                    policy_id=row["id"],
                    customer_id=row["customer_id"],
                    reason="non_renewal",
                    effective_at=at,
                    refund_estimate=None,
                )
            )
        elif row["said_no"] is None and await self._renews(work, row["id"]):
            return True
        else:
            await _turned(work, row, "expired")
        return False

    async def _renews(self, work: Work, policy_id: UUID) -> bool:
        """Whether the term that has ended was followed by another; it is then on file."""
        row = await files.the_policy(work.conn, policy_id)
        if not row["auto_renew"] or row["notice_months"] is None:
            return False
        ended = instant(row["coverage_end_date"], row["coverage_end_time"], self._zone)
        cover = await files.coverage_at(work.conn, policy_id, ended, work.now, self._zone)
        if cover.why == "extinct":
            return False
        law = await sql.law(work.conn)
        end = tacit_term(row["term_start_date"], row["coverage_end_date"], law)
        await files.renew(work, SYSTEM, row, self._zone, {"coverage_end_date": end}, tacit=True)
        return True

    async def tell_expiring(self) -> None:
        """policy.expiring_soon, once for each policy, term and moment."""
        last = NOTHING
        while True:
            async with self._work.begin("policies.tell_expiring", "system") as work:
                today = self._today(work.now)
                law = await sql.law(work.conn)
                rows = await store.renewable(work.conn, today, HORIZON, last, BATCH)
                for row in rows:
                    await self._tell_moment(work, row, today, law)
            if len(rows) < BATCH:
                return
            last = rows[-1]["id"]

    @staticmethod
    async def _tell_moment(work: Work, row: Record, today: date, law: Law) -> None:
        end = row["coverage_end_date"]
        dates = renewal_calendar(end, row["notice_months"], law)
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


async def _turned(work: Work, row: Record, after: str) -> None:
    await store.set_status(work.conn, row["id"], after, work.now)
    files.tell_status(work, row, after)
    _note(work, row, after)


def _note(work: Work, row: Record, after: str, **more: str) -> None:
    work.audit(
        "policy.turned",
        "policy",
        row["id"],
        before={"status": row["status"]},
        after={"status": after, **more},
        person=row["customer_id"],
    )
