"""SQL of administering users, roles, teams and what rights are limited to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from contactcenter.core.access import Principal
from db import Connection, Record

LIST = """
SELECT u.id, u.email, u.first_name, u.last_name, u.role, u.locale, u.phone, u.status,
       u.email_verified, u.two_factor_enabled, u.created_at, u.last_login_at, u.version,
       a.id AS agent_id, a.team,
       ARRAY(SELECT key FROM user_scopes WHERE user_id = u.id AND kind = 'queue' ORDER BY key)
           AS queues,
       ARRAY(SELECT key FROM user_scopes WHERE user_id = u.id AND kind = 'team' ORDER BY key)
           AS teams
FROM users u LEFT JOIN agents a ON a.user_id = u.id
WHERE ($1::uuid IS NULL OR u.id = $1)
  AND ($2::uuid IS NULL OR u.id < $2)
  AND ($3::text IS NULL OR u.role = $3)
  AND ($4::text IS NULL OR u.status = $4)
  AND ($5::text IS NULL OR strpos(lower(u.first_name || ' ' || u.last_name || ' ' || u.email),
                                  lower($5)) > 0)
  AND ($7::uuid IS NULL OR u.id = $7 OR a.team = ANY ($8::text[])
       OR ($8 IS NULL OR EXISTS (SELECT FROM user_scopes WHERE user_id = u.id AND kind = 'team')
           AND NOT EXISTS (SELECT FROM user_scopes
                           WHERE user_id = u.id AND kind = 'team' AND key <> ALL ($8)))
      AND ($9::text[] IS NULL
           OR EXISTS (SELECT FROM user_scopes WHERE user_id = u.id AND kind = 'queue')
           AND NOT EXISTS (SELECT FROM user_scopes
                           WHERE user_id = u.id AND kind = 'queue' AND key <> ALL ($9))))
ORDER BY u.id DESC
LIMIT $6
"""


async def users(
    conn: Connection,
    *,
    user_id: UUID | None = None,
    before: UUID | None = None,
    role: str | None = None,
    status: str | None = None,
    q: str | None = None,
    limit: int = 1,
    seen_by: Principal | None = None,
) -> list[Record]:
    """Newest first. Somebody whose rights are limited sees themselves, the agents of their teams,
    and whose rights reach no further than their own."""
    whom: tuple[Any, ...] = (None, None, None)
    if seen_by is not None and seen_by.is_limited:
        reach = (seen_by.teams, seen_by.queues)
        whom = (seen_by.user_id, *(None if keys is None else sorted(keys) for keys in reach))
    return await conn.fetch(LIST, user_id, before, role, status, q, limit, *whom)


LOCK_USER = """
SELECT u.id, u.email, u.first_name, u.last_name, u.phone, u.locale, u.role, u.status, u.version,
       r.permissions
FROM users u JOIN roles r ON r.name = u.role WHERE u.id = $1 FOR UPDATE OF u
"""
UPDATE_USER = """
UPDATE users SET first_name = $2, last_name = $3, phone = $4, locale = $5, role = $6, status = $7,
    updated_at = $8, version = version + 1
