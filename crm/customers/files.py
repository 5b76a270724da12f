"""A customer's file: finding it, writing it, and whom it may be. For the whole room."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import db
from contactcenter.core.access import Principal
from contactcenter.core.errors import Conflict, Invalid, NotFound, Problem
from contactcenter.core.ids import new_id
from contactcenter.core.work import Work
from contactcenter.events.customers import (
    CustomerCreated,
    CustomerSegmented,
    CustomerUpdated,
)
from contactcenter.interactions.model import sort_key
from crm.access import may_write, only_own, require_write
from crm.customers import store
from crm.customers.model import (
    ALIKE,
    Kind,
    Standing,
    Traits,
    fold,
    likeness,
    needles,
    search_text,
    segment_of,
)
from crm.customers.schemas import (
    CustomerRow,
)
from crm.masks import for_customer
from crm.sql import agent_exists
from db import Connection, Record

OWN_WAYS: Final = (("phone", "phone"), ("mobile", "phone"), ("email", "email"))
DERIVED: Final = frozenset({"ways", "addresses"})
SEARCHED: Final = frozenset(
    {"first_name", "last_name", "company_name", "dni", "tax_id", "phone", "mobile", "email", "ways"}
)
"""What a file is sorted and found by: `_derived` is made from these."""
UNIQUE: Final = {
    "idx_customers_email": ("email", "Somebody else has this mail address."),
    "idx_customers_dni": ("dni", "Somebody else has this document."),
    "customers_tax_id": ("tax_id", "Another company has this document."),
}


async def the_customer(
    conn: Connection,
    customer_id: UUID,
    *,
    own: UUID | None = None,
    lock: bool = False,
    closed: bool = False,
) -> Record:
    """A living file; `closed`: or a closed one that is not erased. NotFound for one that is not
    there or not the asker's; Conflict for one that was merged (ctx.merged_into) or closed."""
    if lock:
        await store.lock(conn, customer_id)
    return _living(await store.find(conn, customer_id, own), closed)


async def open_to(
    conn: Connection,
    principal: Principal,
    customer_id: UUID,
    *,
    closed: bool = False,
    handler: UUID | None = None,
) -> bool:
    """Whether the asker may write in a file, which is a living one. `closed`: as of `the_customer`;
    `handler`: who handles what is written, whosever the file is."""
    if only_own(principal) is not None:
        return False
    try:
        _living(await store.find(conn, customer_id, None), closed)
    except (NotFound, Conflict):
        return False
    handles = handler is not None and handler == principal.agent_id
    return handles or await may_write(conn, principal, customer_id)


async def hold(conn: Connection, customer_id: UUID, *, closed: bool = False) -> None:
    """Keep a living file from being merged or closed before the commit. Raises as
    `the_customer`."""
    _living(await store.hold(conn, customer_id), closed)


def _living(row: Record | None, closed: bool) -> Record:
    if row is None:
        raise NotFound
    if row["status"] == "merged":
        raise Conflict(
            "This customer was merged into another.", merged_into=str(row["merged_into"])
        )
    if row["status"] == "deleted" and (not closed or row["erased_at"] is not None):
        raise Conflict("This customer's file is closed.", status="deleted")
    return row


async def writable_customer(
    conn: Connection,
    principal: Principal,
    customer_id: UUID,
    *,
    field: str | None = None,
    closed: bool = False,
) -> Record:
    """A living file that the asker may write in, held: it is neither merged nor closed before the
    commit. `field`: where a body names it; `closed`: as of `the_customer`."""
    try:
        row = await the_customer(conn, customer_id, lock=True, closed=closed)
    except NotFound:
        if field is None:
            raise
        raise Invalid.field(field, "unknown_customer", "There is no such customer.") from None
    await require_write(conn, principal, customer_id)
    return row


