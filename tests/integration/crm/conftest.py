"""The CRM on a database of the test's own: an office of people, and its HTTP."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
import pytest
from aiohttp.test_utils import TestClient, TestServer

import db
from config.settings import Settings
from contactcenter.core import eventlog
from contactcenter.core.access import ROLE_PERMISSIONS, Principal
from contactcenter.core.bus import Bus
from contactcenter.core.eventlog import Recorded
from contactcenter.core.http import build_app
from contactcenter.core.ids import new_id
from contactcenter.core.jobs import JobQueue
from contactcenter.core.limits import Limits
from contactcenter.core.mail import Letter
from contactcenter.core.module import Deps
from contactcenter.core.work import WorkFactory
from contactcenter.events import CATALOGUE
from crm import module
from tests.conftest import SettableClock

INSERT_USER = """
INSERT INTO users (id, email, role, created_at, updated_at) VALUES ($1, $2, $3, now(), now())
"""
INSERT_AGENT = """
INSERT INTO agents (id, user_id, name, sort_key, status_since, team, created_at)
VALUES ($1, $2, $3, $3, now(), $4, now())
"""
SETUP = """
INSERT INTO teams (key, name, created_at)
VALUES ('north', 'North', now()), ('south', 'South', now());
INSERT INTO insurers (key, dgs_code, name)
VALUES ('aldaba', 'C0901', 'Aldaba'), ('brisa', 'C0902', 'Brisa'), ('cierzo', 'M0903', 'Cierzo');
"""


class Letters:
    """Keeps what it is given to send."""

    def __init__(self) -> None:
        self.sent: list[Letter] = []

    async def send(self, letter: Letter) -> None:
        self.sent.append(letter)


@dataclass
class Answer:
    status: int
    body: Any
    etag: str | None


@dataclass
class Office:
    """People by name: lucia and marcos are of team north, pablo of south, elena supervises, alba
    administers, ines is a customer, sara an adjuster of south."""

    deps: Deps
    client: TestClient[Any, Any]
    crm: module.Crm
    clock: SettableClock
    mail: Letters
    people: dict[str, Principal] = field(default_factory=dict)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Beside a failing example of hypothesis, which would write down all that it holds."""
        del cycle
        printer.text("Office")

    async def ask(
        self, who: str, method: str, path: str, body: Any = None, **given: str | None
    ) -> Answer:
        """A move is made of whatever version is there, unless `If-Match` is given, or None."""
        of = {"If-Match": "*"} if method == "POST" else {}
        named = {"Authorization": f"Bearer {who}", **of, **given}
        headers = {name: value for name, value in named.items() if value is not None}
        sent: dict[str, Any] = {} if body is None else {"data": orjson.dumps(body, default=str)}
        if sent:
            headers["Content-Type"] = "application/json"
        answer = await self.client.request(method, f"/api/v1{path}", headers=headers, **sent)
        text = await answer.read()
        parsed = orjson.loads(text) if text else None
        return Answer(answer.status, parsed, answer.headers.get("ETag"))

    async def do(
        self, who: str, method: str, path: str, body: Any = None, **headers: str | None
    ) -> Any:
        """A request that must succeed; its body."""
        answer = await self.ask(who, method, path, body, **headers)
        assert answer.status < 300, (answer.status, answer.body)
        return answer.body

    async def edit(self, who: str, path: str, body: Any) -> Any:
        """PATCH with the version as it is now."""
        seen = await self.ask(who, "GET", path)
        assert seen.etag
        return await self.do(who, "PATCH", path, body, **{"If-Match": seen.etag})

    async def person(self, who: str = "lucia", **fields: Any) -> dict[str, Any]:
        fields = {"first_name": "Ana", "last_name": "Beltrán Sanz", "confirm": True, **fields}
        customer: dict[str, Any] = await self.do(who, "POST", "/customers", fields)
        return customer

    async def events(self, *names: str) -> list[Recorded]:
        async with self.deps.work.reading("test.events") as conn:
            log = await eventlog.read(conn, CATALOGUE, eventlog.START, limit=2000)
        return [each for each in log if not names or each.event.name in names]

    async def listen(self, *names: str) -> int:
        """Give everything in the log to these listeners (all of them, without names), as often as
        it is called; how many events there were."""
        log = await self.events()
        for listener in self.crm.module.listeners:
            if names and listener.name not in names:
                continue
            for recorded in log:
                if isinstance(recorded.event, listener.types):
                    async with self.deps.work.begin("test.listen", "listener") as work:
                        await listener.handle(work, recorded)
        return len(log)


