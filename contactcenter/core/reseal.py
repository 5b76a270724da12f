"""Sealing anew what an older key has sealed, so that that key can go.

Each module says which of its columns are sealed for good (`Sealed`); one schedule goes through all
of them. What lives for minutes only (a sign-in that is under way, a letter in the queue) is not
among them: an old key stays for a day after the last value of these columns was sealed anew.
"""

# ruff: noqa: S608 -- names of tables and columns are constants of the modules that declare them

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog

from contactcenter.core.vault import Unopenable, Vault
from contactcenter.core.work import WorkFactory
from db import Connection

log = structlog.get_logger(__name__)

AT_ONCE: Final = 500
"""Values in one transaction, where they are short."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A column of sealed values. Each belongs to `<table>.<as_part>/<row>` (core.vault)."""

    table: str
    row: str
    """The column that names the row: a UUID."""
    column: str
    as_part: str
    at_once: int = AT_ONCE
    """Values in one transaction."""

    @property
    def stale(self) -> str:
        """$1: how a value of the present key begins, $2: the row before, $3: how many."""
        return (
            f"SELECT {self.row} AS row, {self.column} AS sealed FROM {self.table} "
            f"WHERE {self.column} IS NOT NULL AND ($2::uuid IS NULL OR {self.row} > $2) "
            f"AND substring({self.column} FOR length($1::bytea)) <> $1 ORDER BY 1 LIMIT $3"
        )

    @property
    def put(self) -> str:
        """Unless it has changed in the meantime."""
        return (
            f"UPDATE {self.table} SET {self.column} = $3 "
            f"WHERE {self.row} = $1 AND {self.column} = $2"
        )

    @property
    def counted(self) -> str:
        """Key name → how many values."""
        return (
            f"SELECT substring({self.column} FROM 2 FOR get_byte({self.column}, 0)) AS key, "
            f"count(*)::int AS values FROM {self.table} "
            f"WHERE length({self.column}) > 0 GROUP BY 1"
        )

    def bound_to(self, row: Any) -> str:
        return f"{self.table}.{self.as_part}/{row}" if self.as_part else f"{self.table}/{row}"


async def reseal(work: WorkFactory, vault: Vault, columns: Iterable[Sealed]) -> None:
    """Seal with the present key whatever another one sealed. A value that does not open stays as
    it is, and is told in the log; so is a column at which this fails, and the others go on. Raises
    the first such failure when all are through."""
    failures: list[Exception] = []
    for column in columns:
        after: Any = None
        try:
            while after := await _some(work, vault, column, after):
                pass
        except Exception as failure:
            log.exception("column_not_resealed", table=column.table, column=column.column)
            failures.append(failure)
    if failures:
        raise failures[0]


async def _some(work: WorkFactory, vault: Vault, column: Sealed, after: Any) -> Any:
    """The last row that was looked at; None when there is no more."""
    async with work.begin("core.reseal", "system") as unit:
        rows = await unit.conn.fetch(column.stale, vault.head, after, column.at_once)
        for row in rows:
            bound_to = column.bound_to(row["row"])
            try:
                plain = vault.open(row["sealed"], bound_to)
            except Unopenable:
                log.error("value_does_not_open", table=column.table, row=str(row["row"]))
                continue
            fresh = vault.seal(plain, bound_to)
            await unit.conn.execute(column.put, row["row"], row["sealed"], fresh)
    return rows[-1]["row"] if rows else None


async def keys_in_use(conn: Connection, columns: Sequence[Sealed]) -> dict[str, int]:
    """Key name → how many values it alone opens."""
    found: dict[str, int] = {}
    for column in columns:
        for row in await conn.fetch(column.counted):
            name = row["key"].decode(errors="replace")
            found[name] = found.get(name, 0) + row["values"]
    return found
