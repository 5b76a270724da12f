from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest
import structlog

import db
from contactcenter.core import ids
from contactcenter.core.access import Permission, Principal
from contactcenter.core.bus import Bus
from contactcenter.core.errors import Conflict
from contactcenter.core.module import Deps
from contactcenter.core.sockets import Command, CommandContext, Dispatcher, Peer
from contactcenter.core.validation import Schema
from contactcenter.core.vault import Vault
from contactcenter.events.identity import AuditRecorded
from contactcenter.identity import audit
from contactcenter.identity.audit import Verdict
from contactcenter.identity.module import Identity
from tests.integration.identity.door import (
    EMAIL,
    Client,
    add_user,
    call,
    login,
    signed_in,
)

BOSS = "boss@example.com"


@pytest.fixture
async def admin(client: Client, conn: db.Connection) -> str:
    await add_user(conn, BOSS, "admin")
    return await signed_in(client, BOSS)


async def linked(conn: db.Connection) -> int:
    """How many links there are, once every row has one."""
    async with asyncio.timeout(20):
        while True:
            rows = await conn.fetchval("SELECT count(*) FROM audit_logs")
            links: int = await conn.fetchval("SELECT count(*) FROM audit_chain")
            if links == rows:
                return links
            await asyncio.sleep(0.05)


async def tamper(conn: db.Connection, statement: str) -> None:
    """As somebody would who owns the database."""
    async with conn.transaction():
        await conn.execute("SET LOCAL session_replication_role = replica")
        await conn.execute(statement)


async def verdict(conn: db.Connection, deps: Deps, head: str | None = None) -> Verdict:
    return await audit.verify(conn, deps.vault, head)


async def some_history(client: Client, admin: str, user: UUID) -> None:
    for name in ("Ana", "Eva", "Ada"):
        await call(client, "PATCH", f"/users/{user}", admin, first_name=name)
    await login(client, EMAIL, "wrong")


async def test_what_is_done_is_found(
    client: Client, admin: str, user: UUID, chained: None, conn: db.Connection
) -> None:
    status, _ = await call(
        client, "PATCH", f"/users/{user}", admin, first_name="Augusta", role="supervisor"
    )
    assert status == 200
    await linked(conn)
    _, found = await call(client, "GET", f"/audit?resource_id={user}&action=user", admin)
    (row,) = found["items"]
    assert (row["action"], row["resource_type"]) == ("user.changed", "user")
    assert row["before"] == {"first_name": "Ada", "role": "agent"}
    assert row["after"] == {"first_name": "Augusta", "role": "supervisor"}
    assert (row["address"], row["user_name"], row["seq"] > 0) == ("127.0.0.1", "Ada", True)
    assert "aiohttp" in row["user_agent"]
    _, nothing = await call(client, "GET", "/audit?action=use", admin)
    assert nothing["items"] == []
    _, page = await call(client, "GET", "/audit?limit=1", admin)
    _, following = await call(client, "GET", f"/audit?limit=1&cursor={page['next_cursor']}", admin)
    assert following["items"][0]["id"] < page["items"][0]["id"]
    assert (await call(client, "GET", "/audit", await signed_in(client)))[0] == 403


async def test_what_is_personal_in_it_is_sealed(
    client: Client, admin: str, user: UUID, conn: db.Connection
) -> None:
    await call(client, "PATCH", f"/users/{user}", admin, first_name="Hildegard", phone="612345678")
    rows = await conn.fetch("SELECT a::text FROM audit_logs a")
    text = "\n".join(row[0] for row in rows)
    for held in ("Hildegard", "612345678", "127.0.0.1", "aiohttp"):
        assert held not in text
        assert held.encode().hex() not in text


async def test_every_change_leaves_a_row_with_it_or_none(
    client: Client, admin: str, user: UUID, conn: db.Connection
) -> None:
    before = await conn.fetchval("SELECT count(*) FROM audit_logs")
    assert (await call(client, "PATCH", f"/users/{user}", admin, role="no_such_role"))[0] == 422
    assert (await call(client, "PATCH", f"/users/{uuid4()}", admin, role="agent"))[0] == 404
    assert await conn.fetchval("SELECT count(*) FROM audit_logs") == before
    assert (await call(client, "POST", "/auth/logout", admin))[0] == 204
    row = await conn.fetchrow("SELECT action, user_id FROM audit_logs ORDER BY id DESC LIMIT 1")
    assert row is not None
    assert row["action"] == "identity.logout"


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_logs SET action = 'x'", "DELETE FROM audit_logs", "TRUNCATE audit_logs",
     "UPDATE audit_chain SET seq = seq + 1", "DELETE FROM audit_chain", "TRUNCATE audit_chain"],
)  # fmt: skip
async def test_rows_are_only_ever_added(
    client: Client, admin: str, conn: db.Connection, statement: str
) -> None:
    with pytest.raises(db.DatabaseError, match="only ever added"):
        await conn.execute(statement)


