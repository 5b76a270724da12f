"""Signing in: logins against what bcrypt itself allows, what they cost everybody else, whether a
wrong password takes as long as a wrong user, the most asked route against a bare handler, and what
the audit log adds.

The real server is a process of its own on a PostgreSQL that waits for its disk. bcrypt has a pool
of cores - 1 threads there; the baseline is the same bcrypt in as many threads of this process,
measured in between with nothing else running. Every login comes from an address of its own.

The bare handler answers /auth/me with the very same JSON, told to it before, and encodes it for
each request by `web.json_response`, as a plain handler does: it knows no caller, counts nothing and
writes no line of a log.

PARTS chooses what is measured (logins, guesses, me, audit).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import aiohttp
import bcrypt
import orjson

from contactcenter.core.clock import SystemClock
from contactcenter.core.ids import new_id
from contactcenter.core.vault import Vault
from contactcenter.core.work import WorkFactory
from contactcenter.events.identity import UserProfileChanged
from contactcenter.identity.audit import AuditJournal
from db import create_pool
from tests.bench._report import Baseline, percentile, report, run
from tests.reliability.centre import Centre, centre, free_port

AREA = "auth"
PARTS = os.environ.get("PARTS", "logins,guesses,me,audit").split(",")
ROUNDS = 12
CORES = max((os.cpu_count() or 2) - 1, 1)
AGENTS = 100
RUNS = 3
LOGIN_SECONDS = 8.0
ME_SECONDS = 3.0
ASKING = 16  # connections that ask for /auth/me at once
PACED_PER_SECOND = 50
AUDITED = 300
GUESSED = 12  # of each kind in a run
PASSWORD = "a password of the bench"

BARE = """
import json
import sys
from aiohttp import web
import uvloop
TOLD = json.load(sys.stdin)
async def answer(_):
    return web.json_response(TOLD)
app = web.Application()
app.router.add_get("/me", answer)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None,
            loop=uvloop.new_event_loop())
"""


def main() -> None:
    run(measure())


async def measure() -> None:
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(ROUNDS))
    async with (
        centre(
            AGENTS, postgres={}, BCRYPT_ROUNDS=str(ROUNDS), TRUSTED_PROXIES="127.0.0.1"
        ) as place,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
    ):
        conn = await place.connect()
        await conn.execute("UPDATE users SET password_hash = $1", hashed.decode())
        await conn.close()
        place.start()
        await place.ready(session)
        if "logins" in PARTS:
            await logins(session, place, hashed)
        if "guesses" in PARTS:
            await all_guesses(session, place)
        if "me" in PARTS:
            await most_asked(session, place)
        if "audit" in PARTS:
            plain, audited = await audit_cost(place)
            before = Baseline("without_audit_ms", plain)
            report("auth.audited_work_ms", audited, "ms", "lower", before)


async def logins(session: aiohttp.ClientSession, place: Centre, hashed: bytes) -> None:
    done, allowed, idle, busy = [], [], [], []
    for _ in range(RUNS):
        allowed.append(bcrypt_per_second(hashed) / CORES)
        idle.append(percentile(await paced(session, place, LOGIN_SECONDS / 2), 99))
        count, seconds = await sign_in(session, place)
        done.append(count / seconds / CORES)
        _, latencies = await asyncio.gather(
            sign_in(session, place), paced(session, place, LOGIN_SECONDS)
        )
        busy.append(percentile(latencies, 99))
    report("auth.logins_per_core", done, "1/s", "higher", Baseline("bcrypt_12", allowed))
    report("auth.others_p99_ms", busy, "ms", "lower", Baseline("idle_p99_ms", idle))


async def all_guesses(session: aiohttp.ClientSession, place: Centre) -> None:
    known, unknown = [], []
    for number in range(RUNS):
        told, other = await guesses(session, place, number)
        known.append(percentile(told, 50))
        unknown.append(percentile(other, 50))
    report("auth.wrong_password_ms", known, "ms", "lower", Baseline("wrong_user_ms", unknown))


async def most_asked(session: aiohttp.ClientSession, place: Centre) -> None:
    url = f"{place.url}/api/v1/auth/me"
    answer = await me(session, url, place, 0)
    asked, bare = [], []
    async with bare_server(answer) as plain:
        if orjson.loads(answer) != orjson.loads(await me(session, plain, place, 0)):
            raise RuntimeError("the bare handler answers something else")
        for _ in range(RUNS):
            asked.append(await hammered(url, place))
            bare.append(await hammered(plain, place))
    report("auth.me_per_second", asked, "1/s", "higher", Baseline("bare_aiohttp", bare))


def bcrypt_per_second(hashed: bytes) -> float:
    """Checks in so many threads, with nothing else to do."""
    rounds = 6 * CORES
    with ThreadPoolExecutor(CORES) as threads:
        begun = time.perf_counter()
        list(threads.map(lambda _: bcrypt.checkpw(PASSWORD.encode(), hashed), range(rounds)))
        return rounds / (time.perf_counter() - begun)


async def sign_in(session: aiohttp.ClientSession, place: Centre) -> tuple[int, float]:
    """How many logins end within the time, and how long that was; two wait for each thread."""
    numbers = itertools.count()
    begun = time.perf_counter()
    done = 0

    async def one_after_another() -> None:
        nonlocal done
        while time.perf_counter() - begun < LOGIN_SECONDS:
            number = next(numbers)
            body = {"email": f"agent{number % AGENTS:03}@example.org", "password": PASSWORD}
            headers = {
                "X-Forwarded-For": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
            }
            url = f"{place.url}/api/v1/auth/login"
            async with session.post(url, json=body, headers=headers) as answer:
                answer.raise_for_status()
                await answer.read()
            done += 1

    await asyncio.gather(*(one_after_another() for _ in range(2 * CORES)))
    return done, time.perf_counter() - begun


async def paced(session: aiohttp.ClientSession, place: Centre, seconds: float) -> Sequence[float]:
    """Milliseconds of /auth/me, asked for at fixed times."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    took: list[float] = []

    async def ask(number: int) -> None:
        sent = time.perf_counter()
        await me(session, f"{place.url}/api/v1/auth/me", place, number)
        took.append((time.perf_counter() - sent) * 1000)

    asks = []
    for number in range(int(seconds * PACED_PER_SECOND)):
        await asyncio.sleep(begun + number / PACED_PER_SECOND - loop.time())
        asks.append(asyncio.create_task(ask(number)))
    await asyncio.gather(*asks)
    return took


