"""What a room is given and what it hands back; only `contactcenter.app` sees all of them.

Each room's module.py: `def build(deps: Deps, ...its ports...) -> Module`.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final, Literal

import db
from config.settings import Settings
from contactcenter.core import idempotency
from contactcenter.core.bus import Bus
from contactcenter.core.clock import Clock
from contactcenter.core.durable import Listener
from contactcenter.core.http import Route
from contactcenter.core.jobs import Job, JobQueue, Schedule
from contactcenter.core.limits import Limits
from contactcenter.core.privacy import TableRule, nothing_personal
from contactcenter.core.reseal import Sealed, reseal
from contactcenter.core.sockets import Command
from contactcenter.core.vault import Vault
from contactcenter.core.work import WorkFactory

BOOKS: Final = ("listener_cursors", "parked_events", "leases", "schema_migrations")
IDEMPOTENCY: Final = "idempotency_keys"
JOBS: Final = ("pgqueuer", "pgqueuer_log", "pgqueuer_schedules", "pgqueuer_statistics")

Role = Literal["web", "router", "listeners", "jobs", "demo"]


@dataclass(frozen=True)
class Deps:
    """The ground a room builds on."""

    settings: Settings
    clock: Clock
    pool: db.Pool
    work: WorkFactory
    bus: Bus
    jobs: JobQueue
    monotonic: Callable[[], float] = time.monotonic
    """Seconds as they pass, beside a clock that may be set."""
    outside: Clock | None = None
    """What clocks elsewhere show, where the centre's own is set otherwise (a demo): authenticators
    and providers of sign-ins go by it."""

    @property
    def outside_clock(self) -> Clock:
        return self.outside or self.clock

    @functools.cached_property
    def vault(self) -> Vault:
        """What seals secrets, with ENCRYPTION_KEYS."""
        return Vault(self.settings.auth.keyring)

    @functools.cached_property
    def limits(self) -> Limits:
        """How often somebody may do something: on this node, or with REDIS_URL on all of them."""
        return Limits(self.settings.redis.url, monotonic=self.monotonic)


@dataclass(frozen=True, slots=True)
class Lifespan:
    """A resource of one role: `run()` is entered when the process starts and left when it ends.

    One generator starts and stops it (contextlib.asynccontextmanager); live subscriptions are made
    in it with `bus.subscribe`.
    """

    role: Role
    run: Callable[[], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """Everything a room has to offer."""

    name: str
    routes: tuple[Route, ...] = ()
    commands: tuple[Command, ...] = ()
    listeners: tuple[Listener, ...] = ()
    jobs: tuple[Job, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    privacy: tuple[TableRule, ...] = ()
    sealed: tuple[Sealed, ...] = ()
    lifespans: tuple[Lifespan, ...] = ()


def resealing(deps: Deps, modules: Sequence[Module]) -> Module:
    """Everything that modules keep sealed, sealed anew when there is a new key."""
    columns = [column for module in modules for column in module.sealed]

    async def tick() -> None:
        await reseal(deps.work, deps.vault, columns)

    return Module(name="vault", schedules=(Schedule("core.reseal", "47 * * * *", tick),))


def ground(deps: Deps) -> Module:
    """What the core itself has to do by the clock."""

    async def sweep_idempotency_keys() -> None:
        async with deps.work.reading("idempotency.sweep") as conn:
            await idempotency.sweep(conn)

    return Module(
        name="core",
        schedules=(Schedule("idempotency.sweep", "7 * * * *", sweep_idempotency_keys),),
        privacy=(
            *nothing_personal("Settings of the centre.", "centre_settings"),
            *nothing_personal("Facts are ids, states and numbers.", "event_log"),
            *nothing_personal("Positions, locks and classes of errors.", *BOOKS),
            *nothing_personal("Answers sealed with the caller's key, for a day.", IDEMPOTENCY),
            *nothing_personal("Payloads are ids, or sealed; done jobs are deleted.", *JOBS),
        ),
    )
