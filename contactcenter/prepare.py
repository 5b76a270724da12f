"""`python -m contactcenter init`: what a new centre begins with, and its first administrator."""

from __future__ import annotations

import sys

from pydantic import TypeAdapter, ValidationError

import db
from config.settings import Settings
from contactcenter.core.clock import SystemClock
from contactcenter.core.errors import Problem
from contactcenter.core.vault import Vault
from contactcenter.core.work import WorkFactory
from contactcenter.identity.audit import AuditJournal
from contactcenter.identity.letters import link_of
from contactcenter.identity.people import first_admin
from contactcenter.identity.schemas import Email
from db import migrate, seeds


async def main(settings: Settings, *, name: str | None, admin: str | None) -> int:
    """Write the queues and all that goes with them where there are none, name the centre, and
    print the link by which `admin` chooses a password. Returns 1, after one sentence, if refused.
    """
    try:
        email = None if admin is None else TypeAdapter(Email).validate_python(admin)
    except ValidationError:
        print(f"{admin} is not an address.", file=sys.stderr)
        return 1
    pool = await db.create_pool(settings, "contactcenter init", max_size=2)
    try:
        async with pool.acquire() as conn:
            states = await migrate.status(conn, migrate.read())
            if any(state.applied_at is None for state in states):
                print("Migrations are missing: run `python -m db up` first.", file=sys.stderr)
                return 1
            fresh = await seeds.centre(conn, name)
        print("queues       " + ("written" if fresh else "there already, left as they are"))
        print(
            "law          its times, rates and national holidays hold; the region's and the town's"
        )
        print("             holidays are written in the desk, under Reglas de la oficina")
        if email is not None:
            factory = WorkFactory(pool, SystemClock())
            factory.keep_journal(AuditJournal(Vault(settings.auth.keyring)))
            async with factory.begin("people.first_admin", "system") as work:
                token = await first_admin(work, email, "es")
            print(f"invitation   {link_of('invite', settings.app.public_url, token)}")
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    finally:
        await pool.close()
    return 0
