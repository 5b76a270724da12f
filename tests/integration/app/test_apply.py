"""A snapshot with the events that follow is the later snapshot, for every event a screen gets.

The events go through the browser's own reducers (web/shared/src/apply.ts for a desk and
web/widget/src/model.ts for a visitor, run by Node). A long shift is played; after each step two
desks, or a visitor, compare what they have applied with a new snapshot.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from contactcenter.events.interactions import InteractionClosed, InteractionHeld
from contactcenter.events.routing import ReservationRescinded
from contactcenter.events.tasks import TaskCancelled
from contactcenter.realtime.projections import RULES, SNAPSHOT
from tests.integration.app.conftest import Centre
from tests.integration.app.people import SECONDS, Desk, Heard, Mirror, Payload, Person
from tests.integration.app.test_journey import CARMEN, LUCIA

BUILT = Path(__file__).parents[3] / "web/shared/dist"
OF_CALLS = {"interaction.joined", "interaction.consulted"} | {
    rule.name for rule in RULES if rule.name.startswith("call.") and rule.to != "caller"
}
"""What a desk is told of calls: tests/integration/voice covers it."""
OF_A_DESK = (
    {rule.name for rule in RULES if rule.to not in {"visitor", "caller"}} - {SNAPSHOT} - OF_CALLS
)

OF_A_VISITOR = {rule.name for rule in RULES if rule.to == "visitor"} - {SNAPSHOT} | {
    "queue.position"
}

OF_A_CALLER = {rule.name for rule in RULES if rule.to == "caller"} | {"call.position"}

LINES = """
import readline from "node:readline";
const built = await import(process.argv[1]);
const visitor = (now, name, { stream, seq, node, cursor, ...payload }) =>
  built.CALL_EVENTS.includes(name)
    ? { ...now, call: built.applyCall(now.call, payload) }
    : { ...now, conversation: built.apply(now.conversation, name, payload) };
const apply = built.CALL_EVENTS ? visitor : built.apply;
for await (const line of readline.createInterface({ input: process.stdin })) {
  const { state, events } = JSON.parse(line);
  const after = events.reduce((now, [name, payload]) => apply(now, name, payload), state);
  console.log(JSON.stringify(after));
}
"""


class Reducer:
    """The browser's own reducer: a state and events go in, the state after them comes out."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def apply(self, state: Payload, events: list[Heard]) -> Payload:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"state": state, "events": events}).encode() + b"\n")
        after: Payload = json.loads(await self._process.stdout.readline())
        return after


@pytest.fixture
async def reducer(node: dict[str, str]) -> AsyncIterator[Reducer]:
    async with running("apply.js", node) as built:
        yield built


@pytest.fixture
async def visitors(node: dict[str, str]) -> AsyncIterator[Reducer]:
    """The widget's reducer (web/widget/src/model.ts)."""
    async with running("visitor.js", node) as built:
        yield built


@asynccontextmanager
async def running(name: str, node: dict[str, str]) -> AsyncIterator[Reducer]:
    path = BUILT / name
    assert path.exists(), "the reducers are not built: run `make web`"
    process = await asyncio.create_subprocess_exec(
        "node", "--input-type=module", "-e", LINES, path.as_uri(),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=2**24, env=node,
    )  # fmt: skip
    yield Reducer(process)
    assert process.stdin is not None
    process.stdin.close()
    await process.wait()


