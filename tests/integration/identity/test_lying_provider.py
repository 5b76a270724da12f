"""A provider that lies, or somebody on the way to it."""

from __future__ import annotations

import base64
import hmac
from typing import Any

import aiohttp
import aiohttp.web
import pytest
from aiohttp.test_utils import TestServer
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from contactcenter.core.clock import SystemClock
from contactcenter.core.errors import Unauthenticated, Unavailable
from contactcenter.identity.oidc import OidcClient, Provider
from tests.integration.identity.test_oauth import CALLBACK
from tests.oidc import provider as oidc

KEY = RSAKey.generate_key(2048, {"kid": "k"})


class Liar:
    """Answers discovery, keys and codes as a test says."""

    def __init__(self) -> None:
        self.issuer = ""
        self.token = ""
        self.forms: list[dict[str, str]] = []
        self.key_set: Any = {"keys": [KEY.as_dict(private=False)]}

    async def start(self) -> TestServer:
        app = aiohttp.web.Application()
        app.router.add_get("/.well-known/openid-configuration", self.describe)
        app.router.add_get("/keys", self.keys)
        app.router.add_post("/token", self.redeem)
        server = TestServer(app)
        await server.start_server()
        self.issuer = str(server.make_url("")).rstrip("/")
        return server

    async def describe(self, _: aiohttp.web.Request) -> aiohttp.web.Response:
        return aiohttp.web.json_response(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/auth",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
            }
        )

    async def keys(self, _: aiohttp.web.Request) -> aiohttp.web.Response:
        return aiohttp.web.json_response(self.key_set)

    async def redeem(self, request: aiohttp.web.Request) -> aiohttp.web.Response:
        self.forms.append({k: str(v) for k, v in (await request.post()).items()})
        return aiohttp.web.json_response({"id_token": self.token, "access_token": "x"})


def signed(issuer: str, *, key: Any = KEY, alg: str = "RS256", **changes: Any) -> str:
    now = int(SystemClock().now().timestamp())
    claims = {
        "iss": issuer,
        "aud": "centre",
        "sub": "1",
        "nonce": "n",
        "iat": now,
        "exp": now + 300,
        **changes,
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": alg, "kid": "k"}, claims, key, algorithms=[alg])


PUBLIC_PEM = KEY.as_pem(private=False)


WRONG: dict[str, Any] = {
    "another issuer": {"iss": "http://127.0.0.1:1"},
    "no issuer": {"iss": None},
    "another audience": {"aud": "another"},
    "several audiences, another party": {"aud": ["centre", "another"], "azp": "another"},
    "no audience": {"aud": None},
    "another nonce": {"nonce": "m"},
    "no nonce": {"nonce": None},
    "expired": {"exp": 1_000_000_000},
    "no expiry": {"exp": None},
    "of the future": {"nbf": 4_000_000_000},
    "no subject": {"sub": None},
    "another key": {"key": RSAKey.generate_key(2048, {"kid": "k"})},
    "signed with the client's secret": {
        "key": OctKey.import_key(oidc.CLIENT_SECRET), "alg": "HS256",
    },
}  # fmt: skip


def confused(token: str) -> str:
    """The same claims, signed with the public key as if it were a shared secret."""
    payload = token.split(".")[1]
    header = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"k"}').rstrip(b"=").decode()
    digest = hmac.digest(PUBLIC_PEM, f"{header}.{payload}".encode(), "sha256")
    return f"{header}.{payload}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


@pytest.mark.parametrize(
    "what", ["nothing", *WRONG, "signed with the public key", "no signature", "no token"]
)
async def test_an_id_token_that_is_not_good(what: str) -> None:
    liar = Liar()
    server = await liar.start()
    provider = Provider("oidc", "Liar", liar.issuer, "centre", oidc.CLIENT_SECRET)
    client = OidcClient(provider, CALLBACK)
    try:
        liar.token = signed(liar.issuer, **WRONG.get(what, {}))
        if what == "no signature":
            liar.token = liar.token.rpartition(".")[0] + "."
        elif what == "signed with the public key":
            liar.token = confused(liar.token)
        elif what == "no token":
            liar.token = ""
        now = SystemClock().now()
        if what == "nothing":
            person = await client.redeem("code", "n", "v" * 43, now)
            assert (person.subject, person.email, person.email_verified) == ("1", None, False)
            assert liar.forms[0]["code_verifier"] == "v" * 43
        else:
            with pytest.raises(Unauthenticated):
                await client.redeem("code", "n", "v" * 43, now)
    finally:
        await client.close()
        await server.close()


GOOD = KEY.as_dict(private=False)


ODD: list[Any] = [
    {},
    {"keys": None},
    {"keys": []},
    {"keys": {"a": 1}},
    {"keys": ["x", 7, None]},
    {"keys": [{}]},
    {"keys": [{"kty": "unheard-of"}]},
    {"keys": [{"kty": ["RSA"], "n": "AQAB", "e": "AQAB"}]},
    {"keys": [{**GOOD, "n": "!!"}]},
    {"keys": [{**GOOD, "n": 1}]},
    {"keys": [{"kty": "EC", "crv": "P-9", "x": "a", "y": "b"}]},
]


@pytest.mark.parametrize("odd", ODD)
async def test_a_key_set_that_cannot_be_used(odd: Any) -> None:
    """As if the provider did not answer; and once it has a key that can be used, all is well,
    whatever stands beside it."""
    liar = Liar()
    server = await liar.start()
    client = OidcClient(
        Provider("oidc", "Liar", liar.issuer, "centre", oidc.CLIENT_SECRET), CALLBACK
    )
    try:
        liar.token, liar.key_set = signed(liar.issuer), odd
        now = SystemClock().now()
        with pytest.raises(Unavailable):
            await client.redeem("code", "n", "v" * 43, now)
        beside = odd.get("keys")
        liar.key_set = {"keys": [*(beside if isinstance(beside, list) else ()), GOOD]}
        assert (await client.redeem("code", "n", "v" * 43, now)).subject == "1"
    finally:
        await client.close()
        await server.close()
