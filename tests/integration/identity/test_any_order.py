"""Whatever order somebody registers, signs in, refreshes, resets and signs out in, each answer is
the one that a model of the doors gives: the real API over HTTP, against a real PostgreSQL."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import hypothesis
import pyotp
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from contactcenter.core.limits import Limit
from contactcenter.core.pace import Pace
from contactcenter.identity import two_factor
from tests.conftest import NIGHTLY
from tests.integration.identity.door import STRONG, Client, Letters, MovableClock, call

EXAMPLES = 1_000 if NIGHTLY else 8
STEPS = 30 if NIGHTLY else 20
ACCESS = timedelta(minutes=15, seconds=10)  # with the clocks' tolerance
REFRESH, SESSION = timedelta(days=7), timedelta(days=30)
GRACE, SECOND_STEP = timedelta(seconds=10), timedelta(minutes=5)
LINKS = {"verify": timedelta(days=3), "reset": timedelta(hours=1)}
SPANS = (3.0, 31.0, 360.0, 1200.0, 7200.0, 8 * 86_400.0)  # seconds; none ends on a limit
PICK = st.integers(0, 20)


@dataclass
class Seat:
    """A session as the model has it: its refresh tokens in the order of their making."""

    access: str
    access_made: datetime
    made: datetime
    refresh: list[str]
    refresh_made: list[datetime]
    rotated: list[datetime] = field(default_factory=list)  # of all but the last
    ended: bool = False


@dataclass
class Doors:
    """What a machine speaks to: the API, and the loop that it runs in."""

    client: Client
    letters: Letters
    clock: MovableClock
    loop: asyncio.AbstractEventLoop
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    def wait(self, doing: Awaitable[Any]) -> Any:
        async def done() -> Any:
            return await doing

        return asyncio.run_coroutine_threadsafe(done(), self.loop).result(30)

    def ask(self, method: str, path: str, token: str | None = None, /, **body: Any) -> Any:
        return self.wait(call(self.client, method, path, token, **body))


class Person(RuleBasedStateMachine):
    """Somebody with an address of their own, and what the model knows of them."""

    def __init__(self, doors: Doors) -> None:
        super().__init__()
        self.doors = doors
        self.email = f"person{next(self.doors.numbers)}@example.com"
        self.password = STRONG
        self.verified = False
        self.seats: list[Seat] = []
        self.pending: str | None = None  # a secret that is not confirmed
        self.secret: str | None = None
        self.last_step = 0
        self.recovery: list[str] = []
        self.steps: dict[str, datetime] = {}  # tokens of a second step that are worth something
        self.gone: list[str] = []  # and those that are not any more
        self.links: dict[str, dict[str, datetime]] = {"verify": {}, "reset": {}}
        self.used: list[str] = []

    @property
    def now(self) -> datetime:
        return self.doors.clock.now()

    def alive(self, seat: Seat) -> bool:
        return not seat.ended and self.now < seat.made + SESSION

    def good(self, seat: Seat) -> bool:
        """Whether its access token opens a door."""
        return self.alive(seat) and self.now < seat.access_made + ACCESS

    def seat(self, pick: int) -> Seat:
        return self.seats[-1 - pick % len(self.seats)]

    def sit(self, body: dict[str, Any]) -> None:
        assert body["user"]["email_verified"] is self.verified
        token = body["refresh_token"]
        self.seats.append(Seat(body["access_token"], self.now, self.now, [token], [self.now]))

    def letter(self, kind: str) -> None:
        async def found() -> str:
            async with asyncio.timeout(15):
                while True:
                    for letter in await self.doors.letters.all():
                        _, mark, rest = letter["body"].partition(f"/account/{kind}#")
                        token = rest.split()[0] if mark else ""
                        known = token in self.links[kind] or token in self.used
                        if mark and letter["address"] == self.email and not known:
                            return token
                    await asyncio.sleep(0.01)

        self.links[kind][self.doors.wait(found())] = self.now

    @initialize()
    def register(self) -> None:
        status, _ = self.doors.ask("POST", "/auth/register", **self.form())
        assert status == 202
        self.letter("verify")

    def form(self) -> dict[str, str]:
        names = {"first_name": "Grace", "last_name": "Hopper"}
        return {"email": self.email, "password": self.password, **names}

    @rule()
    def register_again(self) -> None:
        form = {**self.form(), "password": f"{STRONG}-other"}
        assert self.doors.ask("POST", "/auth/register", **form)[0] == 202

    @rule(span=st.sampled_from(SPANS))
    def time_passes(self, span: float) -> None:
        self.doors.clock.pass_(seconds=span)

    @rule(right=st.sampled_from((True, True, True, False)))
    def sign_in(self, right: bool) -> None:
        password = self.password if right else f"{self.password}?"
        status, body = self.doors.ask("POST", "/auth/login", email=self.email, password=password)
        assert status == (200 if right else 401), body
        if not right:
            return
        assert body["requires_2fa"] is (self.secret is not None)
        if self.secret is None:
            self.sit(body)
        else:
            assert body["access_token"] is None
            self.steps[body["temp_token"]] = self.now

    @precondition(lambda self: self.seats)
    @rule(pick=PICK)
    def look(self, pick: int) -> None:
        seat = self.seat(pick)
        status, body = self.doors.ask("GET", "/auth/me", seat.access)
        assert status == (200 if self.good(seat) else 401)
        if status == 200:
            assert body["user"]["email_verified"] is self.verified
            assert body["user"]["two_factor_enabled"] is (self.secret is not None)

    @precondition(lambda self: self.seats)
    @rule(pick=PICK)
    def list_sessions(self, pick: int) -> None:
        seat = self.seat(pick)
        status, body = self.doors.ask("GET", "/auth/sessions", seat.access)
        assert status == (200 if self.good(seat) else 401)
        if status == 200:
            assert len(body["items"]) == sum(map(self.alive, self.seats))

    @precondition(lambda self: self.seats)
    @rule(pick=PICK, back=st.sampled_from((0, 0, 1, 2)))
    def refresh(self, pick: int, back: int) -> None:
        seat = self.seat(pick)
        place = max(len(seat.refresh) - 1 - back, 0)
        token = seat.refresh[place]
        status, body = self.doors.ask("POST", "/auth/refresh", refresh_token=token)
        if not self.alive(seat) or seat.refresh_made[place] + REFRESH <= self.now:
            assert status == 401
        elif place < len(seat.rotated) and self.now - seat.rotated[place] > GRACE:
            assert status == 401, "a token that was used long ago"
            seat.ended = True
        else:
            assert status == 200, body
            seat.access, seat.access_made = body["access_token"], self.now
            if place < len(seat.rotated):
                assert body["refresh_token"] == seat.refresh[place + 1], "the same successor"
            else:
                seat.rotated.append(self.now)
                seat.refresh.append(body["refresh_token"])
                seat.refresh_made.append(self.now)

    @precondition(lambda self: self.seats)
    @rule(pick=PICK)
    def sign_out(self, pick: int) -> None:
        seat = self.seat(pick)
        good = self.good(seat)
        assert self.doors.ask("POST", "/auth/logout", seat.access)[0] == (204 if good else 401)
        seat.ended = seat.ended or good

    @precondition(lambda self: self.seats)
    @rule(pick=PICK)
    def sign_out_elsewhere(self, pick: int) -> None:
        seat = self.seat(pick)
        good = self.good(seat)
        assert self.doors.ask("DELETE", "/auth/sessions", seat.access)[0] == (204 if good else 401)
        for other in self.seats:
            other.ended = other.ended or (good and other is not seat)

    @precondition(lambda self: self.seats)
    @rule(pick=PICK)
    def set_up(self, pick: int) -> None:
        seat = self.seat(pick)
        status, body = self.doors.ask("POST", "/auth/2fa/enable", seat.access)
        assert status == (401 if not self.good(seat) else 409 if self.secret else 200)
        if status == 200:
            self.pending, self.last_step = body["secret"], 0

    def code(self, secret: str | None, right: bool) -> str:
        code = pyotp.TOTP(secret or "A" * 32).at(self.now)
        return code if right else f"{(int(code) + 1) % 10**6:06}"

    def step_is_new(self) -> bool:
        return int(self.now.timestamp()) // 30 > self.last_step

    @precondition(lambda self: self.seats)
    @rule(pick=PICK, right=st.sampled_from((True, True, False)))
    def confirm(self, pick: int, right: bool) -> None:
        seat = self.seat(pick)
        code = self.code(self.pending, right)
        status, body = self.doors.ask("POST", "/auth/2fa/verify", seat.access, code=code)
        if not self.good(seat):
            assert status == 401
        elif self.pending is None:
            assert status == 409
        elif not right:
            assert status == 422
        else:
            assert status == 200, body
            self.secret, self.pending = self.pending, None
            self.last_step = int(self.now.timestamp()) // 30
            self.recovery = body["recovery_codes"]

    @precondition(lambda self: self.seats)
    @rule(pick=PICK, how=st.sampled_from(("right", "right", "wrong", "recovery")))
    def switch_off(self, pick: int, how: str) -> None:
        seat = self.seat(pick)
        if how == "recovery" and self.recovery:
            code, right = self.recovery[-1], True
        else:
            code = self.code(self.secret, how == "right")
            right = how == "right" and self.secret is not None and self.step_is_new()
        status, body = self.doors.ask("POST", "/auth/2fa/disable", seat.access, code=code)
        good = self.good(seat)
        assert status == (204 if good and right else 422 if good else 401), (how, good, body)
        if status == 204:
            self.secret, self.pending, self.recovery = None, None, []

    @precondition(lambda self: self.steps or self.gone)
    @rule(pick=PICK, how=st.sampled_from(("right", "right", "wrong", "recovery")))
    def second_step(self, pick: int, how: str) -> None:
        tokens = [*self.gone, *self.steps]
        token = tokens[-1 - pick % len(tokens)]
        if how == "recovery" and self.recovery:
            code, right = self.recovery[-1], True
        else:
            code = self.code(self.secret, how == "right")
            right = how == "right" and self.secret is not None and self.step_is_new()
        given = {"temp_token": token, "code": code}
        status, body = self.doors.ask("POST", "/auth/2fa/login", **given)
        holds = token in self.steps and self.now < self.steps[token] + SECOND_STEP
        assert status == (200 if holds and right else 401), (how, holds, body)
        if status == 200:
            self.gone.append(token)
            del self.steps[token]
            if how == "recovery" and self.recovery:
                self.recovery.pop()
            else:
                self.last_step = int(self.now.timestamp()) // 30
            self.sit(body)

    @rule()
    def forget(self) -> None:
        assert self.doors.ask("POST", "/auth/forgot-password", email=self.email)[0] == 200
        self.letter("reset")

    def link(self, kind: str, pick: int) -> tuple[str, bool]:
        """A link of a letter, or one that was used; whether it is good."""
        known = [*self.used, *self.links[kind]]
        token = known[-1 - pick % len(known)] if known else "nothing"
        written = self.links[kind].get(token)
        return token, written is not None and self.now < written + LINKS[kind]

    def use(self, kind: str, token: str) -> None:
        del self.links[kind][token]
        self.used.append(token)

    @rule(pick=PICK)
    def verify(self, pick: int) -> None:
        token, good = self.link("verify", pick)
        given = {"token": token, "password": self.password}
        assert self.doors.ask("POST", "/auth/verify-email", **given)[0] == (204 if good else 422)
        if good:
            self.use("verify", token)
            for seat in self.seats:
                seat.ended = seat.ended or not self.verified
            self.verified = True

    @precondition(lambda self: self.links["reset"] or self.used)
    @rule(pick=PICK)
    def reset(self, pick: int) -> None:
        token, good = self.link("reset", pick)
        password = f"{STRONG}{next(self.doors.numbers)}"
        given = {"token": token, "new_password": password}
        status, body = self.doors.ask("POST", "/auth/reset-password", **given)
        assert status == (204 if good else 422), body
        if not good:
            return
        self.use("reset", token)
        self.used += self.links["reset"]
        self.links["reset"].clear()
        self.gone += self.steps
        self.steps.clear()
        for seat in self.seats:
            seat.ended = True
        if not self.verified:  # whoever set it up had not shown that the address is theirs
            self.secret, self.pending, self.recovery = None, None, []
        self.verified, self.password = True, password

    def teardown(self) -> None:
        for pick in range(len(self.seats)):
            self.look(pick)


@pytest.fixture
async def doors(client: Client, letters: Letters, clock: MovableClock) -> Doors:
    return Doors(client, letters, clock, asyncio.get_running_loop())


@pytest.fixture(autouse=True)
def no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Haste has tests of its own."""
    endless = Pace(free=10**6, first_pause=1, longest_pause=1, forget_after=1)
    for name in ("two_factor.CODE_PACE", "service.CODE_PACE", "service.ACCOUNT_PACE",
                 "service.ADDRESS_PACE"):  # fmt: skip
        monkeypatch.setattr(f"contactcenter.identity.{name}", endless)
    for name in ("routes.SIGN_IN_LIMIT", "routes.LETTER_LIMIT", "accounts.LETTERS"):
        monkeypatch.setattr(f"contactcenter.identity.{name}", Limit(1e6, 10**6))
    for name in ("http.SIGNED_IN_LIMIT", "http.PUBLIC_LIMIT", "door.WORTHLESS_LIMIT",
                 "door.TOKEN_LIMIT"):  # fmt: skip
        monkeypatch.setattr(f"contactcenter.core.{name}", Limit(1e6, 10**6))