class Watched:
    """A screen whose state is kept by events alone, beside what new snapshots say."""

    def __init__(self, person: Person, reducer: Reducer, since: int = 0) -> None:
        self.person = person
        self.reducer = reducer
        self.mirror = Mirror(person)
        self.state = self.mirror.state
        self.covered: set[str] = set()
        self.heard: list[tuple[Payload | None, list[Heard], Payload]] = []
        """(a snapshot that was sent before, events, what was stored after them) of each step."""
        self._seen = since
        self._taken = len(person.snapshots)

    async def agrees(self) -> None:
        """Soon, the events applied so far give what a new snapshot says."""
        until = time.monotonic() + SECONDS
        while True:
            fresh = (await self.person.do("sync", {"cursor": self.mirror.cursor}))["snapshot"]
            await self._catch_up(fresh["state"])
            difference = differences(self.state, fresh["state"])
            if not difference:
                return
            if time.monotonic() > until:
                raise AssertionError(difference)
            await asyncio.sleep(0.05)

    async def _catch_up(self, stored: Payload) -> None:
        """Take what came, in its order: events, and snapshots that were sent unasked."""
        person = self.person
        while self._taken < len(person.snapshots):
            await self._apply(person.log[self._seen : person.snapshots_at[self._taken]], None)
            self._seen = person.snapshots_at[self._taken]
            self.mirror.take(person.snapshots[self._taken])
            self._taken += 1
            self.state = self.mirror.state
            self.heard.append((self.state, [], self.state))
        events = person.log[self._seen :]
        self._seen = len(person.log)
        await self._apply(events, stored)

    async def _apply(self, events: list[Heard], stored: Payload | None) -> None:
        events = self.mirror.after(events)
        assert not self.mirror.missed, "a number is missing"
        self.covered.update(name for name, _ in events)
        self.state = await self.reducer.apply(self.state, events)
        self.heard.append((None, events, self.state if stored is None else stored))

    async def needs(self, name: str, begun: Payload) -> bool:
        """Whether a screen that is deaf to this event would have been caught."""
        state = begun
        for snapshot, events, stored in self.heard:
            deaf = [(heard, payload) for heard, payload in events if heard != name]
            state = snapshot or await self.reducer.apply(state, deaf)
            if differences(state, stored):
                return True
        return False


def differences(applied: Any, stored: Any, path: str = "") -> str:
    """Where two states differ; empty when they do not."""
    if isinstance(applied, dict) and isinstance(stored, dict):
        lines = [
            differences(applied.get(key), stored.get(key), f"{path}.{key}")
            for key in sorted(applied.keys() | stored.keys())
        ]
        return "\n".join(line for line in lines if line)
    if path.endswith(".estimated_wait_seconds") and applied is not None and stored is not None:
        return "" if applied <= stored else f"{path}: a rising wait was told"
    return "" if applied == stored else f"{path}: applied {applied!r}, stored {stored!r}"


async def step_of(screens: Iterable[Watched], what: str, done: Awaitable[Any]) -> Any:
    """What was done gives; after it every screen soon shows what is stored."""
    result = await done
    for screen in screens:
        try:
            await screen.agrees()
        except AssertionError as error:
            raise AssertionError(f"after “{what}”: {error}") from None
    return result


class Shift:
    """The play: each step is done, and then both desks must agree."""

    def __init__(self, centre: Centre, lucia: Desk, elena: Desk, reducer: Reducer) -> None:
        self.centre = centre
        self.lucia = lucia
        self.elena = elena
        self.watched = [Watched(lucia, reducer), Watched(elena, reducer)]

    async def step(self, what: str, done: Awaitable[Any]) -> Any:
        return await step_of(self.watched, what, done)

    async def offer(self, desk: Desk, visitor_queue: str = "SA") -> tuple[Any, Payload]:
        """A new visitor, and the offer to this desk."""
        before = len(desk.log)
        visitor = await self.centre.visitor(name="Ana Prueba", queue=visitor_queue, message="Hola")

        def newest() -> Payload | None:
            for name, payload in desk.log[before:]:
                if name == "reservation.created":
                    return payload
            return None

        return visitor, await desk.until(newest, "an offer")

    async def ended(self, desk: Desk, name: str, reservation: Payload) -> None:
        def found() -> bool:
            return any(
                n == name and p["reservation_id"] == reservation["reservation_id"]
                for n, p in desk.log
            )

        await desk.until(found, name)

    async def emit(self, make: Callable[[], Any]) -> None:
        async with self.centre.house.deps.work.begin("test.emit", "system") as work:
            work.emit(make())


