from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence

import pytest

import db
from config.settings import Settings
from contactcenter import __main__ as commands
from contactcenter.core import durable, eventlog, metrics
from contactcenter.core.bus import Bus
from contactcenter.core.clock import SystemClock
from contactcenter.core.durable import Listener
from contactcenter.core.errors import NotFound
from contactcenter.core.event import Position
from contactcenter.core.eventlog import Recorded
from contactcenter.core.work import Work, WorkFactory
from tests.conftest import TEST_ENVIRON
from tests.integration.core.parcels import CATALOGUE, ParcelSent
from tests.integration.core.test_bus import eventually, send

INSERT = "INSERT INTO effects (parcel, number) VALUES ($1, $2)"


class Shelf:
    """A listener that puts parcels on a shelf, and fails on those it is told to."""

    def __init__(self, conn: db.Connection) -> None:
        self.conn = conn
        self.failing: set[str] = set()
        self.attempts: list[str] = []

    async def handle(self, work: Work, recorded: Recorded) -> None:
        event = recorded.event
        assert isinstance(event, ParcelSent)
        await work.conn.execute(INSERT, event.parcel, event.number)
        self.attempts.append(event.parcel)
        if event.parcel in self.failing:
            raise LookupError(event.parcel)

    async def parcels(self) -> list[str]:
        rows = await self.conn.fetch("SELECT parcel FROM effects ORDER BY id")
        return [row["parcel"] for row in rows]

    async def until(self, *parcels: str) -> None:
        async with asyncio.timeout(10):
            while await self.parcels() != list(parcels):
                await asyncio.sleep(0.02)

    def listener(self) -> Listener:
        return Listener("shelf", (ParcelSent,), self.handle)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durable, "BACK_OFF_SECONDS", (0.005, 0.02))
    monkeypatch.setattr(durable, "HOLD_POLL_SECONDS", 0.05)
    monkeypatch.setattr("contactcenter.core.bus.MAINTENANCE_SECONDS", 0.05)


@pytest.fixture
async def shelf(conn: db.Connection) -> Shelf:
    await conn.execute(
        "CREATE TABLE effects (id bigserial, parcel text NOT NULL, number int NOT NULL)"
    )
    return Shelf(conn)


@pytest.fixture
async def other_bus(settings: Settings, pool: db.Pool) -> AsyncIterator[Bus]:
    other = Bus(settings, pool, CATALOGUE, WorkFactory(pool, SystemClock()))
    await other.start()
    yield other
    await other.stop()


async def test_a_new_listener_begins_at_the_beginning_and_goes_on(
    bus: Bus, work: WorkFactory, shelf: Shelf
) -> None:
    await send(work, "a", "b")
    bus.durable(shelf.listener())
    await shelf.until("a", "b")
    await send(work, "c")
    await shelf.until("a", "b", "c")


async def test_effect_and_position_are_one(
    bus: Bus, work: WorkFactory, shelf: Shelf, conn: db.Connection
) -> None:
    bus.durable(shelf.listener())
    await send(work, "a", "b")
    await shelf.until("a", "b")
    cursor = await conn.fetchrow(durable.CURSOR, "shelf")
    assert cursor is not None
    assert (cursor["xid"], cursor["id"]) == await eventlog.tip(conn)


async def test_a_restart_repeats_nothing_and_misses_nothing(
    settings: Settings, pool: db.Pool, work: WorkFactory, shelf: Shelf
) -> None:
    wanted = []
    for number in range(3):
        bus = Bus(settings, pool, CATALOGUE, work)
        wanted += [f"before {number}", f"while {number}"]
        await send(work, wanted[-2])
        await bus.start()
        bus.durable(shelf.listener())
        await send(work, wanted[-1])
        await shelf.until(*wanted)
        await bus.stop()


async def test_a_stop_in_the_middle_leaves_no_half_effect(
    settings: Settings, pool: db.Pool, work: WorkFactory, shelf: Shelf
) -> None:
    inside, gate = asyncio.Event(), asyncio.Event()

    async def waits(unit: Work, recorded: Recorded) -> None:
        await shelf.handle(unit, recorded)
        inside.set()
        await gate.wait()

    await send(work, "a")
    bus = Bus(settings, pool, CATALOGUE, work)
    await bus.start()
    bus.durable(Listener("shelf", (ParcelSent,), waits))
    await inside.wait()
    await bus.stop()
    assert await shelf.parcels() == []
    gate.set()
    again = Bus(settings, pool, CATALOGUE, work)
    await again.start()
    again.durable(Listener("shelf", (ParcelSent,), waits))
    await shelf.until("a")
    await again.stop()


async def test_a_failure_is_tried_again_and_leaves_no_half_effect(
    bus: Bus, work: WorkFactory, shelf: Shelf
) -> None:
    shelf.failing = {"b"}
    bus.durable(shelf.listener())
    await send(work, "a", "b", "c")
    await eventually(lambda: shelf.attempts.count("b") == 2)
    shelf.failing = set()
    await shelf.until("a", "b", "c")