async def test_an_untouched_log_is_intact(
    client: Client, admin: str, user: UUID, chained: None, conn: db.Connection, deps: Deps
) -> None:
    await some_history(client, admin, user)
    count = await linked(conn)
    found = await verdict(conn, deps)
    assert (found.faults, found.links) == ([], count)
    await some_history(client, admin, user)
    assert (await linked(conn)) > count
    assert (await verdict(conn, deps, found.head)).faults == []
    assert (await verdict(conn, deps, "3:00")).faults == ["the given head is not in the chain"]


MIDDLE = "(SELECT audit_id FROM audit_chain WHERE seq = 3)"
LAST = "(SELECT audit_id FROM audit_chain ORDER BY seq DESC LIMIT 1)"


TAMPERING = {
    "action": f"UPDATE audit_logs SET action = 'user.seen' WHERE id = {MIDDLE}",
    "actor": f"UPDATE audit_logs SET actor = 'system' WHERE id = {MIDDLE}",
    "user": f"UPDATE audit_logs SET user_id = NULL WHERE id = {MIDDLE}",
    "time": f"UPDATE audit_logs SET created_at = created_at + '1 second' WHERE id = {MIDDLE}",
    "sealed bit": f"""UPDATE audit_logs SET origin = set_byte(origin, 20, get_byte(origin, 20) # 1)
                      WHERE id = {MIDDLE}""",
    "empty for nothing": f"UPDATE audit_logs SET changes = '' WHERE id = {MIDDLE}",
    "digest": f"""UPDATE audit_logs SET digest = set_byte(digest, 9, 1 # get_byte(digest, 9))
                  WHERE id = {MIDDLE}""",
    "digest gone": f"UPDATE audit_logs SET digest = NULL WHERE id = {MIDDLE}",
    "sealed part": f"UPDATE audit_logs SET origin = NULL WHERE id = {MIDDLE}",
    "row gone": f"DELETE FROM audit_logs WHERE id = {MIDDLE}",
    "last row gone": f"DELETE FROM audit_logs WHERE id = {LAST}",
    "hash": "UPDATE audit_chain SET hash = set_byte(hash, 0, get_byte(hash, 0) # 1) WHERE seq = 3",
    "link gone": "DELETE FROM audit_chain WHERE seq = 3",
    "last link gone": f"DELETE FROM audit_chain WHERE audit_id = {LAST}",
    "both gone": f"""WITH gone AS (DELETE FROM audit_logs WHERE id = {MIDDLE})
                     DELETE FROM audit_chain WHERE seq = 3""",
    "last both gone": f"""WITH gone AS (DELETE FROM audit_logs WHERE id = {LAST})
                          DELETE FROM audit_chain WHERE audit_id = {LAST}""",
    "all gone": "WITH gone AS (DELETE FROM audit_logs) DELETE FROM audit_chain",
    "swapped": """UPDATE audit_chain c SET audit_id = o.audit_id, hash = o.hash FROM audit_chain o
                  WHERE (c.seq, o.seq) IN ((2, 3), (3, 2))""",
    "added": f"""INSERT INTO audit_logs
                     (id, actor, action, resource_type, resource_id, created_at)
                 VALUES ('{uuid4()}', 'system', 'user.changed', 'user', 'x', now())""",
    "added for ever": f"""WITH added AS (
                     INSERT INTO audit_logs
                         (id, actor, action, resource_type, resource_id, created_at)
                     VALUES ('{uuid4()}', 'system', 'user.changed', 'user', 'x', now())
                     RETURNING id)
                 INSERT INTO event_log (xid, type, version, subject, data, actor, occurred_at)
                 SELECT '9000000000'::xid8, 'audit.recorded', 1, id::text,
                        jsonb_build_object('audit_id', id), 'system', now() FROM added""",
}


@pytest.mark.parametrize("what", TAMPERING)
async def test_any_tampering_is_found(
    client: Client,
    admin: str,
    user: UUID,
    chained: None,
    conn: db.Connection,
    deps: Deps,
    what: str,
) -> None:
    await some_history(client, admin, user)
    assert await linked(conn) >= 5
    await conn.execute("ALTER TABLE audit_chain DROP CONSTRAINT audit_chain_audit_id_key")
    await _caught_up(conn)
    assert (await verdict(conn, deps)).faults == []
    await tamper(conn, TAMPERING[what])
    assert (await verdict(conn, deps)).faults != []


