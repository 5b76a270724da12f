"""What begins and ends by the clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from functools import partial
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from prometheus_client import Gauge

from contactcenter.core.access import SYSTEM
from contactcenter.core.clock import Clock
from contactcenter.core.errors import Unavailable
from contactcenter.core.work import MOST_FAILED, Work, WorkFactory
from contactcenter.events.policies import (
    PolicyCancelled,
    PolicyExpiringSoon,
)
from crm import sql
from crm.customers import files as customers
from crm.law import Law
from crm.policies import files, parking, store
from crm.policies.model import instant, moment_due, renewal_calendar, tacit_term
from crm.policies.parking import Step
from db import Record

log = structlog.get_logger(__name__)
TURNS_PARKED: Final = Gauge(
    "policy_turns_parked", "Steps of policies by the clock that failed and are tried again later"
)
BATCH: Final = 50
HORIZON: Final = 100
"""Days: 75 before the end, and eight working days before notice is given, lie within."""
NOTHING: Final = UUID(int=0)


class PolicyClock:
    def __init__(self, work: WorkFactory, clock: Clock, zone: ZoneInfo) -> None:
        self._work = work
        self._clock = clock
        self._zone = zone

    def _today(self, now: datetime) -> date:
        return now.astimezone(self._zone).date()

    async def turn(self) -> None:
        """What begins or ends by itself: what was agreed ahead, terms that start, terms and notices
        that run out. Each policy is a transaction of its own: on a day when many end, none waits
        for all. It asks what is due by now: whatever was missed comes then, and nothing twice.

        A policy that fails at a step is set aside from it, longer each time, and the run goes on
        past it; only a database in trouble ends it. What failed is raised together at the end: the
        first MOST_FAILED of it.
        """
        now, zone = self._clock.now(), self._zone.key
        async with self._work.reading("policies.turn") as conn:
            law = await sql.law(conn)
            again = await parking.due_again(conn, now)
            steps: tuple[tuple[Step, Callable[[UUID], Awaitable[None]], list[UUID]], ...] = (
                ("terms", self._turn_terms, await store.turning(conn, now)),
                ("begin", self._begin, await store.beginning(conn, zone, now)),
                ("end", partial(self._run_out, law=law), await store.ending(conn, zone, now)),
            )
        failed: list[Exception] = []
        troubles = 0
        for step, do, due in steps:
            for policy_id in due:
                try:
                    await do(policy_id)
                except Unavailable:  # says nothing of the policy: it is due at the next run
                    again.discard((policy_id, step))
                    troubles += 1
                    if troubles == MOST_FAILED:
                        raise
                except Exception as error:
                    again.discard((policy_id, step))
                    failed.append(error)
                    await self._set_aside(policy_id, step, error)
        async with self._work.begin("policies.turned", "system") as work:
            if again:
                await parking.take_back(work.conn, again)
            TURNS_PARKED.set(await parking.count(work.conn))
        if failed:
            told = f"Not everything could be done: {len(failed)} were set aside."
            raise ExceptionGroup(told, failed[:MOST_FAILED])

    async def _set_aside(self, policy_id: UUID, step: Step, error: Exception) -> None:
        log.error(
            "policy_turn_failed", policy_id=str(policy_id), step=step, kind=type(error).__name__
        )
        async with self._work.begin("policies.set_aside", "system") as work:
            await parking.set_aside(work.conn, policy_id, step, type(error).__name__, work.now)

    async def _turn_terms(self, policy_id: UUID) -> None:
        async with self._work.begin("policies.turn", "system") as work:
            await _hold_file(work, policy_id)
            if await store.hold_turning(work.conn, work.now, policy_id) is not None:
                row = await files.the_policy(work.conn, policy_id)
                await files.turn(work, row, self._zone)
                await customers.resegment(work, row["customer_id"], self._zone)

    async def _begin(self, policy_id: UUID) -> None:
        async with self._work.begin("policies.turn", "system") as work:
            await _hold_file(work, policy_id)
            row = await store.hold_beginning(work.conn, self._zone.key, work.now, policy_id)
            if row is not None:
                await _turned(work, row, "active")
                await customers.resegment(work, row["customer_id"], self._zone)

    async def _run_out(self, policy_id: UUID, law: Law) -> None:
        """Term after term: more than one may have passed."""
        renewed = True
        while renewed:
            async with self._work.begin("policies.turn", "system") as work:
                await _hold_file(work, policy_id)
                row = await store.hold_ending(work.conn, self._zone.key, work.now, policy_id)
                if row is None:
                    return
                renewed = await self._end(work, row, law)
                await customers.resegment(work, row["customer_id"], self._zone)

    async def _end(self, work: Work, row: Record, law: Law) -> bool:
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
        elif row["said_no"] is None and await self._renews(work, row["id"], law):
            return True
        else:
            await _turned(work, row, "expired")
        return False

    async def _renews(self, work: Work, policy_id: UUID, law: Law) -> bool:
        """Whether the term that has ended was followed by another; it is then on file."""
        row = await files.the_policy(work.conn, policy_id)
        if not row["auto_renew"] or row["notice_months"] is None:
            return False
        ended = instant(row["coverage_end_date"], row["coverage_end_time"], self._zone)
        cover = await files.coverage_at(work.conn, policy_id, ended, work.now, self._zone, law=law)
        if cover.why == "extinct":
            return False
        end = tacit_term(row["term_start_date"], row["coverage_end_date"], law)
        await files.renew(work, SYSTEM, row, self._zone, {"coverage_end_date": end}, tacit=True)
        return True

    async def tell_expiring(self) -> None:
        """policy.expiring_soon, once for each policy, term and moment."""
        last = NOTHING
        async with self._work.reading("policies.tell_expiring") as conn:
            law = await sql.law(conn)
        while True:
            async with self._work.begin("policies.tell_expiring", "system") as work:
                today = self._today(work.now)
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


async def _hold_file(work: Work, policy_id: UUID) -> None:
    """Hold the customer's file: files are held before what is in them."""
    await customers.hold_owner(work.conn, lambda: files.the_policy(work.conn, policy_id))


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
