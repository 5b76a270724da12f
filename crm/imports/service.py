"""Use cases of imports and exports. An import is one transaction: all of it is there, or nothing.

The file is read when it is looked at and again when it is taken in; in between nothing is kept.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from contactcenter.core.access import Principal
from contactcenter.core.errors import Conflict, Forbidden, Invalid
from contactcenter.core.ids import new_id
from contactcenter.core.work import Work, WorkFactory
from crm.customers import files as customers
from crm.customers.schemas import CustomerNew
from crm.imports import sheet, store
from crm.imports.columns import CUSTOMERS, POLICIES, Column
from crm.imports.drafts import Draft, customer_drafts, fields_of, policy_drafts
from crm.imports.schemas import (
    ColumnOut,
    CommitQuery,
    Imported,
    ImportQuery,
    ImportRow,
    Preview,
    What,
)
from crm.imports.sheet import Sheet, SheetError
from crm.policies import files as policies
from crm.policies.schemas import PolicyNew
from db import Connection, Record

FIRST_ROWS: Final = 50
MOST_SHOWN: Final = 300
ORIGIN: Final = "import"
"""Of the events: welcome tasks, mails and workflows pass them over."""

Drafts = Callable[[Connection, Sheet, list[str | None]], Awaitable[Sequence[Draft[Any]]]]
Page = Callable[[Connection, tuple[datetime, UUID] | None], Awaitable[list[Record]]]
COLUMNS: Final[dict[What, tuple[Column, ...]]] = {"customers": CUSTOMERS, "policies": POLICIES}
DRAFTS: Final[dict[What, Drafts]] = {"customers": customer_drafts, "policies": policy_drafts}
PAGES: Final[dict[What, Page]] = {
    "customers": store.customers_page,
    "policies": store.policies_page,
}


class ImportService:
    def __init__(self, work: WorkFactory, zone: Any) -> None:
        self._work = work
        self._zone = zone

    async def preview(
        self, principal: Principal, what: What, raw: bytes, query: ImportQuery
    ) -> Preview:
        """What an import of the file would do. Invalid when it is no table."""
        _unlimited(principal)
        table, fields = await _read(what, raw, query)
        async with self._work.reading("imports.preview") as conn:
            drafts = await DRAFTS[what](conn, table, fields)
        telling = [d for n, d in enumerate(drafts) if n < FIRST_ROWS or d.faults or d.likely]
        return Preview(
            what=what,
            encoding=table.encoding,
            separator=table.separator,
            columns=[
                ColumnOut(heading=heading, field=name)
                for heading, name in zip(table.headings, fields, strict=True)
            ],
            fields=[column.field for column in COLUMNS[what]],
            rows=len(drafts),
            good=sum(not d.faults and not d.likely for d in drafts),
            faulty=sum(bool(d.faults) for d in drafts),
            duplicate=sum(bool(d.likely) and not d.faults for d in drafts),
            items=[
                ImportRow(line=d.line, values=d.cells, errors=d.faults, duplicates=d.likely)
                for d in telling[:MOST_SHOWN]
            ],
            more=len(telling) > MOST_SHOWN,
        )

    async def commit(
        self, principal: Principal, what: What, raw: bytes, query: CommitQuery
    ) -> Imported:
        """Take it in, all of it or nothing.

        Invalid with a fault for each bad cell (loc rows, line, field); Conflict with
        ctx.lines for rows that may be on file, unless `query.duplicates` says what becomes of them.
        """
        _unlimited(principal)
        table, fields = await _read(what, raw, query)
        async with self._work.begin(f"imports.{what}", principal.actor, origin=ORIGIN) as work:
            drafts = await DRAFTS[what](work.conn, table, fields)
            _refuse_faults(drafts)
            kept = _kept(drafts, query)
            import_id = new_id()
            if kept:
                write = self._customers if what == "customers" else self._policies
                await write(work, principal, import_id, kept)
            work.audit(
                f"{what}.imported",
                "import",
                import_id,
                after={
                    "rows": len(drafts),
                    "created": len(kept),
                    "sha256": hashlib.sha256(raw).hexdigest(),
                },
            )
            return work.answer(
                Imported(
                    import_id=import_id,
                    what=what,
                    created=len(kept),
                    skipped=len(drafts) - len(kept),
                )
            )

    async def _customers(
        self, work: Work, principal: Principal, import_id: UUID, drafts: Sequence[Draft[Any]]
    ) -> None:
        new = []
        for draft in drafts:
            assert isinstance(draft.made, CustomerNew)
            values = draft.made.model_dump(exclude={"kind", "confirm"})
            values["metadata"] = {"import_id": str(import_id), "line": draft.line}
            values["portfolio_manager_id"] = values["portfolio_manager_id"] or principal.agent_id
            new.append((draft.made.kind, values))
        for customer_id in await customers.create_many(work, new, by=principal.user_id):
            work.audit("customer.created", "customer", customer_id, person=customer_id)

    async def _policies(
        self, work: Work, principal: Principal, import_id: UUID, drafts: Sequence[Draft[Any]]
    ) -> None:
        new = [
            draft.made.model_copy(
                update={"metadata": {"import_id": str(import_id), "line": draft.line}}
            )
            for draft in drafts
            if isinstance(draft.made, PolicyNew)
        ]
        await customers.hold_living(work.conn, {each.customer_id for each in new})
        made = await policies.create_many(
            work, new, self._zone, by=principal.user_id, agent_id=principal.agent_id
        )
        for row in made:
            work.audit("policy.created", "policy", row["id"], person=row["customer_id"])

    async def export(self, principal: Principal, what: What, language: str) -> AsyncIterator[bytes]:
        """The table's lines as they are read, a page at a time; that it was taken is noted."""
        _unlimited(principal)
        async with self._work.begin(f"exports.{what}", principal.actor) as work:
            work.audit(f"{what}.exported", "export", what)
        return self._lines(what, language)

    async def _lines(self, what: What, language: str) -> AsyncIterator[bytes]:
        separator = ";" if language == "es" else ","
        columns = COLUMNS[what]
        heads = [column.es if language == "es" else column.en for column in columns]
        yield b"\xef\xbb\xbf" + sheet.line(heads, separator).encode()
        after: tuple[datetime, UUID] | None = None
        while True:
            async with self._work.reading(f"exports.{what}.page") as conn:
                rows = await PAGES[what](conn, after)
            if rows:
                after = (rows[-1]["created_at"], rows[-1]["id"])
                yield "".join(
                    sheet.line((c.cell(row[c.field], language) for c in columns), separator)
                    for row in rows
                ).encode()
            if len(rows) < store.PAGE:
                return


