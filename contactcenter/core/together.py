"""Answers many who ask the same kind of question with one look.

Whoever asks while a look is under way waits for the next one, which is for all who have come
meanwhile. What anybody is told was looked up after they had asked: it is never older than the
question.
"""

from __future__ import annotations

import asyncio
import contextvars
import itertools
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Together(Generic[K, V]):
    """`look` finds what it can of up to `most` keys; one look at a time."""

    def __init__(
        self, look: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]], most: int = 100
    ) -> None:
        self._look = look
        self._most = most
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._looking: asyncio.Task[None] | None = None

    async def ask(self, key: K) -> V | None:
        """What there is for the key. Raises what the look raised."""
        waiter = self._waiting.get(key)
        if waiter is None:
            waiter = self._waiting[key] = asyncio.get_running_loop().create_future()
        if self._looking is None:
            # Of nobody's own context: a look is not part of the request that happened to begin it.
            self._looking = asyncio.create_task(
                self._go_on(), name="together", context=contextvars.Context()
            )
        return await asyncio.shield(waiter)  # others may wait for the same

    async def _go_on(self) -> None:
        asked: dict[K, asyncio.Future[V | None]] = {}
        try:
            while self._waiting:
                asked = dict(itertools.islice(self._waiting.items(), self._most))
                for key in asked:
                    del self._waiting[key]
                try:
                    found = await self._look(list(asked))
                except Exception as error:
                    for waiter in asked.values():
                        waiter.set_exception(error)
                        waiter.exception()  # whoever asked may have gone
                else:
                    for key, waiter in asked.items():
                        waiter.set_result(found.get(key))
        finally:
            self._looking = None
            for waiter in (*asked.values(), *self._waiting.values()):
                waiter.cancel()  # nothing, unless this task was itself ended
            self._waiting.clear()
