"""Reading and writing tables: encodings, separators, cells, headings, formulas."""

from __future__ import annotations

import csv
import io
from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.imports import sheet
from crm.imports.columns import (
    CUSTOMERS,
    POLICIES,
    CellError,
    amount,
    by_heading,
    day,
    document_field,
    heading,
    hour,
    whole,
    yes,
)
from crm.imports.sheet import MOST_ROWS, SheetError, read

TEXT = 'Nombre;Apellidos\nÍñigo;"Peña; hijo"\n\n ;\nEve;Muñoz\n'


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [
        (TEXT.encode(), "utf-8"),
        (b"\xef\xbb\xbf" + TEXT.encode(), "utf-8"),
        (TEXT.encode("windows-1252"), "windows-1252"),
        (TEXT.encode("utf-16"), "utf-16"),
        (TEXT.replace("\n", "\r\n").encode("windows-1252"), "windows-1252"),
    ],
)
def test_encodings(raw: bytes, encoding: str) -> None:
    table = read(raw)
    assert (table.encoding, table.separator) == (encoding, ";")
    assert table.headings == ("Nombre", "Apellidos")
    assert table.rows == ((2, ("Íñigo", "Peña; hijo")), (5, ("Eve", "Muñoz")))


@pytest.mark.parametrize(
    ("text", "separator"), [("a,b\n1,2", ","), ("a;b\n1;2", ";"), ("a\tb\n1\t2", "\t"),
                            ('"a;x",b\n1,2', ","), ("a\n1", ";")],
)  # fmt: skip
def test_separators(text: str, separator: str) -> None:
    assert read(text.encode()).separator == separator


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b"", "no_rows"),
        (b"a;b\n", "no_rows"),
        (b"a;b\n1;\0", "not_text"),
        (b"a;b\n\x81\x8d;2", "not_text"),
        (b"\xff\xfea", "not_text"),
        (b'a;b\n"1;2', "unreadable_line"),
        (b'a;b\n"1"x;2', "unreadable_line"),
        (b";".join([b"h"] * 61) + b"\n1", "too_many_columns"),
        (b"a\n" + b"1\n" * (MOST_ROWS + 1), "too_many_rows"),
    ],
)
def test_what_is_no_table(raw: bytes, kind: str) -> None:
    with pytest.raises(SheetError) as caught:
        read(raw)
    assert caught.value.kind == kind


def test_as_many_rows_as_are_taken() -> None:
    assert len(read(b"a\n" + b"1\n" * MOST_ROWS).rows) == MOST_ROWS


@pytest.mark.parametrize("begins", ["=1+1", "+34600", "-2", "@SUM(A1)", "\t=1", " =1", "|x", "＝1"])
def test_no_cell_is_a_formula(begins: str) -> None:
    (cells,) = csv.reader(io.StringIO(sheet.line([begins, "x"], ";")), delimiter=";")
    assert cells[0].startswith("'")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"])), min_size=1, max_size=5))
def test_what_is_written_is_read_back(cells: list[str]) -> None:
    headings = [f"h{n}" for n in range(len(cells))]
    text = sheet.line(headings, ";") + sheet.line(["x", *cells[1:]], ";")
    table = read(b"\xef\xbb\xbf" + text.encode())
    back = [cell.lstrip(" \u00a0") for cell in table.rows[0][1][1:]]
    for written, found in zip(cells[1:], back, strict=True):
        if not written.strip().startswith(("'", *sheet.FORMULA)):
            assert found == written.strip().lstrip(" \u00a0")


@pytest.mark.parametrize("text", ["+34 600 55 00 10", "=x", "-12"])
def test_the_apostrophe_is_taken_off_again(text: str) -> None:
    raw = sheet.line(["a", "b"], ";") + sheet.line([text, "x"], ";")
    assert read(raw.encode()).rows[0][1][0] == text


def test_days() -> None:
    assert day("31/12/2026") == day("31-12-2026") == day("2026-12-31") == date(2026, 12, 31)
    assert day("1.2.2026 00:00") == date(2026, 2, 1)
    for bad in ("31/02/2026", "12/31/2026", "ayer", "31/12/26"):
        with pytest.raises(CellError):
            day(bad)


def test_hours() -> None:
    for text in ("12:00", "12:00:00", "12.00", "12 h", "12", "12:00 horas"):
        assert hour(text) == time(12), text
    assert (hour("0:00"), hour("9:05"), hour("23:59:30")) == (time(0), time(9, 5), time(23, 59, 30))
    for bad in ("24:00", "12:60", "mediodía", "12:0", "-1", "1200", "2027-01-01 12:00"):
        with pytest.raises(CellError):
            hour(bad)
    column = next(column for column in POLICIES if column.field == "coverage_end_time")
    for at in (time(0), time(12), time(9, 5), time(23, 59, 59)):
        assert column.value(column.cell(at, "es")) == at
    assert column.cell(time(12), "en") == "12:00"


@pytest.mark.parametrize(
    ("text", "value"),
    [("1.234,56", "1234.56"), ("1,234.56", "1234.56"), ("1234,5 €", "1234.5"), ("400", "400.0"),
     ("1.234.567", "1234567.0"), ("-12,00", "-12.00"), ("400,00 EUR", "400.00"),
     ("1.234", "1234.0")],
)  # fmt: skip
def test_amounts(text: str, value: str) -> None:
    assert amount(text) == {"amount": value}


@pytest.mark.parametrize("text", ["1,2,3", "12.34.56", "mucho", "1.234.56", "", "1e5", "NaN"])
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(CellError):
        amount(text)


def test_other_cells() -> None:
    assert (yes("Sí"), yes("NO"), whole("2019")) == (True, False, 2019)
    for bad in ("quizá", ""):
        with pytest.raises(CellError):
            yes(bad)
    for bad in ("1.5", "x", "Infinity", "1e99"):
        with pytest.raises(CellError):
            whole(bad)
    lines = next(column for column in POLICIES if column.field == "policy_type")
    assert [lines.value(text) for text in ("Hogar", "COCHE", "vida")] == ["home", "auto", "life"]
    assert (lines.cell("home", "es"), lines.cell("home", "en")) == ("hogar", "home")
    with pytest.raises(CellError) as caught:
        lines.value("naves espaciales")
    assert "hogar" in caught.value.ctx["values"]


def test_headings_are_understood_as_people_write_them() -> None:
    known = by_heading(CUSTOMERS)
    found = sheet.matched(
        ["NOMBRE ", "1er apellido", "Teléfono móvil", "D.N.I.", "F. Nacimiento", "C.P.", "E-mail",
         "nombre"],
        known,
        heading,
    )  # fmt: skip
    assert found == (
        "first_name", None, "mobile", "document", "birth_date", "postal_code", "email", None
    )  # fmt: skip
    for columns in (CUSTOMERS, POLICIES):
        names = by_heading(columns)
        for column in columns:
            assert {names[heading(name)] for name in (column.es, column.en, column.field)} == {
                column.field
            }


def test_whose_document_it_is() -> None:
    assert document_field("12345678Z", "person") == ("dni", "person")
    assert document_field("B50090010", "person")[0] in {"dni", "tax_id"}
    assert document_field("A58818501", "person") == ("tax_id", "company")
    assert document_field("nonsense", "company") == ("tax_id", "company")
