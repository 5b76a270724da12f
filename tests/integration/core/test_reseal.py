"""Sealing anew goes on past a column that fails, and by as many values as the column says."""

from __future__ import annotations

import pytest

import db
from contactcenter.core.clock import SystemClock
from contactcenter.core.ids import new_id
from contactcenter.core.reseal import Sealed, reseal
from contactcenter.core.vault import Vault
from contactcenter.core.work import WorkFactory

OLD, NEW = b"o" * 32, b"n" * 32
BROKEN = Sealed("nowhere", "id", "sealed", "")
KEYS = Sealed("person_keys", "person", "sealed", "", at_once=2)
KEEP = "INSERT INTO person_keys (person, sealed, created_at) VALUES ($1, $2, now())"


async def test_a_column_that_fails_stops_no_other(pool: db.Pool, conn: db.Connection) -> None:
    old, new = Vault({"old": OLD}), Vault({"new": NEW, "old": OLD})
    persons = [new_id() for _ in range(5)]
    for person in persons:
        await conn.execute(KEEP, person, old.seal(person.bytes, KEYS.bound_to(person)))
    with pytest.raises(db.DatabaseError):
        await reseal(WorkFactory(pool, SystemClock()), new, (BROKEN, KEYS))
    alone = Vault({"new": NEW})
    for row in await conn.fetch("SELECT person, sealed FROM person_keys"):
        opened = alone.open(row["sealed"], KEYS.bound_to(row["person"]))
        assert opened == row["person"].bytes
        persons.remove(row["person"])
    assert persons == []