async def hold_owner(conn: Connection, look: Callable[[], Awaitable[Record]]) -> Record:
    """The row that `look` reads, and its customer's file held before it: whoever merges or closes
    that file waits for the commit, or was waited for. Files are held before what is in them."""
    row = await look()
    while True:
        await store.lock(conn, row["customer_id"])
        again = await look()
        if again["customer_id"] == row["customer_id"]:
            return again
        row = again


async def hold_living(conn: Connection, customer_ids: Collection[UUID]) -> None:
    """Hold these files. Conflict when one has been merged or closed meanwhile."""
    wanted = set(customer_ids)
    await store.lock(conn, *wanted)
    if await store.living_among(conn, wanted) < len(wanted):
        raise Conflict("A customer's file was merged or closed meanwhile: try again.")


async def successor(conn: Connection, customer_id: UUID) -> UUID:
    """The file that this one is part of by now, itself when it was not merged; held."""
    while True:
        merged_into = await store.hold_merged_into(conn, customer_id)
        if merged_into is None:
            return customer_id
        customer_id = merged_into


async def check_interaction(
    conn: Connection, interaction_id: UUID | None, customer_id: UUID
) -> None:
    """Invalid for an interaction that is not there, or is another customer's; one that is nobody's
    yet may be anybody's."""
    if interaction_id is None:
        return
    found = await store.interaction(conn, interaction_id)
    if found is None:
        raise Invalid.field("interaction_id", "unknown_interaction", "No such interaction.")
    if found["customer_id"] not in {None, customer_id}:
        raise Invalid.field("interaction_id", "another_customer", "It is another customer's.")


async def living(conn: Connection, customer_id: UUID, *, lock: bool = False) -> Record | None:
    """The file, unless it was merged or closed."""
    if lock:
        await store.lock(conn, customer_id)
    row = await store.find(conn, customer_id)
    return None if row is None or row["status"] in {"merged", "deleted"} else row


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


async def identified(conn: Connection, ways: Sequence[tuple[str, str]]) -> set[UUID]:
    """Whose these, (kind, address), are. Where it is one customer, the file is held."""
    while True:
        found: set[UUID] = set()
        for kind, address in ways:
            found.update(await identify(conn, kind, address))
        if len(found) != 1 or await living(conn, *found, lock=True) is not None:
            return found


async def ways_of(conn: Connection, customer_id: UUID) -> list[tuple[str, str]]:
    """(phone or email, address) of a customer."""
    return await store.ways_of(conn, customer_id)


async def standing(
    conn: Connection, customer_id: UUID, now: datetime, zone: ZoneInfo
) -> tuple[Standing, Record]:
    """What segment rules look at, and the row of figures it comes from."""
    customer = await store.find(conn, customer_id)
    if customer is None:
        raise NotFound
    today = now.astimezone(zone).date()
    row = await store.stats(conn, customer_id, now, today)
    since = row["customer_since"]
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


async def resegment(work: Work, customer_id: UUID, zone: ZoneInfo) -> str | None:
    """Apply the rules to what the customer is now; published when it changes something."""
    facts, _ = await standing(work.conn, customer_id, work.now, zone)
    segment = segment_of(facts, await store.rules(work.conn))
    before = await store.set_segment(work.conn, customer_id, segment)
    if before is not None:
        work.emit(
            CustomerSegmented(customer_id=customer_id, segment=segment, before=before["segment"])
        )
        work.audit(
            "customer.segmented",
            "customer",
            customer_id,
            before=dict(before),
            after={"segment": segment},
            person=customer_id,
        )
    return segment


# Writing ------------------------------------------------------------------------------------------


async def create(
    work: Work, kind: Kind, values: Mapping[str, Any], *, by: UUID | None = None
) -> UUID:
    """Write a checked file; `values` are the fields of CustomerEdit."""
    # With whom the centre has nothing yet.
    segment = segment_of(Standing(kind), await store.rules(work.conn))
    (customer_id,) = await create_many(work, [(kind, {**values, "segment": segment})], by=by)
    work.audit("customer.created", "customer", customer_id, after=dict(values), person=customer_id)
    if segment is not None:
        work.emit(CustomerSegmented(customer_id=customer_id, segment=segment, before=None))
    return customer_id


