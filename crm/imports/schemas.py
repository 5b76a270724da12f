"""Imports and exports at the border."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from contactcenter.core.validation import Schema
from crm.schemas import Shown

What = Literal["customers", "policies"]


class ImportQuery(Schema):
    """How a file is read. `column`: "3:email" gives the fourth column a field, "3:" none."""

    column: Annotated[
        list[Annotated[str, Field(pattern=r"^[0-9]{1,2}:[a-z_0-9]{0,40}$")]], Field(max_length=60)
    ] = Field(default_factory=list)


class CommitQuery(ImportQuery):
    """What becomes of rows that may be on file: all of it is refused, they are left out, or they
    are written besides (never one whose document, mail address or number is on file)."""

    duplicates: Literal["refuse", "skip", "create"] = "refuse"


class ColumnOut(Shown):
    heading: str
    field: str | None
    """None: it is left out."""


class CellFault(Shown):
    """As in a 422: `type` and `ctx` are for screens, `msg` is a sentence."""

    field: str | None
    type: str
    ctx: dict[str, Any]
    msg: str


class Likely(Shown):
    """What is on file already."""

    id: UUID
    name: str
    score: int
    by: list[str]
    certain: bool
    """The same document, mail address or policy number: it cannot be there twice."""


class ImportRow(Shown):
    line: int
    values: dict[str, str]
    """Field → the cell as it was read."""
    errors: list[CellFault]
    duplicates: list[Likely]


class Preview(Shown):
    """What an import would do; nothing is kept."""

    what: What
    encoding: str
    separator: str
    columns: list[ColumnOut]
    fields: list[str]
    """Those that a column can be given."""
    rows: int
    good: int
    faulty: int
    duplicate: int
    items: list[ImportRow]
    """The first rows, and those with something to say."""
    more: bool
    """There are further ones with something to say."""


class Imported(Shown):
    import_id: UUID
    what: What
    created: int
    skipped: int


class ExportQuery(Schema):
    """Spanish: parted by semicolons, with a decimal comma; English: commas and a decimal point."""

    language: Literal["es", "en"] = "es"