async def _caught_up(conn: db.Connection) -> None:
    """The listener's position is past the last row's event."""
    async with asyncio.timeout(20):
        while not await conn.fetchval(
            "SELECT (l.xid, l.id) >= (SELECT xid, id FROM event_log WHERE "
            "type = 'audit.recorded' ORDER BY xid DESC, id DESC LIMIT 1) "
            "FROM listener_cursors l WHERE listener = 'identity.audit_chain'"
        ):
            await asyncio.sleep(0.05)


BEFORE_IT_IS_LINKED = {
    "action": "UPDATE audit_logs SET action = 'user.seen' WHERE id = $1",
    "nothing for empty": "UPDATE audit_logs SET resource_id = '', user_id = NULL WHERE id = $1",
    "empty for nothing": "UPDATE audit_logs SET changes = '' WHERE id = $1",
    "digest": "UPDATE audit_logs SET digest = set_byte(digest, 9, 1 # get_byte(digest, 9)) "
    "WHERE id = $1",
    "key": "UPDATE audit_logs SET digest = '\\x01' WHERE id = $1",
    "of another": "UPDATE audit_logs SET digest = (SELECT digest FROM audit_logs WHERE id <> $1 "
    "LIMIT 1) WHERE id = $1",
    "no digest": "UPDATE audit_logs SET digest = NULL WHERE id = $1",
}


@pytest.mark.parametrize("what", BEFORE_IT_IS_LINKED)
async def test_a_change_before_the_link_is_told(
    client: Client,
    identity: Identity,
    bus: Bus,
    conn: db.Connection,
    deps: Deps,
    what: str,
) -> None:
    for number in range(3):
        async with deps.work.begin("test.audited", "system") as work:
            work.audit("test.done", "test", number)
    changed = await conn.fetchval("SELECT id FROM audit_logs ORDER BY id DESC LIMIT 1")
    async with conn.transaction():
        await conn.execute("SET LOCAL session_replication_role = replica")
        await conn.execute(BEFORE_IT_IS_LINKED[what], changed)
    with structlog.testing.capture_logs() as logs:
        for listener in identity.module.listeners:
            bus.durable(listener)
        assert await linked(conn) == 3
    assert [line["audit_id"] for line in logs if line["event"] == "audit_row_doubtful"] == [
        str(changed)
    ]
    told = {"no digest": "has no digest", "key": "whose key is not there"}.get(
        what, "was changed before it was linked"
    )
    (fault,) = (await verdict(conn, deps)).faults
    assert fault.startswith("3: ")
    assert told in fault


async def test_rows_older_than_digests_are_counted_and_no_fault(
    client: Client, identity: Identity, bus: Bus, conn: db.Connection, deps: Deps
) -> None:
    """Linked as they were before: by the form that took NULL for ''."""
    for number in range(3):
        async with deps.work.begin("test.audited", "system") as work:
            work.audit("test.done", "test", number)
    await tamper(conn, "UPDATE audit_logs SET digest = NULL")
    for listener in identity.module.listeners:
        bus.durable(listener)
    assert await linked(conn) == 3
    for number in range(2):
        async with deps.work.begin("test.audited", "system") as work:
            work.audit("test.done", "test", number)
    assert await linked(conn) == 5
    found = await verdict(conn, deps)
    assert (found.links, found.undigested, found.faults) == (5, 3, [])
    hashes = b""
    for row in await conn.fetch(
        "SELECT a.*, c.hash FROM audit_chain c JOIN audit_logs a ON a.id = c.audit_id "
        "WHERE c.seq <= 3 ORDER BY c.seq"
    ):
        fields = (row["id"].bytes, b"", b"system", b"test.done", b"test",
                  row["resource_id"].encode(), b"", b"", b"",
                  row["created_at"].isoformat().encode())  # fmt: skip
        text = b"".join(len(value).to_bytes(4, "big") + value for value in fields)
        hashes = deps.vault.mac("audit", hashes + text)
        assert row["hash"] == hashes
    await tamper(conn, f"UPDATE audit_logs SET digest = NULL WHERE id = {LAST}")
    assert len((await verdict(conn, deps)).faults) == 1


async def test_what_is_told_again_is_linked_once(
    client: Client,
    admin: str,
    user: UUID,
    chained: None,
    conn: db.Connection,
    deps: Deps,
) -> None:
    await some_history(client, admin, user)
    await linked(conn)
    await _caught_up(conn)
    async with deps.work.begin("test.told_again", "system") as work:
        for audit_id in await work.conn.fetch("SELECT id FROM audit_logs ORDER BY id LIMIT 2"):
            work.emit(AuditRecorded(audit_id=audit_id["id"]))
    await some_history(client, admin, user)
    await linked(conn)
    assert (await verdict(conn, deps)).faults == []


