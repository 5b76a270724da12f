"""`python -m contactcenter check`: whether this system is fit to serve, one line per question."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import db
from channels.voice.media.network import Network
from channels.voice.media.reach import reach
from config.settings import Settings
from contactcenter.core.reseal import keys_in_use
from contactcenter.identity.module import SEALED as IDENTITY_SEALED
from crm.module import SEALED as CRM_SEALED
from db import embedded, migrate

TABLES = "SELECT to_regclass('queues')"
BEGUN = """
SELECT EXISTS (SELECT FROM users WHERE role = 'admin' AND status = 'active') AS administered,
       EXISTS (SELECT FROM queues WHERE key = $1) AS queued
"""
SIGNED = """
SELECT key, count(*)::int AS signatures FROM (
    SELECT convert_from(substring(digest FROM 2 FOR get_byte(digest, 0)), 'UTF8') AS key
    FROM audit_logs WHERE length(digest) > 0
    UNION ALL SELECT key_name FROM audit_chain
) signed GROUP BY key
"""
STATIC = Path(__file__).parent / "static"


def main(settings: Settings) -> int:
    """Print what was found. Returns 0 if everything is fit, else 1."""
    with embedded.running(settings) as running:
        return asyncio.run(asked(running))


async def asked(settings: Settings) -> int:
    """Ask every question of a system whose database runs; as `main`."""
    questions: tuple[tuple[str, Callable[[Settings], Awaitable[str | None]]], ...] = (
        ("database", _database),
        ("migrations", _migrations),
        ("centre", _centre),
        ("front end", _front_end),
        ("address", _address),
        ("mail", _mail),
        ("proxy", _proxy),
    )
    fit = True
    print(f"{'settings':<12} ok ({settings.app.environment})")
    for name, question in questions:
        try:
            problem = await question(settings)
        except (db.DatabaseUnavailableError, migrate.MigrationError) as error:
            problem = str(error)
        print(f"{name:<12} {problem or 'ok'}")
        fit = fit and problem is None
    fit = await _keys(settings) and fit
    return 0 if _voice(settings) and fit else 1


async def _database(settings: Settings) -> str | None:
    conn = await db.connect(settings, "contactcenter check")
    await conn.close()
    return None


async def _migrations(settings: Settings) -> str | None:
    conn = await db.connect(settings, "contactcenter check")
    try:
        missing = await _missing(conn)
    finally:
        await conn.close()
    return f"{missing} not applied: run `python -m db up`." if missing else None


async def _missing(conn: db.Connection) -> int:
    """How many migrations are not applied."""
    states = await migrate.status(conn, migrate.read())
    return sum(state.applied_at is None for state in states)


async def _keys(settings: Settings) -> bool:
    """Tell what each key of ENCRYPTION_KEYS opens. Returns whether all that is needed is there;
    nothing is told of a database that is not as this code has it, and `migrations` says so."""
    ring = settings.auth.keyring
    try:
        conn = await db.connect(settings, "contactcenter check")
    except db.DatabaseUnavailableError:
        return False  # `database` says so
    try:
        if await _missing(conn):
            return True
        opens = await keys_in_use(conn, (*IDENTITY_SEALED, *CRM_SEALED))
        signed = {row["key"]: row["signatures"] for row in await conn.fetch(SIGNED)}
    except migrate.MigrationError:
        return False
    finally:
        await conn.close()
    current = next(iter(ring))
    for name in (*ring, *sorted((opens.keys() | signed.keys()) - ring.keys())):
        number, made = opens.get(name, 0), signed.get(name, 0)
        words = f"{name} opens {number} values and made {made} signatures of the audit log"
        if name == current:
            words = f"ok: {words}"
        elif name in ring and number:
            words += ": keep it, they are sealed anew within the hour."
        elif name in ring:
            words += ": it can go to the archive, for `audit verify`."
        elif number:
            words += ": put it back into ENCRYPTION_KEYS."
        else:
            words += ": `audit verify` needs it from the archive."
        print(f"{'keys':<12} {words}")
    return opens.keys() <= ring.keys()


def _voice(settings: Settings) -> bool:
    """Tell what a browser will be able to reach. Returns whether that is fit."""
    production = settings.app.is_production
    network = Network(settings.media.public_ip, settings.media.udp_ports, loopback=not production)
    told = [address for _, address in network.addresses()]
    found = reach(settings.media, told, production=production)
    for words in found.words:
        print(f"{'voice':<12} {words}")
    return found.fit


async def _centre(settings: Settings) -> str | None:
    """Somebody can administer it, and customers come into a queue that there is."""
    conn = await db.connect(settings, "contactcenter check")
    try:
        if await conn.fetchval(TABLES) is None:
            return None  # `migrations` says so
        begun = await conn.fetchrow(BEGUN, settings.chat.default_queue)
    finally:
        await conn.close()
    assert begun is not None
    if not begun["administered"]:
        return "nobody administers it: run `python -m contactcenter init --admin ADDRESS`."
    if not begun["queued"]:
        return "CHAT_DEFAULT_QUEUE is no queue: run `python -m contactcenter init`, or set it."
    return None


async def _address(settings: Settings) -> str | None:
    if settings.app.is_production and not settings.app.public_url.startswith("https://"):
        return "set PUBLIC_URL to the https address that browsers use: links are built from it."
    return None


async def _mail(settings: Settings) -> str | None:
    if settings.app.is_production and settings.mail.url is None:
        return "set MAIL_URL and MAIL_FROM: without them no invitation and no letter is sent."
    return None


async def _front_end(_: Settings) -> str | None:
    return None if (STATIC / ".stamp").is_file() else "not built: run `make web`."


async def _proxy(settings: Settings) -> str | None:
    """TLS ends in a proxy: behind one that is not known, everybody has its address."""
    url = settings.app.public_url or ""
    if url.startswith("https://") and not settings.web.trusted_proxies:
        return "set TRUSTED_PROXIES: limits by address hold for all visitors together."
    return None