async def create_many(
    work: Work, new: Sequence[tuple[str, Mapping[str, Any]]], *, by: UUID | None = None
) -> list[UUID]:
    """Write checked files, (kind, values) each, in few statements; the caller leaves the notes.
    Conflict when a document or mail address is somebody else's."""
    rows, ways, addresses, ids = [], [], [], []
    for kind, values in new:
        customer_id = new_id()
        ids.append(customer_id)
        given = {**values, **_derived(kind, values)}
        rows.append({**_row(given), "id": customer_id, "kind": kind})
        ways += _ways(customer_id, given)
        addresses += _numbered(customer_id, given.get("addresses", ()))
        work.emit(CustomerCreated(customer_id=customer_id, kind=kind))
    with unique():
        await store.insert(work.conn, rows, work.now, by)
    await store.add_ways(work.conn, ways)
    await store.add_addresses(work.conn, addresses)
    return ids


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
    if SEARCHED.intersection(changed):
        changes |= await derived(work.conn, row, after)
    with unique():
        await store.update(work.conn, row["id"], changes, work.now, by)
    if DERIVED & set(changed) or any(own in changed for own, _ in OWN_WAYS):
        await store.put_ways(work.conn, row["id"], _ways(row["id"], after))
    if "addresses" in changed:
        await store.put_addresses(work.conn, row["id"], _numbered(row["id"], given["addresses"]))
    work.emit(CustomerUpdated(customer_id=row["id"], fields=tuple(sorted(changed))))
    work.audit(
        "customer.updated",
        "customer",
        row["id"],
        before={name: row[name] for name in changed},
        after={name: given[name] for name in changed},
        person=row["id"],
    )


def shown(row: Mapping[str, Any] | Record, *, own: bool = False) -> dict[str, Any]:
    """The fields of CustomerRow; `own`: as the customer sees them."""
    values = {
        "customer_id": row["id"],
        "name": name_of(row),
        **{
            name: row[name]
            for name in CustomerRow.model_fields
            if name not in {"customer_id", "name"}
        },
    }
    return for_customer(values) if own else values


def name_of(row: Mapping[str, Any] | Record) -> str:
    if row["kind"] == "company":
        return row["company_name"] or ""
    return f"{row['first_name']} {row['last_name']}".strip()


async def derived(
    conn: Connection, row: Record, values: Mapping[str, Any] | Record
) -> dict[str, str]:
    """As `_derived` of a file that stands: it is found by the documents of what was merged into it
    too."""
    documents = await store.merged_documents(conn, row["id"])
    return _derived(row["kind"], dict(values), documents)


def _derived(
    kind: str, values: Mapping[str, Any], merged_documents: Sequence[str] = ()
) -> dict[str, str]:
    """What is stored for sorting and searching; a person is sorted by the last name."""
    if kind == "company":
        ordered = values["company_name"] or ""
    else:
        ordered = f"{values['last_name']} {values['first_name']}"
    parts = [values.get(name) for name in ("first_name", "last_name", "company_name")]
    parts += [values.get(name) for name in ("dni", "tax_id")]
    parts += [address for _, address, _, _ in _known_ways(values)]
    parts += merged_documents
    return {"sort_key": sort_key(ordered), "search_text": search_text(parts)}


def _known_ways(values: Mapping[str, Any]) -> list[tuple[str, str, str, bool]]:
    ways = {
        (kind, values[name]): (kind, values[name], name, False)
        for name, kind in OWN_WAYS
        if values.get(name)
    }
    for way in values.get("ways") or ():
        key = (way["kind"], way["address"])
        ways.setdefault(key, (*key, way["label"], True))
    return list(ways.values())


def _ways(customer_id: UUID, values: Mapping[str, Any]) -> list[tuple[UUID, str, str, str, bool]]:
    return [(customer_id, *way) for way in _known_ways(values)]


