"""Use cases of receipts: as insurers issue them, along two axes.

Collection:  issued → presented → collected ⇄ returned → re-presented → …, paid at the broker,
cancelled. Settlement with the insurer comes after collection and is an axis of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from contactcenter.core.access import Principal
from contactcenter.core.errors import Conflict, Invalid, NotFound
from contactcenter.core.event import Event
from contactcenter.core.ids import new_id
from contactcenter.core.work import Work, WorkFactory
from contactcenter.events.policies import (
    ReceiptCancelled,
    ReceiptClaimed,
    ReceiptCollected,
    ReceiptIssued,
    ReceiptPresented,
    ReceiptReturned,
    ReceiptSettled,
)
from crm.access import only_own, require_write
from crm.customers import files as customers
from crm.masks import for_customer
from crm.policies import store
from crm.policies.files import locked, the_policy
from crm.policies.model import receipt_sources
from crm.policies.schemas import ReceiptMove, ReceiptNew, ReceiptOut, Receipts, Settlement
from crm.schemas import picked
from db import Record

Match = Callable[[int], None]
MONEY: Final = frozenset({"net", "total", "commission"})


class ReceiptService:
    def __init__(self, work: WorkFactory, zone: ZoneInfo) -> None:
        self._work = work
        self._zone = zone

    async def listed(self, principal: Principal, policy_id: UUID) -> Receipts:
        async with self._work.reading("receipts.list") as conn:
            await the_policy(conn, policy_id, own=only_own(principal))
            rows = await store.receipts(conn, policy_id)
        return Receipts(items=[_out(row, own=only_own(principal) is not None) for row in rows])

    async def add(self, principal: Principal, policy_id: UUID, new: ReceiptNew) -> ReceiptOut:
        async with self._work.begin("receipts.add", principal.actor) as work:
            policy = await locked(work, principal, policy_id)
            receipt_id = new_id()
            added = await store.insert_receipt(
                work.conn,
                receipt_id,
                policy_id,
                new.number,
                new.kind,
                new.first,
                new.period_start,
                new.period_end,
                new.due_on,
                new.net.amount,
                new.total.amount,
                [line.model_dump() for line in new.lines],
                new.collected_by,
                new.commission and new.commission.amount,
                work.now,
            )
            if not added:
                raise Conflict(
                    "This policy has a receipt of that number.", field="number", type="number_taken"
                )
            row = await self._row(work, receipt_id)
            work.emit(
                ReceiptIssued(
                    receipt_id=receipt_id,
                    policy_id=policy_id,
                    customer_id=policy["customer_id"],
                    kind=new.kind,
                    first=new.first,
                )
            )
            work.audit(
                "receipt.issued", "receipt", receipt_id,
                after=new.model_dump(), person=row["customer_id"],
            )  # fmt: skip
            return work.answer(_out(row))

    async def move(
        self, principal: Principal, receipt_id: UUID, wish: ReceiptMove, match: Match
    ) -> ReceiptOut:
        """Take it along an edge. Conflict from any other state (ctx.state)."""
        async with self._work.begin("receipts.move", principal.actor) as work:
            row = await self._writable(work, principal, receipt_id, match)
            at = wish.at or work.now
            if at > work.now:
                raise Invalid.field("at", "in_future", "That moment has not come.")
            if row["paid_at"] is not None and at < row["paid_at"]:
                raise Invalid.field("at", "before_last", "It was paid only later.")
            moved = await store.move_receipt(
                work.conn,
                receipt_id,
                wish.state,
                at,
                work.now,
                wish.return_code,
                receipt_sources(wish.state),
            )
            if not moved:
                raise Conflict("A receipt cannot go that way.", state=row["state"], to=wish.state)
            work.emit(_fact(row, wish))
            self._note(work, row, wish.state, {"at": at, "return_code": wish.return_code})
            await customers.resegment(work, row["customer_id"], self._zone)
            return work.answer(_out(await self._row(work, receipt_id)))

    async def claimed(self, principal: Principal, receipt_id: UUID, match: Match) -> ReceiptOut:
        """The insurer has claimed the unpaid premium (LCS art. 15.2: within six months)."""
        async with self._work.begin("receipts.claimed", principal.actor) as work:
            row = await self._writable(work, principal, receipt_id, match)
            if not await store.claim_receipt(work.conn, receipt_id, work.now, work.now):
                raise Conflict("It is paid, cancelled, or was claimed before.", state=row["state"])
            work.emit(ReceiptClaimed(**_ids(row)))
            self._note(work, row, "claimed")
            return work.answer(_out(await self._row(work, receipt_id)))

    async def settle(
        self, principal: Principal, receipt_id: UUID, wish: Settlement, match: Match
    ) -> ReceiptOut:
        """What the broker collected has been passed on; what the insurer collected it has."""
        async with self._work.begin("receipts.settle", principal.actor) as work:
            row = await self._writable(work, principal, receipt_id, match)
            if not await store.settle_receipt(work.conn, receipt_id, work.now, wish.reference):
                raise Conflict(
                    "Only what the broker collected is settled, and once.", state=row["state"]
                )
            work.emit(ReceiptSettled(**_ids(row)))
            self._note(work, row, "settled", {"reference": wish.reference})
            return work.answer(_out(await self._row(work, receipt_id)))

    async def _writable(
        self, work: Work, principal: Principal, receipt_id: UUID, match: Match
    ) -> Record:
        """The receipt, held after its customer's file, as the asker has seen it."""
        await customers.hold_owner(work.conn, lambda: self._row(work, receipt_id))
        row = await self._row(work, receipt_id, lock=True)
        await the_policy(work.conn, row["policy_id"], own=only_own(principal))
        await require_write(work.conn, principal, row["customer_id"])
        match(row["version"])
        return row

    @staticmethod
    async def _row(work: Work, receipt_id: UUID, *, lock: bool = False) -> Record:
        row = await store.receipt(work.conn, receipt_id, lock=lock)
        if row is None:
            raise NotFound
        return row

    @staticmethod
    def _note(
        work: Work, row: Record, after: str, told: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        """What was done with it, and what was said of it that is not left out."""
        said = {name: value for name, value in told.items() if value is not None}
        work.audit(
            f"receipt.{after}",
            "receipt",
            row["id"],
            before={"state": row["state"]},
            after={"state": after, **said},
            person=row["customer_id"],
        )


def _ids(row: Record) -> dict[str, UUID]:
    return {
        "receipt_id": row["id"],
        "policy_id": row["policy_id"],
        "customer_id": row["customer_id"],
    }


def _fact(row: Record, wish: ReceiptMove) -> Event:
    ids = _ids(row)
    match wish.state:
        case "presented" | "re_presented":
            return ReceiptPresented(**ids, again=wish.state == "re_presented")
        case "collected" | "paid_at_broker":
            return ReceiptCollected(**ids, at_broker=wish.state == "paid_at_broker")
        case "returned":
            return ReceiptReturned(
                **ids,
                code=wish.return_code or "",
                first=row["first"],
                settled_at=row["settled_at"],
                settlement=row["settlement"],
            )
        case _:
            return ReceiptCancelled(**ids)


def _out(row: Record, *, own: bool = False) -> ReceiptOut:
    values = picked(ReceiptOut, row, MONEY)
    return ReceiptOut(receipt_id=row["id"], **(for_customer(values) if own else values))
