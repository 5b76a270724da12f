"""A queue's row that SQL has made unreadable leaves out that queue, and no other."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from routing.schemas import Close
from tests.integration.routing.scene import Scene

BROKEN = [
    ("queues", "config = '{\"steps\": 7}'"),
    ("queues", "config = '[]'"),
    ("queues", 'config = \'{"channels": {"chat": {"cost": "a lot"}}}\''),
    ("queues", "strategy = 'whoever'"),
    ("calendars", "weekly = '{\"someday\": []}'"),
    ("calendars", "timezone = 'Nowhere/Never'"),
    ("calendars", "exceptions = '3'"),
]


async def write(scene: Scene, table: str, what: str) -> None:
    """Break SA alone: its row, or a calendar of its own."""
    await scene.execute(
        "INSERT INTO calendars (key, weekly) VALUES ('own', '{}') ON CONFLICT DO NOTHING"
    )
    await scene.execute(
        "UPDATE queues SET calendar = 'own', version = version + 1 WHERE key = 'SA'"
    )
    key = "SA" if table == "queues" else "own"
    await scene.execute(f"UPDATE {table} SET version = version + 1, {what} WHERE key = '{key}'")
    scene.router.forget()


@pytest.mark.parametrize(("table", "what"), BROKEN)
async def test_the_others_are_routed(scene: Scene, table: str, what: str) -> None:
    lucia = await scene.agent("Lucía", SA=5, SH=5)
    begun = await scene.arrive("SA")
    await scene.accepted(begun, lucia)
    await write(scene, table, what)

    left, other = await scene.arrive("SA"), await scene.arrive("SH")
    await scene.settle()
    assert await scene.offer(left) is None
    await scene.accepted(other, lucia)
    await scene.desk.close(lucia, Close(interaction_id=begun.interaction_id))
    await scene.settle()
    assert (await scene.interaction(left))["state"] == "queued"
    assert await scene.router.sweep() == await scene.router.sweep() == 0, "and nothing is mended"

    assert REGISTRY.get_sample_value("router_queue_unreadable", {"queue": "SA"}) == 1
    async with scene.pool.acquire() as conn:
        infos = await scene.queues.queue_infos(conn)
    assert {info.key: info.unreadable for info in infos} == {"SA": True, "SH": False}
    told = [r.event.queue for r in await scene.events("queue.changed")]  # type: ignore[attr-defined]
    assert told == ["SA"], "screens hear of it, once"


async def test_once_it_can_be_read_again_its_work_goes_on(scene: Scene) -> None:
    lucia = await scene.agent("Lucía", SA=5)
    await write(scene, "queues", "config = '[]'")
    left = await scene.arrive("SA")
    await scene.settle()
    assert await scene.offer(left) is None
    await scene.execute("UPDATE queues SET version = version + 1, config = '{}' WHERE key = 'SA'")
    scene.router.forget()
    await scene.accepted(left, lucia)
    assert REGISTRY.get_sample_value("router_queue_unreadable", {"queue": "SA"}) == 0
    assert len(await scene.events("queue.changed")) == 2