async def rewrite_ways(conn: Connection, row: Record) -> None:
    """Write the addresses of a file anew: its main ones, and the further ones besides."""
    await store.put_ways(conn, row["id"], _ways(row["id"], dict(row)))


def _row(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in DERIVED}


def _numbered(customer_id: UUID, addresses: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{**address, "id": new_id(), "customer_id": customer_id} for address in addresses]


class unique:  # noqa: N801 - reads as the statement it is
    """Turns the refusal of a unique index into a Conflict that names the field."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, db.UniqueViolation):
            field, text = UNIQUE.get(error.constraint_name or "", ("", "It exists already."))
            raise _taken(field, text) from error


def _taken(field: str, text: str) -> Problem:
    return Conflict(text, field=field, type=f"{field}_taken")


async def check_references(conn: Connection, values: Mapping[str, Any]) -> None:
    manager, household = values.get("portfolio_manager_id"), values.get("household_id")
    if manager is not None and not await agent_exists(conn, manager):
        raise Invalid.field("portfolio_manager_id", "unknown_agent", "There is no such agent.")
    if household is not None and await store.household(conn, household) is None:
        raise Invalid.field("household_id", "unknown_household", "There is no such household.")


Alike = list[tuple[Record, int, tuple[str, ...]]]
"""Somebody on file, how surely it is the same, and by what; the surest first."""


async def alike(
    conn: Connection, kind: str, values: Mapping[str, Any], besides: UUID | None
) -> Alike:
    """Who this may be."""
    mine = _new_traits(kind, values)
    found = needles(mine.name)
    rows = await store.candidates(
        conn,
        [(way_kind, address) for way_kind, address, _, _ in _known_ways(values)],
        list(mine.documents),
        () if found is None else found.words,
        besides,
        mine.birth_date,
        mine.postal_code,
    )
    return _ranked(kind, mine, rows)


async def alike_of_many(
    conn: Connection, new: Sequence[tuple[str, Mapping[str, Any]]]
) -> list[Alike]:
    """Who each of these, (kind, values), may be: by document, address or the whole name."""
    traits = [_new_traits(kind, values) for kind, values in new]
    names = [_derived(kind, values)["sort_key"] for kind, values in new]
    ways = [[(way[0], way[1]) for way in _known_ways(values)] for _, values in new]
    rows = await store.candidates_of_many(
        conn,
        sorted({way for each in ways for way in each}),
        sorted({document for each in traits for document in each.documents}),
        sorted(set(names)),
    )
    by_trait: dict[str, list[Record]] = {}
    for row in rows:
        keys = {row["sort_key"], row["dni"], row["tax_id"], *row["known_ways"]} - {None}
        for key in keys:
            by_trait.setdefault(key, []).append(row)
    found = []
    for (kind, _), mine, name in zip(new, traits, names, strict=True):
        near = {
            row["id"]: row
            for key in (name, *mine.documents, *mine.ways)
            for row in by_trait.get(key, ())
        }
        found.append(_ranked(kind, mine, near.values()))
    return found


def _ranked(kind: str, mine: Traits, rows: Iterable[Record]) -> Alike:
    found = []
    for row in rows:
        if row["kind"] != kind:
            continue
        score, by = likeness(mine, _traits(kind, row, row["known_ways"]))
        if score >= ALIKE:
            found.append((row, score, by))
    return sorted(found, key=lambda each: (-each[1], each[0]["id"]))[:10]


def _new_traits(kind: str, values: Mapping[str, Any]) -> Traits:
    return _traits(kind, values, (address for _, address, _, _ in _known_ways(values)))


def _traits(kind: str, values: Mapping[str, Any] | Record, ways: Any) -> Traits:
    return Traits(
        name=fold(name_of({**dict(values), "kind": kind})),
        documents=frozenset(values[name] for name in ("dni", "tax_id") if values[name]),
        birth_date=values["birth_date"],
        ways=frozenset(ways),
        postal_code=values["postal_code"],
    )
