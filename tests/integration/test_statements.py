"""Every SQL constant of the product is one that the migrated schema understands."""

from __future__ import annotations

import importlib
import re

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
