"""What identity hands to the roof."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from contactcenter.core.jobs import Schedule
from contactcenter.core.module import Deps, Lifespan, Module
from contactcenter.events.identity import SessionEnded, UserChanged
from contactcenter.identity.passwords import Passwords
from contactcenter.identity.routes import IdentityRoutes
from contactcenter.identity.service import IdentityService, Sessions
from contactcenter.identity.tokens import AccessTokens


@dataclass(frozen=True, slots=True)
class Identity:
    """The module, and the authenticator that the borders ask."""

    module: Module
    sessions: Sessions


def build(deps: Deps) -> Identity:
    access = AccessTokens(deps.settings.auth.jwt_secret.get_secret_value())
    sessions = Sessions(deps.work, deps.clock, access)
    passwords = Passwords(deps.settings.auth.bcrypt_rounds)
    service = IdentityService(deps.settings, deps.work, deps.clock, sessions, access, passwords)

    @contextlib.asynccontextmanager
    async def watch() -> AsyncIterator[None]:
        """Forget sessions as soon as the log says that they have changed."""
        subscription = await deps.bus.subscribe(
            "identity", sessions.forget, [SessionEnded, UserChanged]
        )
        try:
            yield
        finally:
            await subscription.close()
            passwords.close()

    module = Module(
        name="identity",
        routes=IdentityRoutes(service, production=deps.settings.app.is_production).table(),
        schedules=(Schedule("identity.sweep", "17 4 * * *", service.sweep),),
        lifespans=(Lifespan("web", watch),),
    )
    return Identity(module, sessions)
