"""Idempotency-Key: a POST that is sent twice has one effect and one answer.

The key is taken by the request's first unit of work, in its transaction, so the effect and the
key stand or fall together; whoever sends the same key meanwhile waits on the table's unique index.
The answer is kept for a day, encrypted under a key that needs the caller's Idempotency-Key.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, NamedTuple

import orjson
import structlog
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import db
from contactcenter.core.errors import Conflict, Invalid
from contactcenter.core.work import WorkFactory, pending_claim

log = structlog.get_logger(__name__)

KEPT: Final = timedelta(hours=24)
KEY_LENGTH: Final = 200
WAIT_SECONDS: Final = (0.05, 2.0)  # for another request's answer: between looks, in all

TAKE = """
INSERT INTO idempotency_keys (scope, key, digest) VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING RETURNING true
"""
FIND = "SELECT digest, status, response FROM idempotency_keys WHERE scope = $1 AND key = $2"
STORE = "UPDATE idempotency_keys SET status = $3, response = $4 WHERE scope = $1 AND key = $2"
SWEEP = "DELETE FROM idempotency_keys WHERE created_at < now() - $1::interval"


class Answer(NamedTuple):
    """What is kept of a response."""

    status: int
    body: bytes
    headers: dict[str, str]


class Taken(Exception):  # noqa: N818 -- a signal between this module's two halves
    """Another request with this key has had its effect."""


class Claim:
    """A key on its way into the table (core.work.Claim)."""

    def __init__(self, scope: str, key: str, digest: bytes) -> None:
        self.scope = hashlib.sha256(scope.encode()).hexdigest()
        self.key = hashlib.sha256(key.encode()).hexdigest()
        self.digest = digest
        self.done = False

    async def take(self, conn: db.Connection) -> None:
        if not await conn.fetchval(TAKE, self.scope, self.key, self.digest):
            raise Taken


class Idempotency:
    """Runs a handler at most once per scope and key."""

    def __init__(self, work: WorkFactory, secret: str) -> None:
        self._work = work
        self._secret = secret.encode()

    async def once(
        self, scope: str, key: str, digest: bytes, handle: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        """The handler's answer, or the one that an earlier request with this key got.

        Raises Invalid when the key was used for another body, Conflict when the earlier request
        had its effect and its answer is not known.
        """
        if not 1 <= len(key) <= KEY_LENGTH:
            raise Invalid(f"Idempotency-Key takes 1 to {KEY_LENGTH} characters.")
        claim = Claim(scope, key, digest)
        found = await self._find(claim)
        if found is None:
            token = pending_claim.set(claim)
            try:
                answer = await handle()
            except Taken:
                found = await self._find(claim)
            else:
                if claim.done:
                    await self._store(claim, key, answer)
                return answer
            finally:
                claim.done = True  # also for tasks that the handler left behind
                pending_claim.reset(token)
        return await self._replay(claim, key, found)

    async def _find(self, claim: Claim) -> db.Record | None:
        async with self._work.reading("idempotency.find") as conn:
            return await conn.fetchrow(FIND, claim.scope, claim.key)

    async def _store(self, claim: Claim, key: str, answer: Answer) -> None:
        """Keep the answer. The effect is committed: failing here only costs the replay."""
        nonce = secrets.token_bytes(12)
        text = orjson.dumps([answer.body.decode(), answer.headers])
        sealed = nonce + AESGCM(self._seal(key)).encrypt(nonce, text, claim.scope.encode())
        kept = {"sealed": base64.b64encode(sealed).decode()}
        try:
            async with self._work.reading("idempotency.store") as conn:
                await conn.execute(STORE, claim.scope, claim.key, answer.status, kept)
        except Exception:
            log.exception("idempotent_answer_not_kept")

    async def _replay(self, claim: Claim, key: str, found: db.Record | None) -> Answer:
        pause, patience = WAIT_SECONDS
        for _ in range(int(patience / pause)):
            if found is None:  # swept between the two looks
                break
            if not hmac.compare_digest(found["digest"], claim.digest):
                raise Invalid("This Idempotency-Key was used for another request.")
            if found["status"] is not None:
                sealed = base64.b64decode(found["response"]["sealed"])
                text = AESGCM(self._seal(key)).decrypt(
                    sealed[:12], sealed[12:], claim.scope.encode()
                )
                body, headers = orjson.loads(text)
                return Answer(found["status"], body.encode(), headers)
            await asyncio.sleep(pause)
            found = await self._find(claim)
        raise Conflict("A request with this Idempotency-Key was done; its answer is not known.")

    def _seal(self, key: str) -> bytes:
        return hmac.digest(self._secret, b"idempotency\0" + key.encode(), "sha256")


async def sweep(conn: db.Connection) -> None:
    """Forget keys after KEPT."""
    await conn.execute(SWEEP, KEPT)