async def test_a_chain_outlives_a_change_of_keys(
    client: Client, admin: str, chained: None, conn: db.Connection, deps: Deps
) -> None:
    await linked(conn)
    old = deps.settings.auth.keyring
    assert (await audit.verify(conn, Vault({"next": b"n" * 32, **old}))).faults == []
    missing = (await audit.verify(conn, Vault({"next": b"n" * 32}))).faults
    assert missing
    assert all("key test is not there" in fault for fault in missing)


async def test_rows_written_side_by_side_are_all_linked(
    client: Client, identity: Identity, chained: None, conn: db.Connection, deps: Deps
) -> None:
    async def write(number: int) -> None:
        async with deps.work.begin("test.audited", f"user:{ids.new_id()}") as work:
            work.audit("test.done", "test", number, after={"n": number}, person=ids.new_id())

    await asyncio.gather(*(write(number) for number in range(60)))
    assert await linked(conn) == 60
    assert (await verdict(conn, deps)).faults == []


async def test_an_administrator_may_have_it_walked(
    client: Client, admin: str, user: UUID, chained: None, conn: db.Connection
) -> None:
    await some_history(client, admin, user)
    count = await linked(conn)
    status, told = await call(client, "GET", "/audit/verify", admin)
    assert (status, told["intact"], told["rows"], told["faults"]) == (200, True, count, [])
    path = f"/audit/verify?head={told['head']}"
    assert (await call(client, "GET", path, admin))[1]["intact"] is True
    assert (await call(client, "GET", "/audit/verify?head=x", admin))[0] == 422
    assert (await call(client, "GET", "/audit/verify", await signed_in(client)))[0] == 403
    await tamper(conn, TAMPERING["action"])
    _, told = await call(client, "GET", path, admin)
    assert told["intact"] is False
    assert told["faults"][0].startswith("3: the row ")


# By sockets -------------------------------------------------------------------------------------


class Ref(Schema):
    interaction_id: UUID


async def test_what_a_command_changes_leaves_a_row(
    client: Client, identity: Identity, user: UUID, admin: str, deps: Deps, conn: db.Connection
) -> None:
    outside: list[asyncio.Task[None]] = []

    async def in_a_unit(_: CommandContext) -> None:
        async with deps.work.begin("desk.hold", f"user:{user}"):
            pass

    async def with_its_own_note(_: CommandContext) -> None:
        async with deps.work.begin("desk.own", f"user:{user}") as work:
            work.audit("desk.said", "thing", "1")

    async def elsewhere(_: CommandContext) -> None:
        outside.append(asyncio.create_task(asyncio.sleep(0)))

    async def refused(_: CommandContext) -> None:
        async with deps.work.begin("desk.refused", f"user:{user}"):
            raise Conflict

    desk = Permission.DESK_USE
    dispatcher = Dispatcher(
        [
            Command("/agent", "a.unit", in_a_unit, desk, Ref),
            Command("/agent", "a.note", with_its_own_note, desk),
            Command("/agent", "a.elsewhere", elsewhere, desk),
            Command("/agent", "a.refused", refused, desk),
            Command("/agent", "a.asks", in_a_unit, desk, Ref, changes=False),
        ],
        deps.work,
    )
    me = Principal(kind="user", permissions=frozenset({desk}), user_id=user)
    visitor = Principal(kind="visitor", permissions=frozenset({desk}), conversation_id=uuid4())
    before = await conn.fetchval("SELECT count(*) FROM audit_logs")
    thing, peer = str(uuid4()), Peer("198.51.100.7", "browser/1")
    for name in ("a.unit", "a.note", "a.elsewhere", "a.refused", "a.asks"):
        args = [{"interaction_id": thing}] if name in {"a.unit", "a.asks"} else []
        for principal in (me, visitor):
            await dispatcher.handle(principal, "/agent", name, args, "s", peer)
    rows = await conn.fetch(
        "SELECT action, resource_type, resource_id, user_id FROM audit_logs ORDER BY id OFFSET $1",
        before,
    )
    assert [tuple(row) for row in rows] == [
        ("desk.hold", "interaction", thing, user),
        ("desk.said", "thing", "1", user),
        ("desk.said", "thing", "1", user),  # the visitor's: the unit's own note
        ("a.elsewhere", "a", "", user),
    ]
    _, found = await call(client, "GET", "/audit?action=desk.hold", admin)
    (row,) = found["items"]
    assert (row["address"], row["user_agent"]) == (peer.address, peer.user_agent)
    await asyncio.gather(*outside)
