"""Every SQL constant of the product is one that the migrated schema understands."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import re
from collections.abc import Iterator

import pytest

import db
from tests.architecture.sources import ROOT, product_files

SQL = re.compile(r"\s*(?:--[^\n]*\n\s*)*(?:SELECT|INSERT|UPDATE|DELETE|WITH|MERGE)\s", re.ASCII)


def statements() -> dict[str, str]:
    """Module and name of each constant → its text; parts of other statements are left out."""
    found = {}
    for path in product_files():
        text = path.read_text(encoding="utf-8")
        if not re.search(r"^[A-Z][A-Z0-9_]*\b.*=.*[\"(]", text, re.MULTILINE):
            continue
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if module.endswith(".__main__"):
            continue
        for name, value in vars(importlib.import_module(module)).items():
            if name.isupper() and isinstance(value, str) and SQL.match(value):
                found[f"{module}.{name}"] = value
    everything = "\0".join(set(found.values()))
    return {name: sql for name, sql in found.items() if everything.count(sql.strip()) == 1}


async def test_every_statement_prepares(conn: db.Connection) -> None:
    wrong = {}
    known = statements()
    assert len(known) > 20
    for name, sql in known.items():
        try:
            await conn.prepare(sql)
        except db.DatabaseError as error:
            wrong[name] = str(error)
    assert wrong == {}


async def test_the_check_finds_a_wrong_column(conn: db.Connection) -> None:
    with pytest.raises(db.DatabaseError):
        await conn.prepare("SELECT no_such_column FROM event_log")


def rows_made(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """(statement, row class) of each function that makes rows of one class from one statement:
    `X(**row)` beside `conn.fetch(STATEMENT, ...)` or `conn.fetchrow(STATEMENT, ...)`."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.AsyncFunctionDef):
            continue
        calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
        asked = {
            call.args[0].id
            for call in calls
            if isinstance(call.func, ast.Attribute)
            and call.func.attr in ("fetch", "fetchrow")
            and call.args
            and isinstance(call.args[0], ast.Name)
        }
        made = {
            call.func.id
            for call in calls
            if isinstance(call.func, ast.Name)
            and not call.args
            and [(k.arg, ast.unparse(k.value)) for k in call.keywords] == [(None, "row")]
        }
        if len(asked) == len(made) == 1:
            yield asked.pop(), made.pop()


async def mismatch(conn: db.Connection, sql: str, row_class: type) -> str:
    columns = [column.name for column in (await conn.prepare(sql)).get_attributes()]
    fields = inspect.signature(row_class).parameters
    wanted = {name for name, field in fields.items() if field.default is inspect.Parameter.empty}
    off = (set(columns) - set(fields)) | (wanted - set(columns))
    return ", ".join(sorted(off))


async def test_a_statement_s_columns_are_its_row_class_s(conn: db.Connection) -> None:
    wrong, seen = {}, 0
    for path in product_files():
        text = path.read_text(encoding="utf-8")
        if "(**row)" not in text:
            continue
        module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for statement, name in rows_made(ast.parse(text)):
            off = await mismatch(conn, getattr(module, statement), getattr(module, name))
            seen += 1
            if off:
                wrong[f"{module.__name__}.{statement} → {name}"] = off
    assert wrong == {}
    assert seen > 15


async def test_the_comparison_finds_a_column_too_many_and_one_too_few(conn: db.Connection) -> None:
    @dataclasses.dataclass
    class Lease:
        name: str
        token: int

    assert await mismatch(conn, "SELECT name, 1 AS token FROM leases", Lease) == ""
    assert await mismatch(conn, "SELECT name, 1 AS fence FROM leases", Lease) == "fence, token"
