"""Rules of signing in: who is a demo user, how guesses are slowed down. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal
from uuid import UUID

from contactcenter.core.pace import Pace

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


Match = Callable[[int | None], None]
"""Compares the asker's If-Match with the stored version, None where nothing is stored; raises
PreconditionFailed."""


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
    version: int = 1


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