def run(doors: Doors, examples: int, *, shrink: bool) -> None:
    phases = [hypothesis.Phase.generate, *([hypothesis.Phase.shrink] if shrink else [])]
    settings = hypothesis.settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        derandomize=not NIGHTLY,
        phases=phases,
        suppress_health_check=list(hypothesis.HealthCheck),
    )

    class Somebody(Person):
        def __init__(self) -> None:
            super().__init__(doors)

    run_state_machine_as_test(Somebody, settings=settings)


# The centre runs in this process, and draws at random what it likes while an example is drawn.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
async def test_every_answer_is_the_model_s(doors: Doors) -> None:
    await asyncio.to_thread(run, doors, EXAMPLES, shrink=True)


async def nothing(*_: Any, **__: Any) -> list[Any]:
    return []


async def nobody(*_: Any, **__: Any) -> None:
    return None


def shows_an_old_token(person: Person) -> None:
    person.sign_in(right=True)
    person.refresh(pick=0, back=0)
    person.time_passes(31.0)
    person.refresh(pick=0, back=1)


def sets_a_new_password(person: Person) -> None:
    person.sign_in(right=True)
    person.forget()
    person.reset(pick=0)
    person.refresh(pick=0, back=0)


def gives_a_code_twice(person: Person) -> None:
    person.sign_in(right=True)
    person.set_up(pick=0)
    person.confirm(pick=0, right=True)
    person.sign_in(right=True)
    person.second_step(pick=0, how="right")


