"""Idempotency-Key: a POST that is sent twice has one effect and one answer.

The key is taken by the request's first unit of work, in its transaction, so the effect and the
key stand or fall together; whoever sends the same key meanwhile waits on the table's unique index.
The answer is kept for a day, encrypted under a key that needs the caller's Idempotency-Key: in the
same transaction where the unit of work states it (`Work.answer`), else right after.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, Generic, NamedTuple, TypeVar

import orjson
import structlog
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import db
from contactcenter.core.errors import Conflict, Invalid, Unavailable
from contactcenter.core.work import WorkFactory, pending_claim

log = structlog.get_logger(__name__)

R = TypeVar("R")

KEPT: Final = timedelta(hours=24)
KEY_LENGTH: Final = 200
WAIT_SECONDS: Final = (0.05, 2.0)  # for another request's answer: between looks, in all

TAKE = """
INSERT INTO idempotency_keys (scope, key, digest) VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING RETURNING true
"""
FIND = "SELECT digest, status, response FROM idempotency_keys WHERE scope = $1 AND key = $2"
STORE = "UPDATE idempotency_keys SET status = $3, response = $4 WHERE scope = $1 AND key = $2"
SWEEP = """
DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM idempotency_keys WHERE created_at < now() - $1::interval LIMIT $2
))
"""
ROUND: Final = 2000
"""Rows that are forgotten in one transaction."""


class Answer(NamedTuple):
    """What is kept of a response."""

    status: int
    body: bytes
    headers: dict[str, str]


class Taken(Exception):  # noqa: N818 -- a signal between this module's two halves
    """Another request with this key has had its effect."""


class Claim(Generic[R]):
    """A key on its way into the table (core.work.Claim)."""

    def __init__(
        self, scope: str, key: str, digest: bytes, secret: bytes, render: Callable[[R], Answer]
    ) -> None:
        self.scope = hashlib.sha256(scope.encode()).hexdigest()
        self.key = hashlib.sha256(key.encode()).hexdigest()
        self.digest = digest
        self.done = False
        self.kept = False
        self._seal = AESGCM(hmac.digest(secret, b"idempotency\0" + key.encode(), "sha256"))
        self._render = render

    async def take(self, conn: db.Connection) -> None:
        self.kept = False
        if not await conn.fetchval(TAKE, self.scope, self.key, self.digest):
            raise Taken

    async def keep(self, conn: db.Connection, result: R) -> None:
        answer = self._render(result)
        nonce = secrets.token_bytes(12)
        text = orjson.dumps([answer.body.decode(), answer.headers])
        sealed = nonce + self._seal.encrypt(nonce, text, self.scope.encode())
        kept = {"sealed": base64.b64encode(sealed).decode()}
        await conn.execute(STORE, self.scope, self.key, answer.status, kept)
        self.kept = True

    def read(self, found: db.Record) -> Answer:
        sealed = base64.b64decode(found["response"]["sealed"])
        text = self._seal.decrypt(sealed[:12], sealed[12:], self.scope.encode())
        body, headers = orjson.loads(text)
        return Answer(found["status"], body.encode(), headers)


class Idempotency:
    """Runs a handler at most once per scope and key."""

    def __init__(self, work: WorkFactory, secret: str) -> None:
        self._work = work
        self._secret = secret.encode()

    async def once(
        self,
        scope: str,
        key: str,
        digest: bytes,
        handle: Callable[[], Awaitable[R]],
        render: Callable[[R], Answer],
    ) -> Answer:
        """The handler's answer, or the one that an earlier request with this key got.

        Raises Invalid when the key was used for another body, Conflict when the earlier request
        had its effect and its answer is not known.
        """
        if not 1 <= len(key) <= KEY_LENGTH:
            raise Invalid(f"Idempotency-Key takes 1 to {KEY_LENGTH} characters.")
        claim = Claim(scope, key, digest, self._secret, render)
        found = await self._find(claim)
        if found is None:
            token = pending_claim.set(claim)
            try:
                result = await handle()
            except Taken:
                found = await self._find(claim)
            else:
                if claim.done and not claim.kept:
                    await self._keep(claim, result)
                return render(result)
            finally:
                claim.done = True  # also for tasks that the handler left behind
                pending_claim.reset(token)
        return await self._replay(claim, found)

    async def _find(self, claim: Claim[R]) -> db.Record | None:
        async with self._work.reading("idempotency.find") as conn:
            return await conn.fetchrow(FIND, claim.scope, claim.key)

    async def _keep(self, claim: Claim[R], result: R) -> None:
        """The effect is committed: failing here only costs the replay."""
        try:
            async with self._work.reading("idempotency.store") as conn:
                await claim.keep(conn, result)
        except Unavailable:
            log.warning("idempotent_answer_not_kept")
        except Exception:
            log.exception("idempotent_answer_not_kept")

    async def _replay(self, claim: Claim[R], found: db.Record | None) -> Answer:
        pause, patience = WAIT_SECONDS
        for _ in range(int(patience / pause)):
            if found is None:  # swept between the two looks
                break
            if not hmac.compare_digest(found["digest"], claim.digest):
                raise Invalid("This Idempotency-Key was used for another request.")
            if found["status"] is not None:
                return claim.read(found)
            await asyncio.sleep(pause)
            found = await self._find(claim)
        raise Conflict("A request with this Idempotency-Key was done; its answer is not known.")


async def sweep(conn: db.Connection) -> None:
    """Forget keys after KEPT, some at a time; each time is a transaction of its own."""
    while await conn.execute(SWEEP, KEPT, ROUND) == f"DELETE {ROUND}":
        pass
