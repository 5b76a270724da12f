"""Use cases of customers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import db
from contactcenter.core.access import Principal
from contactcenter.core.clock import Clock
from contactcenter.core.errors import Conflict, Forbidden, Invalid, NotFound, Problem
from contactcenter.core.ids import new_id
from contactcenter.core.work import Work, WorkFactory
from contactcenter.events.customers import (
    CustomerCreated,
    CustomerDeleted,
    CustomerErased,
    CustomerMerged,
    CustomerSegmented,
    CustomerUnmerged,
    CustomerUpdated,
)
from contactcenter.interactions import service as hall
from contactcenter.interactions.model import sort_key
from contactcenter.interactions.service import decode_cursor, encode_cursor
from crm.access import only_own, require_write, writes_all
from crm.customers import store
from crm.customers.model import (
    ALIKE,
    Needle,
    Standing,
    Traits,
    check_rule,
    fold,
    lifetime_value,
    likeness,
    masked,
    needle,
    search_text,
    segment_of,
)
from crm.customers.schemas import (
    CustomerEdit,
    CustomerNew,
    CustomerOut,
    CustomerPage,
    CustomerQuery,
    CustomerRow,
    CustomerStats,
    Duplicates,
    Hit,
    Hits,
    HouseholdNew,
    HouseholdOut,
    Likeness,
    MergeOut,
    SearchQuery,
    SegmentRule,
    SegmentRules,
    Timeline,
    TimelineItem,
    TimelineQuery,
)
from crm.schemas import Money
from db import Connection, Record

Match = Callable[[int], None]
OWN_WAYS: Final = (("phone", "phone"), ("mobile", "phone"), ("email", "email"))
DERIVED: Final = frozenset({"ways", "addresses"})
MONEY: Final = frozenset({"annual_premium", "claims_paid", "unpaid_amount"})
HIDDEN: Final = ("dni", "tax_id", "iban")
"""What the identity gate covers, with the birth date."""

UNIQUE: Final = {
    "idx_customers_email": ("email", "Somebody else has this mail address."),
    "idx_customers_dni": ("dni", "Somebody else has this document."),
    "customers_tax_id": ("tax_id", "Another company has this document."),
}


# For the room's other slices ---------------------------------------------------------------------


async def the_customer(
    conn: Connection, customer_id: UUID, *, own: UUID | None = None, lock: bool = False
) -> Record:
    """A living file. NotFound for one that is not there or not the asker's; Conflict for one that
    was merged (ctx.merged_into) or closed."""
    if lock:
        await store.lock(conn, customer_id)
    row = await store.find(conn, customer_id, own)
    if row is None:
        raise NotFound
    if row["status"] == "merged":
        raise Conflict(
            "This customer was merged into another.", merged_into=str(row["merged_into"])
        )
    if row["status"] == "deleted":
        raise Conflict("This customer's file is closed.", status="deleted")
    return row


async def writable_customer(
    conn: Connection, principal: Principal, customer_id: UUID, *, field: str | None = None
) -> Record:
    """A living file that the asker may write in. `field`: where a body names it."""
    try:
        row = await the_customer(conn, customer_id)
    except NotFound:
        if field is None:
            raise
        raise Invalid.field(field, "unknown_customer", "There is no such customer.") from None
    await require_write(conn, principal, customer_id)
    return row


async def living(conn: Connection, customer_id: UUID) -> Record | None:
    """The file, unless it was merged or closed."""
    row = await store.find(conn, customer_id)
    return None if row is None or row["status"] in {"merged", "deleted"} else row


async def agent_exists(conn: Connection, agent_id: UUID) -> bool:
    return await store.agent_exists(conn, agent_id)


async def identify(conn: Connection, kind: str, address: str) -> list[UUID]:
    """Whose address it is, as it is stored (interactions.model.normalise). Several are ambiguous:
    a shared telephone, a switchboard."""
    if kind in {"phone", "whatsapp"}:
        return await store.by_way(conn, "phone", address)
    if kind == "email":
        return await store.by_way(conn, "email", address)
    if kind == "document":
        return await store.by_document(conn, address)
    return []


async def ways_of(conn: Connection, customer_id: UUID) -> list[tuple[str, str]]:
    """(phone or email, address) of a customer."""
    return await store.ways_of(conn, customer_id)


async def standing(conn: Connection, customer_id: UUID, work_now: Any) -> tuple[Standing, Record]:
    """What segment rules look at, and the row of figures it comes from."""
    customer = await store.find(conn, customer_id)
    if customer is None:
        raise NotFound
    row = await store.stats(conn, customer_id, work_now)
    since = row["customer_since"]
    today = work_now.date()
    years = 0 if since is None else (today - since).days * 4 // 1461
    return (
        Standing(
            kind=customer["kind"],
            policies=row["policies"],
            past_policies=row["past_policies"],
            vehicles=row["vehicles"],
            annual_premium=row["annual_premium"],
            years=max(0, years),
            open_claims=row["open_claims"],
            unpaid_receipts=row["unpaid_receipts"] or 0,
        ),
        row,
    )


async def resegment(work: Work, customer_id: UUID) -> str | None:
    """Apply the rules to what the customer is now; published when it changes something."""
    facts, _ = await standing(work.conn, customer_id, work.now)
    segment = segment_of(facts, await store.rules(work.conn))
    before = await store.set_segment(work.conn, customer_id, segment)
    if before is not None:
        work.emit(
            CustomerSegmented(customer_id=customer_id, segment=segment, before=before["segment"])
        )
    return segment


# Use cases ---------------------------------------------------------------------------------------


class CustomerService:
    def __init__(self, work: WorkFactory, clock: Clock, zone: ZoneInfo) -> None:
        self._work = work
        self._clock = clock
        self._zone = zone

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
        items = [CustomerRow(**shown(row)) for row in rows[: query.limit]]
        last = items[-1] if len(rows) > query.limit else None
        return CustomerPage(
            items=items,
            next_cursor=encode_cursor(last.created_at, last.customer_id) if last else None,
        )

    async def search(self, principal: Principal, query: SearchQuery) -> Hits:
        """By part of a name, document, number, mail address, plate or policy number."""
        wanted = needle(query.q)
        if wanted is None:
            return Hits(items=[], more=False)
        async with self._work.reading("customers.search") as conn:
            rows = await store.search(
                conn, wanted.grams, wanted.words, only_own(principal), query.limit + 1
            )
        return Hits(
            items=[
                Hit(**shown(row), found_by="policy" if row["by_policy"] else "customer")
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
        writable = False
        if row["status"] not in {"merged", "deleted"} and only_own(principal) is None:
            try:
                await require_write(conn, principal, customer_id)
                writable = True
            except Forbidden:
                pass
        hidden = not (writable or row["user_id"] == principal.user_id)
        values = {
            name: row[name]
            for name in CustomerOut.model_fields
            if name in row.keys()  # noqa: SIM118 - a record's values are not its keys
        }
        if hidden:
            values |= {name: masked(row[name]) for name in HIDDEN} | {"birth_date": None}
        return CustomerOut(**values | shown(row), masked=hidden, writable=writable)

    async def create(self, principal: Principal, new: CustomerNew) -> CustomerOut:
        """A new file, in the creating agent's portfolio unless it names another.

        Conflict with ctx.duplicates for somebody who may be known already, until `confirm`; for a
        document or mail address that another file has, always.
        """
        values = new.model_dump(exclude={"kind", "confirm"})
        values["portfolio_manager_id"] = new.portfolio_manager_id or principal.agent_id
        async with self._work.begin("customers.create", principal.actor) as work:
            await _check_references(work.conn, values)
            alike = await _alike(work.conn, new.kind, values, None)
            if alike and not new.confirm:
                raise Conflict(
                    "This may be a customer we know.",
                    duplicates=[
                        {"customer_id": str(row["id"]), "score": score, "by": list(by)}
                        for row, score, by in alike
                    ],
                )
            customer_id = await create(work, new.kind, values, by=principal.user_id)
            return work.answer(await self._card(work.conn, principal, customer_id))

    async def update(
        self, principal: Principal, customer_id: UUID, edit: CustomerEdit, match: Match
    ) -> CustomerOut:
        given = edit.model_dump(exclude_unset=True)
        async with self._work.begin("customers.update", principal.actor) as work:
            row = await the_customer(work.conn, customer_id, own=only_own(principal), lock=True)
            await require_write(work.conn, principal, customer_id)
            match(row["version"])
            manager = given.get("portfolio_manager_id", row["portfolio_manager_id"])
            if manager != row["portfolio_manager_id"] and not writes_all(principal):
                raise Forbidden("Only a supervisor moves a customer to another portfolio.")
            await _check_references(work.conn, given)
            await update(work, row, given, by=principal.user_id)
            return work.answer(await self._card(work.conn, principal, customer_id))

    async def delete(self, principal: Principal, customer_id: UUID, match: Match) -> None:
        """Close the file. Its personal data goes at once when no contract keeps it, else six years
        after the last one's end (Código de Comercio, art. 30). Conflict while anything is open."""
        async with self._work.begin("customers.delete", principal.actor) as work:
            row = await the_customer(work.conn, customer_id, own=only_own(principal), lock=True)
            if not writes_all(principal):
                raise Forbidden
            match(row["version"])
            still = {
                k: v for k, v in (await store.open_things(work.conn, customer_id)).items() if v
            }
            if still:
                raise Conflict("Something of this customer is still open.", open=still)
            await store.close(work.conn, customer_id, work.now, principal.user_id)
            work.emit(CustomerDeleted(customer_id=customer_id))
            work.audit("customer.deleted", "customer", customer_id, person=customer_id)
            await self._erase(work, customer_id)

    async def erase_due(self) -> None:
        """Erase the closed files whose time has come."""
        async with self._work.begin("customers.erase_due", "system") as work:
            await self._erase(work, None)

    async def _erase(self, work: Work, customer_id: UUID | None) -> None:
        today = work.now.astimezone(self._zone).date()
        for each in await store.erasable(work.conn, today, work.now, customer_id):
            await store.erase(work.conn, each, work.now)
            work.emit(CustomerErased(customer_id=each))
            work.audit("customer.erased", "customer", each)

    # Duplicates

    async def duplicates(self, principal: Principal, customer_id: UUID) -> Duplicates:
        """Who may be the same, the surest first."""
        async with self._work.reading("customers.duplicates") as conn:
            row = await the_customer(conn, customer_id, own=only_own(principal))
            if only_own(principal) is not None:
                raise Forbidden
            values = dict(row) | {"ways": row["ways"]}
            found = await _alike(conn, row["kind"], values, customer_id)
        return Duplicates(
            items=[
                Likeness(customer=CustomerRow(**shown(other)), score=score, by=list(by))
                for other, score, by in found
            ]
        )

    async def merge(self, principal: Principal, winner_id: UUID, loser_id: UUID) -> MergeOut:
        """Two files of one customer become the winner's; `unmerge` takes it back."""
        if winner_id == loser_id:
            raise Invalid.field("loser_id", "same_customer", "That is the same file.")
        async with self._work.begin("customers.merge", principal.actor) as work:
            await store.lock(work.conn, winner_id, loser_id)
            winner = await the_customer(work.conn, winner_id)
            try:
                loser = await the_customer(work.conn, loser_id)
            except NotFound:
                raise Invalid.field("loser_id", "unknown_customer", "No such customer.") from None
            if not writes_all(principal):
                await require_write(work.conn, principal, winner_id)
                await require_write(work.conn, principal, loser_id)
            if winner["kind"] != loser["kind"]:
                raise Conflict("A person and a company are not the same customer.")
            merge_id = new_id()
            moved = await store.move_all(work.conn, loser_id, winner_id)
            await store.insert_merge(
                work.conn,
                merge_id,
                winner_id,
                loser_id,
                moved,
                loser["status"],
                work.now,
                work.actor,
            )
            await store.bury(work.conn, loser_id, winner_id, work.now)
            work.emit(CustomerMerged(customer_id=winner_id, loser_id=loser_id, merge_id=merge_id))
            work.audit("customer.merged", "customer", winner_id, after={"loser_id": str(loser_id)})
            await resegment(work, winner_id)
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
            merge = await store.merge(work.conn, merge_id)
            if merge is None:
                raise NotFound
            if merge["undone_at"] is not None:
                raise Conflict("This was taken back already.")
            winner_id, loser_id = merge["winner_id"], merge["loser_id"]
            await store.lock(work.conn, winner_id, loser_id)
            if not writes_all(principal):
                await require_write(work.conn, principal, winner_id)
            await the_customer(work.conn, winner_id)
            with _unique():
                if not await store.unbury(work.conn, loser_id, merge["status"], work.now):
                    raise Conflict("The other file is not as the merge left it.")
            moved = merge["moved"]
            await store.move_back(work.conn, winner_id, loser_id, moved)
            await store.end_merge(work.conn, merge_id, work.now)
            work.emit(CustomerUnmerged(customer_id=winner_id, loser_id=loser_id, merge_id=merge_id))
            work.audit(
                "customer.unmerged", "customer", winner_id, after={"loser_id": str(loser_id)}
            )
            await resegment(work, winner_id)
            await resegment(work, loser_id)
            return work.answer(
                MergeOut(
                    merge_id=merge_id,
                    winner_id=winner_id,
                    loser_id=loser_id,
                    moved={kind: len(keys) for kind, keys in moved.items() if keys},
                )
            )

    # Figures and history

    async def stats(self, principal: Principal, customer_id: UUID) -> CustomerStats:
        now = self._clock.now()
        async with self._work.reading("customers.stats", snapshot=True) as conn:
            customer = await store.find(conn, customer_id, only_own(principal))
            if customer is None:
                raise NotFound
            row = await store.stats(conn, customer_id, now)
            rates = await store.rates(conn, now.astimezone(self._zone).date())
        yearly = [
            (Decimal(net), _rate(rates, "commission", line), _rate(rates, "retention", line))
            for line, net in row["lines"]
        ]
        figures: dict[str, Any] = {
            name: Money(amount=row[name] or Decimal(0)) if name in MONEY else row[name]
            for name in CustomerStats.model_fields.keys() & set(row.keys())
        }
        figures["unpaid_receipts"] = row["unpaid_receipts"] or 0
        return CustomerStats(
            customer_id=customer_id,
            segment=customer["segment"],
            lifetime_value=Money(amount=lifetime_value(row["earned"] or Decimal(0), yearly)),
            **figures,
        )

    async def timeline(
        self, principal: Principal, customer_id: UUID, query: TimelineQuery
    ) -> Timeline:
        """Everything on all channels, newest first."""
        before = decode_cursor(query.cursor)
        async with self._work.reading("customers.timeline") as conn:
            if await store.find(conn, customer_id, only_own(principal)) is None:
                raise NotFound
            rows = await store.timeline(conn, customer_id, before, query.channel, query.limit + 1)
        items = [TimelineItem(**row) for row in rows[: query.limit]]
        last = items[-1] if len(rows) > query.limit else None
        return Timeline(items=items, next_cursor=encode_cursor(last.at, last.id) if last else None)

    async def resegment(self, principal: Principal, customer_id: UUID) -> CustomerOut:
        async with self._work.begin("customers.resegment", principal.actor) as work:
            await the_customer(work.conn, customer_id, own=only_own(principal), lock=True)
            await require_write(work.conn, principal, customer_id)
            await resegment(work, customer_id)
            return work.answer(await self._card(work.conn, principal, customer_id))

    async def rules(self) -> SegmentRules:
        async with self._work.reading("segments.rules") as conn:
            rules = await store.rules(conn)
        return SegmentRules(items=[SegmentRule(segment=s, conditions=c) for s, c in rules])

    async def set_rules(self, principal: Principal, rules: SegmentRules) -> SegmentRules:
        pairs = [(rule.segment, rule.conditions) for rule in rules.items]
        for _, conditions in pairs:
            try:
                check_rule(conditions)
            except (ValueError, ArithmeticError) as error:
                raise Invalid.field("items", "bad_rule", str(error)) from error
        if len({segment for segment, _ in pairs}) < len(pairs):
            raise Invalid.field("items", "bad_rule", "Each segment has one rule.")
        async with self._work.begin("segments.set_rules", principal.actor) as work:
            before = await store.rules(work.conn)
            await store.put_rules(work.conn, pairs)
            work.audit(
                "segments.changed",
                "segments",
                "rules",
                before=dict(before),
                after=dict(pairs),
            )
        return await self.rules()

    async def relink(
        self, principal: Principal, interaction_id: UUID, customer_id: UUID
    ) -> CustomerOut:
        """An interaction is about this customer, whoever it was taken for."""
        async with self._work.begin("customers.relink", principal.actor) as work:
            await hall.require_sight(work.conn, principal, interaction_id=interaction_id)
            if await hall.interaction(work.conn, interaction_id, lock=True) is None:
                raise NotFound
            try:
                await the_customer(work.conn, customer_id)
            except NotFound:
                raise Invalid.field(
                    "customer_id", "unknown_customer", "There is no such customer."
                ) from None
            await hall.link_interaction(work, interaction_id, customer_id)
            work.audit(
                "interaction.linked",
                "interaction",
                interaction_id,
                after={"customer_id": str(customer_id)},
            )
            return work.answer(await self._card(work.conn, principal, customer_id))

    # Households

    async def create_household(self, principal: Principal, new: HouseholdNew) -> HouseholdOut:
        async with self._work.begin("households.create", principal.actor) as work:
            household_id = new_id()
            await store.lock(work.conn, *new.members)
            for member in new.members:
                await writable_customer(work.conn, principal, member, field="members")
            await store.insert_household(work.conn, household_id, new.name, work.now)
            for member in sorted(
                await store.join_household(work.conn, household_id, new.members, work.now)
            ):
                work.emit(CustomerUpdated(customer_id=member, fields=("household_id",)))
                work.audit("customer.updated", "customer", member, person=member)
            return work.answer(await _household(work.conn, principal, household_id))

    async def household(self, principal: Principal, household_id: UUID) -> HouseholdOut:
        async with self._work.reading("households.get") as conn:
            return await _household(conn, principal, household_id)


