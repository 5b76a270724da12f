"""Token buckets: how often somebody may do something.

    budget = Limits(settings.redis.url).budget("public", Limit(per_second=20, burst=100))
    wait = await budget.take(address)

Buckets are in memory, or in Redis where several processes share them. Without an answer from Redis
each process goes on with buckets of its own, so that nobody waits and nobody is unlimited.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

log = structlog.get_logger(__name__)

REDIS_SECONDS: Final = 0.1
"""How long Redis has for an answer."""
AWAY_SECONDS: Final = 5.0
"""After a failure Redis is left alone for so long."""
CONNECTIONS: Final = 16

TAKE: Final = """
local per_second, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local bucket = redis.call('HMGET', KEYS[1], 'level', 'since')
local level, since = tonumber(bucket[1]) or burst, tonumber(bucket[2]) or now
level = math.min(burst, level + math.max(0, now - since) * per_second)
local missing = 1 - level
if missing <= 0 then level = level - 1 end
redis.call('HSET', KEYS[1], 'level', string.format('%.9f', level),
           'since', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(burst / per_second * 1000) + 1000)
return string.format('%.6f', math.max(0, missing / per_second))
"""
"""`Buckets.take` in Redis, by Redis' own clock; a bucket that is full again is forgotten."""


@dataclass(frozen=True, slots=True)
class Limit:
    """`burst` at once, refilled at `per_second`."""

    per_second: float
    burst: int


class Buckets:
    """One bucket per key, in memory; the longest unused are forgotten beyond `capacity`.

    A forgotten bucket starts full again, which `capacity` makes too slow to be worth trying.
    """

    def __init__(
        self,
        limit: Limit,
        *,
        capacity: int = 50_000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._capacity = capacity
        self._monotonic = monotonic
        self._levels: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, key: Hashable, tokens: float = 1) -> float:
        """0 when there were enough tokens (and they are gone now), else the seconds until then."""
        now = self._monotonic()
        level, since = self._levels.pop(key, (float(self._limit.burst), now))
        level = min(float(self._limit.burst), level + (now - since) * self._limit.per_second)
        missing = tokens - level
        self._levels[key] = (level if missing > 0 else level - tokens, now)
        if len(self._levels) > self._capacity:
            self._levels.popitem(last=False)
        return max(0.0, missing / self._limit.per_second)


class Budget(Protocol):
    """Something of which everybody may have so much."""

    async def take(self, key: str) -> float:
        """0 when `key` may do it now (and has), else the seconds until then."""
        ...


class Limits:
    """Makes budgets: in memory, or in Redis when a URL is given."""

    def __init__(
        self, redis_url: str | None, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._redis = None if redis_url is None else _Redis(redis_url, monotonic)

    def budget(self, name: str, limit: Limit) -> Budget:
        """Budgets of one name share their buckets, in whichever process they are."""
        buckets = Buckets(limit)
        return _Own(buckets) if self._redis is None else _Shared(self._redis, name, limit, buckets)

    async def close(self) -> None:
        if self._redis is not None:
            await self._redis.close()


class _Own:
    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets

    async def take(self, key: str) -> float:
        return self._buckets.take(key)


class _Shared:
    def __init__(self, redis: _Redis, name: str, limit: Limit, own: Buckets) -> None:
        self._redis = redis
        self._name = name
        self._limit = limit
        self._own = own

    async def take(self, key: str) -> float:
        # An address is personal data: Redis gets a digest.
        digest = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
        wait = await self._redis.take(f"limit:{self._name}:{digest}", self._limit)
        return self._own.take(key) if wait is None else wait


class _Redis:
    """A Redis that may be away for a while."""

    def __init__(self, url: str, monotonic: Callable[[], float]) -> None:
        # Here, since it takes long to import and one process alone does without.
        from redis.asyncio import BlockingConnectionPool, Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
        from redis.exceptions import RedisError

        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=REDIS_SECONDS,
            socket_timeout=REDIS_SECONDS,
            socket_connect_timeout=REDIS_SECONDS,
            retry=Retry(NoBackoff(), 1),  # a connection from before a restart fails once
        )
        self._client = Redis.from_pool(pool)
        self._script: Callable[..., Awaitable[bytes]] = self._client.register_script(TAKE)
        self._failures = (RedisError, OSError)
        self._monotonic = monotonic
        self._away = False
        self._try_at = 0.0

    async def take(self, key: str, limit: Limit) -> float | None:
        """Seconds to wait; None when Redis does not say."""
        now = self._monotonic()
        if self._away:
            if now < self._try_at:
                return None
            self._try_at = now + AWAY_SECONDS  # one tries, the others do not wait for it
        try:
            wait = float(await self._script(keys=[key], args=[limit.per_second, limit.burst]))
        except self._failures as error:
            if not self._away:
                log.warning("limits_not_shared", error=type(error).__name__)
            self._away = True
            self._try_at = self._monotonic() + AWAY_SECONDS
            return None
        if self._away:
            self._away = False
            log.info("limits_shared_again")
        return wait

    async def close(self) -> None:
        await self._client.aclose()
