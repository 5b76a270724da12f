"""Import and export of customers and policies over HTTP."""

from __future__ import annotations

import asyncio
import csv
import io
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

import db
from crm.customers import store as customer_store
from crm.imports.sheet import MOST_ROWS
from crm.imports.store import customers_by_document
from tests.integration.crm.conftest import Answer, Office, a_policy

HEADINGS = "Nombre;Apellidos;DNI;Móvil;Correo electrónico;Fecha de nacimiento;Población;Gestor"
ROWS = (
    "Íñigo;Peña Marco;12345678Z;600 55 00 01;inigo@correo.example;31/12/1980;Zaragoza;lucia",
    "Aurora;Muñoz Gil;87654321X;600550002;aurora@correo.example;1990-02-01;Huesca;",
)
LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
NOTHING_THERE = """
SELECT (SELECT count(*) FROM customers) + (SELECT count(*) FROM customer_ways)
     + (SELECT count(*) FROM policies) + (SELECT count(*) FROM event_log)
"""


def sheet_of(*rows: str, headings: str = HEADINGS) -> bytes:
    return "\n".join((headings, *rows, "")).encode("windows-1252")


async def send(
    office: Office, path: str, raw: bytes, who: str = "elena", medium: str = "text/csv", **more: str
) -> Answer:
    answer = await office.client.post(
        f"/api/v1/imports/{path}",
        data=io.BytesIO(raw),
        headers={"Authorization": f"Bearer {who}", "Content-Type": medium, **more},
    )
    return Answer(answer.status, await answer.json(), None)


async def fetched(office: Office, path: str, who: str = "elena") -> tuple[int, str]:
    answer = await office.client.get(
        f"/api/v1/exports/{path}", headers={"Authorization": f"Bearer {who}"}
    )
    return answer.status, (await answer.read()).decode("utf-8")


@pytest.mark.parametrize("limited_by", ["teams", "queues"])
async def test_whose_rights_are_limited_takes_no_file_in_or_out(
    office: Office, limited_by: str
) -> None:
    elena, some = office.people["elena"], frozenset({"north"})
    office.people["nora"] = (
        replace(elena, teams=some) if limited_by == "teams" else replace(elena, queues=some)
    )
    for what in ("customers", "policies"):
        assert (await fetched(office, what, "nora"))[0] == 403
        for path in (what, f"{what}/preview"):
            assert (await send(office, path, sheet_of(*ROWS), "nora")).status == 403


async def test_customers_come_from_a_spreadsheet(office: Office, conn: db.Connection) -> None:
    seen = await send(office, "customers/preview", sheet_of(*ROWS))
    assert seen.status == 200
    assert (seen.body["encoding"], seen.body["separator"]) == ("windows-1252", ";")
    assert [column["field"] for column in seen.body["columns"]] == [
        "first_name", "last_name", "document", "mobile", "email", "birth_date", "city", "manager"
    ]  # fmt: skip
    counts = {name: seen.body[name] for name in ("rows", "good", "faulty", "duplicate")}
    assert counts == {"rows": 2, "good": 2, "faulty": 0, "duplicate": 0}
    assert await conn.fetchval(NOTHING_THERE) == 0, "a look leaves nothing"

    done = await send(office, "customers", sheet_of(*ROWS))
    assert done.status == 201
    assert (done.body["created"], done.body["skipped"]) == (2, 0)
    (hit,) = (await office.do("lucia", "GET", "/customers/search?q=pena"))["items"]
    inigo = await office.do("lucia", "GET", f"/customers/{hit['customer_id']}")
    assert (inigo["dni"], inigo["mobile"]) == ("12345678Z", "+34600550001")
    assert inigo["birth_date"] == "1980-12-31"
    assert inigo["portfolio_manager_id"] == str(office.people["lucia"].agent_id)
    assert inigo["metadata"]["import_id"] == done.body["import_id"]

    for _ in range(2):
        await office.listen()
    events = await office.events("customer.created")
    assert [recorded.origin for recorded in events] == ["import", "import"]
    assert await conn.fetchval("SELECT count(*) FROM tasks") == 0, "nobody is welcomed"
    assert await conn.fetchval("SELECT DISTINCT segment FROM customers") == "lead"