WHERE id = $1
"""
OTHER_ADMIN = """
SELECT EXISTS (SELECT FROM users WHERE role = 'admin' AND status = 'active' AND id <> $1)
"""
LOCK_ADMINS = (
    "SELECT id FROM users WHERE role = 'admin' AND status = 'active' ORDER BY id FOR UPDATE"
)


async def lock_user(conn: Connection, user_id: UUID) -> Record | None:
    return await conn.fetchrow(LOCK_USER, user_id)


async def update_user(
    conn: Connection, user_id: UUID, values: Mapping[str, Any], now: datetime
) -> None:
    """Write first_name, last_name, phone, locale, role and status."""
    names = ("first_name", "last_name", "phone", "locale", "role", "status")
    await conn.execute(UPDATE_USER, user_id, *(values[name] for name in names), now)


async def another_admin(conn: Connection, user_id: UUID) -> bool:
    """Whether somebody else is an active administrator; none of them can stop being it before
    this transaction ends."""
    await conn.fetch(LOCK_ADMINS)
    return bool(await conn.fetchval(OTHER_ADMIN, user_id))


DROP_SCOPES = "DELETE FROM user_scopes WHERE user_id = $1 AND kind = $2"
ADD_SCOPES = "INSERT INTO user_scopes (user_id, kind, key) SELECT $1, $2, unnest($3::text[])"
SCOPES = "SELECT key FROM user_scopes WHERE user_id = $1 AND kind = $2 ORDER BY key"
UNKNOWN_TEAMS = """
SELECT key FROM unnest($1::text[]) key WHERE key NOT IN (SELECT key FROM teams) ORDER BY key
"""
UNKNOWN_QUEUES = """
SELECT key FROM unnest($1::text[]) key WHERE key NOT IN (SELECT key FROM queues) ORDER BY key
"""


async def scopes(conn: Connection, user_id: UUID, kind: Literal["queue", "team"]) -> list[str]:
    return [row["key"] for row in await conn.fetch(SCOPES, user_id, kind)]


async def set_scopes(
    conn: Connection, user_id: UUID, kind: Literal["queue", "team"], keys: Sequence[str]
) -> None:
    """Replace what the user's rights are limited to; nothing: no limit."""
    await conn.execute(DROP_SCOPES, user_id, kind)
    await conn.execute(ADD_SCOPES, user_id, kind, sorted(set(keys)))


async def unknown_teams(conn: Connection, keys: Sequence[str]) -> list[str]:
    return [row["key"] for row in await conn.fetch(UNKNOWN_TEAMS, list(keys))]


async def unknown_queues(conn: Connection, keys: Sequence[str]) -> list[str]:
    return [row["key"] for row in await conn.fetch(UNKNOWN_QUEUES, list(keys))]


@dataclass(frozen=True, slots=True)
class Role:
    """A role as it is stored; `permissions` is None for a built-in one."""

    name: str
    permissions: list[str] | None
    version: int
    users: int


ROLES = """
SELECT r.name, r.permissions, r.version, count(u.id)::int AS users
FROM roles r LEFT JOIN users u ON u.role = r.name AND u.status <> 'erased'
WHERE $1::text IS NULL OR r.name = $1
GROUP BY r.name ORDER BY r.permissions IS NOT NULL, r.name
"""
ADD_ROLE = """
INSERT INTO roles (name, permissions, created_at, updated_at) VALUES ($1, $2, $3, $3)
ON CONFLICT DO NOTHING RETURNING true
"""
LOCK_ROLE = "SELECT permissions, version FROM roles WHERE name = $1 FOR UPDATE"
SET_ROLE = """
UPDATE roles SET permissions = $2, updated_at = $3, version = version + 1 WHERE name = $1
"""
DROP_ROLE = "DELETE FROM roles WHERE name = $1"
HOLDERS = "SELECT id FROM users WHERE role = $1"


async def roles(conn: Connection, name: str | None = None) -> list[Role]:
    """The built-in ones first."""
    return [Role(**row) for row in await conn.fetch(ROLES, name)]


async def add_role(conn: Connection, name: str, permissions: Sequence[str], now: datetime) -> bool:
    """False when there is one of this name."""
    return bool(await conn.fetchval(ADD_ROLE, name, list(permissions), now))


async def lock_role(conn: Connection, name: str) -> Record | None:
    return await conn.fetchrow(LOCK_ROLE, name)


async def set_role(conn: Connection, name: str, permissions: Sequence[str], now: datetime) -> None:
    await conn.execute(SET_ROLE, name, list(permissions), now)


async def drop_role(conn: Connection, name: str) -> None:
    await conn.execute(DROP_ROLE, name)


async def holders(conn: Connection, role: str) -> list[UUID]:
    return [row["id"] for row in await conn.fetch(HOLDERS, role)]


