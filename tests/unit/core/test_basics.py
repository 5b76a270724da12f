"""Clock, ids, problems, permissions, limits: the small things everything stands on."""

from __future__ import annotations

import inspect
import itertools
import time
from datetime import UTC, datetime, timedelta
from uuid import RFC_4122

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactcenter.core import ids
from contactcenter.core.access import (
    ANONYMOUS,
    PUBLIC,
    ROLE_PERMISSIONS,
    SYSTEM,
    Authenticators,
    Permission,
    Principal,
)
from contactcenter.core.clock import SystemClock
from contactcenter.core.errors import Forbidden, Problem, RateLimited, Unavailable
from contactcenter.core.limits import Buckets, Limit
from contactcenter.core.moments import from_ms, to_ms

CODES = {
    "invalid",
    "unauthenticated",
    "forbidden",
    "not_found",
    "conflict",
    "expired",
    "too_large",
    "rate_limited",
    "unsupported",
    "unavailable",
}


def test_the_clock_is_aware_and_shifted() -> None:
    now = SystemClock(timedelta(hours=5)).now()
    assert now.tzinfo is UTC
    assert timedelta(hours=4, minutes=59) < now - datetime.now(UTC) < timedelta(hours=5, minutes=1)


@given(st.datetimes(timezones=st.timezones()))
def test_milliseconds_round_down_and_come_back(moment: datetime) -> None:
    back = from_ms(to_ms(moment))
    assert timedelta(0) <= moment - back < timedelta(milliseconds=1)
    assert to_ms(back) == to_ms(moment)


def test_ids_are_version_7_and_ascend() -> None:
    made = [ids.new_id() for _ in range(5000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert {(one.version, one.variant) for one in made} == {(7, RFC_4122)}


def test_an_id_holds_its_time() -> None:
    moment = ids.new_id().int >> 80
    assert abs(moment - to_ms(datetime.now(UTC))) < 60_000


def test_ids_ascend_when_the_clock_stands_or_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([10**18] * 3000 + [10**18 - 10**12] * 3000)
    monkeypatch.setattr(time, "time_ns", lambda: next(times))
    monkeypatch.setattr(ids, "_last", 0)
    made = [ids.new_id() for _ in range(6000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


PROBLEMS = Problem.__subclasses__()


@pytest.mark.parametrize("problem", PROBLEMS)
def test_every_problem_has_a_code_of_the_contract(problem: type[Problem]) -> None:
    assert problem.code in CODES
    assert 400 <= problem.status <= 503
    assert problem.title.endswith(".")
    assert inspect.getdoc(problem)


def test_status_and_code_name_one_problem() -> None:
    """The pair is the anchor of its description on the page of the document."""
    pairs = [(one.status, one.code) for one in PROBLEMS]
    assert len(set(pairs)) == len(pairs)


@pytest.mark.parametrize(("seconds", "whole"), [(0, 1), (0.2, 1), (1, 1), (1.01, 2), (59.9, 60)])
def test_a_retry_is_never_asked_for_too_early(seconds: float, whole: int) -> None:
    for problem in (RateLimited(seconds), Unavailable(retry_after=seconds)):
        assert problem.headers() == {"Retry-After": str(whole)}
        assert problem.ctx["retry_after"] == whole


def test_roles_include_what_lesser_roles_may() -> None:
    ladders = [["customer", way, "supervisor", "admin"] for way in ("adjuster", "agent")]
    assert set(ROLE_PERMISSIONS) == set().union(*ladders)
    for lesser, greater in itertools.chain(*map(itertools.pairwise, ladders)):
        assert ROLE_PERMISSIONS[lesser] < ROLE_PERMISSIONS[greater]
    granted = frozenset[Permission]().union(*ROLE_PERMISSIONS.values())
    assert frozenset(Permission) - granted == {Permission.PUBLIC, Permission.CHAT_USE}


def test_nobody_may_nothing_but_what_is_public() -> None:
    assert [p for p in Permission if ANONYMOUS.may(p)] == [PUBLIC]
    assert all(SYSTEM.may(permission) for permission in Permission)
    with pytest.raises(Forbidden):
        ANONYMOUS.require(Permission.SESSION_USE)
    with pytest.raises(Forbidden):
        ANONYMOUS.agent()
    with pytest.raises(Forbidden):
        ANONYMOUS.conversation()


def test_actors_are_named_by_what_they_act_as() -> None:
    one, two, three = ids.new_id(), ids.new_id(), ids.new_id()
    assert Principal(kind="user", user_id=one, agent_id=two).actor == f"agent:{two}"
    assert Principal(kind="user", user_id=one).actor == f"user:{one}"
    assert Principal(kind="visitor", conversation_id=three).actor == f"visitor:{three}"
    assert (SYSTEM.actor, ANONYMOUS.actor) == ("system", "anonymous")


async def test_the_first_who_knows_a_token_decides() -> None:
    class Knows:
        def __init__(self, word: str, principal: Principal) -> None:
            self.word, self.principal = word, principal

        def remembered(self, token: str) -> Principal | None:
            return self.principal if token == f"known {self.word}" else None

        async def principal_of(self, token: str) -> Principal | None:
            return self.principal if token == self.word else None

    door = Authenticators(Knows("a", SYSTEM), Knows("b", ANONYMOUS), Knows("a", ANONYMOUS))
    assert await door.principal_of("a") is SYSTEM
    assert await door.principal_of("b") is ANONYMOUS
    assert await door.principal_of("c") is None
    assert door.remembered("a") is None
    assert door.remembered("known b") is ANONYMOUS


class Watch:
    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    watch = Watch()
    buckets = Buckets(Limit(per_second=2, burst=3), monotonic=watch)
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert buckets.take("b") == 0, "another has a bucket of its own"
    watch.time = 0.5
    assert [buckets.take("a"), buckets.take("a")] == [0, 0.5]
    watch.time = 1000
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 0.5]


def test_being_refused_costs_nothing() -> None:
    watch = Watch()
    buckets = Buckets(Limit(per_second=1, burst=1), monotonic=watch)
    buckets.take("a")
    assert {buckets.take("a") for _ in range(100)} == {1}


def test_buckets_are_bounded_and_forget_the_longest_unused() -> None:
    watch = Watch()
    buckets = Buckets(Limit(per_second=0.001, burst=1), capacity=3, monotonic=watch)
    for key in "abca":
        buckets.take(key)
    buckets.take("d")
    assert len(buckets._levels) == 3
    assert buckets.take("a") > 0, "used again, so not the one forgotten"
    assert buckets.take("b") == 0


@given(st.lists(st.floats(0, 3), max_size=60), st.integers(1, 5), st.floats(0.1, 10))
def test_never_more_than_burst_and_rate_allow(
    gaps: list[float], burst: int, per_second: float
) -> None:
    watch = Watch()
    buckets = Buckets(Limit(per_second, burst), monotonic=watch)
    given_out = 0
    for gap in gaps:
        watch.time += gap
        given_out += buckets.take("a") == 0
        assert given_out <= burst + watch.time * per_second + 1e-6