async def test_each_wrong_cell_is_told_and_nothing_is_taken_in(
    office: Office, conn: db.Connection
) -> None:
    rows = (
        *ROWS,
        "Luis;;11111111A;12;no es un correo;31/02/1999;x;nadie",
        "Eva;Sanz;12345678Z;;aurora@correo.example;;;",
        "Eva;Sanz;;;;;;;;demasiado",
    )
    seen = await send(office, "customers/preview", sheet_of(*rows))
    assert (seen.body["faulty"], seen.body["good"]) == (3, 2)
    faults = {
        item["line"]: {(fault["field"], fault["type"]) for fault in item["errors"]}
        for item in seen.body["items"]
        if item["errors"]
    }
    assert faults[4] >= {
        ("document", "bad_dni"), ("mobile", "bad_phone"), ("birth_date", "bad_date"),
        ("manager", "unknown_agent"),
    }  # fmt: skip
    assert {name for name, _ in faults[4]} >= {"email"}
    assert faults[5] == {("document", "twice_in_file"), ("email", "twice_in_file")}
    assert faults[6] == {(None, "too_many_cells")}
    refused = await send(office, "customers", sheet_of(*rows))
    assert refused.status == 422
    assert ["rows", 4, "mobile"] in [error["loc"] for error in refused.body["errors"]]
    assert refused.body["ctx"]["rows"] == 3
    assert await conn.fetchval(NOTHING_THERE) == 0


async def test_who_is_on_file_is_found(office: Office) -> None:
    await office.person(first_name="Íñigo", last_name="Peña Marco", mobile="600550001")
    await office.person(first_name="Otra", last_name="Persona", email="aurora@correo.example")
    raw = sheet_of(*ROWS)
    seen = (await send(office, "customers/preview", raw)).body
    by_line = {item["line"]: item["duplicates"] for item in seen["items"]}
    assert [(each["certain"], each["by"]) for each in by_line[2]] == [(False, ["name", "contact"])]
    assert by_line[3] == [], "another name, another birth date: only the mail address is shared"
    refused = await send(office, "customers", raw)
    assert (refused.status, refused.body["ctx"]["lines"]) == (409, [2])
    taken = await send(office, "customers?duplicates=create", raw)
    assert (taken.status, taken.body["ctx"]["type"]) == (409, "email_taken")
    some = await send(office, "customers?duplicates=skip", sheet_of(ROWS[0]))
    assert (some.body["created"], some.body["skipped"]) == (0, 1)
    both = await send(office, "customers?duplicates=create", sheet_of(ROWS[0]))
    assert both.body["created"] == 1


