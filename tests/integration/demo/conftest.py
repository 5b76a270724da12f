"""The ground of a centre with the demo's people, on a clock that stands at its Monday 10:50."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

import db
from config.settings import Settings
from contactcenter.core.bus import Bus
from contactcenter.core.jobs import JobQueue
from contactcenter.core.module import Deps
from contactcenter.core.work import WorkFactory
from contactcenter.demo.morning import VirtualClock
from contactcenter.events import CATALOGUE
from db.seeds.contacts import CONTACTS

TEN_FIFTY = datetime(2026, 11, 23, 9, 50, tzinfo=UTC)  # in Madrid: Monday 10:50
PHONES = [phone for _, _, phone in CONTACTS]


@pytest.fixture(scope="session")
def database_template(seeded_template: str) -> str:
    return seeded_template


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(TEN_FIFTY)


@pytest.fixture
def deps(settings: Settings, pool: db.Pool, clock: VirtualClock) -> Deps:
    work = WorkFactory(pool, clock)
    bus = Bus(settings, pool, CATALOGUE, work)
    return Deps(settings, clock, pool, work, bus, JobQueue(clock))
