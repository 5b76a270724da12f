"""A bus on the test's database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

import db
from config.settings import Settings
from contactcenter.core.bus import Bus
from contactcenter.core.clock import SystemClock
from contactcenter.core.work import WorkFactory
from tests.integration.core.parcels import CATALOGUE


@pytest.fixture
def work(pool: db.Pool) -> WorkFactory:
    return WorkFactory(pool, SystemClock())


@pytest.fixture
async def bus(settings: Settings, pool: db.Pool, work: WorkFactory) -> AsyncIterator[Bus]:
    bus = Bus(settings, pool, CATALOGUE, work)
    await bus.start()
    yield bus
    await bus.stop()