# Writing -----------------------------------------------------------------------------------------


async def create(
    work: Work, kind: str, values: Mapping[str, Any], *, by: UUID | None = None
) -> UUID:
    """Write a checked file; `values` are the fields of CustomerEdit."""
    customer_id = new_id()
    given = {**values, **_derived(kind, values)}
    with _unique():
        await store.insert(work.conn, customer_id, kind, _row(given), work.now, by)
    await store.put_ways(work.conn, customer_id, _ways(given))
    await store.put_addresses(work.conn, customer_id, _numbered(given.get("addresses", ())))
    work.emit(CustomerCreated(customer_id=customer_id, kind=kind))
    work.audit("customer.created", "customer", customer_id, after=dict(values), person=customer_id)
    await resegment(work, customer_id)
    return customer_id


async def update(
    work: Work, row: Record, given: Mapping[str, Any], *, by: UUID | None = None
) -> None:
    """Write checked changes of a locked file; nothing happens when nothing changes."""
    after = {**dict(row), **given}
    changed = [name for name in given if row[name] != given[name]]
    if not changed:
        return
    if row["kind"] == "person" and not (after["first_name"] and after["last_name"]):
        raise Invalid.field("last_name", "name_missing", "A person needs first and last name.")
    if row["kind"] == "company" and not after["company_name"]:
        raise Invalid.field("company_name", "name_missing", "A company needs its name.")
    changes = {name: given[name] for name in changed if name not in DERIVED}
    with _unique():
        await store.update(
            work.conn, row["id"], {**changes, **_derived(row["kind"], after)}, work.now, by
        )
    if DERIVED & set(changed) or any(own in changed for own, _ in OWN_WAYS):
        await store.put_ways(work.conn, row["id"], _ways(after))
    if "addresses" in changed:
        await store.put_addresses(work.conn, row["id"], _numbered(given["addresses"]))
    work.emit(CustomerUpdated(customer_id=row["id"], fields=tuple(sorted(changed))))
    work.audit(
        "customer.updated",
        "customer",
        row["id"],
        before={name: row[name] for name in changed},
        after={name: given[name] for name in changed},
        person=row["id"],
    )


