"""From a sheet's rows to what can be written: each row checked like a form, and looked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from contactcenter.core.errors import Invalid
from contactcenter.core.validation import error_items, unfit_at
from crm.customers import files as customers
from crm.customers.model import company_document, fold, personal_document
from crm.customers.schemas import CustomerNew
from crm.imports import store
from crm.imports.columns import (
    CUSTOMERS,
    POLICIES,
    CellError,
    Column,
    by_heading,
    document_field,
    heading,
)
from crm.imports.schemas import CellFault, Likely
from crm.imports.sheet import MOST_IN_CELL, Sheet, matched
from crm.policies.schemas import PolicyNew
from db import Connection

M = TypeVar("M", bound=BaseModel)
CERTAIN: Final = ("dni", "tax_id", "email")
"""What two customers cannot both have."""
OF_DOCUMENT: Final = dict.fromkeys(("dni", "tax_id", "customer_id"), "document")
"""Fields that a row says by the column of documents."""


@dataclass(slots=True)
class Draft(Generic[M]):
    """A row on its way: `made` is what it becomes, if nothing is wrong with it."""

    line: int
    cells: dict[str, str]
    values: dict[str, Any] = field(default_factory=dict)
    faults: list[CellFault] = field(default_factory=list)
    likely: list[Likely] = field(default_factory=list)
    made: M | None = None

    def wrong(self, name: str | None, kind: str, text: str, **ctx: Any) -> None:
        self.faults.append(CellFault(field=name, type=kind, ctx=ctx, msg=text))

    def become(self, model: type[M], values: Mapping[str, Any]) -> None:
        """Check it as the border checks a form."""
        try:
            made = model.model_validate(values)
        except ValidationError as error:
            told = {fault.field for fault in self.faults}
            for item in error_items(error):
                name = str(item["loc"][0]) if item["loc"] else None
                name = OF_DOCUMENT.get(name or "", name)
                if name not in told:
                    self.wrong(name, item["type"], item["msg"], **item["ctx"])
        else:
            self.made = None if self.faults else made


def fields_of(sheet: Sheet, columns: tuple[Column, ...], wanted: Iterable[str]) -> list[str | None]:
    """The field of each column: by its heading, or as `wanted` says ("3:email"). Invalid for a
    column or field that is not there, and for a field that is named twice."""
    found = list(matched(sheet.headings, by_heading(columns), heading))
    known = {column.field for column in columns}
    for entry in wanted:
        number, _, name = entry.partition(":")
        if int(number) >= len(found) or (name and name not in known):
            raise Invalid.field("column", "unknown_column", "There is no such column or field.")
        if name:
            found = [None if each == name else each for each in found]
        found[int(number)] = name or None
    if not any(found):
        raise Invalid.field("file", "no_known_heading", "None of the headings is known.")
    return found


def _rows(
    sheet: Sheet, columns: tuple[Column, ...], fields: list[str | None]
) -> Iterable[tuple[int, dict[str, str], dict[str, Any], list[CellFault]]]:
    by_field = {column.field: column for column in columns}
    for line, cells in sheet.rows:
        texts, values, faults = {}, {}, []
        for name, text in zip(fields, cells, strict=False):
            if name is None or not text:
                continue
            texts[name] = text[:MOST_IN_CELL]
            try:
                if len(text) > MOST_IN_CELL:
                    raise CellError("too_long", "The cell is too long.", limit=MOST_IN_CELL)
                if unfit_at(text) is not None:
                    raise CellError("control_characters", "Text without control characters.")
                values[name] = by_field[name].value(text)
            except CellError as error:
                faults.append(CellFault(field=name, type=error.kind, ctx=error.ctx, msg=str(error)))
        if len(cells) > len(fields) and any(cells[len(fields) :]):
            faults.append(
                CellFault(
                    field=None,
                    type="too_many_cells",
                    ctx={"columns": len(fields)},
                    msg="This row has more cells than there are headings.",
                )
            )
        yield line, texts, values, faults


async def customer_drafts(
    conn: Connection, sheet: Sheet, fields: list[str | None]
) -> list[Draft[CustomerNew]]:
    agents = {fold(row["name"]): row["id"] for row in await store.agents(conn)}
    drafts = await asyncio.to_thread(_customers, sheet, fields, agents)
    sound = [draft for draft in drafts if draft.made is not None]
    new = [(d.made.kind, d.made.model_dump(exclude={"kind", "confirm"})) for d in sound if d.made]
    for draft, alike in zip(sound, await customers.alike_of_many(conn, new), strict=True):
        assert draft.made is not None
        mine = {getattr(draft.made, name) for name in CERTAIN} - {None}
        draft.likely = [
            Likely(
                id=row["id"],
                name=customers.name_of(row),
                score=score,
                by=list(by),
                certain=bool(mine & {row[name] for name in CERTAIN}),
            )
            for row, score, by in alike
        ]
    return drafts


def _customers(
    sheet: Sheet, fields: list[str | None], agents: Mapping[str, Any]
) -> list[Draft[CustomerNew]]:
    drafts: list[Draft[CustomerNew]] = [Draft(*row) for row in _rows(sheet, CUSTOMERS, fields)]
    for draft in drafts:
        _customer(draft, agents)
    _twice(drafts, _customer_keys)
    return drafts


def _customer(draft: Draft[CustomerNew], agents: Mapping[str, Any]) -> None:
    given = dict(draft.values)
    kind = given.pop("kind", None)
    if kind is None:
        kind = "company" if given.get("company_name") and not given.get("first_name") else "person"
    document = given.pop("document", None)
    if document is not None:
        name, kind = document_field(document, kind)
        given[name] = document
    manager = given.pop("manager", None)
    if manager is not None:
        given["portfolio_manager_id"] = agents.get(fold(manager))
        if given["portfolio_manager_id"] is None:
            draft.wrong("manager", "unknown_agent", "There is no such agent.")
    if kind == "company" and not given.get("company_name"):
        # one column of names for persons and companies alike
        names = [given.pop(each, None) for each in ("first_name", "last_name")]
        given["company_name"] = " ".join(filter(None, names)) or None
    draft.become(CustomerNew, {**given, "kind": kind, "confirm": True})


def _customer_keys(made: CustomerNew) -> Iterable[tuple[str, str]]:
    for name in CERTAIN:
        if (value := getattr(made, name)) is not None:
            yield ("document" if name != "email" else name), value


async def policy_drafts(
    conn: Connection, sheet: Sheet, fields: list[str | None]
) -> list[Draft[PolicyNew]]:
    insurers: dict[str, str] = {}
    for row in await store.insurers(conn):
        insurers |= {fold(row[name]): row["key"] for name in ("key", "dgs_code", "name")}
    drafts: list[Draft[PolicyNew]] = await asyncio.to_thread(
        lambda: [Draft(*row) for row in _rows(sheet, POLICIES, fields)]
    )
    for draft in drafts:
        if "document" in draft.values:
            draft.values["document"] = _compact(draft.values["document"])
    documents = {draft.values["document"] for draft in drafts if "document" in draft.values}
    holders = await store.customers_by_document(conn, sorted(documents))
    await asyncio.to_thread(_policies, drafts, insurers, holders)
    numbers = {
        (d.made.carrier, d.made.policy_number) for d in drafts if d.made and d.made.policy_number
    }
    on_file = await store.policies_by_number(
        conn, [(carrier, number) for carrier, number in sorted(numbers) if number]
    )
    for draft in drafts:
        if draft.made is None:
            continue
        there = on_file.get((draft.made.carrier, draft.made.policy_number or ""))
        if there is not None:
            draft.likely = [
                Likely(
                    id=there["id"],
                    name=there["reference"],
                    score=100,
                    by=["policy_number"],
                    certain=True,
                )
            ]
    return drafts


def _policies(
    drafts: list[Draft[PolicyNew]], insurers: Mapping[str, str], holders: Mapping[str, Any]
) -> None:
    for draft in drafts:
        _policy(draft, insurers, holders)
    _twice(drafts, _policy_keys)


def _policy(
    draft: Draft[PolicyNew], insurers: Mapping[str, str], holders: Mapping[str, Any]
) -> None:
    given = dict(draft.values)
    document, carrier = given.pop("document", None), given.pop("carrier", None)
    if document is None:
        draft.wrong("document", "missing", "Whose policy it is, by DNI or NIF.")
    elif document not in holders:
        draft.wrong("document", "unknown_customer", "There is no such customer.")
    else:
        given["customer_id"] = holders[document]["id"]
    if carrier is not None:
        given["carrier"] = insurers.get(fold(carrier))
        if given["carrier"] is None:
            draft.wrong("carrier", "unknown_insurer", "There is no such insurer.")
    draft.become(PolicyNew, given)


def _policy_keys(made: PolicyNew) -> Iterable[tuple[str, str]]:
    if made.policy_number is not None:
        yield "policy_number", f"{made.carrier}\0{made.policy_number}"


def _compact(document: str) -> str:
    for check in (personal_document, company_document):
        try:
            return check(document)
        except ValueError:
            continue
    return document.upper()


def _twice(drafts: Iterable[Draft[M]], keys: Callable[[M], Iterable[tuple[str, str]]]) -> None:
    """What one file says twice is wrong where it says it again."""
    seen: dict[tuple[str, str], int] = {}
    for draft in drafts:
        if draft.made is None:
            continue
        for name, value in keys(draft.made):
            first = seen.setdefault((name, value), draft.line)
            if first != draft.line:
                draft.wrong(name, "twice_in_file", f"Line {first} has it too.", line=first)
        if draft.faults:
            draft.made = None
