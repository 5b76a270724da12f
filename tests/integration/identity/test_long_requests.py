"""Privacy requests that take long or fail, and sweeps of more than one round."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

import db
from config.settings import Settings
from contactcenter.core import idempotency
from contactcenter.core.jobs import JobRunner
from contactcenter.core.privacy import TableRule
from contactcenter.core.work import WorkFactory
from contactcenter.identity import privacy, store
from contactcenter.identity.module import Identity
from contactcenter.identity.privacy import PrivacyService
from contactcenter.identity.privacy_rules import RULES
from tests.integration.identity.door import Client, MovableClock, add_user, call, signed_in

SLOW = TableRule(
    "users",
    "erase",
    "It takes its time.",
    export={"user": "SELECT pg_sleep(0.3)::text AS slept, $1::uuid AS id"},
    erase={"user": "UPDATE users SET phone = pg_sleep(0.3)::text WHERE id = $1"},
    reason_es="Tarda.",
)
BROKEN = TableRule(
    "users", "erase", "It fails.", erase={"user": "DELETE FROM nowhere"}, reason_es="Falla."
)


@pytest.fixture
async def admin(client: Client, conn: db.Connection) -> str:
    await add_user(conn, "boss@example.com", "admin")
    return await signed_in(client, "boss@example.com")


async def ask(client: Client, admin: str, kind: str, person: UUID) -> dict[str, Any]:
    status, made = await call(
        client, "POST", "/privacy/requests", admin,
        kind=kind, person_kind="user", person=str(person), reason="test",
    )  # fmt: skip
    assert (status, made["state"], made["detail"]) == (202, "under_way", None)
    found: dict[str, Any] = made
    return found


@pytest.mark.parametrize("kind", ["export", "erase"])
async def test_it_outlasts_other_transactions(
    settings: Settings, client: Client, identity: Identity, admin: str, user: UUID,
    clock: MovableClock, kind: str,
) -> None:  # fmt: skip
    made = await ask(client, admin, kind, user)
    short = settings.database.model_copy(update={"transaction_timeout_ms": 150})
    pool = await db.create_pool(settings.model_copy(update={"database": short}))
    try:
        theirs = identity.privacy
        service = PrivacyService(WorkFactory(pool, clock), theirs._jobs, theirs._vault)
        service.bind((SLOW,))
        await service.job().handle({"id": made["id"]})
        async with pool.acquire() as conn:
            assert await conn.fetchval("SHOW transaction_timeout") == "150ms", "others keep theirs"
    finally:
        await pool.close()
    _, found = await call(client, "GET", f"/privacy/requests/{made['id']}", admin)
    assert (found["state"], found["detail"]) == ("done", None)
    assert [line["rows"] for line in found["certificate"]] == [1]
    given = await call(client, "GET", f"/privacy/requests/{made['id']}/export", admin)
    assert given[0] == (200 if kind == "export" else 404)


async def test_an_export_of_somebody_who_is_erased_meanwhile_is_not_kept(
    client: Client, identity: Identity, admin: str, user: UUID, conn: db.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    export, erase = [await ask(client, admin, kind, user) for kind in ("export", "erase")]
    identity.privacy.bind(RULES)
    service, read = identity.privacy, privacy.PrivacyService._exported

    async def erased_then(*given: Any) -> Any:
        found = await read(*given)
        await asyncio.create_task(service._do({"id": erase["id"]}))
        return found

    monkeypatch.setattr(privacy.PrivacyService, "_exported", erased_then)
    await service.job().handle({"id": export["id"]})
    _, found = await call(client, "GET", f"/privacy/requests/{export['id']}", admin)
    assert found["state"] == "done"
    assert [line["reason"] for line in found["certificate"]] == [privacy.ERASED_MEANWHILE["reason"]]
    assert (await call(client, "GET", f"/privacy/requests/{export['id']}/export", admin))[0] == 404
    assert await conn.fetchval("SELECT status FROM users WHERE id = $1", user) == "erased"


async def test_a_request_that_is_given_up_says_so(
    settings: Settings, client: Client, identity: Identity, admin: str, user: UUID,
    conn: db.Connection, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(privacy, "ATTEMPTS", 1)
    identity.privacy.bind((BROKEN,))
    made = await ask(client, admin, "erase", user)
    runner = asyncio.create_task(JobRunner(settings, (identity.privacy.job(),), ()).run())
    try:
        async with asyncio.timeout(20):
            while True:
                _, found = await call(client, "GET", f"/privacy/requests/{made['id']}", admin)
                if found["state"] != "under_way":
                    break
                await asyncio.sleep(0.05)
    finally:
        runner.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await runner
    assert (found["state"], found["done_at"]) == ("failed", None)
    assert "given up: nothing was exported or erased" in found["detail"]
    assert await conn.fetchval("SELECT first_name FROM users WHERE id = $1", user) == "Ada"
    _, listed = await call(client, "GET", "/privacy/requests", admin)
    assert [one["state"] for one in listed["items"]] == ["failed"]


async def test_sweeping_goes_by_rounds(
    client: Client, user: UUID, conn: db.Connection, clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for _ in range(3):
        await signed_in(client)
    clock.pass_(days=200)
    keep = timedelta(days=90)
    rounds = []
    for _ in range(3):
        rounds.append(await store.sweep(conn, clock.now(), keep=keep, most=2))
        rounds.append(await conn.fetchval("SELECT count(*) FROM sessions"))
    assert rounds == [True, 1, False, 0, False, 0]

    monkeypatch.setattr(idempotency, "ROUND", 2)
    await conn.execute(
        "INSERT INTO idempotency_keys (scope, key, digest, created_at) "
        "SELECT 'x', n::text, '', now() - make_interval(hours => n) FROM generate_series(21, 29) n"
    )
    await idempotency.sweep(conn)
    kept = await conn.fetch("SELECT key FROM idempotency_keys ORDER BY key")
    assert [row["key"] for row in kept] == ["21", "22", "23"]
