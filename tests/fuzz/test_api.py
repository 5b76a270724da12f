"""Every route is sent what its schema allows, and what it does not: no server error, and every
answer is one that the document describes. Bodies of text/csv are spreadsheets (tests.fuzz.sheets).
"""

from __future__ import annotations

import asyncio
import functools
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import aiohttp
import hypothesis
import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

import db
from contactcenter.core.ids import new_id
from contactcenter.identity.tokens import AccessTokens
from tests.conftest import NIGHTLY
from tests.fuzz.sheets import sheets
from tests.reliability.centre import Centre, centre, signed_in

CASES = 100_000 if NIGHTLY else 2_000
PEOPLE = 40
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
ENDS_THE_SESSION = {"POST /api/v1/auth/logout", "DELETE /api/v1/auth/sessions"}
SHEETS = {f"POST /api/v1/imports/{what}{part}" for what in ("customers", "policies")
          for part in ("", "/preview")}  # fmt: skip

schemathesis.openapi.media_type("text/csv", sheets)
Told = Counter[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Admin:
    """Somebody with a session; an access token lasts for less than a long run."""

    user_id: UUID
    session_id: UUID
    tokens: AccessTokens

    @property
    def token(self) -> str:
        return self.tokens.issue(self.user_id, self.session_id, datetime.now(UTC))


@pytest.fixture
async def place() -> AsyncIterator[Centre]:
    async with centre(
        3, TRUSTED_PROXIES="127.0.0.1", LOG_LEVEL="ERROR", LOG_FORMAT="json"
    ) as place:
        yield place


async def admins(place: Centre) -> list[Admin]:
    """Administrators who are agents too: whatever there is, they may do."""
    conn = await place.connect()
    now = datetime.now(UTC)
    tokens = AccessTokens(place.settings.auth.jwt_secret.get_secret_value())
    made = []
    for number in range(PEOPLE):
        made.append(await _admin(conn, tokens, number, now))
    await conn.close()
    return made


async def _admin(conn: db.Connection, tokens: AccessTokens, number: int, now: datetime) -> Admin:
    user, session = await signed_in(conn, f"root{number}@example.org", "Root", "admin", now)
    await conn.execute(
        "INSERT INTO agents (id, user_id, name, sort_key, status_since, created_at) "
        "VALUES ($1, $2, 'Root', 'root', $3, $3)",
        new_id(),
        user,
        now,
    )
    return Admin(user, session, tokens)


def fuzz(url: str, people: Sequence[Admin]) -> Told:
    """Ask every operation; how often each answered what. Raises what a check finds."""
    schema = schemathesis.openapi.from_url(f"{url}/api/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    each = max(1, -(-CASES // len(operations)))
    numbers = itertools.count()
    told: Told = Counter()
    for operation in operations:
        name = f"{operation.method.upper()} {operation.path}"
        ask = functools.partial(_ask, url=url, people=() if name in ENDS_THE_SESSION else people)

        def asked(case: Any, name: str = name, ask: Callable[..., int] = ask) -> None:
            told[name, ask(case, next(numbers))] += 1

        hypothesis.settings(
            max_examples=each,
            deadline=None,
            database=None,
            derandomize=not NIGHTLY,
            suppress_health_check=list(hypothesis.HealthCheck),
            phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
        )(hypothesis.given(case=operation.as_strategy())(_alone(asked)))()
        if NIGHTLY:
            print(f"{told.total():>7} {name}", flush=True)
    return told


def _alone(function: Callable[[Any], None]) -> Callable[[Any], None]:
    """With no argument but the case, as hypothesis wants it."""
    return lambda case: function(case)


def _ask(case: Any, number: int, *, url: str, people: Sequence[Admin]) -> int:
    """Ask from an address of its own; the status, once the answer has passed every check."""
    token = people[number % len(people)].token if people else "ended"
    headers = {
        "Authorization": f"Bearer {token}",
        "X-Forwarded-For": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
    }
    answer = case.call(base_url=url, headers=headers, allow_redirects=False)
    case.validate_response(answer, checks=CHECKS)
    return int(answer.status_code)


@pytest.mark.filterwarnings("ignore")
async def test_no_server_error_and_no_answer_that_is_not_described(place: Centre) -> None:
    people = await admins(place)
    place.start()
    async with aiohttp.ClientSession() as session:
        await place.ready(session)
    told = await asyncio.to_thread(fuzz, place.url, people)
    statuses: Counter[int] = Counter()
    for (_, status), count in told.items():
        statuses[status] += count
    print(dict(statuses))
    assert told.total() >= CASES / 2
    assert sum(n for status, n in statuses.items() if 200 <= status < 300) > told.total() / 20
    assert statuses[429] < told.total() / 10, "limits must not answer for the routes"
    read = {name for name, status in told if status < 300} & SHEETS
    assert len(read) >= len(SHEETS) / 2, f"spreadsheets must be read, not only refused: {read}"
    complaints = place.complaints()
    assert complaints == [], complaints[:3]
