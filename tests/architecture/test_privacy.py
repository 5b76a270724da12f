"""Every table says what it holds of a person: GDPR, articles 15 and 17."""

from __future__ import annotations

import re

from contactcenter.core.privacy import by_table
from db import migrate
from tools import reference

TABLE = re.compile(r"^CREATE (?:UNLOGGED )?TABLE (?:IF NOT EXISTS )?(\w+)", re.MULTILINE)
DROPPED = re.compile(r"^DROP TABLE (?:IF EXISTS )?(\w+)", re.MULTILINE)


def tables() -> set[str]:
    """Every table that the migrations leave behind."""
    found = {"schema_migrations"}
    for migration in migrate.read():
        found |= set(TABLE.findall(migration.up.sql))
        found -= set(DROPPED.findall(migration.up.sql))
    return found


def test_every_table_has_a_rule_and_every_rule_a_table() -> None:
    rules = set(by_table(reference.privacy_rules()))
    assert tables() - rules == set(), "declare them in the room's privacy_rules.py"
    assert rules - tables() == set()


def test_the_tables_are_found() -> None:
    assert {"users", "messages", "event_log", "pgqueuer"} <= tables()
