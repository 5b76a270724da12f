"""One OpenID Connect provider: where it is, how to send somebody there, and who came back.

Authorization code flow with PKCE (RFC 7636, S256 only), state and nonce. The ID token's signature,
issuer, audience, times and nonce are checked (OpenID Connect Core 1.0, 3.1.3.7) before anything in
it is believed; the provider's access token is not kept.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote_plus, urlencode, urlsplit

import aiohttp
import orjson
import structlog

from config.settings import SignIn as SignInSettings
from contactcenter.core.errors import Problem, Unauthenticated, Unavailable

log = structlog.get_logger(__name__)

SCOPE: Final = "openid email profile"
ALGORITHMS: Final = ("RS256", "PS256", "ES256", "EdDSA")  # a shared secret signs nothing here
LEEWAY_SECONDS: Final = 60
KEPT_SECONDS: Final = 3600.0
TIMEOUT: Final = aiohttp.ClientTimeout(total=10)
ANSWER_LIMIT: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Provider:
    """As the settings describe it."""

    name: str
    label: str
    issuer: str
    client_id: str
    client_secret: str


@dataclass(frozen=True, slots=True)
class Person:
    """Who came back, as the provider has them."""

    subject: str
    email: str | None
    email_verified: bool
    first_name: str
    last_name: str
    locale: str


def providers_of(settings: SignInSettings) -> list[Provider]:
    """Those that are configured."""
    found = []
    if settings.google_client_id:
        secret = settings.google_client_secret.get_secret_value()
        issuer = "https://accounts.google.com"
        found.append(Provider("google", "Google", issuer, settings.google_client_id, secret))
    if settings.microsoft_client_id and settings.microsoft_tenant:
        secret = settings.microsoft_client_secret.get_secret_value()
        issuer = f"https://login.microsoftonline.com/{settings.microsoft_tenant}/v2.0"
        client_id = settings.microsoft_client_id
        found.append(Provider("microsoft", "Microsoft", issuer, client_id, secret))
    if settings.oidc_client_id and settings.oidc_issuer:
        secret = settings.oidc_client_secret.get_secret_value()
        label = settings.oidc_name or urlsplit(settings.oidc_issuer).hostname or "OpenID"
        found.append(Provider("oidc", label, settings.oidc_issuer, settings.oidc_client_id, secret))
    return found


class OidcClient:
    """Talks to one provider. `redirect_uri` is where it sends people back."""

    def __init__(
        self,
        provider: Provider,
        redirect_uri: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.provider = provider
        self._redirect_uri = redirect_uri
        self._monotonic = monotonic
        self._session: aiohttp.ClientSession | None = None
        self._known: dict[str, tuple[dict[str, Any], float]] = {}

    async def authorization_url(self, state: str, nonce: str, verifier: str) -> str:
        """Where to send the browser. Raises Unavailable when the provider does not answer."""
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        metadata = await self._metadata()
        query = urlencode(
            {
                "response_type": "code",
                "client_id": self.provider.client_id,
                "redirect_uri": self._redirect_uri,
                "scope": SCOPE,
                "state": state,
                "nonce": nonce,
                "code_challenge": create_s256_code_challenge(verifier),
                "code_challenge_method": "S256",
            }
        )
        endpoint: str = metadata["authorization_endpoint"]
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{query}"

    async def redeem(self, code: str, nonce: str, verifier: str, now: datetime) -> Person:
        """Exchange the code, and read who it is from the ID token.

        Raises Unauthenticated when the provider refuses the code or its token is not good,
        Unavailable when it does not answer.
        """
        metadata = await self._metadata()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": verifier,
        }
        authorization = None
        methods = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if "client_secret_basic" in methods:  # each part encoded first: RFC 6749, 2.3.1
            authorization = aiohttp.encode_basic_auth(
                quote_plus(self.provider.client_id), quote_plus(self.provider.client_secret)
            )
        else:
            form |= {
                "client_id": self.provider.client_id,
                "client_secret": self.provider.client_secret,
            }
        answer = await self._ask("POST", metadata["token_endpoint"], form, authorization)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise Unauthenticated("The provider sent no ID token.")
        claims = dict(await self._claims(token, nonce, now))
        endpoint, access_token = metadata.get("userinfo_endpoint"), answer.get("access_token")
        if "email" not in claims and isinstance(endpoint, str) and isinstance(access_token, str):
            told = await self._ask("GET", endpoint, None, f"Bearer {access_token}")
            if told.get("sub") == claims["sub"]:  # Core 1.0, 5.3.2: else it is not to be used
                claims = {**told, **claims}
        return _person(claims)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _claims(self, token: str, nonce: str, now: datetime) -> Mapping[str, Any]:
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        for fresh in (False, True):  # once more with fresh keys: the provider may have new ones
            keys = _usable(await self._keys(fresh=fresh))
            if not keys:
                if fresh:
                    log.warning("provider_failed", provider=self.provider.name, why="keys")
                    raise Unavailable("The provider's keys cannot be used.")
                continue
            try:
                decoded = jwt.decode(token, KeySet(keys), algorithms=list(ALGORITHMS))
                break
            except (JoseError, ValueError) as error:
                if fresh:
                    log.warning("id_token_refused", why=type(error).__name__)
                    raise Unauthenticated("The provider's token is not good.") from error
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            {
                "iss": {"essential": True, "value": self.provider.issuer},
                "aud": {"essential": True, "value": self.provider.client_id},
                "nonce": {"essential": True, "value": nonce},
            },
            {"nonce": nonce, "client_id": self.provider.client_id},
        )
        try:
            claims.validate(int(now.timestamp()), LEEWAY_SECONDS)
        except (JoseError, ValueError) as error:
            log.warning("id_token_refused", why=type(error).__name__)
            raise Unauthenticated("The provider's token is not good.") from error
        return dict(claims)

    async def _metadata(self) -> dict[str, Any]:
        """The provider's discovery document; its issuer must be the one in the settings."""
        url = self.provider.issuer.rstrip("/") + "/.well-known/openid-configuration"
        metadata = await self._fetched(url)
        secure = self.provider.issuer.startswith("https:")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            endpoint = metadata.get(name)
            if not isinstance(endpoint, str) or (secure and not endpoint.startswith("https:")):
                raise Unavailable("The provider's description cannot be used.")
        if metadata.get("issuer") != self.provider.issuer:
            raise Unavailable("The provider's description is of another issuer.")
        return metadata

    async def _keys(self, *, fresh: bool) -> dict[str, Any]:
        url = (await self._metadata())["jwks_uri"]
        if fresh:
            self._known.pop(url, None)
        return await self._fetched(url)

    async def _fetched(self, url: str) -> dict[str, Any]:
        found = self._known.get(url)
        if found is None or self._monotonic() - found[1] > KEPT_SECONDS:
            found = self._known[url] = (await self._ask("GET", url), self._monotonic())
        return found[0]

    async def _ask(
        self,
        method: str,
        url: str,
        form: Mapping[str, str] | None = None,
        authorization: str | None = None,
    ) -> dict[str, Any]:
        headers = {"Accept": "application/json"}
        if authorization is not None:
            headers["Authorization"] = authorization
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=TIMEOUT)
        try:
            async with self._session.request(
                method,
                url,
                data=form,
                allow_redirects=False,
                headers=headers,
            ) as answer:
                raw = await answer.content.read(ANSWER_LIMIT)
                if 400 <= answer.status < 500 and method == "POST":
                    raise Unauthenticated("The provider refused the sign-in.")
                told = orjson.loads(raw)
                if answer.status != 200 or not isinstance(told, dict):
                    raise ValueError
                return told
        except Problem:
            raise
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            log.warning("provider_failed", provider=self.provider.name, why=type(error).__name__)
            raise Unavailable("The provider does not answer just now.") from error


