"""Bodies of text/csv: files as people export them, files that went wrong, and what is no file."""

from __future__ import annotations

import csv
import io

from hypothesis import strategies as st

from crm.imports.columns import CUSTOMERS, POLICIES

HEADINGS = sorted({text for column in (*CUSTOMERS, *POLICIES) for text in (column.es, column.en)})
CELLS = (
    *("Ana", "Peña Marco", "12345678Z", "B12345674", "600 55 00 01", "+34 600 550 002"),
    *("ana@correo.example", "31/12/1980", "1990-02-01", "31/02/2026", "1.234,56", "-1", "sí", "no"),
    *("Zaragoza", "auto", "anual", "persona", "empresa", "activo", "=1+1", '"', "a;b", "", " "),
    *("ES9121000418450200051332", "9" * 400, "\u202e", "\x00", "\ud7ff", "😀"),
)
ENCODINGS = ("utf-8", "utf-8-sig", "windows-1252", "utf-16")


@st.composite
def good_sheets(draw: st.DrawFn) -> bytes:
    """Customers who have a name, under headings that are understood."""
    names = draw(st.lists(st.sampled_from(("Ana", "Íñigo", "Aurora", "Luz")), max_size=5))
    number = draw(st.integers(0, 999_999))
    lines = [f"{name};Peña {number + place}" for place, name in enumerate(names)]
    return "\n".join(("Nombre;Apellidos", *lines, "")).encode("windows-1252")


@st.composite
def odd_sheets(draw: st.DrawFn) -> bytes:
    """Any headings over any cells, rows of any length, in any encoding."""
    heading = st.sampled_from(HEADINGS) | st.text(max_size=12)
    cell = st.sampled_from(CELLS) | st.text(max_size=20)
    rows = draw(st.lists(st.lists(cell, max_size=12), max_size=8))
    written = io.StringIO()
    writer = csv.writer(written, delimiter=draw(st.sampled_from(";,\t|")), escapechar="\\")
    writer.writerows([draw(st.lists(heading, max_size=12)), *rows])
    return written.getvalue().encode(draw(st.sampled_from(ENCODINGS)), "replace")


sheets: st.SearchStrategy[bytes] = good_sheets() | odd_sheets() | st.binary(max_size=400)