def _unlimited(principal: Principal) -> None:
    """A file is of the whole office. Forbidden for whoever has rights over a part of it."""
    if principal.is_limited:
        raise Forbidden("Your own rights are limited to some queues or teams.")


async def _read(what: What, raw: bytes, query: ImportQuery) -> tuple[Sheet, list[str | None]]:
    try:
        table = await asyncio.to_thread(sheet.read, raw)
    except SheetError as error:
        raise Invalid.field("file", error.kind, str(error), **error.ctx) from error
    return table, fields_of(table, COLUMNS[what], query.column)


def _refuse_faults(drafts: Sequence[Draft[Any]]) -> None:
    faulty = [(draft, fault) for draft in drafts for fault in draft.faults]
    if faulty:
        raise Invalid(
            "Some rows cannot be taken in; nothing was.",
            errors=[
                {
                    "loc": ["rows", draft.line, *filter(None, [fault.field])],
                    "type": fault.type,
                    "ctx": fault.ctx,
                    "msg": fault.msg,
                }
                for draft, fault in faulty[:MOST_SHOWN]
            ],
            rows=len({draft.line for draft, _ in faulty}),
        )


def _kept(drafts: Sequence[Draft[Any]], query: CommitQuery) -> list[Draft[Any]]:
    """Those that are written. Conflict for duplicates that nobody has decided on."""
    besides = query.duplicates == "create"
    there = {
        draft.line
        for draft in drafts
        if any(likely.certain or not besides for likely in draft.likely)
    }
    kept = [draft for draft in drafts if draft.line not in there]
    lines = sorted(there)
    if lines and query.duplicates != "skip":
        raise Conflict(
            "Some rows may be on file; nothing was taken in.",
            reason="duplicates",
            lines=lines[:MOST_SHOWN],
        )
    return kept