def switches_the_second_step_off(person: Person) -> None:
    person.sign_in(right=True)
    person.set_up(pick=0)
    person.confirm(pick=0, right=True)
    person.switch_off(pick=0, how="recovery")
    person.sign_in(right=True)


MATCHING = two_factor.matching_step
BROKEN: dict[str, tuple[str, Any, Callable[[Person], None]]] = {
    "an old refresh token goes on working": (
        "contactcenter.identity.service.ROTATION_GRACE",
        timedelta(days=1),
        shows_an_old_token,
    ),
    "sessions outlive a new password": (
        "contactcenter.identity.accounts.end_sessions",
        nothing,
        sets_a_new_password,
    ),
    "a code counts twice": (
        "contactcenter.identity.two_factor.matching_step",
        lambda secret, code, now, **_: MATCHING(secret, code, now, after=0),
        gives_a_code_twice,
    ),
    "the second step stays on": (
        "contactcenter.identity.two_factor.store.remove",
        nobody,
        switches_the_second_step_off,
    ),
}


@pytest.mark.parametrize("what", BROKEN)
async def test_a_broken_door_is_found_out(
    doors: Doors, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the shortest way to it; at night also by chance."""
    name, broken, way = BROKEN[what]

    def walk() -> None:
        person = Person(doors)
        person.register()
        way(person)

    await asyncio.to_thread(walk)
    monkeypatch.setattr(name, broken)
    with pytest.raises(AssertionError):
        await asyncio.to_thread(walk)
    if NIGHTLY:
        with pytest.raises(AssertionError):
            await asyncio.to_thread(run, doors, 1_000, shrink=False)