class Badges:
    """Knows everybody by name."""

    def __init__(self, people: dict[str, Principal]) -> None:
        self._people = people

    def remembered(self, token: str) -> Principal | None:
        return self._people.get(token)

    async def principal_of(self, token: str) -> Principal | None:
        return self._people.get(token)


@pytest.fixture
async def office(settings: Settings, pool: db.Pool, clock: SettableClock) -> AsyncIterator[Office]:
    work = WorkFactory(pool, clock)
    bus = Bus(settings, pool, CATALOGUE, work)
    deps = Deps(settings, clock, pool, work, bus, JobQueue(clock))
    people: dict[str, Principal] = {}
    async with pool.acquire() as conn:
        await conn.execute(SETUP)
        for name, role, team in (
            ("lucia", "agent", "north"),
            ("marcos", "agent", "north"),
            ("pablo", "agent", "south"),
            ("sara", "adjuster", "south"),
            ("elena", "supervisor", None),
            ("alba", "admin", None),
            ("ines", "customer", None),
        ):
            user_id = new_id()
            await conn.execute(INSERT_USER, user_id, f"{name}@example.com", role)
            principal = Principal(
                kind="user", permissions=ROLE_PERMISSIONS[role], user_id=user_id, role=role
            )
            if role in {"agent", "adjuster"}:
                agent_id = new_id()
                await conn.execute(INSERT_AGENT, agent_id, user_id, name, team)
                principal = dataclasses.replace(principal, agent_id=agent_id)
            people[name] = principal
    mail = Letters()
    crm = module.build(deps, mail)
    app = build_app(
        crm.module.routes, settings=settings, work=work, authenticator=Badges(people), checks={},
        limits=Limits(None, monotonic=itertools.count(0.0).__next__),  # however quick a test is
    )  # fmt: skip
    async with TestClient(TestServer(app)) as client:
        yield Office(deps, client, crm, clock, mail, people)


def agent_of(office: Office, name: str) -> UUID:
    agent_id = office.people[name].agent_id
    assert agent_id is not None
    return agent_id


def policy_body(customer_id: str, **fields: Any) -> dict[str, Any]:
    """A car's policy in force at the office's today (16 March 2027)."""
    return {
        "customer_id": customer_id,
        "policy_type": "auto",
        "carrier": "aldaba",
        "policy_number": f"A-{new_id().hex[-10:]}",
        "coverage_start_date": "2027-01-01",
        "coverage_end_date": "2028-01-01",
        "premium_amount": {"amount": "400.00"},
        "vehicle_plate": "1234 BCD",
        **fields,
    }


async def a_policy(office: Office, who: str = "lucia", **fields: Any) -> dict[str, Any]:
    customer_id = fields.pop("customer_id", None)
    customer_id = customer_id or (await office.person(who))["customer_id"]
    made: dict[str, Any] = await office.do(
        who, "POST", "/policies", policy_body(customer_id, **fields)
    )
    return made


def receipt_body(**fields: Any) -> dict[str, Any]:
    return {
        "number": f"R-{new_id().hex[-10:]}",
        "kind": "renewal",
        "period_start": "2027-01-01",
        "period_end": "2028-01-01",
        "due_on": "2027-02-01",
        "net": {"amount": "365.00"},
        "total": {"amount": "400.00"},
        "commission": {"amount": "43.80"},
        **fields,
    }


async def a_no(office: Office, policy: dict[str, Any], **fields: Any) -> Any:
    """The policyholder will not renew: noted, at the office's today."""
    body = {"received_on": "2027-03-16", "requested_by_customer_id": policy["customer_id"]}
    return await office.do(
        "lucia", "POST", f"/policies/{policy['policy_id']}/non-renewal", {**body, **fields}
    )
