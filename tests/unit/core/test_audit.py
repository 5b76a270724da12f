"""What the audit log does not write down: secrets, wherever they stand, and nothing but secrets."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest
from pydantic import BaseModel

from contactcenter.core.audit import without_secrets

SECRET = (
    "access_token",
    "api_key",
    "client_secret",
    "code",
    "current_password",
    "encryption_key",
    "new_password",
    "password",
    "password_hash",
    "recovery_codes",
    "refresh_token",
    "secret",
    "temp_token",
    "token",
    "token_hash",
    "totp",
    "webhook_secret",
)
OPEN = (
    "dgs_code",
    "key",
    "keys",
    "object_key",
    "postal_code",
    "postal_codes",
    "property_postal_code",
    "return_code",
    "sort_key",
)
SOUNDS_SECRET = re.compile("password|secret|token|code|hash|key|totp")


@pytest.mark.parametrize("name", SECRET)
def test_a_secret_is_not_written_down(name: str) -> None:
    assert without_secrets({name: "x", "n": 1}) == {name: "…", "n": 1}
    deep = {"deep": {"list": [{name: "x"}, [{name.upper(): ["x"]}]]}}
    assert without_secrets(deep) == {"deep": {"list": [{name: "…"}, [{name.upper(): "…"}]]}}
    assert without_secrets({name: None}) == {name: None}, "that there is none is no secret"


@pytest.mark.parametrize("name", OPEN)
def test_what_only_sounds_like_one_is(name: str) -> None:
    given = {name: "28013", "list": [{name: "28013"}, "x"]}
    assert without_secrets(given) == given


def test_every_field_that_sounds_secret_is_in_one_of_the_lists() -> None:
    """A schema with a new one says here which it is."""
    rooms = ("contactcenter", "crm", "channels", "routing")
    for room in rooms:
        for found in pkgutil.walk_packages([room], f"{room}."):
            if re.search(r"schemas$|\.model$", found.name):
                importlib.import_module(found.name)
    names: set[str] = set()
    left: list[type[BaseModel]] = [BaseModel]
    while left:
        schema = left.pop()
        left += schema.__subclasses__()
        if schema.__module__.startswith(rooms):
            names |= schema.model_fields.keys()
    ours = {name for name in names if SOUNDS_SECRET.search(name)}
    assert len(ours) > 10
    assert ours <= {*SECRET, *OPEN}