async def test_a_shift_applied_is_the_shift_stored(centre: Centre, reducer: Reducer) -> None:
    lucia = await centre.desk(LUCIA)
    elena = await centre.desk("supervisor1@aintech.com")
    shift = Shift(centre, lucia, elena, reducer)
    step = shift.step

    await step("available", lucia.available())
    carmen = await step("a colleague comes", centre.desk(CARMEN))
    await step("and goes", carmen.leave())

    # An offer taken, a talk, set aside, taken up again, wrapped up.
    visitor, offer = await step("an offer", shift.offer(lucia))
    taking = {"reservation_id": offer["reservation_id"]}
    taken = await step("accept", lucia.do("reservation.accept", taking))
    mine = {"interaction_id": taken["interaction"]["interaction_id"]}
    said = await step("the customer writes", visitor.say("¿Me oye?"))
    read = {"conversation_id": visitor.id, "message_id": said["message_id"]}
    await step("the agent reads", lucia.do("chat.read", read))
    answer = await step("the agent writes", lucia.say(visitor.id, "Sí, dígame"))
    await step("a note", lucia.say(visitor.id, "Es cliente", kind="note"))
    read = {"conversation_id": visitor.id, "message_id": answer["message_id"]}
    await step("the customer reads", visitor.do("chat.read", read))
    for number in range(3):
        await step("more", visitor.say(f"línea {number}"))
    await step("hold", lucia.do("interaction.hold", mine))
    await step("the customer answers", visitor.say("Ya está"))
    until = (centre.clock.now() + timedelta(hours=2)).isoformat()
    await step("snooze", lucia.do("interaction.snooze", {**mine, "until": until}))
    await step("resume", lucia.do("interaction.resume", mine))
    await step("hold again", lucia.do("interaction.hold", mine))
    centre.clock.advance(timedelta(minutes=6))
    await step("parked work takes no units any more", _heard(lucia, "interaction.cost_changed"))
    await step("the customer leaves", visitor.do("chat.close"))
    await step("extend", lucia.do("interaction.wrap_up", {**mine, "extend": True}))
    await step("wrap up", lucia.do("interaction.wrap_up", {**mine, "disposition": "other"}))

    # Every way in which an offer can end.
    visitor, offer = await step("a second offer", shift.offer(lucia))
    await step("the customer leaves first", visitor.do("chat.close"))
    await step("cancelled", shift.ended(lucia, "reservation.cancelled", offer))
    visitor, offer = await step("a third offer", shift.offer(lucia))
    rejecting = {"reservation_id": offer["reservation_id"], "reason": "busy"}
    await step("reject", lucia.do("reservation.reject", rejecting))
    centre.clock.advance(timedelta(seconds=11))  # past the pause after it
    await step("and gone", visitor.do("chat.close"))
    visitor, offer = await step("a fourth offer", shift.offer(lucia))
    centre.clock.advance(timedelta(seconds=31))
    await step("timed out", shift.ended(lucia, "reservation.timed_out", offer))
    await step("gone too", visitor.do("chat.close"))
    await step("available again", lucia.available())
    centre.clock.advance(timedelta(seconds=11))

    # A transfer to the other desk, and what the first one sees of it.
    visitor, offer = await step("a fifth offer", shift.offer(lucia))
    taking = {"reservation_id": offer["reservation_id"]}
    taken = await step("accept it", lucia.do("reservation.accept", taking))
    mine = {"interaction_id": taken["interaction"]["interaction_id"]}
    await step("the supervisor is there", elena.available())
    theirs = {**mine, "agent_id": elena.state["me"]["agent_id"], "note": "Quiere a la jefa"}
    await step("transfer", lucia.do("interaction.transfer", theirs))
    await step("taken over", elena.accepts())
    await step("they write", elena.say(visitor.id, "Soy Elena"))
    await step("help", elena.do("agent.help", mine))
    await step("her desk accepts by itself", _auto_answer(centre, elena))
    await step("the supervisor closes", elena.do("interaction.close", mine))
    done = {**mine, "disposition": "other", "note": "Todo bien"}
    await step("and wraps up", elena.do("interaction.wrap_up", done))

    # What only voice or a lost desk brings about is said by the fact alone.
    visitor, offer = await step("a sixth offer", shift.offer(lucia))
    taking = {"reservation_id": offer["reservation_id"]}
    taken = await step("accept again", lucia.do("reservation.accept", taking))
    interaction = UUID(taken["interaction"]["interaction_id"])
    agent = UUID(lucia.state["me"]["agent_id"])
    await step(
        "held",
        shift.emit(
            lambda: InteractionHeld(
                interaction_id=interaction,
                segment_id=UUID(taken["interaction"]["segment"]["segment_id"]),
                agent_id=agent,
                channel="chat",
            )
        ),
    )
    await step(
        "what somebody else does in it",
        shift.emit(
            lambda: InteractionHeld(
                interaction_id=interaction,
                segment_id=UUID(taken["interaction"]["segment"]["segment_id"]),
                agent_id=UUID(elena.state["me"]["agent_id"]),
                channel="chat",
            )
        ),
    )
    await step(
        "rescinded",
        shift.emit(
            lambda: ReservationRescinded(
                reservation_id=UUID(offer["reservation_id"]),
                work_item_id=interaction,
                interaction_id=interaction,
                agent_id=agent,
                queue="SA",
                channel="chat",
            )
        ),
    )
    await step(
        "a card whose interaction has closed for another",
        shift.emit(
            lambda: InteractionClosed(
                interaction_id=interaction,
                conversation_id=UUID(visitor.id),
                channel="chat",
                reason="completed",
            )
        ),
    )
    wish = {"status": "away", "reason": "break", "after_this": True}
    await step("a break when this is done", lucia.do("agent.set_status", wish))
    closing = {"interaction_id": str(interaction), "disposition": "other"}
    await step("close", lucia.do("interaction.close", closing))
    await step(
        "a customer's file changes",
        shift.emit(
            lambda: TaskCancelled(
                task_id=interaction, customer_id=None, assigned_to=None, assigned_agent=None
            )
        ),
    )

    covered = set.union(*(watched.covered for watched in shift.watched))
    assert covered & OF_A_DESK == OF_A_DESK


