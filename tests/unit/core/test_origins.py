"""Which pages may open a socket."""

from __future__ import annotations

import pytest

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
