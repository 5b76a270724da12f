"""Access tokens (signed, short-lived) and refresh tokens (opaque, kept as hashes)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import jwt

from contactcenter.core.errors import Unauthenticated
from contactcenter.identity.model import ACCESS_TTL
from db import Uuid

ALGORITHM: Final = "HS256"
ISSUER: Final = "contactcenter"
AUDIENCE: Final = "contactcenter-api"
HEADER: Final = {"alg": ALGORITHM, "typ": "at+jwt"}  # RFC 9068
REMEMBERED: Final = 10_000  # verified tokens, about half a kilobyte each
SKEW_SECONDS: Final = 10  # between the clocks of two nodes
CLAIMS: Final = frozenset({"iss", "aud", "sub", "sid", "iat", "exp", "typ"})


@dataclass(frozen=True, slots=True)
class Claims:
    """What a valid access token says."""

    user_id: UUID
    session_id: UUID


class AccessTokens:
    """Signs and reads access tokens: one algorithm, one key, one kind of header."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._verified: OrderedDict[str, tuple[Claims, int, int]] = OrderedDict()

    def issue(self, user_id: UUID, session_id: UUID, now: datetime) -> str:
        issued = int(now.timestamp())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(user_id),
            "sid": str(session_id),
            "iat": issued,
            "exp": issued + int(ACCESS_TTL.total_seconds()),
            "typ": "access",
        }
        return jwt.encode(claims, self._secret, ALGORITHM, {"typ": HEADER["typ"]})

    def read(self, token: str, now: datetime) -> Claims:
        """The claims of a token that we signed and that holds at `now`.

        Raises Unauthenticated for any other text. Times are compared with the centre's clock, not
        with the machine's; a header with anything but our own algorithm and type is refused
        before its signature is looked at. What was verified once is remembered, so that a token
        costs its signature once and not with each request.
        """
        if token not in self._verified:
            self._verified[token] = self._verify(token)
            if len(self._verified) > REMEMBERED:
                self._verified.popitem(last=False)
        claims = self.remembered(token, now)
        if claims is None:
            raise Unauthenticated("The access token has expired.")
        return claims

    def remembered(self, token: str, now: datetime) -> Claims | None:
        """The claims of a token that `read` has verified and that holds at `now`."""
        found = self._verified.get(token)
        if found is None:
            return None
        claims, issued, expires = found
        holds = issued - SKEW_SECONDS <= now.timestamp() < expires + SKEW_SECONDS
        return claims if holds else None

    def _verify(self, token: str) -> tuple[Claims, int, int]:
        """The claims with the times of issue and expiry, whatever the time is now."""
        try:
            if jwt.get_unverified_header(token) != HEADER:
                raise Unauthenticated
            claims: dict[str, Any] = jwt.decode(
                token,
                self._secret,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={
                    "require": sorted(CLAIMS),
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                    "strict_aud": True,
                },
            )
            if claims.keys() != CLAIMS or claims["typ"] != "access":
                raise Unauthenticated
            issued, expires = claims["iat"], claims["exp"]
            if type(issued) is not int or type(expires) is not int:
                raise Unauthenticated
            return Claims(Uuid(claims["sub"]), Uuid(claims["sid"])), issued, expires
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise Unauthenticated from error


def opaque() -> str:
    """A random token of 256 bits."""
    return secrets.token_urlsafe(32)


def hashed(token: str) -> bytes:
    """What a table holds of an opaque token."""
    return hashlib.sha256(token.encode()).digest()


class DeviceCookies:
    """Signed proof that somebody has signed in to an account from a browser before.

    It opens nothing. It gives that browser's tries a budget of their own, so that whoever guesses
    at an account cannot lock its owner out (OWASP: Device Cookies). `name.signature`, the name
    being random and the signature made over it and the account.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def issue(self, email: str) -> str:
        name = secrets.token_urlsafe(12)
        return f"{name}.{self._sign(name, email)}"

    def name_of(self, cookie: str | None, email: str) -> str | None:
        """The device's name; None when the cookie is not ours, or not for this account."""
        name, dot, signature = (cookie or "").partition(".")
        known = dot and hmac.compare_digest(signature.encode(), self._sign(name, email).encode())
        return name if known else None

    def _sign(self, name: str, email: str) -> str:
        text = b"device\0" + name.encode() + b"\0" + email.lower().encode()
        digest = hmac.digest(self._secret, text, "sha256")
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class RefreshTokens:
    """The successors of refresh tokens, which are opaque."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def successor(self, token: str) -> str:
        """The token that follows: the same each time, and not to be foretold without our secret."""
        digest = hmac.digest(self._secret, b"successor\0" + token.encode(), "sha256")
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
