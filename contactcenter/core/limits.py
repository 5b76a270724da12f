"""How often somebody may do something: token buckets, and pauses after failures.

    limits = Limits(settings.redis.url)
    wait = await limits.budget("public", Limit(per_second=20, burst=100)).take(party_of(address))
    wait = await limits.pauses("login", Pace(5, 15, 900, 1800)).begin(account)

Both are in memory, or in Redis where several processes share them. Without an answer from Redis
each process goes on with a count of its own, so that nobody waits and nobody is unlimited.
"""

from __future__ import annotations

import functools
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Final, Protocol

import structlog

from contactcenter.core.pace import Pace, Throttle

log = structlog.get_logger(__name__)

REDIS_SECONDS: Final = 0.1
"""How long Redis has for an answer."""
AWAY_SECONDS: Final = 5.0
"""After a failure Redis is left alone for so long."""
CONNECTIONS: Final = 16
SITE_BITS: Final = 64
"""One site has a network of so many bits of IPv6 to itself, and 2**64 addresses in it."""

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

PAUSE: Final = """
local free, first, longest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local kept = redis.call('HMGET', KEYS[1], 'count', 'last')
local count, last = tonumber(kept[1]) or 0, tonumber(kept[2]) or now
local wait = 0
if count >= free then
  wait = math.max(0, last + math.min(first * 2 ^ math.min(count - free, 16), longest) - now)
end
if ARGV[5] == 'begin' and wait == 0 then
  redis.call('HSET', KEYS[1], 'count', count + 1, 'last', string.format('%.6f', now))
  redis.call('PEXPIRE', KEYS[1], math.ceil(ARGV[4] * 1000))
end
return string.format('%.6f', wait)
"""
"""`Throttle.wait` and `.begin` in Redis, by Redis' own clock; old failures expire."""

TAKE_BACK: Final = """
if (tonumber(redis.call('HGET', KEYS[1], 'count')) or 0) > 1 then
  redis.call('HINCRBY', KEYS[1], 'count', -1)
else
  redis.call('DEL', KEYS[1])
end
return '0'
"""
FORGIVE: Final = "redis.call('DEL', KEYS[1]) return '0'"


@functools.lru_cache(maxsize=10_000)
def party_of(address: str) -> str:
    """Whom an address is counted as: with IPv6 the /64 network, of which one site has all
    addresses to choose from. A text that is no address stays as it is."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(IPv6Network((int(found), SITE_BITS), strict=False))
    return str(found)


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
        self._burst = float(limit.burst)
        self._per_second = limit.per_second
        self._capacity = capacity
        self._monotonic = monotonic
        self._levels: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, key: Hashable, tokens: float = 1) -> float:
        """0 when there were enough tokens (and they are gone now), else the seconds until then."""
        now = self._monotonic()
        level = self._burst
        if (kept := self._levels.pop(key, None)) is not None:
            level = min(level, kept[0] + (now - kept[1]) * self._per_second)
        if level >= tokens:
            wait = 0.0
            level -= tokens
        else:
            wait = (tokens - level) / self._per_second
        self._levels[key] = (level, now)
        if len(self._levels) > self._capacity:
            self._levels.popitem(last=False)
        return wait

    def give_back(self, key: Hashable) -> None:
        """What was taken is not to count."""
        if (kept := self._levels.get(key)) is not None:
            self._levels[key] = (min(self._burst, kept[0] + 1), kept[1])


class Budget(Protocol):
    """Something of which everybody may have so much."""

    async def take(self, key: str) -> float:
        """0 when `key` may do it now (and has), else the seconds until then."""
        ...


class Pauses(Protocol):
    """Tries that are counted, and pauses after those that failed (see Throttle)."""

    async def wait(self, key: str) -> float: ...

    async def begin(self, key: str) -> float: ...

    async def forgive(self, key: str) -> None: ...

    async def take_back(self, key: str) -> None: ...


class Limits:
    """Makes budgets and pauses: in memory, or in Redis when a URL is given. There, those of one
    name are one, in whichever process they are."""

    def __init__(
        self, redis_url: str | None, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._monotonic = monotonic
        self._redis = None if redis_url is None else _Redis(redis_url, monotonic)

    def budget(self, name: str, limit: Limit) -> Budget:
        buckets = Buckets(limit, monotonic=self._monotonic)
        return _Own(buckets) if self._redis is None else _Shared(self._redis, name, limit, buckets)

    def pauses(self, name: str, pace: Pace) -> Pauses:
        own = _OwnPauses(Throttle(pace), self._monotonic)
        return own if self._redis is None else _SharedPauses(self._redis, name, pace, own)

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
        self._name = f"limit:{name}"
        self._args = (limit.per_second, limit.burst)
        self._own = own

    async def take(self, key: str) -> float:
        wait = await self._redis.run(TAKE, _name(self._name, key), self._args)
        return self._own.take(key) if wait is None else wait


class _OwnPauses:
    def __init__(self, throttle: Throttle, monotonic: Callable[[], float]) -> None:
        self._throttle = throttle
        self._monotonic = monotonic

    async def wait(self, key: str) -> float:
        return self._throttle.wait(key, self._monotonic())

    async def begin(self, key: str) -> float:
        return self._throttle.begin(key, self._monotonic())

    async def forgive(self, key: str) -> None:
        self._throttle.forgive(key)

    async def take_back(self, key: str) -> None:
        self._throttle.take_back(key)


class _SharedPauses:
    def __init__(self, redis: _Redis, name: str, pace: Pace, own: Pauses) -> None:
        self._redis = redis
        self._name = f"pause:{name}"
        self._args = (pace.free, pace.first_pause, pace.longest_pause, pace.forget_after)
        self._own = own

    async def wait(self, key: str) -> float:
        wait = await self._redis.run(PAUSE, _name(self._name, key), (*self._args, "wait"))
        return await self._own.wait(key) if wait is None else wait

    async def begin(self, key: str) -> float:
        wait = await self._redis.run(PAUSE, _name(self._name, key), (*self._args, "begin"))
        return await self._own.begin(key) if wait is None else wait

    async def forgive(self, key: str) -> None:
        await self._own.forgive(key)  # what was counted while Redis was away
        await self._redis.run(FORGIVE, _name(self._name, key), ())

    async def take_back(self, key: str) -> None:
        if await self._redis.run(TAKE_BACK, _name(self._name, key), ()) is None:
            await self._own.take_back(key)


def _name(name: str, key: str) -> str:
    """A key in Redis. Addresses are personal data: Redis gets a digest."""
    return f"{name}:{hashlib.blake2b(key.encode(), digest_size=16).hexdigest()}"


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
        self._scripts: dict[str, Callable[..., Awaitable[bytes]]] = {
            text: self._client.register_script(text) for text in (TAKE, PAUSE, TAKE_BACK, FORGIVE)
        }
        self._failures = (RedisError, OSError)
        self._monotonic = monotonic
        self._away = False
        self._try_at = 0.0

    async def run(self, script: str, key: str, args: Sequence[float | str]) -> float | None:
        """Seconds to wait; None when Redis does not say."""
        now = self._monotonic()
        if self._away:
            if now < self._try_at:
                return None
            self._try_at = now + AWAY_SECONDS  # one tries, the others do not wait for it
        try:
            wait = float(await self._scripts[script](keys=[key], args=args))
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
