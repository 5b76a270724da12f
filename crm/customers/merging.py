"""Two files of one customer, and customers of one household."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from contactcenter.core.access import Principal
from contactcenter.core.errors import Conflict, Forbidden, Invalid, NotFound
from contactcenter.core.ids import new_id
from contactcenter.core.work import Work, WorkFactory
from contactcenter.events.customers import (
    CustomerMerged,
    CustomerUnmerged,
    CustomerUpdated,
)
from crm.access import only_own, require_write
from crm.customers import files, merge_store, store
from crm.customers.schemas import (
    CustomerRow,
    Duplicates,
    HouseholdNew,
    HouseholdOut,
    Likeness,
    MergeOut,
)
from db import Connection, Record

Match = Callable[[int], None]
MOST_TAGS: Final = 30
LONGEST_NOTES: Final = 8000


class MergeService:
    def __init__(self, work: WorkFactory, zone: ZoneInfo) -> None:
        self._work = work
        self._zone = zone

    async def duplicates(self, principal: Principal, customer_id: UUID) -> Duplicates:
        """Who may be the same, the surest first."""
        async with self._work.reading("customers.duplicates") as conn:
            row = await files.the_customer(conn, customer_id, own=only_own(principal))
            if only_own(principal) is not None:
                raise Forbidden
            values = dict(row) | {"ways": row["ways"]}
            found = await files.alike(conn, row["kind"], values, customer_id)
        return Duplicates(
            items=[
                Likeness(customer=CustomerRow(**files.shown(other)), score=score, by=list(by))
                for other, score, by in found
            ]
        )

    async def merge(
        self, principal: Principal, winner_id: UUID, loser_id: UUID, match: Match
    ) -> MergeOut:
        """Two files of one customer become the winner's, whose version `match` compares; `unmerge`
        takes it back."""
        if winner_id == loser_id:
            raise Invalid.field("loser_id", "same_customer", "That is the same file.")
        async with self._work.begin("customers.merge", principal.actor) as work:
            await merge_store.hold_runs(work.conn, loser_id)
            await store.lock(work.conn, winner_id, loser_id)
            winner = await files.the_customer(work.conn, winner_id)
            try:
                loser = await files.the_customer(work.conn, loser_id)
            except NotFound:
                raise Invalid.field("loser_id", "unknown_customer", "No such customer.") from None
            await require_write(work.conn, principal, winner_id)
            await require_write(work.conn, principal, loser_id)
            match(winner["version"])
            if winner["kind"] != loser["kind"]:
                raise Conflict("A person and a company are not the same customer.")
            merge_id = new_id()
            gaps = _gaps(winner, loser)
            moved = await merge_store.move_all(
                work.conn, loser_id, winner_id, address="address_line1" not in gaps
            )
            moved["fields"] = sorted(gaps)
            joined = _joined(winner, loser)
            moved["tags"] = joined.get("tags", [])[len(winner["tags"]) :]
            moved["notes"] = ["notes"] if "notes" in joined else []
            await merge_store.insert_merge(
                work.conn,
                merge_id,
                winner_id,
                loser_id,
                moved,
                loser["status"],
                work.now,
                work.actor,
            )
            await merge_store.bury(work.conn, loser_id, winner_id, work.now)
            if gaps or joined:
                await store.update(work.conn, winner_id, gaps | joined, work.now, principal.user_id)
            await _rederive(work, winner_id)
            work.emit(CustomerMerged(customer_id=winner_id, loser_id=loser_id, merge_id=merge_id))
            work.audit(
                "customer.merged",
                "customer",
                winner_id,
                after={"loser_id": str(loser_id), "taken_over": sorted(gaps | joined)},
            )
            await files.resegment(work, winner_id, self._zone)
            return work.answer(
                MergeOut(
                    merge_id=merge_id,
                    winner_id=winner_id,
                    loser_id=loser_id,
                    moved={kind: len(keys) for kind, keys in moved.items() if keys},
                )
            )

    async def unmerge(self, principal: Principal, merge_id: UUID) -> MergeOut:
        """Two customers after all: what came over goes back, what came later stays."""
        async with self._work.begin("customers.unmerge", principal.actor) as work:
            merge = await merge_store.merge(work.conn, merge_id)
            if merge is None:
                raise NotFound
            if merge["undone_at"] is not None:
                raise Conflict("This was taken back already.")
            winner_id, loser_id = merge["winner_id"], merge["loser_id"]
            moved = merge["moved"]
            await merge_store.hold_these_runs(work.conn, moved.get("workflow_runs", []))
            await store.lock(work.conn, winner_id, loser_id)
            await require_write(work.conn, principal, winner_id)
            winner = await files.the_customer(work.conn, winner_id)
            loser = await store.find(work.conn, loser_id)
            assert loser is not None
            apart = _apart(winner, loser, moved)
            if apart:
                await store.update(work.conn, winner_id, apart, work.now, principal.user_id)
            await merge_store.empty_again(work.conn, winner_id, loser_id, moved.get("fields", []))
            with files.unique():
                if not await merge_store.unbury(work.conn, loser_id, merge["status"], work.now):
                    raise Conflict("The other file is not as the merge left it.")
            await merge_store.move_back(work.conn, winner_id, loser_id, moved)
            await merge_store.end_merge(work.conn, merge_id, work.now)
            await _rederive(work, winner_id)
            work.emit(CustomerUnmerged(customer_id=winner_id, loser_id=loser_id, merge_id=merge_id))
            work.audit(
                "customer.unmerged", "customer", winner_id, after={"loser_id": str(loser_id)}
            )
            await files.resegment(work, winner_id, self._zone)
            await files.resegment(work, loser_id, self._zone)
            return work.answer(
                MergeOut(
                    merge_id=merge_id,
                    winner_id=winner_id,
                    loser_id=loser_id,
                    moved={kind: len(keys) for kind, keys in moved.items() if keys},
                )
            )

    async def create_household(self, principal: Principal, new: HouseholdNew) -> HouseholdOut:
        async with self._work.begin("households.create", principal.actor) as work:
            household_id = new_id()
            await store.lock(work.conn, *new.members)
            left = {}
            for member in new.members:
                row = await files.writable_customer(work.conn, principal, member, field="members")
                left[member] = row["household_id"]
            await store.insert_household(work.conn, household_id, new.name, work.now)
            for member in sorted(
                await store.join_household(work.conn, household_id, new.members, work.now)
            ):
                work.emit(CustomerUpdated(customer_id=member, fields=("household_id",)))
                work.audit(
                    "customer.updated", "customer", member, person=member,
                    before={"household_id": left[member]}, after={"household_id": household_id},
                )  # fmt: skip
            return work.answer(await _household(work.conn, principal, household_id))

    async def household(self, principal: Principal, household_id: UUID) -> HouseholdOut:
        async with self._work.reading("households.get") as conn:
            return await _household(conn, principal, household_id)


def _gaps(winner: Record, loser: Record) -> dict[str, Any]:
    """What the winner takes over of the loser's where its own file says nothing; an address is one
    thing."""
    gaps = {
        name: loser[name] for name in merge_store.TAKEN_OVER if loser[name] and not winner[name]
    }
    if not loser["address_line1"] or any(winner[name] for name in merge_store.ADDRESS):
        return {name: gaps[name] for name in gaps if name not in merge_store.ADDRESS}
    return gaps | {"country": loser["country"]}


def _joined(winner: Record, loser: Record) -> dict[str, Any]:
    """What is of both: the loser's tags and notes come behind the winner's."""
    joined: dict[str, Any] = {}
    more = [tag for tag in loser["tags"] if tag not in winner["tags"]]
    more = more[: max(0, MOST_TAGS - len(winner["tags"]))]
    if more:
        joined["tags"] = [*winner["tags"], *more]
    notes = "\n\n".join(filter(None, (winner["notes"], loser["notes"])))
    if loser["notes"] and len(notes) <= LONGEST_NOTES:
        joined["notes"] = notes
    return joined


def _apart(winner: Record, loser: Record, moved: Mapping[str, Any]) -> dict[str, Any]:
    """The winner's tags and notes without the loser's, where they still are there."""
    apart: dict[str, Any] = {}
    if moved.get("tags"):
        apart["tags"] = [tag for tag in winner["tags"] if tag not in moved["tags"]]
    if moved.get("notes") and loser["notes"] and winner["notes"]:
        before = f"\n\n{winner['notes']}".replace(f"\n\n{loser['notes']}", "", 1)
        apart["notes"] = before.removeprefix("\n\n") or None
    return apart


async def _rederive(work: Work, customer_id: UUID) -> None:
    """What a file is reached and found by, from what it holds now."""
    row = await files.the_customer(work.conn, customer_id)
    await files.rewrite_ways(work.conn, row)
    derived = await files.derived(work.conn, row, row)
    await merge_store.set_derived(work.conn, customer_id, derived, work.now)


async def _household(conn: Connection, principal: Principal, household_id: UUID) -> HouseholdOut:
    row = await store.household(conn, household_id)
    own = only_own(principal)
    members = await store.listed(
        conn, None, None, None, None, None, household_id, own, None, None, 200
    )
    if row is None or (own is not None and not members):
        raise NotFound
    return HouseholdOut(
        household_id=row["id"],
        name=row["name"],
        members=[CustomerRow(**files.shown(member, own=own is not None)) for member in members],
    )
