"""The script: when simulated people act, and how they take what the log tells them.

`Play` keeps a heap of moments and what is to be done at each. It reads no clock: whoever drives
it says what time it is, so a morning is played in a second and the live demo at life's pace.
What is open is read from the tables at the start (`adopt`): how long a customer will wait and a
conversation last lies in the interaction's own row, so a killed demo goes on where it was.

A simulated agent steps aside when a person's desk connects as that agent: what they had is
ended, and they come back when the person has left. Simulated desks never declare web chat, which
is left to people: who writes from `/demo` waits for somebody real.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Awaitable, Callable, Iterable, Mapping
from random import Random
from typing import Any, Final, Protocol
from uuid import UUID

import structlog

from contactcenter.core.errors import Problem, Unavailable
from contactcenter.core.event import Event
from contactcenter.core.moments import to_ms
from contactcenter.demo import store, words
from contactcenter.demo.stage import Stage
from contactcenter.demo.store import OpenPart, Player
from contactcenter.events.agents import AgentPresenceChanged, AgentStatusChanged
from contactcenter.events.interactions import (
    InteractionClosed,
    InteractionParked,
    InteractionQueued,
    InteractionResumed,
    InteractionTransferred,
    InteractionWrapStarted,
)
from contactcenter.events.routing import ReservationAccepted, ReservationCreated
from contactcenter.interactions.model import Channel

log = structlog.get_logger(__name__)

HEARD: Final[tuple[type[Event], ...]] = (
    AgentPresenceChanged,
    AgentStatusChanged,
    InteractionClosed,
    InteractionParked,
    InteractionQueued,
    InteractionResumed,
    InteractionTransferred,
    InteractionWrapStarted,
    ReservationAccepted,
    ReservationCreated,
)

SECOND: Final = 1_000
MINUTE: Final = 60_000
BEAT_MS: Final = 8_000
LOOK_MS: Final = 30_000  # arrivals are drawn anew this often, so a changed level holds soon
MISS_SHARE: Final = 0.007
AT_ONCE_MS: Final = 50
STRANGERS: Final = 0.25  # callers of whom we know the number only
REPLY_AFTER: Final = 0.6  # of the handling time: then the agent writes, and closes at its end
FAREWELL_MS: Final = 20 * SECOND  # a chat ends this long after the agent's last words
BREAK_EVERY_MS: Final = 100 * MINUTE
OWN_ABSENCES: Final[Mapping[tuple[str, str | None], tuple[int, int]]] = {
    ("away", "break"): (4 * MINUTE, 9 * MINUTE),
    ("away", "missed"): (5 * SECOND, 20 * SECOND),
}
"""Why a simulated agent is away of its own doing, and for how long."""
WRITTEN: Final = frozenset({"chat", "whatsapp", "sms", "email"})


class Crowd(Protocol):
    """Who comes and what they need: the demo centre's tables and distributions."""

    def rates(self, at_ms: int) -> Mapping[tuple[str, Channel], float]:
        """(queue, channel) → contacts per half hour at this moment."""

    def front(self, dice: Random) -> Iterable[tuple[int, str]]:
        """The first calls of a hail: (milliseconds after it began, queue)."""

    def patience_ms(self, channel: Channel, dice: Random) -> int | None:
        """How long this customer waits; None: until somebody answers."""

    def handle_ms(self, queue: str, channel: Channel, dice: Random) -> int:
        """How long the talk or the work takes, wrap-up not included."""

    def wrap_ms(self, channel: Channel, dice: Random) -> int:
        """How long the paperwork takes."""


Act = Callable[[], Awaitable[None]]


