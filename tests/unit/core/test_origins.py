"""Which pages may open a socket, and what browsers are told."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from config.settings import load_settings
from contactcenter.core.origins import Origins

SECRETS = {"JWT_SECRET": "a" * 40, "JWT_REFRESH_SECRET": "b" * 40, "APP_ENV": "test"}


@pytest.mark.parametrize(
    ("public", "origin", "own"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", True),
        ("http://127.0.0.1:8080", "http://localhost:8080", True),
        ("http://127.0.0.1:8080", "http://[::1]:8080", True),
        ("http://127.0.0.1:8080", "http://localhost:8081", False),
        ("http://127.0.0.1:8080", "https://localhost:8080", False),
        ("http://127.0.0.1:8080", "http://localhost.example:8080", False),
        ("https://centre.example", "https://centre.example", True),
        ("https://centre.example", "http://localhost:8080", False),
        ("https://centre.example", "null", False),
        ("https://centre.example", None, True),
    ],
)
def test_our_own_pages(public: str, origin: str | None, own: bool) -> None:
    origins = Origins(load_settings({**SECRETS, "PUBLIC_URL": public}))
    assert origins.is_own(origin) is own
    assert origins.may_visit(origin) is own


def test_a_named_shop_may_open_the_chat_and_nothing_else() -> None:
    origins = Origins(load_settings({**SECRETS, "WIDGET_ORIGINS": "https://shop.example"}))
    assert origins.may_visit("https://shop.example")
    assert not origins.is_own("https://shop.example")
    assert not origins.may_visit("https://shop.example.evil")


def headers(public: str, *, path: str = "/api/v1/auth/me") -> Mapping[str, str]:
    """What a response is sent with."""
    response = web.Response()
    Origins(load_settings({**SECRETS, "PUBLIC_URL": public})).set_headers(
        make_mocked_request("GET", path), response
    )
    return response.headers


def test_what_browsers_are_told_to_refuse() -> None:
    told = headers("https://centre.example")
    policy = dict(
        part.strip().partition(" ")[::2] for part in told["Content-Security-Policy"].split(";")
    )
    assert policy == {
        "default-src": "'self'",
        "script-src": "'self'",
        "style-src": "'self' 'unsafe-inline'",
        "connect-src": "'self' wss://centre.example",
        "img-src": "'self' data: blob:",
        "media-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    assert told["Strict-Transport-Security"] == "max-age=31536000"
    assert told["X-Content-Type-Options"] == "nosniff"
    assert told["X-Frame-Options"] == "DENY"
    assert told["Referrer-Policy"] == "no-referrer"
    assert told["Cross-Origin-Opener-Policy"] == "same-origin"
    assert told["Cross-Origin-Resource-Policy"] == "same-origin"
    assert told["Permissions-Policy"] == "camera=(), geolocation=(), microphone=(self)"


def test_no_promise_of_https_where_there_is_none() -> None:
    told = headers("http://127.0.0.1:8080")
    assert "Strict-Transport-Security" not in told
    assert "connect-src 'self' ws://127.0.0.1:8080;" in told["Content-Security-Policy"]
