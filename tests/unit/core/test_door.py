"""Floods of tokens end before anything is looked up, and hold up nobody else."""

from __future__ import annotations

import pytest

from contactcenter.core.access import Principal
from contactcenter.core.door import TOKEN_LIMIT, WORTHLESS_LIMIT, Door
from contactcenter.core.errors import RateLimited, Unauthenticated, Unavailable
from contactcenter.core.limits import party_of

HERE, THERE = "203.0.113.7", "203.0.113.8"


class Known:
    """Knows one token; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.away = False

    def remembered(self, token: str) -> Principal | None:
        return None

    async def principal_of(self, token: str) -> Principal | None:
        self.asked += 1
        if self.away:
            raise Unavailable
        if token.startswith("bad"):
            raise Unauthenticated
        return Principal(kind="user") if token.startswith("good") else None


class Watch:
    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


@pytest.mark.parametrize("kind", ["bad", "unknown"])
async def test_worthless_tokens_stop_being_looked_up(kind: str) -> None:
    known, watch = Known(), Watch()
    door = Door(known, watch)
    refused = 0
    for number in range(WORTHLESS_LIMIT.burst + 50):
        with pytest.raises((Unauthenticated, RateLimited)) as raised:
            await door.principal_of(f"{kind}{number}", HERE)
        refused += raised.type is RateLimited
    assert known.asked == WORTHLESS_LIMIT.burst
    assert refused == 50
    assert (await door.principal_of("good", THERE)).kind == "user", "others come in"
    watch.time += 1
    assert (await door.principal_of("good", HERE)).kind == "user", "and so do they, in time"


async def test_good_tokens_cost_nothing_and_neither_does_a_database_in_trouble() -> None:
    known = Known()
    door = Door(known, Watch())
    for number in range(WORTHLESS_LIMIT.burst * 2):
        await door.principal_of(f"good{number}", HERE)
    known.away = True
    for number in range(WORTHLESS_LIMIT.burst * 2):
        with pytest.raises(Unavailable):
            await door.principal_of(f"late{number}", HERE)


async def test_one_token_is_looked_up_no_more_often_than_is_of_use() -> None:
    known, watch = Known(), Watch()
    door = Door(known, watch)
    for _ in range(TOKEN_LIMIT.burst):
        await door.principal_of("good", HERE)
    with pytest.raises(RateLimited):
        await door.principal_of("good", THERE)
    assert known.asked == TOKEN_LIMIT.burst
    await door.principal_of("good too", HERE)
    watch.time += 1
    await door.principal_of("good", HERE)


@pytest.mark.parametrize(
    ("address", "party"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:aaaa:bbbb:cccc:dddd", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::1", "::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("no address", "no address"),
    ],
)
def test_who_is_counted(address: str, party: str) -> None:
    assert party_of(address) == party