async def test_a_poisoned_event_is_parked_with_its_subject_and_the_rest_go_on(
    bus: Bus, work: WorkFactory, shelf: Shelf, conn: db.Connection
) -> None:
    shelf.failing = {"b"}
    bus.durable(shelf.listener())
    await send(work, "a", "b", "c")
    await shelf.until("a", "c")
    assert shelf.attempts.count("b") == 1 + durable.ATTEMPTS, "once in a batch, then alone"
    shelf.failing = set()
    await send(work, "b", "d")  # the second b would overtake the first
    await shelf.until("a", "c", "d")
    parked = await durable.parked(conn)
    assert [(p.type, p.subject, p.failures, p.error) for p in parked] == [
        ("parcel.sent", "b", durable.ATTEMPTS, "LookupError"),
        ("parcel.sent", "b", 0, durable.BEHIND),
    ]
    await eventually(lambda: metrics.PARKED.labels("shelf")._value.get() == 2)

    await durable.retry(conn, parked[0].event_id)
    await shelf.until("a", "c", "d", "b", "b")
    assert await durable.parked(conn) == []
    await send(work, "b")
    await shelf.until("a", "c", "d", "b", "b", "b")


async def test_a_retry_that_fails_leaves_it_parked(
    bus: Bus, work: WorkFactory, shelf: Shelf, conn: db.Connection
) -> None:
    shelf.failing = {"b"}
    bus.durable(shelf.listener())
    await send(work, "b", "b")
    async with asyncio.timeout(10):
        while len(await durable.parked(conn)) < 2:
            await asyncio.sleep(0.02)
    first, _ = await durable.parked(conn)
    await durable.retry(conn, first.event_id)
    await eventually(lambda: shelf.attempts.count("b") == durable.ATTEMPTS + 1)
    async with asyncio.timeout(10):
        while (again := await durable.parked(conn))[0].retry:
            await asyncio.sleep(0.02)
    assert [p.failures for p in again] == [durable.ATTEMPTS + 1, 0]
    assert await shelf.parcels() == []
    with pytest.raises(NotFound):
        await durable.retry(conn, 10**9)


