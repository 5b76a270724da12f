"""What each table holds of a person, and what becomes of it when the person is exported or erased.

Every table has exactly one rule, declared by the room that owns it; the build fails for a table
without one. A rule speaks of three kinds of person: a user (who signs in), a contact (who
calls or writes) and a customer (who is insured). Its statements take the person's id as $1.

    none   nothing of a person is in it: ids, states, times, settings
    keep   it is exported and kept, for the stated reason (a legal hold)
    erase  it is exported, and erased or made anonymous

Reasons stand in certificates, which people read: they are told in both languages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Person = Literal["user", "contact", "customer"]
Action = Literal["none", "keep", "erase"]


@dataclass(frozen=True, slots=True)
class TableRule:
    """One table's rule. `export` and `erase`: kind of person → statement; an erasing one affects
    the rows that it counts. Rules with `last` run after the others, which still look things up.
    `reason` is in English, `reason_es` in Spanish."""

    table: str
    action: Action
    reason: str
    export: Mapping[Person, str] = field(default_factory=dict)
    erase: Mapping[Person, str] = field(default_factory=dict)
    last: bool = False
    reason_es: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        whole = {
            "none": not self.export and not self.erase,
            "keep": bool(self.export) and not self.erase,
            "erase": bool(self.erase),
        }[self.action]
        if not whole or not self.reason or (self.action != "none" and not self.reason_es):
            raise ValueError(f"the rule of {self.table} is not whole")


def nothing_personal(reason: str, *tables: str) -> tuple[TableRule, ...]:
    """Tables that hold nothing of a person, for one reason."""
    return tuple(TableRule(table, "none", reason) for table in tables)


def by_table(rules: Iterable[TableRule]) -> dict[str, TableRule]:
    """Table → rule; ValueError for a table with two."""
    found: dict[str, TableRule] = {}
    for rule in rules:
        if rule.table in found:
            raise ValueError(f"{rule.table} has two rules")
        found[rule.table] = rule
    return found
