"""A broker's files by COPY: customers, twice as many policies, five times as many interactions.

Names are as uneven as names are: a few surnames have thousands of bearers. One customer in a
thousand has a hundred times the others' interactions. Foreign keys are not looked at while it
loads, and searching indexes are built afterwards.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

import db
from contactcenter.interactions.model import sort_key
from crm.customers.model import search_text

EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)
LETTERS: Final = "TRWAGMYFPDXBNJZSQVHLCKE"
HEAD: Final = ("Al", "Be", "Ca", "Du", "Es", "Fe", "Go", "He", "Ib", "Ja", "La", "Mo", "Na", "Or")
BODY: Final = (
    "ba",
    "ce",
    "di",
    "gue",
    "la",
    "mi",
    "nes",
    "que",
    "ri",
    "sa",
    "to",
    "va",
    "zo",
    "rra",
)
TAIL: Final = ("da", "l", "n", "rez", "s", "te", "z", "no", "ñas", "ta")
FIRST: Final = ("Aurora", "Benito", "Celia", "Damián", "Esther", "Fermín", "Gema", "Hilario",
                "Isabel", "Jacinto", "Lidia", "Moisés", "Nuria", "Paula", "Raquel", "Saúl",
                "Íñigo", "Teresa", "Vera", "Zoe")  # fmt: skip
LAST: Final = tuple("".join(parts) for parts in itertools.product(HEAD, BODY, BODY, TAIL))
LATER: Final = ("customers_grams", "customers_words", "policies_grams", "customers_name",
                "customer_ways_address", "interactions_customer", "interactions_contact",
                "idx_policies_customer", "policies_plate")  # fmt: skip
INDEXES: Final = """
SELECT indexname, indexdef FROM pg_indexes WHERE indexname = ANY ($1::text[])
"""


def customer_id(n: int) -> UUID:
    return UUID(int=(0x0198 << 112) | (0x7001 << 64) | (0x8 << 60) | n)


def phone_of(n: int) -> str:
    return f"+34{600_000_000 + n * 97 % 100_000_000:09d}"


def plate_of(n: int) -> str:
    return f"{n % 10_000:04d}{'BCDFGHJKLM'[n // 10_000 % 10]}{'BCDFGHJKLM'[n // 100_000 % 10]}Z"


def name_of(n: int) -> tuple[str, str]:
    dice = Random(n)
    common = int(len(LAST) * dice.random() ** 4)
    return FIRST[dice.randrange(len(FIRST))], f"{LAST[common]} {LAST[dice.randrange(len(LAST))]}"


def document_of(n: int) -> str:
    number = 10_000_000 + n * 31 % 89_999_999
    return f"{number:08d}{LETTERS[number % 23]}"


def _customers(first: int, count: int) -> Iterator[tuple[Any, ...]]:
    for n in range(first, first + count):
        given, family = name_of(n)
        at = EPOCH + timedelta(seconds=n)
        number, mail, document = phone_of(n), f"c{n}@correo.example", document_of(n)
        yield (
            customer_id(n), "person", given, family, mail, number, document, "50001", "active",
            "standard", sort_key(f"{family} {given}"),
            search_text([given, family, document, number, mail]), at, at,
        )  # fmt: skip


def _ways(first: int, count: int) -> Iterator[tuple[Any, ...]]:
    for n in range(first, first + count):
        yield customer_id(n), "phone", phone_of(n), "mobile"
        yield customer_id(n), "email", f"c{n}@correo.example", "email"


def _policies(first: int, count: int) -> Iterator[tuple[Any, ...]]:
    for n in range(first * 2, (first + count) * 2):
        at = EPOCH + timedelta(seconds=n)
        car, number, reference = n % 2 == 0, f"AL-{n:08d}", f"P-B{n:08d}"
        plate = plate_of(n // 2) if car else None
        yield (
            UUID(int=(0x0198 << 112) | (0x7002 << 64) | (0x8 << 60) | n), reference,
            customer_id(n // 2), number, "auto" if car else "home", "aldaba", "active",
            date(2026, 1, 1), date(2027, 1, 1), date(2026, 1, 1), 400, plate,
            search_text([number, reference, plate]), at, at,
        )  # fmt: skip


def _owner(n: int, first: int, count: int) -> int:
    """One interaction in ten is of the one customer in a thousand who calls all the time."""
    if n % 10 == 0 and count >= 1000:
        return first + n * 7919 % (count // 1000) * 1000
    return first + n * 104_729 % count


def _threads(first: int, count: int) -> Iterator[tuple[Any, ...]]:
    for n in range(first, first + count):
        yield customer_id(n), customer_id(n), "voice", "closed", EPOCH, EPOCH


def _interactions(first: int, count: int) -> Iterator[tuple[Any, ...]]:
    for n in range(first * 5, (first + count) * 5):
        owner = customer_id(_owner(n, first, count))
        at = EPOCH + timedelta(seconds=n * 3)
        yield (
            UUID(int=(0x0198 << 112) | (0x7003 << 64) | (0x8 << 60) | n), owner, owner, owner,
            "voice", "closed", "completed", at, at, at + timedelta(minutes=4), at,
        )  # fmt: skip


TABLES: Final = (
    ("contacts", ("id", "customer_id", "created_at"),
     lambda f, c: ((customer_id(n), customer_id(n), EPOCH) for n in range(f, f + c))),
    ("customers", ("id", "kind", "first_name", "last_name", "email", "mobile", "dni",
                   "postal_code", "status", "segment", "sort_key", "search_text", "created_at",
                   "updated_at"), _customers),
    ("customer_ways", ("customer_id", "kind", "address", "label"), _ways),
    ("policies", ("id", "reference", "customer_id", "policy_number", "policy_type", "carrier",
                  "status", "coverage_start_date", "coverage_end_date", "term_start_date",
                  "premium_amount", "vehicle_plate", "search_text", "created_at", "updated_at"),
     _policies),
    ("conversations", ("id", "contact_id", "channel", "state", "created_at", "closed_at"),
     _threads),
    ("interactions", ("id", "conversation_id", "contact_id", "customer_id", "channel", "state",
                      "close_reason", "created_at", "answered_at", "ended_at", "closed_at"),
     _interactions),
)  # fmt: skip


async def loaded(conn: db.Connection) -> int:
    """How many customers there are already."""
    last: UUID | None = await conn.fetchval(
        "SELECT id FROM customers WHERE id < $1 ORDER BY id DESC LIMIT 1", customer_id(1 << 48)
    )
    return 0 if last is None else last.int - customer_id(0).int + 1


async def grow(conn: db.Connection, before: int, after: int) -> None:
    """Load the customers from number `before` up to `after`, with what belongs to them."""
    await conn.execute(
        "INSERT INTO insurers (key, dgs_code, name) VALUES ('aldaba', 'C0901', 'Aldaba')"
        " ON CONFLICT DO NOTHING"
    )
    later = await conn.fetch(INDEXES, list(LATER))
    async with conn.transaction():  # all of it, or nothing
        for index in later:
            await conn.execute(f"DROP INDEX {index['indexname']}")
        await conn.execute("SET LOCAL session_replication_role = replica")
        for table, columns, rows in TABLES:
            await conn.copy_records_to_table(
                table, records=rows(before, after - before), columns=columns
            )
        await conn.execute("SET LOCAL session_replication_role = origin")
        await conn.execute("SET LOCAL maintenance_work_mem = '1GB'")
        for index in later:
            await conn.execute(index["indexdef"])
    await conn.execute("VACUUM ANALYZE")
