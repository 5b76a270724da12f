"""PURE. A table as a text file: CSV (RFC 4180) as spreadsheets write it.

Read: UTF-8 with or without a mark, UTF-16 with one, else Windows-1252; cells parted by `;`, `,` or
tabs, whichever the first line has most of. Written: every cell quoted, and one that a spreadsheet
would run as a formula begins with an apostrophe (OWASP, CSV Injection); reading takes it off again.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

MOST_BYTES: Final = 2 * 1024 * 1024
MOST_ROWS: Final = 1000
"""What one transaction can write within its time (DB_TRANSACTION_TIMEOUT_MS)."""
MOST_COLUMNS: Final = 60
MOST_IN_CELL: Final = 8000
SEPARATORS: Final = (";", ",", "\t")
FORMULA: Final = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "|",
    "%",
    "\uff1d",
    "\uff0b",
    "\uff0d",
    "\uff20",
)
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class SheetError(ValueError):
    """The file is no table that can be read; `kind` names why, `ctx` gives the numbers."""

    def __init__(self, kind: str, text: str, **ctx: Any) -> None:
        super().__init__(text)
        self.kind = kind
        self.ctx = ctx


@dataclass(frozen=True, slots=True)
class Sheet:
    encoding: str
    separator: str
    headings: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    """(line in the file, from 1; cells, as many as the row has)."""


def read(raw: bytes) -> Sheet:
    """SheetError for what is no table, has no row, or more rows or columns than is taken."""
    text, encoding = _decoded(raw)
    separator = _separator(text)
    rows: list[tuple[int, tuple[str, ...]]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((line, tuple(_cell(cell) for cell in cells)))
            if len(rows) > MOST_ROWS + 1:
                raise SheetError("too_many_rows", f"At most {MOST_ROWS} rows.", limit=MOST_ROWS)
            line = reader.line_num + 1
    except csv.Error:
        raise SheetError("unreadable_line", f"Line {line} cannot be read.", line=line) from None
    if len(rows) < 2:
        raise SheetError("no_rows", "A line of headings, and at least one row.")
    (_, headings), *rest = rows
    if len(headings) > MOST_COLUMNS:
        raise SheetError("too_many_columns", f"At most {MOST_COLUMNS} columns.", limit=MOST_COLUMNS)
    return Sheet(encoding, separator, headings, tuple(rest))


def _decoded(raw: bytes) -> tuple[str, str]:
    encoding = next((name for mark, name in _MARKS if raw.startswith(mark)), None)
    for candidate in (encoding,) if encoding else ("utf-8", "windows-1252"):
        try:
            text = raw.decode(candidate)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text, candidate.removesuffix("-sig")
    raise SheetError("not_text", "This is not a text file in UTF-8 or Windows-1252.")


def _separator(text: str) -> str:
    """What the first line has most of, outside quotes."""
    counts, quoted = dict.fromkeys(SEPARATORS, 0), False
    for char in text:
        if char == '"':
            quoted = not quoted
        elif char in "\r\n" and not quoted:
            break
        elif char in counts and not quoted:
            counts[char] += 1
    return max(SEPARATORS, key=lambda each: counts[each])


def _cell(text: str) -> str:
    text = text.strip()
    return text[1:] if text[:1] == "'" and text[1:].startswith(FORMULA) else text


def line(cells: Iterable[str], separator: str) -> str:
    """A row as it is written."""
    return separator.join(_quoted(cell) for cell in cells) + "\r\n"


def _quoted(cell: str) -> str:
    if cell.lstrip(" \u00a0").startswith(FORMULA):
        cell = "'" + cell
    return '"' + cell.replace('"', '""') + '"'


def matched(
    headings: Sequence[str], known: Mapping[str, str], fold: Callable[[str], str]
) -> tuple[str | None, ...]:
    """The field of each column by its heading; the first of two for one field is taken."""
    found: list[str | None] = []
    for heading in headings:
        field = known.get(fold(heading))
        found.append(None if field in found else field)
    return tuple(found)