async def test_a_failure_in_the_middle_leaves_nothing(
    office: Office, conn: db.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(customer_store, "add_ways", broken)
    assert (await send(office, "customers", sheet_of(*ROWS))).status == 503
    assert await conn.fetchval(NOTHING_THERE) == 0
    monkeypatch.undo()
    both = await asyncio.gather(*(send(office, "customers", sheet_of(*ROWS)) for _ in range(2)))
    assert sorted(answer.status for answer in both) == [201, 409]
    assert await conn.fetchval("SELECT count(*) FROM customers") == 2


async def test_sent_twice_with_one_key_it_is_taken_in_once(
    office: Office, conn: db.Connection
) -> None:
    key = {"Idempotency-Key": "a-spreadsheet"}
    first = await send(office, "customers", sheet_of(*ROWS), **key)
    again = await send(office, "customers", sheet_of(*ROWS), **key)
    assert (first.status, first.body) == (again.status, again.body)
    assert await conn.fetchval("SELECT count(*) FROM customers") == 2


async def test_who_may_and_what_is_no_table(office: Office) -> None:
    raw = sheet_of(*ROWS)
    assert (await send(office, "customers", raw, who="lucia")).status == 403
    assert (await fetched(office, "customers", who="lucia"))[0] == 403
    assert (await send(office, "customers", raw, medium="application/json")).status == 415
    assert (await send(office, "customers", b"x" * (2 * 1024 * 1024 + 1))).status == 413
    for raw, kind in (
        (b"", "no_rows"),
        (b"\0\1", "not_text"),
        (b"a;b\n1;2", "no_known_heading"),
        (b"Nombre\n" + b"Ana\n" * (MOST_ROWS + 1), "too_many_rows"),
    ):
        answer = await send(office, "customers/preview", raw)
        assert (answer.status, answer.body["errors"][0]["type"]) == (422, kind)
    for column in ("9:email", "0:shoe_size"):
        answer = await send(office, f"customers/preview?column={column}", sheet_of(*ROWS))
        assert answer.body["errors"][0]["type"] == "unknown_column"


async def test_a_column_can_be_given_another_field(office: Office) -> None:
    raw = b"Pila;Apellidos;Nombre\nAna;Sanz;x"
    seen = await send(office, "customers/preview?column=0:first_name&column=2:notes", raw)
    assert [column["field"] for column in seen.body["columns"]] == [
        "first_name", "last_name", "notes"
    ]  # fmt: skip
    assert seen.body["good"] == 1


async def test_policies_come_from_a_spreadsheet(office: Office, conn: db.Connection) -> None:
    ana = await office.person(dni="12345678Z")
    there = await a_policy(office, customer_id=ana["customer_id"])
    head = "NIF tomador,Póliza,Ramo,Compañía,Efecto,Vencimiento,Prima,Matrícula,Forma de pago"
    rows = [
        '12345678-Z,P-1,Coche,Aldaba,01/01/2027,01/01/2028,"1.234,56",1234 BCD,anual',
        "12345678Z,,vida,C0902,01/04/2027,01/04/2028,300,,única",
    ]
    raw = "\n".join((head, *rows)).encode()
    seen = (await send(office, "policies/preview", raw)).body
    assert (seen["good"], seen["separator"]) == (2, ","), seen["items"]
    done = await send(office, "policies", raw)
    assert (done.status, done.body["created"]) == (201, 2)
    listed = await office.do("lucia", "GET", f"/policies?customer_id={ana['customer_id']}")
    made = {each["policy_number"]: each for each in listed["items"]}
    assert made["P-1"]["premium_amount"]["amount"] == "1234.56"
    assert (made["P-1"]["status"], made[None]["status"]) == ("active", "proposal")
    one = await office.do("lucia", "GET", f"/policies/{made['P-1']['policy_id']}")
    assert (one["vehicle_plate"], one["parties"][0]["role"]) == ("1234BCD", "policyholder")
    at = "2027-03-01T00:00:00Z"
    path = f"/policies/{one['policy_id']}"
    cover = await office.do("lucia", "GET", f"{path}/coverage?at={at}")
    assert cover["answer"] in {"covered", "ask_insurer"}
    assert (await office.do("lucia", "GET", f"{path}/versions"))["versions"][0]["kind"] == "issue"
    await office.listen("crm.segment_imported")
    assert await conn.fetchval("SELECT segment FROM customers") == "family"

    bad = [
        "99999999R,P-9,Coche,Aldaba,01/01/2027,01/01/2028,100,,anual",
        ",P-8,Coche,Nadie,01/01/2028,01/01/2027,0,,anual",
        f"12345678Z,{there['policy_number']},auto,aldaba,01/01/2027,01/01/2028,5,,anual",
    ]
    seen = (await send(office, "policies/preview", "\n".join((head, *bad)).encode())).body
    told = {
        item["line"]: {(fault["field"], fault["type"]) for fault in item["errors"]}
        for item in seen["items"]
    }
    assert told[2] == {("document", "unknown_customer")}
    assert told[3] >= {
        ("document", "missing"), ("carrier", "unknown_insurer"),
        ("premium_amount", "amount_not_positive"),
    }  # fmt: skip
    (likely,) = seen["items"][2]["duplicates"]
    assert (likely["certain"], likely["name"]) == (True, there["reference"])


async def test_what_is_exported_can_be_imported_again_and_is_no_formula(
    office: Office, conn: db.Connection
) -> None:
    await office.person(
        first_name="=HYPERLINK(1)", last_name='Sanz; "la jefa"', mobile="600550010", dni="12345678Z"
    )
    await office.do(
        "lucia", "POST", "/customers", {"kind": "company", "company_name": "@Ebro", "confirm": True}
    )
    await office.person(first_name="-Eva")
    for language, separator in (("es", ";"), ("en", ",")):
        status, text = await fetched(office, f"customers?language={language}")
        assert (status, text[0]) == (200, "\ufeff")
        table = list(csv.reader(io.StringIO(text[1:]), delimiter=separator))
        assert len(table) == 4
        assert all(cell[:1] not in "=+-@" for row in table for cell in row if cell)
    _, text = await fetched(office, "customers")
    before = await conn.fetch(
        "SELECT first_name, last_name, company_name, mobile, dni FROM customers ORDER BY id"
    )
    await conn.execute("DELETE FROM customer_ways; DELETE FROM customers")
    done = await send(office, "customers", text.encode("utf-8"))
    assert done.status == 201, done.body
    after = await conn.fetch(
        "SELECT first_name, last_name, company_name, mobile, dni FROM customers ORDER BY id"
    )
    assert [tuple(row) for row in after] == [tuple(row) for row in before]


HELD = """
SELECT policy_number, policy_type, carrier, coverage_start_date, coverage_start_time,
       coverage_end_date, coverage_end_time, premium_amount, premium_net, premium_frequency, covers
FROM policies WHERE policy_number NOT LIKE 'OLD%' ORDER BY policy_number
"""


@pytest.mark.parametrize("language", ["es", "en"])
async def test_policies_come_back_with_the_hour_of_their_effect(
    office: Office, conn: db.Connection, language: str
) -> None:
    ana = await office.person(dni="12345678Z")
    hours = (("12:00", "12:00"), ("00:00", "00:00"), ("09:30", "23:59:59"))
    for start, end in hours:
        await a_policy(
            office, customer_id=ana["customer_id"],
            coverage_start_time=start, coverage_end_time=end,
        )  # fmt: skip
    before = await conn.fetch(HELD)
    _, text = await fetched(office, f"policies?language={language}")
    await conn.execute("UPDATE policies SET policy_number = 'OLD' || policy_number")
    done = await send(office, "policies", text.encode())
    assert (done.status, done.body.get("created")) == (201, 3), done.body
    assert [tuple(row) for row in await conn.fetch(HELD)] == [tuple(row) for row in before]

    head = "dni,póliza,ramo,compañía,efecto,vencimiento,prima,hora de efecto"
    row = "12345678Z,P-1,auto,aldaba,01/01/2027,01/01/2028,100,25:00"
    seen = (await send(office, "policies/preview", f"{head}\n{row}".encode())).body
    (fault,) = seen["items"][0]["errors"]
    assert (fault["field"], fault["type"]) == ("coverage_start_time", "not_an_hour")


async def test_what_is_agreed_of_a_policy_goes_out_and_comes_back(
    office: Office, conn: db.Connection
) -> None:
    """Notice, renewal, the first premium and a sale at a distance; a notice of the contract's own
    is a word, and an empty cell is what the law says."""
    agreed: dict[str, Any] = {
        "auto_renew": False, "notice_months": 2, "first_premium_agreed": True,
        "distance_sale": True, "cover_on_request": True, "concluded_on": "2027-01-02",
    }  # fmt: skip
    plain = {
        "auto_renew": True, "notice_months": None, "first_premium_agreed": False,
        "distance_sale": False, "cover_on_request": False, "concluded_on": None,
    }  # fmt: skip
    ana = (await office.person(dni="12345678Z"))["customer_id"]
    for number, terms in (("N-1", agreed), ("N-2", plain)):
        await a_policy(office, customer_id=ana, policy_number=number, **terms)
    for language, count in (("es", 2), ("en", 4)):
        status, table = await fetched(office, f"policies?language={language}")
        assert status == 200
        await conn.execute("UPDATE policies SET policy_number = $1 || id::text", language)
        assert (await send(office, "policies", table.encode())).body["created"] == count
        found = {}
        for row in (await office.do("elena", "GET", "/policies"))["items"]:
            card = await office.do("elena", "GET", f"/policies/{row['policy_id']}")
            if card["policy_number"] in {"N-1", "N-2"}:
                found[card["policy_number"]] = {name: card[name] for name in agreed}
        assert found == {"N-1": agreed, "N-2": plain}
    head = "Número de póliza;Ramo;Aseguradora;Efecto;Vencimiento;Prima;DNI;Preaviso"
    row = "N-{};Hogar;Aldaba;01/01/2027;01/01/2028;300;12345678Z;{}"
    told = "\n".join([head, row.format(3, ""), row.format(4, "según contrato")])
    assert (await send(office, "policies", told.encode())).body["created"] == 2
    kept = {
        each["policy_number"]: each["notice_months"]
        for each in await conn.fetch("SELECT policy_number, notice_months FROM policies")
    }
    assert (kept["N-3"], kept["N-4"]) == (1, None)
    wrong = "\n".join([head, row.format(5, "trece"), row.format(6, "13")])
    seen = await send(office, "policies/preview", wrong.encode())
    assert [item["errors"][0]["field"] for item in seen.body["items"]] == ["notice_months"] * 2


async def test_as_much_as_is_taken_is_taken_in_one_go(office: Office, conn: db.Connection) -> None:
    rows = []
    for n in range(MOST_ROWS):
        number = 10_000_000 + n * 17
        rows.append(
            f"Persona{n};Apellido{n % 300} Segundo{n % 77};{number}{LETTERS[number % 23]};"
            f"6{n:08d};p{n}@correo.example;1980-01-01;Zaragoza;"
        )
    done = await send(office, "customers", sheet_of(*rows))
    assert (done.status, done.body.get("created")) == (201, MOST_ROWS), done.body
    assert await conn.fetchval("SELECT count(*) FROM customer_ways") == 2 * MOST_ROWS
    _, text = await fetched(office, "customers")
    assert text.count("\r\n") == MOST_ROWS + 1


async def test_a_document_is_its_owners_whichever_it_is_and_after_a_merge(
    office: Office, conn: db.Connection
) -> None:
    ana = await office.person(dni="12345678Z")
    twin = await office.person(dni="11111111H")
    merge = {"loser_id": twin["customer_id"]}
    await office.do("elena", "POST", f"/customers/{ana['customer_id']}/merge", merge)
    await conn.execute(
        "UPDATE customers SET tax_id = 'B12345674' WHERE id = $1", UUID(ana["customer_id"])
    )
    documents = ["11111111H", "12345678Z", "B12345674"]
    found = await customers_by_document(conn, documents)
    assert {document: str(row["id"]) for document, row in found.items()} == dict.fromkeys(
        documents, ana["customer_id"]
    )
