"""Every way to confuse a reader of JSON Web Tokens is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from contactcenter.core.errors import Unauthenticated
from contactcenter.core.ids import new_id
from contactcenter.identity.tokens import (
    AccessTokens,
    Claims,
    DeviceCookies,
    RefreshTokens,
    hashed,
    opaque,
)

SECRET = "unit-test-secret-of-thirty-two-bytes-or-more"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
USER, SESSION = new_id(), new_id()
TOKENS = AccessTokens(SECRET)
HEADER: dict[str, Any] = {"alg": "HS256", "typ": "at+jwt"}
ISSUED = int(NOW.timestamp())
CLAIMS: dict[str, Any] = {
    "iss": "contactcenter",
    "aud": "contactcenter-api",
    "sub": str(USER),
    "sid": str(SESSION),
    "iat": ISSUED,
    "exp": ISSUED + 900,
    "typ": "access",
}


def b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def signed(header: Any, claims: Any, secret: bytes = SECRET.encode()) -> str:
    """A token with a right signature over whatever it says."""
    text = f"{b64(orjson.dumps(header))}.{b64(orjson.dumps(claims))}"
    return f"{text}.{b64(hmac.digest(secret, text.encode(), hashlib.sha256))}"


def test_what_is_issued_is_read() -> None:
    token = TOKENS.issue(USER, SESSION, NOW)
    assert TOKENS.read(token, NOW) == Claims(USER, SESSION)
    assert jwt.decode(token, options={"verify_signature": False}) == CLAIMS


def test_the_hand_made_token_is_read_too() -> None:
    """So the refusals below are about what each case changes."""
    assert TOKENS.read(signed(HEADER, CLAIMS), NOW) == Claims(USER, SESSION)


@pytest.mark.parametrize("seconds", [-11, 911, 10_000_000])
def test_time_is_the_given_clock_s(seconds: int) -> None:
    with pytest.raises(Unauthenticated):
        TOKENS.read(TOKENS.issue(USER, SESSION, NOW), NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [-9, 0, 899, 909])
def test_clocks_of_two_nodes_may_differ_by_ten_seconds(seconds: int) -> None:
    TOKENS.read(TOKENS.issue(USER, SESSION, NOW), NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "header",
    [
        {**HEADER, "alg": "none"},
        {**HEADER, "alg": "None"},
        {**HEADER, "alg": "HS384"},
        {**HEADER, "alg": "RS256"},
        {**HEADER, "alg": ["HS256"]},
        {**HEADER, "kid": "../../etc/passwd"},
        {**HEADER, "jku": "https://elsewhere.example/keys"},
        {**HEADER, "jwk": {"kty": "oct", "k": "AAAA"}},
        {**HEADER, "x5u": "https://elsewhere.example/cert"},
        {**HEADER, "crit": ["exp"]},
        {**HEADER, "b64": False},
        {**HEADER, "typ": "JWT"},
        {**HEADER, "typ": "refresh"},
        {"alg": "HS256"},
        {},
        [],
        "HS256",
        None,
    ],
)
def test_headers(header: Any) -> None:
    with pytest.raises(Unauthenticated):
        TOKENS.read(signed(header, CLAIMS), NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "elsewhere"},
        {"iss": None},
        {"aud": "elsewhere"},
        {"aud": ["contactcenter-api", "elsewhere"]},
        {"aud": ["contactcenter-api"]},
        {"typ": "refresh"},
        {"typ": None},
        {"sub": "admin"},
        {"sub": 1},
        {"sid": "x"},
        {"sid": None},
        {"exp": "2099-01-01"},
        {"exp": 1e12},
        {"exp": True},
        {"exp": None},
        {"iat": ISSUED + 60},
        {"iat": str(ISSUED)},
        {"nbf": ISSUED + 60},
        {"nbf": "now"},
        {"role": "admin"},
    ],
)
def test_claims(change: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        TOKENS.read(signed(HEADER, CLAIMS | change), NOW)


@pytest.mark.parametrize("missing", sorted(CLAIMS))
def test_missing_claims(missing: str) -> None:
    with pytest.raises(Unauthenticated):
        TOKENS.read(signed(HEADER, {k: v for k, v in CLAIMS.items() if k != missing}), NOW)


def test_a_public_key_is_no_secret() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    token = jwt.encode(CLAIMS, key, "RS256", {"typ": "at+jwt"})
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for forged in (token, signed(HEADER, CLAIMS, public), signed(HEADER, CLAIMS, b"")):
        with pytest.raises(Unauthenticated):
            TOKENS.read(forged, NOW)


def test_another_secret_s_token() -> None:
    other = AccessTokens("another-secret-of-thirty-two-bytes-or-more")
    with pytest.raises(Unauthenticated):
        TOKENS.read(other.issue(USER, SESSION, NOW), NOW)


@given(position=st.integers(0, 400), change=st.integers(1, 255))
def test_no_byte_may_change(position: int, change: int) -> None:
    token = TOKENS.issue(USER, SESSION, NOW).encode()
    position %= len(token)
    mutated = bytes([*token[:position], token[position] ^ change, *token[position + 1 :]])
    text = mutated.decode("latin-1")
    try:
        claims = TOKENS.read(text, NOW)
    except Unauthenticated:
        return
    # base64's last character has spare bits: the same bytes in another spelling
    assert position == len(token) - 1
    assert claims == Claims(USER, SESSION)


@given(st.text(max_size=200))
def test_any_text_is_refused(text: str) -> None:
    for token in (text, f"{text}.{text}.{text}"):
        with pytest.raises(Unauthenticated):
            TOKENS.read(token, NOW)


def test_a_deeply_nested_header_is_refused() -> None:
    nested = b64(b"[" * 100_000)
    with pytest.raises(Unauthenticated):
        TOKENS.read(f"{nested}.{nested}.{nested}", NOW)


def test_successors_are_the_same_for_everyone_who_knows_the_secret() -> None:
    here, there = RefreshTokens(SECRET), RefreshTokens(SECRET)
    token = opaque()
    assert here.successor(token) == there.successor(token)
    assert len({token, here.successor(token), here.successor(here.successor(token))}) == 3
    assert here.successor(token) != RefreshTokens("another").successor(token)
    assert opaque() != opaque()
    assert token.encode() not in hashed(token)


def test_a_device_cookie_counts_for_its_account_only() -> None:
    cookies = DeviceCookies(SECRET)
    cookie = cookies.issue("Ada@example.com")
    assert cookies.name_of(cookie, "ada@EXAMPLE.com") == cookie.partition(".")[0]
    assert cookies.name_of(cookie, "eve@example.com") is None
    assert DeviceCookies("another").name_of(cookie, "ada@example.com") is None
    for forged in (None, "", ".", "a.b", cookie[:-1], cookie + "x", cookie.replace(".", "ñ.")):
        assert cookies.name_of(forged, "ada@example.com") is None
