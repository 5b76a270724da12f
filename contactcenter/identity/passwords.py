"""bcrypt, off the event loop and never on all cores at once."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import bcrypt

from contactcenter.core.errors import Unavailable
from contactcenter.identity.model import PASSWORD_BYTES

T = TypeVar("T")

QUEUE_LIMIT: Final = 64
NICENESS: Final = 10
"""Added to that of the threads that hash: where cores are short, everybody else comes first."""


class Passwords:
    """Hashes and checks in a pool of cores - 1 threads (bcrypt releases the interpreter's lock)."""

    def __init__(self, rounds: int) -> None:
        self._rounds = rounds
        # A well-formed hash of no password: whoever does not exist costs as much as who does.
        self._nobody = b"$2b$%02d$" % rounds + b"." * 53
        self._threads = ThreadPoolExecutor(
            max((os.cpu_count() or 2) - 1, 1), "bcrypt", initializer=_step_back
        )
        self._running = 0

    async def check(self, password: str, hashed: str | None) -> bool:
        """Whether it is the password of this hash (None: nobody's). Always exactly one bcrypt.

        Raises Unavailable when too many wait already.
        """
        secret = password.encode()
        usable = hashed is not None and len(secret) <= PASSWORD_BYTES
        against = hashed.encode() if hashed is not None and usable else self._nobody
        matches = await self._run(_check, secret[:PASSWORD_BYTES], against)
        return matches and usable

    async def hash(self, password: str) -> str:
        """Raises ValueError for a password longer than bcrypt can tell apart."""
        secret = password.encode()
        if len(secret) > PASSWORD_BYTES:
            raise ValueError(f"a password has at most {PASSWORD_BYTES} bytes")
        return await self._run(_hash, secret, bcrypt.gensalt(self._rounds))

    async def renewed(self, password: str, hashed: str) -> str | None:
        """The hash to keep instead of this one of the same password, where the setting asks for
        another cost: with the same salt, so that whoever makes it makes the same. None: it is as
        it should be."""
        cost, salt = f"$2b${self._rounds:02d}$", hashed[7:29]
        if hashed.startswith(cost):
            return None
        return await self._run(_hash, password.encode(), (cost + salt).encode())

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, function: Callable[..., T], *args: object) -> T:
        if self._running >= QUEUE_LIMIT:
            raise Unavailable("Too many sign-ins at once.", retry_after=5)
        self._running += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, function, *args)
        finally:
            self._running -= 1


def _step_back() -> None:
    """On Linux a thread has a niceness of its own; elsewhere it would be the whole process'."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        nice = min(os.getpriority(os.PRIO_PROCESS, thread) + NICENESS, 19)
        os.setpriority(os.PRIO_PROCESS, thread, nice)


def _check(secret: bytes, hashed: bytes) -> bool:
    return bcrypt.checkpw(secret, hashed)


def _hash(secret: bytes, salt: bytes) -> str:
    return bcrypt.hashpw(secret, salt).decode()
