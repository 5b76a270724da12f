"""One look for many askers, never older than the question."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from contactcenter.core.together import Together


class Desk:
    """Looks when it is let, and remembers what for."""

    def __init__(self, most: int = 100) -> None:
        self.looks: list[list[str]] = []
        self.value = 0
        self.may = asyncio.Event()
        self.may.set()
        self.together = Together(self.look, most)

    async def look(self, keys: Sequence[str]) -> Mapping[str, int]:
        self.looks.append(sorted(keys))
        value = self.value
        await self.may.wait()
        if "bad" in keys:
            raise LookupError("bad")
        return {key: value for key in keys if key != "nobody"}

    async def begun(self, looks: int) -> None:
        while len(self.looks) < looks:
            await asyncio.sleep(0)


async def test_those_who_come_at_once_share_a_look() -> None:
    desk = Desk()
    told = await asyncio.gather(*(desk.together.ask(key) for key in ("a", "b", "a", "nobody")))
    assert told == [0, 0, 0, None]
    assert desk.looks == [["a", "b", "nobody"]]


async def test_whoever_asks_during_a_look_gets_a_newer_one() -> None:
    desk = Desk()
    desk.may.clear()
    first = asyncio.create_task(desk.together.ask("a"))
    await desk.begun(1)
    desk.value = 1  # has changed since the look that is under way
    later = [asyncio.create_task(desk.together.ask(key)) for key in ("a", "b")]
    await asyncio.sleep(0)
    desk.may.set()
    assert await first == 0
    assert await asyncio.gather(*later) == [1, 1]
    assert desk.looks == [["a"], ["a", "b"]]


async def test_more_than_one_look_holds_are_told_in_turn() -> None:
    desk = Desk(most=2)
    assert await asyncio.gather(*map(desk.together.ask, "abcde")) == [0] * 5
    assert desk.looks == [["a", "b"], ["c", "d"], ["e"]]


async def test_a_look_that_fails_is_told_to_those_it_was_for() -> None:
    desk = Desk(most=1)
    told = await asyncio.gather(
        *(desk.together.ask(key) for key in ("bad", "a")), return_exceptions=True
    )
    assert isinstance(told[0], LookupError)
    assert told[1] == 0


async def test_whoever_goes_leaves_the_others_their_answer() -> None:
    desk = Desk()
    desk.may.clear()
    gone, stays = (asyncio.create_task(desk.together.ask("a")) for _ in range(2))
    await desk.begun(1)
    gone.cancel()
    desk.may.set()
    assert await stays == 0
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert await desk.together.ask("a") == 0