async def hammered(url: str, place: Centre) -> float:
    """Answers a second to as many connections as ask at once, from a process of its own."""
    parts = urlsplit(url)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.bench._asker", str(parts.port), parts.path, str(ME_SECONDS), str(ASKING)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    tokens = " ".join(agent.token for agent in place.agents)
    told, _ = await process.communicate(tokens.encode())
    if process.returncode:
        raise RuntimeError("the asking process failed")
    return float(told)


async def wrong(session: aiohttp.ClientSession, place: Centre, email: str, number: int) -> float:
    """Milliseconds of a refused sign-in, from an address of its own."""
    body = {"email": email, "password": "not the password"}
    headers = {"X-Forwarded-For": f"172.16.{number >> 8 & 255}.{number & 255}"}
    begun = time.perf_counter()
    async with session.post(f"{place.url}/api/v1/auth/login", json=body, headers=headers) as answer:
        await answer.read()
    if answer.status != 401:
        raise RuntimeError(f"a wrong password was answered {answer.status}")
    return (time.perf_counter() - begun) * 1000


async def guesses(
    session: aiohttp.ClientSession, place: Centre, run: int
) -> tuple[list[float], list[float]]:
    """Milliseconds of wrong passwords and of users whom nobody knows, in turns."""
    known, unknown = [], []
    for number in range(run * GUESSED, (run + 1) * GUESSED):
        known.append(await wrong(session, place, f"agent{number:03}@example.org", 2 * number))
        unknown.append(await wrong(session, place, f"no{number:03}@example.org", 2 * number + 1))
    return known, unknown


async def me(session: aiohttp.ClientSession, url: str, place: Centre, number: int) -> bytes:
    token = place.agents[number % AGENTS].token
    async with session.get(url, headers={"Authorization": f"Bearer {token}"}) as answer:
        answer.raise_for_status()
        return await answer.read()


@contextlib.asynccontextmanager
async def bare_server(answer: bytes) -> AsyncIterator[str]:
    """The address of a server that answers this JSON."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", BARE, str(port)), stdin=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    process.stdin.write(answer)
    process.stdin.close()
    try:
        for _ in range(200):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            except OSError:
                await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}/me"
    finally:
        process.terminate()
        await process.wait()


async def audit_cost(place: Centre) -> tuple[Sequence[float], Sequence[float]]:
    """Milliseconds of a small unit of work without and with a note, in turns."""
    pool = await create_pool(place.settings, "bench")
    clock = SystemClock()
    plain, noting = WorkFactory(pool, clock), WorkFactory(pool, clock)
    noting.keep_journal(AuditJournal(Vault(place.settings.auth.keyring)))
    person = new_id()
    took: dict[bool, list[float]] = {False: [], True: []}

    async def once(factory: WorkFactory) -> None:
        async with factory.begin("bench.unit", f"user:{person}") as work:
            await work.conn.execute("UPDATE users SET updated_at = now() WHERE role = 'none'")
            await work.conn.execute(
                "INSERT INTO centre_settings VALUES ('bench', '{}', now()) "
                "ON CONFLICT (key) DO UPDATE SET updated_at = now()"
            )
            work.emit(UserProfileChanged(user_id=person))
            after = {"first_name": "Ana", "role": "agent"}
            work.audit("bench.done", "user", person, before=after, after=after, person=person)

    try:
        for number in range(2 * AUDITED * RUNS):
            begun = time.perf_counter()
            audited = number % 2 == 1
            await once(noting if audited else plain)
            took[audited].append((time.perf_counter() - begun) * 1000)
    finally:
        await pool.close()
    return [
        [percentile(took[audited][n * AUDITED : (n + 1) * AUDITED], 50) for n in range(RUNS)]
        for audited in (False, True)
    ]  # type: ignore[return-value]