def shown(row: Mapping[str, Any] | Record) -> dict[str, Any]:
    """The fields of CustomerRow."""
    return {
        "customer_id": row["id"],
        "name": name_of(row),
        **{
            name: row[name]
            for name in CustomerRow.model_fields
            if name not in {"customer_id", "name"}
        },
    }


def name_of(row: Mapping[str, Any] | Record) -> str:
    if row["kind"] == "company":
        return row["company_name"] or ""
    return f"{row['first_name']} {row['last_name']}".strip()


def _derived(kind: str, values: Mapping[str, Any]) -> dict[str, str]:
    """What is stored for sorting and searching; a person is sorted by the last name."""
    if kind == "company":
        ordered = values["company_name"] or ""
    else:
        ordered = f"{values['last_name']} {values['first_name']}"
    parts = [values.get(name) for name in ("first_name", "last_name", "company_name")]
    parts += [values.get(name) for name in ("dni", "tax_id")]
    parts += [address for _, address, _, _ in _ways(values)]
    return {"sort_key": sort_key(ordered), "search_text": search_text(parts)}


def _ways(values: Mapping[str, Any]) -> list[tuple[str, str, str, bool]]:
    ways = {
        (kind, values[name]): (kind, values[name], name, False)
        for name, kind in OWN_WAYS
        if values.get(name)
    }
    for way in values.get("ways") or ():
        key = (way["kind"], way["address"])
        ways.setdefault(key, (*key, way["label"], True))
    return list(ways.values())


