"""Use cases of the office's rules: read a section, write a row of it, drop one.

A section is a table of few rows. Whoever changes it has read it as it is: its version is held while
a row changes, and goes up with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from pydantic import BaseModel

from contactcenter.core.access import Permission, Principal
from contactcenter.core.errors import Conflict, Invalid, NotFound
from contactcenter.core.work import WorkFactory
from crm.days import national_holidays, national_name
from crm.office import store
from crm.office.schemas import (
    ApprovalLimits,
    Authorities,
    Authority,
    AuthorityKey,
    Holiday,
    HolidayIn,
    HolidayKey,
    Holidays,
    LimitIn,
    LimitKey,
    PeriodIn,
    PeriodKey,
    Periods,
    RateIn,
    RateKey,
    Rates,
)
from crm.schemas import Money, euros
from crm.sql import lock_section, section_version, turn_section
from db import Record

Match = Callable[[int], None]
ALL: Final = "*"


@dataclass(frozen=True, slots=True)
class Section:
    """One table of rules. `key`: the fields that a row is known by. `changes`: whose right it is.
    `names`: (field, fault, sentence) of what a row names and may not be there."""

    name: str
    path: str
    title: str
    row: type[BaseModel]
    key: type[BaseModel]
    listed: type[BaseModel]
    changes: Permission = Permission.PORTFOLIOS_ALL
    names: tuple[str, str, str] | None = None
    lasting: bool = False  # the last row for all lines is needed


SECTIONS: Final = (
    Section("holidays", "holidays", "a holiday", HolidayIn, HolidayKey, Holidays),
    Section(
        "premium_rates", "premium-rates", "a rate", RateIn, RateKey, Rates, lasting=True,
    ),
    Section(
        "legal_periods", "legal-periods", "a time of the law", PeriodIn, PeriodKey, Periods,
        lasting=True,
    ),
    Section(
        "approval_limits", "approval-limits", "what a role may approve alone", LimitIn, LimitKey,
        ApprovalLimits, Permission.ROLES_MANAGE,
        ("role", "unknown_role", "There is no such role."),
    ),
    Section(
        "delegated_authorities", "delegated-authorities", "what an insurer lets the office decide",
        Authority, AuthorityKey, Authorities,
        names=("carrier", "unknown_insurer", "There is no such insurer."),
    ),
)  # fmt: skip


class OfficeService:
    def __init__(self, work: WorkFactory) -> None:
        self._work = work

    async def listed(self, section: Section, year: int | None = None) -> tuple[BaseModel, int]:
        """The rows, and the section's version."""
        async with self._work.reading(f"{section.name}.list") as conn:
            version = await section_version(conn, section.name)
            rows = await store.rows(conn, section.name)
        if section.row is HolidayIn:
            return Holidays(items=_holidays(rows, year), version=version), version
        items = [section.row(**_given(row)) for row in rows]
        return section.listed(items=items, version=version), version

    async def put(
        self, principal: Principal, section: Section, given: BaseModel, match: Match
    ) -> None:
        """Write a row, in the place of the one with its key. Invalid for what is not there."""
        if isinstance(given, HolidayIn) and given.day in national_holidays(given.day.year):
            raise Invalid.field("day", "national_already", "It is a national holiday already.")
        key = {name: getattr(given, name) for name in section.key.model_fields}
        values = {name: _stored(getattr(given, name)) for name in section.row.model_fields}
        async with self._work.begin(f"{section.name}.put", principal.actor) as work:
            match(await lock_section(work.conn, section.name))
            before = await store.one(work.conn, section.name, list(key.values()))
            rest = [value for name, value in values.items() if name not in key]
            if not await store.put(work.conn, section.name, [*key.values(), *rest]):
                assert section.names is not None
                raise Invalid.field(*section.names)
            after = await store.one(work.conn, section.name, list(key.values()))
            if before == after:
                return
            await turn_section(work.conn, section.name)
            work.audit(
                f"{section.name}.changed",
                section.name,
                _named(key),
                before=_told(before),
                after=_told(after),
            )

    async def drop(
        self, principal: Principal, section: Section, key: BaseModel, match: Match
    ) -> None:
        """Take a row away. Conflict for the last one that there must be."""
        wanted = {name: getattr(key, name) for name in section.key.model_fields}
        async with self._work.begin(f"{section.name}.drop", principal.actor) as work:
            match(await lock_section(work.conn, section.name))
            before = await store.one(work.conn, section.name, list(wanted.values()))
            if before is None:
                raise NotFound
            if section.lasting and _last(before, await store.rows(work.conn, section.name)):
                raise Conflict(
                    "Something of this kind has to hold: write its next rule instead.",
                    type="last_rule",
                )
            await store.drop(work.conn, section.name, list(wanted.values()))
            await turn_section(work.conn, section.name)
            work.audit(
                f"{section.name}.dropped", section.name, _named(wanted), before=_told(before)
            )


def _last(row: Record, rows: list[Record]) -> bool:
    """No other row of its kind, or none for all lines, would be left."""
    others = [each for each in rows if each["kind"] == row["kind"] and each != row]
    return not others or (row["line"] == ALL and all(each["line"] != ALL for each in others))


def _holidays(rows: list[Record], year: int | None) -> list[Holiday]:
    kept = [Holiday(**row) for row in rows if year is None or row["day"].year == year]
    if year is not None:
        kept += [
            Holiday(day=day, name=name, scope="national", by_law=word)
            for day in national_holidays(year)
            for word, name in (national_name(day),)
        ]
    return sorted(kept, key=lambda each: each.day)


def _given(row: Mapping[str, Any] | Record) -> dict[str, Any]:
    sums = {"limit", "max_amount", "four_eyes_above"}
    return {name: euros(value) if name in sums else value for name, value in dict(row).items()}


def _stored(value: Any) -> Any:
    return value.amount if isinstance(value, Money) else value


def _told(row: Record | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        name: str(value) if isinstance(value, date | Decimal) else value
        for name, value in row.items()
    }


def _named(key: Mapping[str, Any]) -> str:
    return " ".join(map(str, key.values()))
