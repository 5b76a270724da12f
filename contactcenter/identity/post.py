"""Letters on their way: a job writes each one and hands it to the mail port.

A token in a letter is made when the letter is written, so that no queue and no table holds it,
only its hash. The address travels sealed. The job is queued whether the address is known or not:
what a stranger asks for takes the same time for both.
"""

from __future__ import annotations

from typing import Any, Final

from config.settings import Settings
from contactcenter.core.ids import new_id
from contactcenter.core.jobs import Job, JobQueue
from contactcenter.core.mail import Letter, Mail
from contactcenter.core.vault import Vault
from contactcenter.core.work import Work, WorkFactory
from contactcenter.identity import store
from contactcenter.identity.letters import Kind, letter
from contactcenter.identity.model import LIFETIMES, Purpose, User
from contactcenter.identity.tokens import hashed, opaque

JOB: Final = "identity.letter"
MAILBOX_SHOWN: Final = 50

WANTS: Final[dict[Kind, tuple[str, ...]]] = {
    "verify": ("active",),
    "known": ("active",),
    "reset": ("active",),
    "invite": ("invited",),
    "password_changed": ("active",),
    "second_step_off": ("active",),
    "linked": ("active",),
    "unlinked": ("active",),
}
"""Kind → status that the reader must have when the letter is written."""

TOKENS: Final[dict[Kind, Purpose]] = {"verify": "verify", "reset": "reset", "invite": "invite"}


class Post:
    """Queues letters, and writes them."""

    def __init__(
        self, settings: Settings, work: WorkFactory, jobs: JobQueue, vault: Vault, mail: Mail
    ) -> None:
        self._home = settings.app.public_url
        self._work = work
        self._jobs = jobs
        self._vault = vault
        self._mail = mail

    async def put(self, work: Work, kind: Kind, address: str, *, provider: str = "") -> None:
        """Queue a letter with the unit's commit. Whoever has no account gets none. `provider` is
        the label of the one that the letter is about."""
        letter_id = str(new_id())
        sealed = self._vault.seal(address.lower().encode(), f"{JOB}/{letter_id}")
        payload = {"id": letter_id, "kind": kind, "address": sealed.hex(), "provider": provider}
        await self._jobs.enqueue(work.conn, JOB, payload)

    def job(self) -> Job:
        return Job(JOB, self._deliver)

    async def _deliver(self, payload: dict[str, Any]) -> None:
        sealed = bytes.fromhex(payload["address"])
        address = self._vault.open(sealed, f"{JOB}/{payload['id']}").decode()
        written = await self._write(
            payload["id"], payload["kind"], address, payload.get("provider", "")
        )
        if written is not None:
            await self._mail.send(written)

    async def _write(
        self, letter_id: str, kind: Kind, address: str, provider: str
    ) -> Letter | None:
        async with self._work.begin("identity.letter", "system") as work:
            user = await store.find_by_email(work.conn, address)
            if user is None or user.status not in WANTS[kind]:
                return None
            if kind == "verify" and user.email_verified:
                return None
            token = await self._token(work, kind, user)
            centre = await store.centre_name(work.conn)
        return letter(
            kind,
            letter_id=letter_id,
            address=user.email,
            name=user.first_name,
            locale=user.locale,
            centre=centre,
            home=self._home,
            token=token,
            provider=provider,
        )

    async def _token(self, work: Work, kind: Kind, user: User) -> str:
        purpose = TOKENS.get(kind)
        if purpose is None:
            return ""
        token = opaque()
        expires_at = work.now + LIFETIMES[purpose]
        await store.create_token(work.conn, hashed(token), purpose, user.id, work.now, expires_at)
        return token


class Mailbox:
    """The letters of a development system, in a table (core.mail.Mail)."""

    def __init__(self, work: WorkFactory) -> None:
        self._work = work

    async def send(self, letter: Letter) -> None:
        async with self._work.begin("mailbox.send", "system") as work:
            await store.add_letter(work.conn, letter, work.now)

    async def newest(self) -> list[dict[str, Any]]:
        """The newest letters first."""
        async with self._work.reading("mailbox.newest") as conn:
            return [dict(row) for row in await store.letters(conn, MAILBOX_SHOWN)]