async def _auto_answer(centre: Centre, desk: Desk) -> None:
    agent_id = desk.snapshots[-1]["state"]["me"]["agent_id"]
    token = await centre.supervisor_token()
    status, profile = await centre.http(
        "PATCH", f"/agents/{agent_id}", token=token, json={"auto_answer": True}
    )
    assert (status, profile["auto_answer"]) == (200, True)
    await _heard(desk, "agent.me_changed")


async def _heard(desk: Person, name: str) -> None:
    await desk.until(lambda: any(heard == name for heard, _ in desk.log), name)


async def test_a_change_of_skills_brings_the_other_queues(centre: Centre, reducer: Reducer) -> None:
    """Rooms change, so a snapshot says it; from there on, events do again."""
    lucia = await centre.desk(LUCIA)
    assert "CO" not in lucia.state["me"]["queues"]
    token = await centre.supervisor_token()
    status, _ = await centre.http(
        "PATCH",
        f"/agents/{lucia.state['me']['agent_id']}/skills",
        token=token,
        json={"skills": {"CO": 3}},
    )
    assert status == 200
    await lucia.until(lambda: len(lucia.snapshots) > 1, "another snapshot")
    assert lucia.state["me"]["queues"] == ["CO"]
    watched = Watched(lucia, reducer, len(lucia.log))
    await centre.visitor(queue="CO", message="Hola")
    await centre.visitor(queue="SA", message="Hola")
    await _heard(lucia, "queue.item_changed")
    await watched.agrees()
    assert {item["queue"] for item in watched.state["queue"].values()} == {"CO"}


async def test_a_chat_applied_is_the_chat_stored(centre: Centre, visitors: Reducer) -> None:
    """The visitor's side. Whatever the widget did not understand would have been seen: so does a
    widget that is deaf to one event."""
    first = await centre.visitor(name="Blas Prueba", queue="SA", message="Yo antes")
    ana = await centre.visitor(name="Ana Prueba", queue="SA", message="Hola")
    watched = Watched(ana, visitors)
    begun = watched.state
    assert begun["conversation"]["position"] == 2

    step = partial(step_of, [watched])
    await step("more", ana.say("¿Hay alguien?"))
    await step("the first one leaves", first.do("chat.close"))
    await step("and the place is told", _heard(ana, "queue.position"))
    lucia = await step("somebody is there", centre.desk(LUCIA))
    await lucia.available()
    taken = await step("accept", lucia.accepts())
    mine = {"interaction_id": taken["interaction"]["interaction_id"]}
    said = await step("the agent writes", lucia.say(ana.id, "Buenos días"))
    read = {"conversation_id": ana.id, "message_id": said["message_id"]}
    await step("the customer reads", ana.do("chat.read", read))
    answer = await step("the customer writes", ana.say("Es por el coche"))
    read = {"conversation_id": ana.id, "message_id": answer["message_id"]}
    await step("the agent reads", lucia.do("chat.read", read))
    await step("a note", lucia.say(ana.id, "Es cliente", kind="note"))
    await step("hold", lucia.do("interaction.hold", mine))
    await step("the customer answers", ana.say("Ya está"))
    await step("the agent goes", lucia.do("interaction.transfer", {**mine, "queue": "PR"}))
    carmen = await step("another comes", centre.desk(CARMEN))
    await carmen.available()
    await step("taken over", carmen.accepts())
    await step("closed", carmen.do("interaction.close", mine))
    await step("one word more", ana.say("Otra cosa"))
    await step("the end", ana.do("chat.close"))

    assert watched.covered & OF_A_VISITOR == OF_A_VISITOR
    for name in sorted(OF_A_VISITOR):
        assert await watched.needs(name, begun), f"nobody would miss {name}"