class Play:
    """See the module."""

    def __init__(
        self,
        stage: Stage,
        crowd: Crowd,
        phones: Iterable[str],
        dice: Random,
        *,
        web_chat: bool = False,
    ) -> None:
        """`web_chat`: simulated desks take it too; only in the morning before anybody came."""
        self.level = 1.0
        """Arrivals as a multiple of the crowd's own rates."""
        self._stage = stage
        self._crowd = crowd
        self._phones = tuple(phones)
        self._dice = dice
        self._web_chat = web_chat
        self._players: dict[UUID, Player] = {}
        self._away: set[UUID] = set()  # agents whom a person plays just now
        self._status: dict[UUID, tuple[str, str | None]] = {}
        self._parts: dict[UUID, OpenPart] = {}  # simulated interactions that are open
        self._paused: set[UUID] = set()  # of these, those set aside for a call
        self._agenda: list[tuple[int, int, Act]] = []
        self._order = itertools.count()
        self._now = 0

    # time

    def next_due(self) -> int | None:
        """The moment of the next act."""
        return self._agenda[0][0] if self._agenda else None

    async def act(self, now_ms: int) -> None:
        """Do what is due. An act that comes too late (somebody else was faster) is dropped."""
        while self._agenda and self._agenda[0][0] <= now_ms:
            due, _, act = heapq.heappop(self._agenda)
            self._now = max(self._now, due)
            await self._try(act())
        self._now = max(self._now, now_ms)

    async def _try(self, act: Awaitable[object]) -> None:
        """Wait for an act; one that comes too late is none."""
        try:
            await act
        except Unavailable:
            raise  # the database: whoever drives this begins anew
        except Problem as problem:
            log.debug("demo_act_dropped", code=problem.code, detail=problem.detail)

    def _in(self, delay_ms: float, act: Act) -> None:
        heapq.heappush(self._agenda, (self._now + int(delay_ms), next(self._order), act))

    def _between(self, low_ms: int, high_ms: int) -> int:
        return self._dice.randint(low_ms, high_ms)

    # the beginning

    async def adopt(self, now_ms: int) -> None:
        """Take the stage: agents sit down, and go on with whatever is open."""
        self._now = now_ms
        async with self._stage.work.reading("demo.adopt") as conn:
            players = await store.players(conn)
            parts = await store.open_parts(conn)
            pending = await store.ringing(conn)
        self._players = {player.agent_id: player for player in players}
        self._away = {player.agent_id for player in players if player.person}
        self._status = {player.agent_id: (player.status, player.reason) for player in players}
        for player in players:
            if not player.person:
                await self._take_seat(player.agent_id)
            self._in(self._dice.expovariate(1 / BREAK_EVERY_MS), self._break(player.agent_id))
        for part in parts:
            self._parts[part.interaction_id] = part
            if part.agent_id is None:
                self._await_leaving(part, to_ms(part.queued_at))
            elif self._plays(part.agent_id):
                self._go_on(part)
            elif part.channel == "voice":
                self._in(int(part.script.get("handle_ms", MINUTE)), self._hang_up(part))
        for reservation_id, agent_id, interaction_id, channel in pending:
            if self._plays(agent_id):
                self._pick_up(reservation_id, agent_id, interaction_id, channel)
        self._in(BEAT_MS, self._beat)
        self._in(0, self._look)

    def _plays(self, agent_id: UUID) -> bool:
        return agent_id in self._players and agent_id not in self._away

    def _go_on(self, part: OpenPart) -> None:
        """An agent's part that was open: finish it when its time is up, or soon."""
        assert part.agent_id is not None
        if part.segment_state == "wrapping":
            self._in(self._wrap_ms(part), self._wrap_up(part.agent_id, part.interaction_id))
            return
        started = to_ms(part.started_at) if part.started_at is not None else self._now
        rest = max(SECOND, started + int(part.script.get("handle_ms", MINUTE)) - self._now)
        if part.park_reason == "interrupted":
            self._paused.add(part.interaction_id)
        self._in(rest, self._finish(part.agent_id, part.interaction_id))

    async def _take_seat(self, agent_id: UUID) -> None:
        channels = self._players[agent_id].channels
        if not self._web_chat or "voice" in channels:  # the written team chats, the others talk
            channels = tuple(channel for channel in channels if channel != "chat")
        await self._stage.sit_down(agent_id, channels)
        if self._status[agent_id][0] not in {"available", "on_demand"}:
            await self._stage.wish(agent_id, "available")

    async def _beat(self) -> None:
        self._in(BEAT_MS, self._beat)
        await self._stage.stay(sorted(agent for agent in self._players if self._plays(agent)))

    # customers

    async def _look(self) -> None:
        """Draw who comes until the next look."""
        self._in(LOOK_MS, self._look)
        rates = self._rates()
        total = sum(rates.values()) / (30 * MINUTE)
        at = self._dice.expovariate(total) if total > 0 else LOOK_MS
        while at < LOOK_MS:
            ((queue, channel),) = self._dice.choices(list(rates), list(rates.values()))
            self._in(at, self._arrival(queue, channel))
            at += self._dice.expovariate(total)

    def hail_begins(self) -> None:
        """Its front calls at once, as many as the level lets through."""
        for after_ms, queue in self._crowd.front(self._dice):
            if self._dice.random() < self.level:
                self._in(after_ms, self._arrival(queue, "voice"))

    def _rates(self) -> dict[tuple[str, Channel], float]:
        return {
            (queue, channel): rate * self.level
            for (queue, channel), rate in self._crowd.rates(self._now).items()
            if self._web_chat or channel != "chat"
        }

    def _arrival(self, queue: str, channel: Channel) -> Act:
        async def act() -> None:
            await self.arrive(queue, channel)

        return act

    async def arrive(self, queue: str, channel: Channel) -> UUID:
        """One customer comes now."""
        contact_id = None
        if self._dice.random() > STRANGERS or channel == "email":
            salt = str(self._dice.random())
            async with self._stage.work.reading("demo.customer") as conn:
                contact_id = await store.free_customer(conn, self._phones, channel, salt)
        if contact_id is None:
            number = f"+3460055{self._dice.randint(1000, 9999)}"
            contact_id = await self._stage.stranger(number, channel)
        patience_ms = self._crowd.patience_ms(channel, self._dice)
        script: dict[str, Any] = {"handle_ms": self._crowd.handle_ms(queue, channel, self._dice)}
        if patience_ms is not None:
            script["patience_ms"] = patience_ms
        text = words.opening(queue, self._dice) if channel in WRITTEN else None
        return await self._stage.arrive(
            contact_id, channel=channel, queue=queue, script=script, text=text
        )

    def _await_leaving(self, part: OpenPart, since_ms: int) -> None:
        patience_ms = part.script.get("patience_ms")
        if patience_ms is None:
            return

        async def leave() -> None:
            current = self._parts.get(part.interaction_id)
            if current is not None and current.agent_id is None:
                await self._stage.leave(part.interaction_id)

        self._in(max(SECOND, since_ms + int(patience_ms) - self._now), leave)

    # agents

    def _pick_up(
        self, reservation_id: UUID, agent_id: UUID, interaction_id: UUID, channel: str
    ) -> None:
        real_call = channel == "voice" and interaction_id not in self._parts
        if channel == "voice" and not real_call and self._dice.random() < MISS_SHARE:
            return
        low, high = (2, 7) if channel == "voice" else (3, 15)

        async def accept() -> None:
            # A person may have written or called: a simulated agent would have nothing to say.
            if not self._plays(agent_id):
                return
            if interaction_id in self._parts or channel not in {"chat", "voice"}:
                await self._stage.accept(agent_id, reservation_id)
            elif channel == "voice":
                await self._stage.decline(agent_id, reservation_id)

        # A real caller does not wait for simulated telephones while a person's could ring.
        soon = real_call and bool(self._away)
        self._in(AT_ONCE_MS if soon else self._between(low * SECOND, high * SECOND), accept)

    def _finish(self, agent_id: UUID, interaction_id: UUID) -> Act:
        """The end of a talk, or of written work."""

        async def act() -> None:
            part = self._parts.get(interaction_id)
            if part is None or part.agent_id != agent_id or not self._plays(agent_id):
                return
            if interaction_id in self._paused:
                self._in(20 * SECOND, self._finish(agent_id, interaction_id))
            elif part.channel in {"voice", "chat"}:
                await self._stage.leave(interaction_id)
            else:
                await self._stage.close(agent_id, interaction_id)

        return act

    def _hang_up(self, taken: OpenPart) -> Act:
        """A caller whom a person has taken leaves in the end as well."""

        async def act() -> None:
            part = self._parts.get(taken.interaction_id)
            if part is not None and part.agent_id == taken.agent_id:
                await self._stage.leave(taken.interaction_id)

        return act

    def _reply(self, agent_id: UUID, interaction_id: UUID) -> Act:
        async def act() -> None:
            part = self._parts.get(interaction_id)
            if part is not None and part.agent_id == agent_id and self._plays(agent_id):
                await self._stage.reply(agent_id, part, self._dice.choice(words.REPLIES))

        return act

    def _wrap_up(self, agent_id: UUID, interaction_id: UUID) -> Act:
        async def act() -> None:
            if self._plays(agent_id):
                disposition = self._dice.choice(words.DISPOSITIONS)
                await self._stage.wrap_up(agent_id, interaction_id, disposition)

        return act

    def _begin_wrap_up(self, event: InteractionWrapStarted) -> None:
        rest = self._crowd.wrap_ms(_channel(event.channel), self._dice)
        deadline = event.wrap_deadline

        async def take_longer() -> None:
            if self._plays(event.agent_id):
                await self._stage.take_longer(event.agent_id, event.interaction_id)

        if deadline is not None and rest > to_ms(deadline) - self._now - SECOND:
            self._in(max(0, to_ms(deadline) - self._now - 5 * SECOND), take_longer)
        self._in(rest, self._wrap_up(event.agent_id, event.interaction_id))

    def _wrap_ms(self, part: OpenPart) -> int:
        return self._crowd.wrap_ms(_channel(part.channel), self._dice)

    def _break(self, agent_id: UUID) -> Act:
        async def act() -> None:
            self._in(self._dice.expovariate(1 / BREAK_EVERY_MS), self._break(agent_id))
            if self._plays(agent_id) and self._status[agent_id][0] == "available":
                await self._stage.wish(agent_id, "away", "break")

        return act

    def _back(self, agent_id: UUID) -> Act:
        """The end of a break. An agent whom a supervisor sent away stays away."""

        async def act() -> None:
            if self._plays(agent_id) and self._status[agent_id] in OWN_ABSENCES:
                await self._stage.wish(agent_id, "available")

        return act

    # what the log tells

    def hear(self, event: Event, at_ms: int) -> None:
        """Take a fact; what follows from it is put on the agenda."""
        self._now = max(self._now, at_ms)
        match event:
            case InteractionQueued():
                self._in(0, self._queued(event.interaction_id))
            case ReservationCreated() if self._plays(event.agent_id):
                self._pick_up(
                    event.reservation_id, event.agent_id, event.interaction_id, event.channel
                )
            case ReservationAccepted():
                self._in(0, self._answered(event))
            case InteractionParked() if event.why == "interrupted":
                self._paused.add(event.interaction_id)
            case InteractionResumed():
                self._paused.discard(event.interaction_id)
            case InteractionTransferred():
                self._paused.discard(event.interaction_id)
            case InteractionWrapStarted() if self._plays(event.agent_id):
                self._begin_wrap_up(event)
            case InteractionClosed():
                self._parts.pop(event.interaction_id, None)
                self._paused.discard(event.interaction_id)
            case AgentStatusChanged() if event.agent_id in self._players:
                self._status[event.agent_id] = (event.status, event.reason)
                if (event.status, event.reason) in OWN_ABSENCES:
                    low, high = OWN_ABSENCES[event.status, event.reason]
                    self._in(self._between(low, high), self._back(event.agent_id))
            case AgentPresenceChanged() if event.agent_id in self._players:
                self._presence(event)

    def _queued(self, interaction_id: UUID) -> Act:
        """A visit began: if it is simulated, its customer's patience begins with it."""

        async def act() -> None:
            async with self._stage.work.reading("demo.part") as conn:
                part = await store.open_part(conn, interaction_id)
            if part is not None and part.agent_id is None:
                self._parts[interaction_id] = part
                self._await_leaving(part, self._now)

        return act

    def _answered(self, event: ReservationAccepted) -> Act:
        async def act() -> None:
            async with self._stage.work.reading("demo.part") as conn:
                part = await store.open_part(conn, event.interaction_id)
            if part is not None:
                self._parts[event.interaction_id] = part
            if not self._plays(event.agent_id):
                if part is not None and part.channel == "voice":  # a person took the call
                    self._in(int(part.script.get("handle_ms", MINUTE)), self._hang_up(part))
                return
            if part is None:
                await self._stage.send_back(event.agent_id, event.interaction_id, event.queue)
            elif part.agent_id == event.agent_id:
                handle_ms = int(part.script.get("handle_ms", MINUTE))
                if part.channel in WRITTEN:
                    reply = self._reply(event.agent_id, event.interaction_id)
                    late = part.channel == "chat"
                    self._in(handle_ms - FAREWELL_MS if late else handle_ms * REPLY_AFTER, reply)
                self._in(handle_ms, self._finish(event.agent_id, event.interaction_id))

        return act

    def _presence(self, event: AgentPresenceChanged) -> None:
        agent_id = event.agent_id
        if not event.present:
            self._in(SECOND, self._come_back(agent_id))
        elif "chat" in event.channels and not self._web_chat and agent_id not in self._away:
            self._in(0, self._step_aside(agent_id))

    def _step_aside(self, agent_id: UUID) -> Act:
        """A person is here: what the simulation had in these hands comes to its end at once."""

        async def act() -> None:
            self._away.add(agent_id)
            async with self._stage.work.reading("demo.step_aside") as conn:
                pending = await store.ringing(conn)
            for reservation_id, rung, _, channel in pending:
                if rung == agent_id and channel != "chat":
                    await self._try(self._stage.decline(agent_id, reservation_id))
            await self._tidy(agent_id)
            for seconds in (1, 4):  # what the router changed in the same moment
                self._in(seconds * SECOND, lambda: self._tidy(agent_id))

        return act

    async def _tidy(self, agent_id: UUID) -> None:
        """End the simulated work that an agent has open, paperwork included."""
        async with self._stage.work.reading("demo.tidy") as conn:
            parts = [p for p in await store.open_parts(conn) if p.agent_id == agent_id]
        for part in parts:
            if part.segment_state != "wrapping":
                await self._try(self._stage.leave(part.interaction_id))
            outcome = words.DISPOSITIONS[0]
            await self._try(self._stage.wrap_up(agent_id, part.interaction_id, outcome))

    def _come_back(self, agent_id: UUID) -> Act:
        """The person has left, or our own desk was silent: sit down."""

        async def act() -> None:
            self._away.discard(agent_id)
            await self._take_seat(agent_id)

        return act


def _channel(name: str) -> Channel:
    known: dict[str, Channel] = {
        "voice": "voice",
        "chat": "chat",
        "whatsapp": "whatsapp",
        "sms": "sms",
        "email": "email",
    }
    return known[name]
