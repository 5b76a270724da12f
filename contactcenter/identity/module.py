"""What identity hands to the roof."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from contactcenter.core.jobs import Schedule
from contactcenter.core.mail import Mail, NoMail, SmtpMail
from contactcenter.core.module import Deps, Lifespan, Module
from contactcenter.core.reseal import Sealed
from contactcenter.events.identity import (
    PersonErased,
    SessionEnded,
    UserChanged,
    UserProfileChanged,
)
from contactcenter.identity.accounts import AccountService
from contactcenter.identity.admin_routes import AdminRoutes
from contactcenter.identity.audit import AuditJournal, AuditReader, chain, customer_keys
from contactcenter.identity.oauth import OAuthService
from contactcenter.identity.oauth_routes import OAuthRoutes
from contactcenter.identity.oidc import OidcClient, providers_of
from contactcenter.identity.passwords import Passwords
from contactcenter.identity.people import PeopleService
from contactcenter.identity.post import Mailbox, Post
from contactcenter.identity.privacy import PrivacyService
from contactcenter.identity.privacy_routes import PrivacyRoutes
from contactcenter.identity.privacy_rules import RULES
from contactcenter.identity.routes import AccountRoutes, MailboxRoutes, SignInRoutes
from contactcenter.identity.service import Sessions, SignInService
from contactcenter.identity.tokens import AccessTokens
from contactcenter.identity.two_factor import TwoFactor

SEALED: Final = (
    Sealed("two_factor", "user_id", "secret", "secret"),
    Sealed("person_keys", "person", "sealed", ""),
    Sealed("privacy_requests", "id", "export", "export", at_once=5),
)


@dataclass(frozen=True, slots=True)
class Identity:
    """The module, and the authenticator that the borders ask."""

    module: Module
    sessions: Sessions
    privacy: PrivacyService
    mail: Mail


def build(deps: Deps, mail: Mail | None = None) -> Identity:
    """`mail` sends letters; default: by SMTP where MAIL_URL is set, else a development system
    keeps them in its mailbox and production sends none."""
    settings, work = deps.settings, deps.work
    production = settings.app.is_production
    mailbox = Mailbox(work)
    if mail is None:
        without = NoMail() if production else mailbox
        mail = without if settings.mail.url is None else SmtpMail(settings.mail)

    access = AccessTokens(settings.auth.jwt_secret.get_secret_value())
    sessions = Sessions(work, deps.clock, access)
    passwords = Passwords(settings.auth.bcrypt_rounds)
    post = Post(settings, work, deps.jobs, deps.vault, mail)
    two_factor = TwoFactor(
        work, deps.outside_clock, deps.vault, post, deps.limits, sessions.forget_user
    )
    sign_in = SignInService(
        settings, work, deps.clock, sessions, access, passwords, two_factor, deps.limits
    )
    accounts = AccountService(work, deps.clock, sessions, passwords, post, deps.limits)
    callback = f"{settings.app.public_url}/api/v1/auth"
    oauth = OAuthService(
        [
            OidcClient(provider, f"{callback}/{provider.name}/callback")
            for provider in providers_of(settings.sign_in)
        ],
        work,
        deps.outside_clock,
        deps.vault,
        sign_in,
        sessions,
        post,
    )
    privacy = PrivacyService(work, deps.jobs, deps.vault)
    people = PeopleService(work, sessions, two_factor, post)
    journal = AuditJournal(deps.vault)
    work.keep_journal(journal)

    @contextlib.asynccontextmanager
    async def watch() -> AsyncIterator[None]:
        """Forget sessions and keys as soon as it is said that they have changed."""
        deps.bus.hear(sessions.hear)
        heard = await deps.bus.subscribe(
            "identity", sessions.follow, [SessionEnded, UserChanged, UserProfileChanged]
        )
        erased = await deps.bus.subscribe("identity.keys", journal.forget, [PersonErased])
        try:
            yield
        finally:
            await heard.close()
            await erased.close()
            await oauth.close()
            passwords.close()

    module = Module(
        name="identity",
        routes=(
            *SignInRoutes(sign_in, sessions, production=production).table(),
            *AccountRoutes(accounts, two_factor).table(),
            *OAuthRoutes(oauth).table(),
            *PrivacyRoutes(privacy).table(),
            *AdminRoutes(people, AuditReader(work, deps.vault)).table(),
            *MailboxRoutes(mailbox).table(production=production),
        ),
        listeners=(chain(deps.vault), customer_keys(), privacy.certificates()),
        jobs=(post.job(), privacy.job()),
        schedules=(
            Schedule("identity.sweep", "17 4 * * *", sign_in.sweep),
            Schedule("privacy.sweep", "27 4 * * *", privacy.sweep),
        ),
        privacy=RULES,
        sealed=SEALED,
        lifespans=(Lifespan("web", watch),),
    )
    return Identity(module, sessions, privacy, mail)
