"""The second factor: codes by time (RFC 6238: SHA-1, 6 digits, 30 s) and recovery codes.

It is set up in two steps: a secret that is shown once, then a code that proves the authenticator
has it. A code counts in its own step and the two beside it, and once: the step of the last one
that was taken is kept under the row's lock, and an older or equal step is refused.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import pyotp
import structlog

from contactcenter.core.access import Principal
from contactcenter.core.clock import Clock
from contactcenter.core.errors import Conflict, Invalid, RateLimited
from contactcenter.core.limits import Limits
from contactcenter.core.vault import Unopenable, Vault
from contactcenter.core.work import Work, WorkFactory
from contactcenter.events.identity import UserProfileChanged
from contactcenter.identity import factor_store as store
from contactcenter.identity import store as users
from contactcenter.identity.model import CODE_PACE
from contactcenter.identity.post import Post

log = structlog.get_logger(__name__)

STEP_SECONDS: Final = 30
SECRET_BYTES: Final = 20  # RFC 4226, 4: 160 bits
AROUND: Final = (0, -1, 1)
RECOVERY_CODES: Final = 10
RECOVERY_GROUPS: Final = 3  # of five letters of base32: 75 bits


@dataclass(frozen=True, slots=True)
class SetUp:
    """What an authenticator is given; shown once."""

    secret: str
    uri: str  # otpauth://
    qr_svg: str


class TwoFactor:
    """Set-up, codes and their end."""

    def __init__(
        self,
        work: WorkFactory,
        clock: Clock,
        vault: Vault,
        post: Post,
        limits: Limits,
        changed: Callable[[UUID], None],
    ) -> None:
        """`changed` hears, after the commit, for whom it was switched on or off: what is
        remembered of them on this node is not true any more."""
        self._work = work
        self._changed = changed
        self._clock = clock  # the one that authenticators go by
        self._vault = vault
        self._post = post
        self._tries = limits.pauses("own_code", CODE_PACE)

    async def set_up(self, principal: Principal) -> SetUp:
        """A new secret, worth nothing until `confirm`. Conflict when one is confirmed already."""
        user_id = _user(principal)
        secret = secrets.token_bytes(SECRET_BYTES)
        async with self._work.begin("identity.two_factor_set_up", principal.actor) as work:
            sealed = self._vault.seal(secret, _binding(user_id))
            owner = await store.put_pending(work.conn, user_id, sealed)
            if owner is None:
                raise Conflict("Two-step verification is on already.", reason="second_step_on")
            centre = await users.centre_name(work.conn)
            work.audit("auth.second_step_set_up", "user", user_id)
        text = base64.b32encode(secret).decode()
        uri = pyotp.TOTP(text).provisioning_uri(name=owner, issuer_name=centre)
        return SetUp(text, uri, _qr(uri))

    async def confirm(self, principal: Principal, code: str) -> list[str]:
        """Switch it on by a first code; answers the recovery codes, which are shown once."""
        user_id = _user(principal)
        await self._begin(user_id)
        codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
        async with self._work.begin("identity.two_factor_confirm", principal.actor) as work:
            factor = await store.lock(work.conn, user_id)
            if factor is None or factor.confirmed_at is not None:
                raise Conflict("Set two-step verification up first.", reason="not_set_up")
            step = self._step_of(factor, user_id, code)
            if step is None:
                raise _wrong()
            await store.confirm(work.conn, user_id, step, work.now)
            await store.replace_recovery(work.conn, user_id, [_hash(user_id, c) for c in codes])
            work.emit(UserProfileChanged(user_id=user_id))
            work.audit("auth.second_step_on", "user", user_id)
        self._changed(user_id)
        await self._tries.forgive(str(user_id))
        return codes

    async def new_recovery_codes(self, principal: Principal, code: str) -> list[str]:
        """Ten new ones in place of those there were."""
        user_id = _user(principal)
        codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
        async with self._work.begin("identity.recovery_codes", principal.actor) as work:
            await self._require(work, user_id, code)
            await store.replace_recovery(work.conn, user_id, [_hash(user_id, c) for c in codes])
            work.audit("auth.recovery_codes", "user", user_id)
        await self._tries.forgive(str(user_id))
        return codes

    async def disable(self, principal: Principal, code: str) -> None:
        """Switch it off, by a code of the authenticator or a recovery code."""
        user_id = _user(principal)
        async with self._work.begin("identity.two_factor_disable", principal.actor) as work:
            await self._require(work, user_id, code)
            await self.remove(work, user_id)
        self._changed(user_id)
        await self._tries.forgive(str(user_id))

    async def remove(self, work: Work, user_id: UUID) -> None:
        """Switch it off in an open unit of work; the user is told by a letter."""
        email = await store.remove(work.conn, user_id, work.now)
        if email is not None:
            await self._post.put(work, "second_step_off", email)
        work.emit(UserProfileChanged(user_id=user_id))
        work.audit("auth.second_step_off", "user", user_id)

    async def accept(self, work: Work, user_id: UUID, code: str) -> bool:
        """Whether the code is good; if so it is used up with the unit's commit. No code is good
        for a secret that does not open: the log tells, and vault_unopened_values_total counts."""
        factor = await store.lock(work.conn, user_id)
        if factor is None or factor.confirmed_at is None:
            return False
        if not code.isdigit():
            return await store.use_recovery(work.conn, user_id, _hash(user_id, code), work.now)
        try:
            step = self._step_of(factor, user_id, code)
        except Unopenable:  # a recovery code still lets the owner in
            log.exception("second_factor_does_not_open", user_id=str(user_id))
            return False
        if step is None:
            return False
        sealed = None
        if self._vault.stale(factor.secret):
            secret = self._vault.open(factor.secret, _binding(user_id))
            sealed = self._vault.seal(secret, _binding(user_id))
        await store.note_step(work.conn, user_id, step, sealed)
        return True

    async def _require(self, work: Work, user_id: UUID, code: str) -> None:
        await self._begin(user_id)
        if not await self.accept(work, user_id, code):
            raise _wrong()

    async def _begin(self, user_id: UUID) -> None:
        """Count a try of somebody who is signed in; raises RateLimited while a pause lasts."""
        if wait := await self._tries.begin(str(user_id)):
            raise RateLimited(wait, "Too many wrong codes.")

    def _step_of(self, factor: store.Factor, user_id: UUID, code: str) -> int | None:
        """The step whose code it is, if that is later than the last one that was taken."""
        secret = self._vault.open(factor.secret, _binding(user_id))
        return matching_step(secret, code, self._clock.now(), after=factor.last_step)


def matching_step(secret: bytes, code: str, now: datetime, *, after: int) -> int | None:
    """The step of `now`, or the one before or after it, that has this code and is later than
    `after`. None: no such step."""
    totp = pyotp.TOTP(base64.b32encode(secret).decode(), interval=STEP_SECONDS)
    present = int(now.timestamp()) // STEP_SECONDS
    for step in (present + offset for offset in AROUND):
        if step > after and hmac.compare_digest(totp.generate_otp(step), code):
            return step
    return None


def _user(principal: Principal) -> UUID:
    assert principal.user_id is not None
    return principal.user_id


def _wrong() -> Invalid:
    return Invalid.field("code", "wrong_code", "The code is wrong or was used before.")


def _binding(user_id: UUID) -> str:
    return f"two_factor.secret/{user_id}"


def _recovery_code() -> str:
    letters = base64.b32encode(secrets.token_bytes(10)).decode()
    return "-".join(letters[5 * n : 5 * n + 5] for n in range(RECOVERY_GROUPS))


def _hash(user_id: UUID, code: str) -> bytes:
    return hashlib.sha256(user_id.bytes + code.upper().replace("-", "").encode()).digest()


def _qr(uri: str) -> str:
    """An SVG without a size: the page decides."""
    import segno  # 50 ms, for the few who set it up

    out = io.BytesIO()
    code = segno.make(uri, error="m")
    code.save(out, kind="svg", xmldecl=False, omitsize=True, border=2, light="#fff", nl=False)
    return out.getvalue().decode()
