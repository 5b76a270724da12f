"""The rows a centre starts with, from config/defaults: `centre` what every new one needs, `run` the
people and files of a development system besides. Running it again adds nothing.

What stands already is left as it is: a queue that somebody edited is not set back. Ids are
derived from names, so two machines seed the same rows.
"""

from __future__ import annotations

import hashlib
import tomllib
import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import bcrypt

from db.pool import Connection
from db.seeds import history, office
from db.seeds.contacts import CONTACTS

DEFAULTS: Final = Path(__file__).parents[2] / "config" / "defaults"
PASSWORD: Final = b"password123"
EPOCH_MS: Final = 1_767_225_600_000  # 2026-01-01, the time part of every seeded id
ZONE: Final = "Europe/Madrid"  # of the demo centre

INSERT_USER = """
INSERT INTO users (id, email, password_hash, first_name, last_name, role, email_verified,
                   created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, true, $7, $7)
ON CONFLICT DO NOTHING
"""
KNOWN_USERS = "SELECT lower(email) FROM users WHERE lower(email) = ANY($1::text[])"
INSERT_AGENT = """
INSERT INTO agents (id, user_id, name, sort_key, status_since, maxima, ordinal, created_at)
VALUES ($1, (SELECT id FROM users WHERE lower(email) = $2), $3, $4, $7, $5, $6, $7)
ON CONFLICT DO NOTHING
RETURNING id
"""
INSERT_AGENT_SKILL = """
INSERT INTO agent_skills (agent_id, skill, level) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""
INSERT_AGENT_STATE = "INSERT INTO agent_states (agent_id) VALUES ($1) ON CONFLICT DO NOTHING"
INSERT_SKILL = """
INSERT INTO skills (key, name_es, name_en) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""
INSERT_CALENDAR = """
INSERT INTO calendars (key, weekly, exceptions) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""
INSERT_QUEUE = """
INSERT INTO queues (key, name_es, name_en, skill, calendar, strategy, config, ordinal, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT DO NOTHING
"""
INSERT_DISPOSITION = """
INSERT INTO dispositions (key, label_es, label_en, queue, ordinal)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING
"""
INSERT_RECORDING_RULE = """
INSERT INTO recording_rules (queue, mode, retention, health, updated_at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING
"""
INSERT_REPLY = """
INSERT INTO saved_replies (id, body_es, body_en, updated_at) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING
"""
INSERT_CONTACT = """
INSERT INTO contacts (id, name, sort_key, created_at) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING
"""
INSERT_ADDRESS = """
INSERT INTO contact_addresses (contact_id, kind, address) VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING
"""
# From now to 10:50 on the Monday of this week, at the demo centre.
INSERT_OFFSET = """
INSERT INTO centre_settings (key, value, updated_at)
SELECT 'demo_offset', jsonb_build_object('seconds', extract(epoch FROM (
           date_trunc('week', now() AT TIME ZONE $1) + interval '10:50') AT TIME ZONE $1
           - now())::bigint), now()
ON CONFLICT DO NOTHING
"""
# As the centre's clock has it, at the demo centre.
TODAY = """
SELECT ((now() + coalesce((SELECT make_interval(secs => (value ->> 'seconds')::float8)
                           FROM centre_settings WHERE key = 'demo_offset'), interval '0'))
        AT TIME ZONE $1)::date
"""
ANY_QUEUE = "SELECT EXISTS (SELECT FROM queues)"
NAME_CENTRE = """
INSERT INTO centre_settings (key, value, updated_at) VALUES ('centre', $1, now())
ON CONFLICT (key) DO UPDATE SET value = centre_settings.value || excluded.value, updated_at = now()
"""
INSERT_SETTING = """
INSERT INTO centre_settings (key, value, updated_at) VALUES ($1, $2, now()) ON CONFLICT DO NOTHING
"""


async def centre(conn: Connection, name: str | None) -> bool:
    """What a new centre begins with: skills, calendars, queues, results, rules of recording, saved
    replies, workflows, and its name. Returns whether they were written: where there is a queue
    already, only the name is."""
    fresh = not await conn.fetchval(ANY_QUEUE)
    moment: datetime = await conn.fetchval("SELECT now()")
    async with conn.transaction():
        if fresh:
            await _configuration(conn, _read("queues"), moment)
            await history.workflows(conn, seeded_id, moment)
        if name is not None:
            await conn.execute(NAME_CENTRE, {"name": name})
    return fresh


async def run(conn: Connection, *, environment: str, rounds: int) -> None:
    """Write what is missing; `rounds` is bcrypt's cost, that of the setting. ValueError in
    production, where no invented people belong."""
    if environment == "production":
        raise ValueError("Demo data is refused in production.")
    queues, team = _read("queues"), _read("agents")
    moment = datetime.fromtimestamp(EPOCH_MS / 1000, UTC)
    async with conn.transaction():
        await _configuration(conn, queues, moment)
        await _people(conn, team, moment, rounds)
        await _contacts(conn, moment)
        agents = {a["name"].split()[0]: seeded_id("agent", a["name"]) for a in team["agents"]}
        if environment == "development":
            await conn.execute(INSERT_OFFSET, ZONE)
        today = await conn.fetchval(TODAY, ZONE)
        await office.run(conn, seeded_id, agents, today)
        await history.run(conn, seeded_id, agents, today)
        await conn.execute(INSERT_SETTING, "centre", team["centre"])


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((DEFAULTS / f"{name}.toml").read_text(encoding="utf-8"))


def seeded_id(kind: str, name: str) -> UUID:
    """A version 7 id whose random part is the name's digest."""
    digest = int.from_bytes(hashlib.sha256(f"{kind}:{name}".encode()).digest()[:10])
    value = EPOCH_MS << 80 | digest
    value = value & ~(0xF << 76) | 0x7 << 76
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)


def sort_key(name: str) -> str:
    """Lower case without accents: the embedded server sorts by code point."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


async def _configuration(conn: Connection, given: dict[str, Any], moment: datetime) -> None:
    await conn.executemany(
        INSERT_SKILL, [(s["key"], s["name_es"], s["name_en"]) for s in given["skills"]]
    )
    await conn.executemany(
        INSERT_CALENDAR, [(c["key"], c["weekly"], c["exceptions"]) for c in given["calendars"]]
    )
    await conn.executemany(
        INSERT_QUEUE,
        [
            (
                queue["key"],
                queue["name_es"],
                queue["name_en"],
                queue["skill"],
                queue["calendar"],
                queue.get("strategy", "longest_idle"),
                queue.get("config", {}),
                ordinal,
                moment,
            )
            for ordinal, queue in enumerate(given["queues"])
        ],
    )
    await conn.executemany(
        INSERT_RECORDING_RULE,
        [
            (r["queue"], r["mode"], r["retention"], r["health"], moment)
            for r in given["recording_rules"]
        ],
    )
    await conn.executemany(
        INSERT_DISPOSITION,
        [
            (d["key"], d["label_es"], d["label_en"], d.get("queue"), ordinal)
            for ordinal, d in enumerate(given["dispositions"])
        ],
    )
    await conn.executemany(
        INSERT_REPLY,
        [
            (seeded_id("reply", reply["es"]), reply["es"], reply["en"], moment)
            for reply in _read("replies")["replies"]
        ],
    )


async def _people(conn: Connection, team: dict[str, Any], moment: datetime, rounds: int) -> None:
    emails = [user["email"] for user in team["users"]]
    known = {row[0] for row in await conn.fetch(KNOWN_USERS, emails)}
    if missing := [user for user in team["users"] if user["email"] not in known]:
        hashed = bcrypt.hashpw(PASSWORD, bcrypt.gensalt(rounds)).decode()
        await conn.executemany(
            INSERT_USER,
            [
                (
                    seeded_id("user", user["email"]),
                    user["email"],
                    hashed,
                    user["first_name"],
                    user["last_name"],
                    user["role"],
                    moment,
                )
                for user in missing
            ],
        )
    for ordinal, agent in enumerate(team["agents"]):
        agent_id = await conn.fetchval(
            INSERT_AGENT,
            seeded_id("agent", agent["name"]),
            agent.get("email"),
            agent["name"],
            sort_key(agent["name"]),
            agent["maxima"],
            ordinal,
            moment,
        )
        if agent_id is not None:
            await conn.executemany(
                INSERT_AGENT_SKILL,
                [(agent_id, skill, level) for skill, level in agent["skills"].items()],
            )
            await conn.execute(INSERT_AGENT_STATE, agent_id)


async def _contacts(conn: Connection, moment: datetime) -> None:
    rows = [(seeded_id("contact", name), name, email, phone) for name, email, phone in CONTACTS]
    await conn.executemany(
        INSERT_CONTACT, [(id_, name, sort_key(name), moment) for id_, name, _, _ in rows]
    )
    await conn.executemany(
        INSERT_ADDRESS,
        [(id_, "email", email) for id_, _, email, _ in rows]
        + [(id_, kind, phone) for id_, _, _, phone in rows for kind in ("phone", "whatsapp")],
    )
