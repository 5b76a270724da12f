"""Rules of signing in: who is a demo user, how guesses are slowed down. Pure."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal
from uuid import UUID

ACCESS_TTL: Final = timedelta(minutes=15)
REFRESH_TTL: Final = timedelta(days=7)
SESSION_TTL: Final = timedelta(days=30)
ROTATION_GRACE: Final = timedelta(seconds=10)
"""Within this time of a rotation the old refresh token returns the same successor: two tabs."""

SECOND_STEP_TTL: Final = timedelta(minutes=5)
VERIFY_TTL: Final = timedelta(days=3)
RESET_TTL: Final = timedelta(hours=1)
INVITE_TTL: Final = timedelta(days=7)

Purpose = Literal["verify", "reset", "invite", "second_step"]
"""What a one-time token is good for."""

LIFETIMES: Final[dict[Purpose, timedelta]] = {
    "verify": VERIFY_TTL,
    "reset": RESET_TTL,
    "invite": INVITE_TTL,
    "second_step": SECOND_STEP_TTL,
}

PASSWORD_LENGTH: Final = 8
PASSWORD_BYTES: Final = 72  # what bcrypt looks at

DEMO_PASSWORD: Final = "password123"  # noqa: S105 -- public, and refused in production
DEMO_EMAILS: Final = (
    "admin@aintech.com",
    "supervisor1@aintech.com",
    "supervisor2@aintech.com",
    "agent1@aintech.com",
    "agent2@aintech.com",
    "agent3@aintech.com",
    "customer1@aintech.com",
)


@dataclass(frozen=True, slots=True)
class User:
    """A user without secrets."""

    id: UUID
    email: str
    first_name: str
    last_name: str
    role: str
    locale: str
    phone: str | None = None
    status: str = "active"
    email_verified: bool = True
    two_factor: bool = False


@dataclass(frozen=True, slots=True)
class Pace:
    """`free` failures cost nothing; each further one doubles the pause before the next try."""

    free: int
    first_pause: float
    longest_pause: float
    forget_after: float


def password_lacks(password: str) -> list[str]:
    """What a new password is missing: length, lower, upper, digit, symbol, or too_long."""
    lacks = []
    if len(password) < PASSWORD_LENGTH:
        lacks.append("length")
    if not any(c.islower() for c in password):
        lacks.append("lower")
    if not any(c.isupper() for c in password):
        lacks.append("upper")
    if not any(c.isdecimal() for c in password):
        lacks.append("digit")
    if all(c.isalnum() or c.isspace() for c in password):
        lacks.append("symbol")
    if len(password.encode()) > PASSWORD_BYTES:
        lacks.append("too_long")
    return lacks


# Ten guesses at one account in a quarter of an hour, whoever makes them.
ACCOUNT_PACE: Final = Pace(free=5, first_pause=15, longest_pause=900, forget_after=1800)
# Codes of the second factor: five at once, then as for passwords.
CODE_PACE: Final = Pace(free=5, first_pause=60, longest_pause=900, forget_after=1800)
# One address may hold a whole office: it is slowed down later.
ADDRESS_PACE: Final = Pace(free=50, first_pause=15, longest_pause=900, forget_after=1800)


class Throttle:
    """Failures per key, in memory; times are seconds of a monotonic clock."""

    def __init__(self, pace: Pace, capacity: int = 100_000) -> None:
        self._pace = pace
        self._capacity = capacity
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait(self, key: str, now: float) -> float:
        """Seconds until this key may try again; 0: at once."""
        count, last = self._recent(key, now)
        if count < self._pace.free:
            return 0.0
        doublings = min(count - self._pace.free, 16)
        pause = min(self._pace.first_pause * 2.0**doublings, self._pace.longest_pause)
        return max(0.0, last + pause - now)

    def begin(self, key: str, now: float) -> None:
        """Count a try. Counted before its outcome is known, so that many at once gain nothing."""
        count, _ = self._recent(key, now)
        self._failures[key] = (count + 1, now)
        self._failures.move_to_end(key)
        if len(self._failures) > self._capacity:
            self._failures.popitem(last=False)

    def forgive(self, key: str) -> None:
        """The try was good: what came before it is forgotten."""
        self._failures.pop(key, None)

    def take_back(self, key: str) -> None:
        """The try was good, but says nothing about the others with this key."""
        count, last = self._failures.get(key, (0, 0.0))
        if count > 1:
            self._failures[key] = (count - 1, last)
        else:
            self._failures.pop(key, None)

    def _recent(self, key: str, now: float) -> tuple[int, float]:
        count, last = self._failures.get(key, (0, now))
        return (0, now) if now - last > self._pace.forget_after else (count, last)
