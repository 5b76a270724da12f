"""A visitor's place in line while an older transaction holds the log back."""

from __future__ import annotations

import db
from tests.integration.app.conftest import Centre
from tests.integration.app.people import Mirror


async def test_a_place_is_not_stale_after_an_older_transaction_was_open(
    centre: Centre, conn: db.Connection
) -> None:
    first = await centre.visitor(queue="SA", message="Primera")
    second = await centre.visitor(queue="SA", message="Segunda")
    await second.hears("queue.position", position=2)

    older = conn.transaction()
    await older.start()
    await conn.fetchval("SELECT pg_current_xact_id()")
    second.snapshots.append((await second.do("sync", {"cursor": ""}))["snapshot"])
    mirror = Mirror(second)
    assert mirror.state["conversation"]["position"] == 2
    heard = len(second.log)
    await centre.http("POST", f"/chat/conversations/{first.id}/close", token=first.token)

    # A look while the log stands still: what it says has the cursor of the snapshot.
    projector = centre.house.realtime.projector
    projector._places.touch(["SA"])
    await projector.tell_places()
    await second.hears("queue.position", position=1)
    assert mirror.after(second.log[heard:]) == [], "passed over: the snapshot seems as new"
    heard = len(second.log)

    await older.rollback()

    told: list[int] = []

    def again() -> bool:
        nonlocal heard
        news = mirror.after(second.log[heard:])
        heard = len(second.log)
        told.extend(payload["position"] for name, payload in news if "position" in name)
        return told[-1:] == [1]

    await second.until(again, "the place once more")
