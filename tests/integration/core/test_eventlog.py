from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import db
from config.settings import Settings
from contactcenter.core import eventlog
from contactcenter.core.event import Position
from contactcenter.core.eventlog import START, Entry, Unreadable
from contactcenter.core.ids import new_id
from tests.integration.core.parcels import CATALOGUE, ParcelLost, ParcelSent

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def _append(conn: db.Connection, *events: ParcelSent | ParcelLost) -> int:
    xid = await eventlog.append(
        conn, [Entry(event, NOON, "trace-1") for event in events], actor="user:1"
    )
    assert xid is not None
    return xid


async def _parcels(conn: db.Connection, after: Position = START) -> list[str]:
    return [
        recorded.event.subject
        for recorded in await eventlog.read(conn, CATALOGUE, after, limit=100)
    ]


async def test_what_was_appended_is_read_in_order_and_typed(conn: db.Connection) -> None:
    lost = ParcelLost(
        parcel_id=new_id(),
        at=NOON.astimezone(timezone(timedelta(hours=2))),
        via=("Ávila", "Madrid"),
        extra={"n": [1, {"deep": None}]},
    )
    await _append(conn, ParcelSent(parcel="a"), lost, ParcelSent(parcel="b", number=2))
    first, second, third = await eventlog.read(conn, CATALOGUE, START, limit=10)
    assert first.event == ParcelSent(parcel="a")
    assert second.event == lost
    assert third.event == ParcelSent(parcel="b", number=2)
    assert first.position < second.position < third.position
    assert (first.actor, first.trace, first.occurred_at) == ("user:1", "trace-1", NOON)
    assert abs(datetime.now(UTC) - first.recorded_at) < timedelta(minutes=1)


async def test_the_cursor_goes_on_after_a_position_and_types_filter(conn: db.Connection) -> None:
    lost = ParcelLost(parcel_id=new_id(), at=NOON)
    await _append(conn, ParcelSent(parcel="a"), lost, ParcelSent(parcel="b"))
    page = await eventlog.read(conn, CATALOGUE, START, limit=1)
    assert await _parcels(conn, page[-1].position) == [lost.subject, "b"]
    only = await eventlog.read(conn, CATALOGUE, START, limit=9, types=["parcel.lost"])
    assert [recorded.event for recorded in only] == [lost]
    assert (
        await eventlog.tip(conn)
        == (await eventlog.read(conn, CATALOGUE, START, limit=9))[-1].position
    )


async def test_an_empty_log_begins_at_the_start(conn: db.Connection) -> None:
    assert await eventlog.tip(conn) == START
    assert await _parcels(conn) == []


async def test_a_slow_transaction_is_waited_for(conn: db.Connection, settings: Settings) -> None:
    """The horizon cursor; the naive one beside it shows that the case is a real one."""
    slow = await db.connect(settings)
    transaction = slow.transaction()
    await transaction.start()
    await _append(slow, ParcelSent(parcel="slow"))  # takes its id first, commits last
    await _append(conn, ParcelSent(parcel="fast"))

    naive = await conn.fetch("SELECT id, subject FROM event_log WHERE id > 0 ORDER BY id")
    assert [row["subject"] for row in naive] == ["fast"]
    assert await _parcels(conn) == []
    assert await eventlog.tip(conn) == START
    assert await eventlog.horizon_age(conn) > 0

    await transaction.commit()
    await slow.close()
    after = await conn.fetch("SELECT subject FROM event_log WHERE id > $1", naive[-1]["id"])
    assert after == [], "the naive cursor has lost the slow one"
    assert await _parcels(conn) == ["slow", "fast"]
    assert await eventlog.horizon_age(conn) == 0


async def test_a_rolled_back_event_was_never_there(conn: db.Connection) -> None:
    transaction = conn.transaction()
    await transaction.start()
    await _append(conn, ParcelSent(parcel="a"))
    await transaction.rollback()
    await _append(conn, ParcelSent(parcel="b"))
    assert await _parcels(conn) == ["b"]


async def test_a_row_of_another_version_is_passed_over_or_read(conn: db.Connection) -> None:
    await conn.execute(
        "INSERT INTO event_log (type, version, subject, data, actor, occurred_at) VALUES "
        "('parcel.painted', 1, 'x', '{}', 'user:1', now()), "
        "('parcel.lost', 2, 'y', '{\"at\": \"nonsense\"}', 'user:1', now()), "
        "('parcel.sent', 2, 'z', '{\"parcel\": \"z\", \"colour\": \"red\"}', 'user:1', now())"
    )
    painted, broken, newer = await eventlog.read(conn, CATALOGUE, START, limit=10)
    assert painted.event == Unreadable(about="x", written_as="parcel.painted", written_version=1)
    assert isinstance(broken.event, Unreadable)
    assert newer.event == ParcelSent(parcel="z")


async def test_the_snapshot_and_its_tip_leave_no_gap(pool: db.Pool, conn: db.Connection) -> None:
    await _append(conn, ParcelSent(parcel="a"))
    async with db.transaction(pool, "test.snapshot", "repeatable_read") as reader:
        tip = await eventlog.tip(reader)
        await _append(conn, ParcelSent(parcel="b"))
        assert await eventlog.tip(reader) == tip
        assert await _parcels(reader) == ["a"]
    assert await _parcels(conn, tip) == ["b"]