TEAMS = """
SELECT t.key, t.name, t.version,
       ARRAY(SELECT a.id FROM agents a WHERE a.team = t.key ORDER BY a.sort_key) AS agents
FROM teams t WHERE $1::text IS NULL OR t.key = $1 ORDER BY t.name, t.key
"""
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('identity.teams', 17))"
LOCK_TEAMS = "SELECT key, version FROM teams ORDER BY key FOR NO KEY UPDATE"
ADD_TEAM = "INSERT INTO teams (key, name, created_at) VALUES ($1, $2, $3)"
NAME_TEAM = "UPDATE teams SET name = $2, version = version + 1 WHERE key = $1"
TOUCH_TEAMS = "UPDATE teams SET version = version + 1 WHERE key = ANY ($1::text[]) RETURNING key"
SET_MEMBERS = """
UPDATE agents a SET team = CASE WHEN a.id = ANY ($2::uuid[]) THEN $1 END
FROM agents before
WHERE before.id = a.id
  AND (a.team = $1) IS DISTINCT FROM (a.id = ANY ($2::uuid[]))
  AND (a.team = $1 OR a.id = ANY ($2::uuid[]))
RETURNING a.id, a.team, before.team AS left_team
"""
KNOWN_AGENTS = "SELECT count(*)::int FROM agents WHERE id = ANY ($1::uuid[])"
EMPTY_TEAM = "UPDATE agents SET team = NULL WHERE team = $1 RETURNING id"
DROP_TEAM = "DELETE FROM teams WHERE key = $1 RETURNING true"
LIMITED_TO_TEAM = "SELECT user_id FROM user_scopes WHERE kind = 'team' AND key = $1"


async def teams(conn: Connection, key: str | None = None) -> list[Record]:
    """With the ids of their agents, by name."""
    return await conn.fetch(TEAMS, key)


async def lock_teams(conn: Connection) -> dict[str, int]:
    """Key → version of all teams, which nobody else changes before this transaction ends, nor
    adds to: whoever enters one may leave any other, and rows alone do not lock one that comes."""
    await conn.execute(ONE_AT_A_TIME)
    return {row["key"]: row["version"] for row in await conn.fetch(LOCK_TEAMS)}


async def known_agents(conn: Connection, agents: Sequence[UUID]) -> bool:
    """Whether all of them are agents."""
    return bool(await conn.fetchval(KNOWN_AGENTS, list(agents)) == len(set(agents)))


async def add_team(conn: Connection, key: str, name: str, now: datetime) -> None:
    """Of a key that `lock_teams` did not find."""
    await conn.execute(ADD_TEAM, key, name, now)


async def name_team(conn: Connection, key: str, name: str) -> None:
    """Its next version, with this name."""
    await conn.execute(NAME_TEAM, key, name)


async def touch_teams(conn: Connection, keys: Iterable[str]) -> list[str]:
    """The next version of teams whose members change; those that there are."""
    return [row["key"] for row in await conn.fetch(TOUCH_TEAMS, sorted(keys))]


async def set_members(
    conn: Connection, key: str, agents: Sequence[UUID]
) -> list[tuple[UUID, str | None]]:
    """Who is in a team; they leave the teams that they were in, which get their next version.
    Whoever moved, with the team they are in now."""
    moved = await conn.fetch(SET_MEMBERS, key, list(agents))
    await touch_teams(conn, {row["left_team"] for row in moved} - {None, key})
    return [(row["id"], row["team"]) for row in moved]


async def limited_to_team(conn: Connection, key: str) -> list[UUID]:
    """Users whose rights are limited to it, among others."""
    return [row["user_id"] for row in await conn.fetch(LIMITED_TO_TEAM, key)]


async def drop_team(conn: Connection, key: str) -> list[UUID] | None:
    """Its agents, who are in no team then. None when there is none."""
    left = await conn.fetch(EMPTY_TEAM, key)
    return [row["id"] for row in left] if await conn.fetchval(DROP_TEAM, key) else None