def _usable(told: Mapping[str, Any]) -> list[Any]:
    """A key set's keys but those of an unknown or a broken form (RFC 7517, 5)."""
    from joserfc.errors import JoseError
    from joserfc.jwk import import_key

    keys: list[Any] = []
    given = told.get("keys")
    for each in given if isinstance(given, list) else ():
        if not isinstance(each, dict):
            continue
        with contextlib.suppress(JoseError, ValueError, LookupError, TypeError):
            keys.append(import_key(each))
    return keys


def _person(claims: Mapping[str, Any]) -> Person:
    email = claims.get("email")
    usable = isinstance(email, str) and 3 <= len(email) <= 254 and email.count("@") == 1
    locale = str(claims.get("locale", ""))
    first, _, rest = str(claims.get("name", "")).partition(" ")
    return Person(
        subject=str(claims["sub"])[:255],
        email=str(email).strip().lower() if usable else None,
        # Providers that say nothing of it (Microsoft) have not verified it.
        email_verified=claims.get("email_verified") is True,
        first_name=_plain(claims.get("given_name") or first),
        last_name=_plain(claims.get("family_name") or rest),
        locale="en" if locale.startswith("en") else "es",
    )


def _plain(name: Any) -> str:
    return "".join(c for c in str(name) if c.isprintable()).strip()[:80]