def _row(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in DERIVED}


def _numbered(addresses: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{"id": new_id(), **address} for address in addresses]


class _unique:  # noqa: N801 - reads as the statement it is
    """Turns the refusal of a unique index into a Conflict that names the field."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, db.UniqueViolation):
            field, text = UNIQUE.get(error.constraint_name or "", ("", "It exists already."))
            raise _taken(field, text) from error


def _taken(field: str, text: str) -> Problem:
    return Conflict(text, field=field, type=f"{field}_taken")


async def _check_references(conn: Connection, values: Mapping[str, Any]) -> None:
    manager, household = values.get("portfolio_manager_id"), values.get("household_id")
    if manager is not None and not await store.agent_exists(conn, manager):
        raise Invalid.field("portfolio_manager_id", "unknown_agent", "There is no such agent.")
    if household is not None and await store.household(conn, household) is None:
        raise Invalid.field("household_id", "unknown_household", "There is no such household.")


async def _alike(
    conn: Connection, kind: str, values: Mapping[str, Any], besides: UUID | None
) -> list[tuple[Record, int, tuple[str, ...]]]:
    mine = _traits(kind, values, (address for _, address, _, _ in _ways(values)))
    by_name = needle(mine.name) or Needle(("\0",), ("\0",))
    rows = await store.candidates(
        conn,
        [(way_kind, address) for way_kind, address, _, _ in _ways(values)],
        list(mine.documents),
        by_name.grams,
        by_name.words,
        besides,
    )
    found = []
    for row in rows:
        if row["kind"] != kind:
            continue
        score, by = likeness(mine, _traits(kind, row, row["known_ways"]))
        if score >= ALIKE:
            found.append((row, score, by))
    return sorted(found, key=lambda each: (-each[1], each[0]["id"]))[:10]


def _traits(kind: str, values: Mapping[str, Any] | Record, ways: Any) -> Traits:
    return Traits(
        name=fold(name_of({**dict(values), "kind": kind})),
        documents=frozenset(values[name] for name in ("dni", "tax_id") if values[name]),
        birth_date=values["birth_date"],
        ways=frozenset(ways),
        postal_code=values["postal_code"],
    )


def _rate(rates: Mapping[tuple[str, str], Decimal], kind: str, line: str) -> Decimal:
    return rates.get((kind, line)) or rates.get((kind, "*")) or Decimal(0)


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
        members=[CustomerRow(**shown(member)) for member in members],
    )
