"""Routing on the test's database, turn by turn, on a clock that the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

import db
from config.settings import Settings
from tests.integration.routing.scene import Scene


@pytest.fixture
async def scene(settings: Settings, pool: db.Pool) -> AsyncIterator[Scene]:
    """Two queues (SA, SH), a router that leads, nobody there yet."""
    scene = await Scene.build(settings, pool)
    yield scene
    await scene.close()