async def test_an_operator_lists_what_is_parked_and_has_it_tried_again(
    bus: Bus,
    work: WorkFactory,
    shelf: Shelf,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`python -m contactcenter events parked` and `retry ID`."""
    assert settings.database.url is not None
    here = {"DATABASE_URL": settings.database.url, "DATA_DIR": str(settings.app.data_dir)}
    for name, value in {**TEST_ENVIRON, **here}.items():
        monkeypatch.setenv(name, value)

    async def events(*words: str) -> tuple[int, str, str]:
        """(exit code, what it printed, what it printed of errors)"""
        capsys.readouterr()  # what the listener's node logged
        code = await asyncio.to_thread(commands.main, ["events", *words])
        return code, *capsys.readouterr()

    assert await events("parked") == (0, "", "")
    shelf.failing = {"b"}
    bus.durable(shelf.listener())
    await send(work, "b", "a")
    await shelf.until("a")
    code, out, err = await events("parked")
    assert (code, err) == (0, "")
    [line] = map(json.loads, out.splitlines())
    shown = ("listener", "type", "subject", "failures", "error", "retry")
    assert [line[key] for key in shown] == [
        "shelf", "parcel.sent", "b", durable.ATTEMPTS, "LookupError", False,
    ]  # fmt: skip

    code, out, err = await events("retry", str(line["event_id"] + 1_000))
    assert (code, out, err) == (1, "", "No parked event has this id.\n")
    assert await shelf.parcels() == ["a"]
    shelf.failing = set()
    assert await events("retry", str(line["event_id"])) == (0, "", "")
    await shelf.until("a", "b")
    assert await events("parked") == (0, "", "")


async def test_what_is_parked_survives_a_restart(
    settings: Settings, pool: db.Pool, work: WorkFactory, shelf: Shelf, conn: db.Connection
) -> None:
    shelf.failing = {"b"}
    first = Bus(settings, pool, CATALOGUE, work)
    await first.start()
    first.durable(shelf.listener())
    await send(work, "b", "c")
    await shelf.until("c")
    await first.stop()
    shelf.failing = set()
    await durable.retry(conn, (await durable.parked(conn))[0].event_id)
    second = Bus(settings, pool, CATALOGUE, work)
    await second.start()
    second.durable(shelf.listener())
    await shelf.until("c", "b")
    await second.stop()


async def test_one_node_holds_a_listener_and_another_takes_over(
    settings: Settings, pool: db.Pool, work: WorkFactory, shelf: Shelf, other_bus: Bus
) -> None:
    bus = Bus(settings, pool, CATALOGUE, work)
    await bus.start()
    bus.durable(shelf.listener())
    await send(work, "a")
    await shelf.until("a")
    other_bus.durable(shelf.listener())
    await asyncio.sleep(0.15)
    assert bus.holds("shelf")
    assert not other_bus.holds("shelf")
    for number in range(20):
        await send(work, str(number))
    await bus.stop()
    await send(work, "last")
    await shelf.until("a", *map(str, range(20)), "last")


async def test_a_lost_hold_is_noticed(
    bus: Bus, work: WorkFactory, shelf: Shelf, conn: db.Connection
) -> None:
    bus.durable(shelf.listener())
    await send(work, "a")
    await shelf.until("a")
    await conn.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'bus-signals' AND datname = current_database()"
    )
    await send(work, "b")
    await shelf.until("a", "b")


async def test_two_that_both_believe_to_hold_do_nothing_twice(
    bus: Bus, work: WorkFactory, shelf: Shelf, other_bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock is taken away; the position's row alone keeps them apart."""

    async def always(self: Bus, name: str) -> bool:
        self._held.add(name)
        return True

    monkeypatch.setattr(Bus, "try_hold", always)
    bus.durable(shelf.listener())
    other_bus.durable(shelf.listener())
    wanted = [str(number) for number in range(60)]
    for parcel in wanted:
        await send(work, parcel)
    await shelf.until(*wanted)
    await asyncio.sleep(0.2)
    assert await shelf.parcels() == wanted


async def test_the_position_moves_on_while_nothing_concerns_it(
    bus: Bus, work: WorkFactory, shelf: Shelf, conn: db.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable, "IDLE_SECONDS", 0.05)
    bus.durable(shelf.listener())
    from contactcenter.core.ids import new_id
    from tests.integration.core.parcels import ParcelLost

    async with work.begin("test.lost", "user:1") as unit:
        unit.emit(ParcelLost(parcel_id=new_id(), at=unit.now))
    async with asyncio.timeout(10):
        while True:
            row = await conn.fetchrow(durable.CURSOR, "shelf")
            if row is not None and (row["xid"], row["id"]) == await eventlog.tip(conn):
                break
            await asyncio.sleep(0.02)
    await send(work, "a")
    await shelf.until("a")


async def test_a_slow_batch_is_cut_short(
    bus: Bus, work: WorkFactory, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable, "BATCH_SECONDS", 0.0)
    await send(work, "a", "b", "c")
    bus.durable(shelf.listener())
    await shelf.until("a", "b", "c")


async def test_events_carry_on_the_trace_of_what_caused_them(
    bus: Bus, work: WorkFactory, conn: db.Connection
) -> None:
    from contactcenter.core.ids import new_id
    from contactcenter.core.work import trace
    from tests.integration.core.parcels import ParcelLost

    async def lose(unit: Work, recorded: Recorded) -> None:
        unit.emit(ParcelLost(parcel_id=new_id(), at=recorded.occurred_at))

    bus.durable(Listener("loser", (ParcelSent,), lose))
    token = trace.set("request-1")
    await send(work, "a")
    trace.reset(token)
    await send(work, "b")
    async with asyncio.timeout(10):
        while await conn.fetchval("SELECT count(*) FROM event_log") < 4:
            await asyncio.sleep(0.02)
    rows = await conn.fetch(
        "SELECT trace, actor FROM event_log WHERE type = 'parcel.lost' ORDER BY id"
    )
    assert [tuple(row) for row in rows] == [
        ("request-1", "listener:loser"),
        (None, "listener:loser"),
    ]


@pytest.mark.parametrize("position_first", [False, True])
async def test_committing_the_position_before_the_effect_loses_one(
    position_first: bool, work: WorkFactory, shelf: Shelf, conn: db.Connection
) -> None:
    """The negative control: the same crash, once as we do it and once as we do not."""
    await send(work, "a")
    await conn.execute(durable.ENROL, "shelf", 0, 0)

    async def attempt(crash: bool) -> None:
        cursor = await conn.fetchrow(durable.CURSOR, "shelf")
        assert cursor is not None
        position = Position(cursor["xid"], cursor["id"])
        for recorded in await eventlog.read(conn, CATALOGUE, position, limit=10):
            if position_first:
                await conn.execute(durable.MOVE, "shelf", *recorded.position)
            async with conn.transaction():
                await conn.execute(INSERT, recorded.event.subject, 0)
                if not position_first:
                    await conn.execute(durable.MOVE, "shelf", *recorded.position)
                if crash:
                    raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        await attempt(crash=True)
    await attempt(crash=False)
    assert await shelf.parcels() == ([] if position_first else ["a"])


async def test_several_in_a_row_are_handled_together_and_a_bad_one_is_found_among_them(
    bus: Bus, work: WorkFactory, shelf: Shelf
) -> None:
    sizes: list[int] = []

    async def together(work: Work, batch: Sequence[Recorded]) -> None:
        sizes.append(len(batch))
        for recorded in batch:
            await shelf.handle(work, recorded)

    shelf.failing = {"f"}
    await send(work, *"abcdefghij")
    bus.durable(Listener("shelf", (ParcelSent,), shelf.handle, together))
    await shelf.until(*"abcdeghij")
    assert sizes[0] == 10, "as many as there are"
    (parked,) = await durable.parked(shelf.conn)
    assert (parked.subject, parked.error) == ("f", "LookupError")
