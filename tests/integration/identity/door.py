"""The front door of identity, and a clock that moves when it is told to."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import bcrypt
from aiohttp.test_utils import TestClient

import db
from contactcenter.core import ids

PASSWORD = " correct horse "
STRONG = "Tr4mvía-azul"
EMAIL = "ada@example.com"
Client = TestClient[Any, Any]


class MovableClock:
    def __init__(self) -> None:
        self.time = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def pass_(self, **amount: float) -> None:
        self.time += timedelta(**amount)


async def add_user(
    conn: db.Connection, email: str, role: str = "agent", password: str | None = PASSWORD
) -> UUID:
    user_id = ids.new_id()
    hashed = password and bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
    await conn.execute(
        "INSERT INTO users (id, email, password_hash, first_name, role, email_verified, "
        "created_at, updated_at) VALUES ($1, $2, $3, 'Ada', $4, true, now(), now())",
        user_id,
        email,
        hashed,
        role,
    )
    return user_id


async def login(
    client: Client, email: str = EMAIL, password: str = PASSWORD, **more: str
) -> tuple[int, Any]:
    return await call(client, "POST", "/auth/login", email=email, password=password, **more)


async def refresh(client: Client, token: str) -> tuple[int, Any]:
    return await call(client, "POST", "/auth/refresh", refresh_token=token)


async def me(client: Client, token: str) -> int:
    return (await call(client, "GET", "/auth/me", token))[0]


async def call(
    client: Client, method: str, path: str, token: str | None = None, /, **body: Any
) -> tuple[int, Any]:
    """(status, JSON) of a request under /api/v1; the keywords are its body. A change is of whatever
    version is there."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    if method in {"PUT", "PATCH"}:
        headers["If-Match"] = "*"
    answer = await client.request(
        method, f"/api/v1{path}", headers=headers, json=body or None, cookies={}
    )
    return answer.status, await answer.json(content_type=None) if answer.status != 204 else None


async def signed_in(client: Client, email: str = EMAIL, password: str = PASSWORD) -> str:
    """An access token."""
    status, body = await login(client, email, password)
    assert status == 200, body
    token: str = body["access_token"]
    return token


@dataclass
class Letters:
    """What the development system's mailbox holds."""

    client: Client

    async def all(self) -> list[dict[str, Any]]:
        status, body = await call(self.client, "GET", "/demo/mailbox")
        assert status == 200
        found: list[dict[str, Any]] = body["items"]
        return found

    async def wait(self, count: int) -> list[dict[str, Any]]:
        """All of them, once there are so many."""
        async with asyncio.timeout(15):
            while len(found := await self.all()) < count:
                await asyncio.sleep(0.05)
        assert len(found) == count, [letter["subject"] for letter in found]
        return found

    async def link(self, page: str, count: int) -> str:
        """The token in the newest letter's link to this page, once there are so many letters."""
        newest = (await self.wait(count))[0]
        match = re.search(rf"/account/{page}#(\S+)", newest["body"])
        assert match, newest
        return match.group(1)
