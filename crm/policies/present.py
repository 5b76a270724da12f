"""What a policy's row holds: what is agreed for now, and how far the contract is agreed.

An endorsement or a renewal may be on file ahead of its effect. Until then the row keeps what holds,
is found by what is coming too, and has when it turns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from contactcenter.core.ids import new_id
from crm.customers.model import search_text
from crm.policies import store
from crm.policies.model import Version, agreed_until, instant, next_turn, row_moment, terms_at
from crm.policies.schemas import Party
from db import Connection, Record

FAR: Final = datetime(9999, 1, 1, tzinfo=UTC)
SEARCHED: Final = ("policy_number", "reference", "vehicle_plate", "property_address")

Row = Mapping[str, Any] | Record
Parties = tuple[list[Party], list[Party]]
"""Who had a part beside the policyholder before, and after."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What of a row is not as it is agreed for now: columns and parties to set. No parties: they
    stay."""

    changes: dict[str, Any]
    parties: Parties | None


def starts_at(row: Row, zone: ZoneInfo) -> datetime:
    return instant(row["coverage_start_date"], row["coverage_start_time"], zone)


def ends_at(row: Row, zone: ZoneInfo) -> datetime:
    return instant(row["coverage_end_date"], row["coverage_end_time"], zone)


def over_at(row: Row, zone: ZoneInfo) -> datetime:
    """From when on the contract, as it is agreed, is no more."""
    end = ends_at(row, zone)
    return min(end, row["cancelled_at"] or end)


async def versions_of(conn: Connection, policy_id: UUID) -> list[Version]:
    return [store.version_of(row) for row in await store.versions(conn, policy_id)]


async def present(conn: Connection, row: Row, now: datetime, zone: ZoneInfo) -> Turn:
    """What brings a policy to what is agreed for now. `row`: as it is going to be."""
    versions = await versions_of(conn, row["id"])
    until = await store.typed(conn, agreed_until(versions))
    over = over_at({**dict(row), **until}, zone)
    at = row_moment(now, starts_at(row, zone), over)
    then = terms_at(versions, at, FAR)
    agreed = await store.typed(conn, then) | until
    agreed["turns_at"] = next_turn(versions, at, over)
    changes = {name: value for name, value in agreed.items() if row[name] != value}
    before = await _parties_now(conn, row["id"])
    after = await parties_of(conn, versions, then)
    return Turn(changes, None if after is None or after == before else (before, after))


async def agreed_for(
    conn: Connection, row: Row, at: datetime, zone: ZoneInfo
) -> tuple[dict[str, Any], list[Party]]:
    """What is agreed for an instant of a policy's life, as the columns hold it, and who has a part
    then beside the policyholder."""
    moment = row_moment(at, starts_at(row, zone), over_at(row, zone))
    versions = await versions_of(conn, row["id"])
    then = terms_at(versions, moment, FAR)
    agreed = {name: row[name] for name in store.TERMS} | await store.typed(conn, then)
    who = await parties_of(conn, versions, then)
    return agreed, await _parties_now(conn, row["id"]) if who is None else who


async def parties_of(
    conn: Connection, versions: Iterable[Version], terms: Mapping[str, Any]
) -> list[Party] | None:
    """Who has a part by these terms; a customer who was merged is who that is now, and has a part
    without a share of its own only once. Terms that do not say have nobody. None: no version says,
    as in a file that was erased; who has a part stays."""
    if all(version.changes.get("parties") is None for version in versions):
        return None
    found = [Party.model_validate(each) for each in terms.get("parties") or ()]
    part_of = await store.now_part_of(conn, [p.customer_id for p in found if p.customer_id])
    parts: set[tuple[str, UUID | None]] = {(p.role, p.customer_id) for p in found}
    parties = []
    for p in found:
        now = part_of.get(p.customer_id) if p.customer_id else None
        if now != p.customer_id:
            if p.share is None and (p.role, now) in parts:
                continue
            parts.add((p.role, now))
            p = p.model_copy(update={"customer_id": now})
        parties.append(p)
    return parties


async def _parties_now(conn: Connection, policy_id: UUID) -> list[Party]:
    return [
        Party(
            role=each["role"],
            customer_id=each["customer_id"],
            name=each["name"] if each["customer_id"] is None else None,
            share=each["share"],
        )
        for each in await store.parties(conn, policy_id)
        if each["role"] != "policyholder"
    ]


async def found_by(conn: Connection, row: Row) -> str:
    """The text that a policy is found by: what holds, and what is on file ahead."""
    parts = [row[name] for name in SEARCHED]
    if row["turns_at"] is not None:
        for version in await versions_of(conn, row["id"]):
            if version.effective_at >= row["turns_at"]:
                parts += [version.changes.get(name) for name in SEARCHED]
    return search_text(dict.fromkeys(parts))


def noted(parties: Iterable[Party]) -> list[dict[str, Any]]:
    """Parties as a version and the audit hold them."""
    return [party.model_dump(mode="json", exclude_none=True) for party in parties]


def numbered(parties: Sequence[Party]) -> list[tuple[UUID, dict[str, Any]]]:
    return [(new_id(), party.model_dump()) for party in parties]
