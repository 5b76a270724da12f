"""Whoever signs out is not there any more: by a plain request, with or without open work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest

import db
from contactcenter.core.errors import Unauthenticated
from routing.service import PresenceService
from tests.integration.app.conftest import Centre
from tests.integration.app.people import SECONDS, Desk, sign_in
from tests.integration.app.test_journey import CARMEN, PABLO, talking
from tests.integration.app.test_versions import waited_for

HEARD = """
SELECT c.id >= (SELECT max(id) FROM event_log WHERE type = 'session.ended')
FROM listener_cursors c WHERE listener = 'routing.signed_out'
"""
OFFERS = """
SELECT count(*) FROM reservations r JOIN agents a ON a.id = r.agent_id
JOIN users u ON u.id = a.user_id WHERE u.email = $1
"""
SESSIONS = """
SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id
WHERE u.email = $1 AND s.ended_at IS NULL
"""
PRESENT = "SELECT present FROM agent_states WHERE agent_id = $1::uuid"


@pytest.fixture
async def conn(centre: Centre) -> AsyncIterator[db.Connection]:
    conn = await db.connect(centre.settings)
    yield conn
    await conn.close()


async def signs_out(centre: Centre, desk: Desk) -> None:
    assert (await centre.http("POST", "/auth/logout", token=desk.token))[0] == 204
    await desk.until(lambda: desk.left, "the end of the socket")


async def as_seen(watcher: Desk, desk: Desk, status: str, *, present: bool) -> None:
    """The watching colleague is told, without asking, what has become of the agent."""
    agent_id = desk.state["me"]["agent_id"]

    def shown() -> bool:
        told = [p for name, p in watcher.log if name.startswith("agent.") and "agent" in p]
        cards = [payload["agent"] for payload in told]
        mine = [card for card in cards if card["agent_id"] == agent_id]
        return bool(mine) and (mine[-1]["status"], mine[-1]["present"]) == (status, present)

    await watcher.until(shown, f"{status}, present: {present}")


async def test_who_signs_out_is_absent_at_once_and_is_offered_nothing(
    centre: Centre, conn: db.Connection
) -> None:
    carmen = await centre.desk(CARMEN)
    pablo = await (await centre.desk(PABLO)).available()
    await signs_out(centre, pablo)
    await as_seen(carmen, pablo, "offline", present=False)
    visitor = await centre.visitor(queue="CO", message="Hola")
    await visitor.say("¿Hay alguien?")
    await centre.router_looks()
    assert await conn.fetchval(OFFERS, PABLO) == 0
    await carmen.available()
    await carmen.hears("reservation.created", queue="CO")


async def test_an_offer_goes_to_somebody_else_when_its_agent_signs_out(centre: Centre) -> None:
    pablo = await (await centre.desk(PABLO)).available()
    visitor = await centre.visitor(queue="CO")
    await visitor.say("Hola")
    offer = await pablo.hears("reservation.created")
    carmen = await (await centre.desk(CARMEN)).available()
    await signs_out(centre, pablo)
    again = await carmen.hears("reservation.created", queue="CO")
    assert again["interaction_id"] == offer["interaction_id"]
    await carmen.do("reservation.accept", {"reservation_id": again["reservation_id"]})


async def test_a_chat_of_who_signs_out_returns_to_the_queue(centre: Centre) -> None:
    """Signing out is never refused; its work is that of a desk that has fallen silent."""
    visitor, pablo, accepted = await talking(centre, "CO", PABLO)
    carmen = await (await centre.desk(CARMEN)).available()
    await signs_out(centre, pablo)
    await as_seen(carmen, pablo, "available", present=False)
    centre.clock.advance(timedelta(seconds=61))
    await centre.router_looks()
    again = await carmen.hears("reservation.created", queue="CO")
    assert again["interaction_id"] == accepted["interaction_id"]
    await as_seen(carmen, pablo, "offline", present=False)
    await carmen.do("reservation.accept", {"reservation_id": again["reservation_id"]})
    await carmen.say(visitor.id, "Sigo yo")


async def test_a_chat_set_aside_returns_to_the_queue_when_its_agent_signs_out(
    centre: Centre,
) -> None:
    """Whoever signs out says nothing of it, and it would wait for somebody who is offline."""
    visitor, pablo, accepted = await talking(centre, "CO", PABLO)
    carmen = await (await centre.desk(CARMEN)).available()
    await pablo.do("interaction.snooze", {"interaction_id": accepted["interaction_id"]})
    await signs_out(centre, pablo)
    await as_seen(carmen, pablo, "offline", present=False)
    again = await carmen.hears("reservation.created", queue="CO")
    assert again["interaction_id"] == accepted["interaction_id"]
    await carmen.do("reservation.accept", {"reservation_id": again["reservation_id"]})
    await carmen.say(visitor.id, "Sigo yo")
    back = await centre.desk(PABLO)
    assert back.state["me"]["status"] == "offline"
    assert back.state["interactions"] == {}


async def test_what_is_set_aside_does_not_wait_for_the_chat_beside_it(centre: Centre) -> None:
    """One chat is set aside and one is live: the first goes at once, the other as from a desk that
    has fallen silent, and then the agent is offline."""
    _, pablo, aside = await talking(centre, "CO", PABLO)
    await pablo.do("interaction.snooze", {"interaction_id": aside["interaction_id"]})
    other = await centre.visitor(queue="CO")
    await other.say("Hola")
    live = await pablo.accepts(queue="CO")
    carmen = await (await centre.desk(CARMEN)).available()
    await signs_out(centre, pablo)
    again = await carmen.accepts(queue="CO")
    assert again["interaction_id"] == aside["interaction_id"]
    await as_seen(carmen, pablo, "available", present=False)
    centre.clock.advance(timedelta(seconds=61))
    await centre.router_looks()
    await carmen.hears("reservation.created", interaction_id=live["interaction_id"])
    await as_seen(carmen, pablo, "offline", present=False)


async def test_what_sleeps_sleeps_on_when_its_agent_signs_out(
    centre: Centre, conn: db.Connection
) -> None:
    """It returns to its queue at its time: nobody is there for whom it would wake."""
    _, pablo, accepted = await talking(centre, "CO", PABLO)
    until = centre.clock.now() + timedelta(hours=1)
    mine = {"interaction_id": accepted["interaction_id"]}
    await pablo.do("interaction.snooze", {**mine, "until": until.isoformat()})
    carmen = await (await centre.desk(CARMEN)).available()
    await signs_out(centre, pablo)
    await as_seen(carmen, pablo, "offline", present=False)
    states = "SELECT state, park_reason FROM segments WHERE interaction_id = $1::uuid"
    row = await conn.fetchrow(states, accepted["interaction_id"])
    assert row is not None
    assert tuple(row) == ("parked", "snoozed")
    centre.clock.advance(timedelta(hours=1, seconds=1))
    await centre.router_looks()
    await carmen.hears("reservation.created", interaction_id=accepted["interaction_id"])


async def test_another_session_of_the_agent_keeps_the_desk(
    centre: Centre, conn: db.Connection
) -> None:
    pablo = await (await centre.desk(PABLO)).available()
    elsewhere = await sign_in(centre.url, PABLO)
    assert (await centre.http("POST", "/auth/logout", token=elsewhere))[0] == 204
    async with asyncio.timeout(SECONDS):
        while not await conn.fetchval(HEARD):
            await asyncio.sleep(0.02)
    visitor = await centre.visitor(queue="CO")
    await visitor.say("Hola")
    await pablo.accepts()


async def test_a_beat_that_was_on_its_way_brings_nobody_back(
    centre: Centre, conn: db.Connection
) -> None:
    pablo = await (await centre.desk(PABLO)).available()
    agent_id = UUID(pablo.state["me"]["agent_id"])
    ended = await conn.fetchval(SESSIONS, PABLO)
    await signs_out(centre, pablo)
    async with asyncio.timeout(SECONDS):
        while await conn.fetchval(PRESENT, agent_id):
            await asyncio.sleep(0.02)
    presence = PresenceService(centre.house.deps.work)
    await presence.heartbeat({agent_id: {ended}})
    assert not await conn.fetchval(PRESENT, agent_id)
    with pytest.raises(Unauthenticated):
        await presence.connected(agent_id, ("chat",), ended)
    assert not await conn.fetchval(PRESENT, agent_id)

    await sign_in(centre.url, PABLO)
    await presence.heartbeat({agent_id: {ended, await conn.fetchval(SESSIONS, PABLO)}})
    assert await conn.fetchval(PRESENT, agent_id), "the desk of a session that goes on is back"


async def test_signing_out_wins_over_a_beat_that_is_being_written(
    centre: Centre, conn: db.Connection
) -> None:
    """The beat has looked at the session, and the session ends before the beat is committed."""
    token = await sign_in(centre.url, PABLO)
    session = await conn.fetchval(SESSIONS, PABLO)
    agent_id = await conn.fetchval(
        "SELECT a.id FROM agents a JOIN users u ON u.id = a.user_id WHERE u.email = $1", PABLO
    )
    presence = PresenceService(centre.house.deps.work)
    await presence.connected(agent_id, ("chat",), session)
    await conn.execute("UPDATE agent_states SET present = false WHERE agent_id = $1", agent_id)
    await conn.execute(
        "CREATE FUNCTION holds() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NEW; END $$;"
        "CREATE TRIGGER holds BEFORE UPDATE ON agent_states FOR EACH ROW WHEN (NEW.present)"
        " EXECUTE FUNCTION holds()"
    )
    async with asyncio.TaskGroup() as going:
        await conn.execute("SELECT pg_advisory_lock(7)")
        going.create_task(presence.heartbeat({agent_id: {session}}))
        await waited_for(conn, 1)
        out = going.create_task(centre.http("POST", "/auth/logout", token=token))
        await waited_for(conn, 2)
        await conn.execute("SELECT pg_advisory_unlock(7)")
    assert out.result()[0] == 204
    async with asyncio.timeout(SECONDS):
        while not await conn.fetchval(HEARD):
            await asyncio.sleep(0.02)
    assert not await conn.fetchval(PRESENT, agent_id)
