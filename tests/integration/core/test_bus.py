from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

import db
from config.settings import Settings
from contactcenter.core import feed, metrics
from contactcenter.core.bus import Bus
from contactcenter.core.clock import SystemClock
from contactcenter.core.errors import Unavailable
from contactcenter.core.eventlog import START, Recorded
from contactcenter.core.ids import new_id
from contactcenter.core.work import WorkFactory
from tests.integration.core.parcels import CATALOGUE, ParcelLost, ParcelSent


class Seen:
    """A subscriber that remembers what it was handed."""

    def __init__(self, fail_on: str | None = None) -> None:
        self.parcels: list[str] = []
        self._fail_on = fail_on
        self._news = asyncio.Event()

    async def __call__(self, batch: list[Recorded]) -> None:
        for recorded in batch:
            self.parcels.append(recorded.event.subject)
        self._news.set()
        if self._fail_on in [recorded.event.subject for recorded in batch]:
            raise LookupError(self._fail_on)

    async def until(self, *parcels: str) -> None:
        await eventually(lambda: self.parcels == list(parcels))


async def eventually(true: Callable[[], bool]) -> None:
    """Wait until something holds; the test fails after ten seconds."""
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.005)


async def send(work: WorkFactory, *parcels: str) -> None:
    async with work.begin("test.send", "user:1") as unit:
        for parcel in parcels:
            unit.emit(ParcelSent(parcel=parcel))


async def test_a_subscriber_sees_what_comes_after_it_in_order(bus: Bus, work: WorkFactory) -> None:
    await send(work, "before")
    seen, all_of_it = Seen(), Seen()
    await eventually(lambda: bus.position != START)
    await bus.subscribe("seen", seen)
    await bus.subscribe("all", all_of_it, since=START)
    for number in range(50):
        await send(work, f"{number}")
    await seen.until(*map(str, range(50)))
    await all_of_it.until("before", *map(str, range(50)))


async def test_types_choose(bus: Bus, work: WorkFactory) -> None:
    sent, lost = Seen(), Seen()
    await bus.subscribe("sent", sent, [ParcelSent])
    await bus.subscribe("lost", lost, [ParcelLost])
    parcel = new_id()
    async with work.begin("test.send", "user:1") as unit:
        unit.emit(ParcelSent(parcel="a"))
        unit.emit(ParcelLost(parcel_id=parcel, at=unit.now))
    await sent.until("a")
    await lost.until(str(parcel))


async def test_a_failing_subscriber_goes_on_and_disturbs_nobody(
    bus: Bus, work: WorkFactory
) -> None:
    failures = metrics.SUBSCRIBER_FAILURES.labels("failing")
    before = failures._value.get()
    failing, healthy = Seen(fail_on="b"), Seen()
    await bus.subscribe("failing", failing)
    await bus.subscribe("healthy", healthy)
    for parcel in "abc":
        await send(work, parcel)
    await healthy.until("a", "b", "c")
    await failing.until("a", "b", "c")
    assert failures._value.get() == before + 1


async def test_a_slow_subscriber_loses_nothing_and_slows_nobody(
    bus: Bus, work: WorkFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "BUFFER", 5)
    gate = asyncio.Event()
    slow, quick = Seen(), Seen()

    async def waits(batch: list[Recorded]) -> None:
        await gate.wait()
        await slow(batch)

    await bus.subscribe("slow", waits)
    await bus.subscribe("quick", quick)
    wanted = [str(number) for number in range(40)]
    for parcel in wanted:
        await send(work, parcel)
        await quick.until(*wanted[: int(parcel) + 1])
    gate.set()
    await slow.until(*wanted)
    await send(work, "after")
    await slow.until(*wanted, "after")


async def test_a_closed_subscription_is_silent(bus: Bus, work: WorkFactory) -> None:
    closed, open_one = Seen(), Seen()
    subscription = await bus.subscribe("closed", closed)
    await bus.subscribe("open", open_one)
    await subscription.close()
    await send(work, "a")
    await open_one.until("a")
    assert closed.parcels == []


async def test_another_node_hears_of_it_without_polling(
    settings: Settings, pool: db.Pool, work: WorkFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contactcenter.core.bus.POLL_SECONDS", 60)
    here = Bus(settings, pool, CATALOGUE, work)
    there = Bus(settings, pool, CATALOGUE, WorkFactory(pool, SystemClock()))
    await here.start()
    await there.start()
    seen = Seen()
    await there.subscribe("seen", seen)
    await eventually(lambda: here._signals is not None and there._signals is not None)
    await send(work, "a")
    await seen.until("a")
    await here.stop()
    await there.stop()


async def test_a_node_that_hears_nothing_polls(bus: Bus, pool: db.Pool, work: WorkFactory) -> None:
    seen = Seen()
    await bus.subscribe("seen", seen)
    await send(WorkFactory(pool, SystemClock()), "a")  # nobody wakes the bus
    await seen.until("a")


async def test_what_the_horizon_holds_back_comes_when_it_moves(
    bus: Bus, work: WorkFactory, conn: db.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contactcenter.core.bus.POLL_SECONDS", 60)
    seen = Seen()
    await bus.subscribe("seen", seen)
    await send(work, "first")
    await seen.until("first")
    writing = conn.transaction()
    await writing.start()
    await conn.fetchval("SELECT pg_current_xact_id()")
    await send(work, "held")
    await asyncio.sleep(0.05)
    assert seen.parcels == ["first"]
    await writing.rollback()  # which wakes nobody
    await seen.until("first", "held")


async def test_the_reader_survives_the_loss_of_its_connection(
    bus: Bus, work: WorkFactory, conn: db.Connection
) -> None:
    seen = Seen()
    await bus.subscribe("seen", seen)
    await send(work, "a")
    await seen.until("a")
    await conn.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name LIKE 'bus-%' AND datname = current_database()"
    )
    await send(work, "b")
    await seen.until("a", "b")


async def test_an_exception_publishes_nothing(bus: Bus, work: WorkFactory) -> None:
    seen = Seen()
    await bus.subscribe("seen", seen)

    async def fails() -> None:
        async with work.begin("test.fails", "user:1") as unit:
            unit.emit(ParcelSent(parcel="never"))
            raise LookupError

    with pytest.raises(LookupError):
        await fails()
    await send(work, "a")
    await seen.until("a")


async def test_an_exhausted_pool_is_unavailable_soon(
    pool: db.Pool, work: WorkFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contactcenter.core.work.ACQUIRE_SECONDS", 0.05)
    held = [await pool.acquire() for _ in range(pool.get_max_size())]

    async def one_more() -> None:
        async with work.begin("test.more", "user:1"):
            pass

    with pytest.raises(Unavailable) as caught:
        await one_more()
    assert caught.value.retry_after == 1
    for conn in held:
        await pool.release(conn)
    await one_more()
