"""What comes in and what goes out: validation, origins, the document."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import hypothesis
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict
from pydantic import BaseModel, Field, ValidationError, field_validator

from config.settings import Settings
from contactcenter.core import http, openapi
from contactcenter.core.access import PUBLIC, Permission
from contactcenter.core.errors import Conflict, Forbidden, Invalid
from contactcenter.core.http import Request, Route
from contactcenter.core.origins import Origins, Proxies, origin_of
from contactcenter.core.validation import Schema, error_items, refuse_unfit, unfit_at
from tools import reference


class Everything(Schema):
    number: int = Field(ge=1)
    text: str = Field(max_length=3, pattern="^[a-z]*$")
    id: UUID
    at: datetime
    kind: Literal["a", "b"]
    checked: str = ""

    @field_validator("checked")
    @classmethod
    def _check(cls, value: str) -> str:
        if value:
            raise ValueError("must be empty")
        return value


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
FEW = hypothesis.settings(max_examples=40)
MARK = "ZQXJ"


@FEW
@given(st.dictionaries(st.sampled_from([*Everything.model_fields, MARK]), JSON | st.just(MARK * 9)))
def test_the_input_is_never_echoed(given_: dict[str, Any]) -> None:
    try:
        Everything.model_validate(given_)
    except ValidationError as error:
        items = error_items(error)
        assert items
        text = orjson.dumps(items).decode()
        assert MARK not in text
        for item in items:
            assert item.keys() == {"loc", "type", "ctx", "msg"}


def test_a_rule_of_ours_speaks_in_its_own_words() -> None:
    with pytest.raises(ValidationError) as caught:
        Everything.model_validate({"checked": MARK})
    item = next(item for item in error_items(caught.value, "query") if "checked" in item["loc"])
    assert item == {
        "loc": ["query", "checked"],
        "type": "value_error",
        "ctx": {},
        "msg": "must be empty",
    }


UNFIT = ["\0", "\x07", "\x1b[31m", "\x7f", "\x85", "\u202e", "\u2066", "\ud800"]
FIT = ["", "línea\r\nsegunda\tcon tabulador", "Zoë 🙂‍↔️", "مرحبا\u200f", "<b>\u00a0</b>"]


@FEW
@given(JSON)
def test_unfit_text_is_found_wherever_it_hides(value: Any) -> None:
    before = unfit_at(value)
    assert unfit_at([{"b": ["x\0"]}, value]) == [0, "b", 0]
    assert unfit_at([value, {"\0": value}]) == ([1] if before is None else [0, *before])


@pytest.mark.parametrize("text", UNFIT)
def test_unfit_text_is_refused_by_the_name_of_its_field(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        refuse_unfit({"one": FIT, "two": {"name": f"Ana{text}"}}, "query")
    [item] = refused.value.errors
    assert item["loc"] == ["query", "two", "name"]
    assert item["type"] == "control_characters"
    assert MARK not in str(item)
    refuse_unfit(FIT)


def strings(schema: Any, seen: tuple[str, ...] = ()) -> Iterator[list[str | int]]:
    """Where free text may stand in what a JSON schema describes."""
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "string" and not schema.keys() & {"format", "enum", "const"}:
        yield []
    for name, inner in schema.get("properties", {}).items():
        yield from ([name, *rest] for rest in strings(inner, seen))
    if "items" in schema:
        yield from ([0, *rest] for rest in strings(schema["items"], seen))
    for part in ("anyOf", "oneOf", "allOf"):
        for inner in schema.get(part, []):
            yield from strings(inner, seen)
    reference = schema.get("$ref", "").rpartition("/")[2]
    if reference and reference not in seen:
        yield from strings(DOCUMENT["components"]["schemas"][reference], (*seen, reference))


def holding(path: list[str | int], text: str) -> Any:
    """A body with this text at that place and nothing else."""
    if not path:
        return text
    inner = holding(path[1:], text)
    return [inner] if path[0] == 0 else {path[0]: inner}


ROUTES, _ = reference.tables()
DOCUMENT = openapi.document(ROUTES, reference.SERVER)
FIELDS = [
    (route, path)
    for route in ROUTES
    if route.body is not None
    for path in strings(
        DOCUMENT["paths"][route.path][route.method.lower()]["requestBody"]["content"][
            "application/json"
        ]["schema"]
    )
]


def test_every_free_text_of_the_interface_refuses_what_acts() -> None:
    assert len(FIELDS) > 40
    for route, path in FIELDS:
        body = route.body
        assert body is not None
        for text in ("a\x07b", "a\u202eb", "a\0b"):
            with pytest.raises(Invalid) as refused:
                http._body(orjson.dumps(holding(path, text)), body)
            [item] = refused.value.errors
            assert (item["type"], item["loc"]) == ("control_characters", path), (route.path, path)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Example.com:443/path", "https://example.com"),
        ("http://example.com:8080", "http://example.com:8080"),
        ("http://[::1]:80/", "http://[::1]"),
        ("*", "*"),
    ],
)
def test_origins_are_written_as_browsers_do(url: str, origin: str) -> None:
    assert origin_of(url) == origin


def origins(settings: Settings, **web_settings: tuple[str, ...]) -> Origins:
    return Origins(
        settings.model_copy(update={"web": settings.web.model_copy(update=web_settings)})
    )


def request(
    method: str, path: str, origin: str | None, host: str = "127.0.0.1:8080"
) -> web.Request:
    headers = {"Host": host}
    if origin is not None:
        headers["Origin"] = origin
    return make_mocked_request(method, path, headers=headers)


OWN = "http://127.0.0.1:8080"
SHOP = "https://shop.example"
EVIL = "https://evil.example"


@pytest.mark.parametrize(
    ("path", "origin", "allowed"),
    [
        ("/api/v1/agents/status", None, True),
        ("/api/v1/agents/status", OWN, True),
        ("/api/v1/agents/status", SHOP, False),
        ("/api/v1/agents/status", EVIL, False),
        ("/api/v1/agents/status", "null", False),
        ("/api/v1/chat/conversations", SHOP, True),
        ("/api/v1/chat/conversations", EVIL, False),
        ("/api/v1/chatter", SHOP, False),
    ],
)
def test_who_may_change_something(
    settings: Settings, path: str, origin: str | None, allowed: bool
) -> None:
    known = origins(settings, widget_origins=(SHOP,))
    if allowed:
        known.refuse_foreign(request("POST", path, origin))
    else:
        with pytest.raises(Forbidden):
            known.refuse_foreign(request("POST", path, origin))
    known.refuse_foreign(request("GET", path, origin))


def test_the_address_that_was_asked_is_our_own_too(settings: Settings) -> None:
    origins(settings).refuse_foreign(
        request("POST", "/api/v1/x", "http://centre.lan:8080", host="centre.lan:8080")
    )
    with pytest.raises(Forbidden):
        origins(settings).refuse_foreign(
            request("POST", "/api/v1/x", "http://centre.lan:8080", host="127.0.0.1:8080")
        )


def test_preflights_say_yes_and_no(settings: Settings) -> None:
    known = origins(settings, cors_origins=(SHOP,))
    asked = make_mocked_request(
        "OPTIONS",
        "/api/v1/agents",
        headers={"Host": "x", "Origin": SHOP, "Access-Control-Request-Method": "POST"},
    )
    answer = known.preflight(asked)
    assert answer is not None
    known.set_headers(asked, answer)
    assert answer.headers["Access-Control-Allow-Origin"] == SHOP
    assert "Idempotency-Key" in answer.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert known.preflight(request("GET", "/api/v1/agents", SHOP)) is None
    foreign = make_mocked_request(
        "OPTIONS",
        "/api/v1/agents",
        headers={"Host": "x", "Origin": EVIL, "Access-Control-Request-Method": "POST"},
    )
    with pytest.raises(Forbidden):
        known.preflight(foreign)


def test_sockets_ask_the_same_list(settings: Settings) -> None:
    known = origins(settings, widget_origins=(SHOP,))
    assert [known.may_visit(origin) for origin in (None, OWN, SHOP, EVIL)] == [True] * 3 + [False]
    assert [known.is_own(origin) for origin in (None, OWN, SHOP, EVIL)] == [True] * 2 + [False] * 2
    assert origins(settings, widget_origins=("*",)).may_visit(EVIL)


@pytest.mark.parametrize(
    ("proxies", "remote", "forwarded", "client"),
    [
        ((), "203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        (("10.0.0.0/8",), "203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        (("10.0.0.0/8",), "10.0.0.1", [], "10.0.0.1"),
        (("10.0.0.0/8",), "10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        (("10.0.0.0/8",), "10.0.0.1", ["192.0.2.7, 198.51.100.1 , 10.9.9.9"], "198.51.100.1"),
        (("10.0.0.0/8",), "10.0.0.1", ["192.0.2.7", "198.51.100.1"], "198.51.100.1"),
        (("10.0.0.0/8",), "10.0.0.1", ["10.1.1.1"], "10.1.1.1"),
        (("10.0.0.0/8",), "10.0.0.1", ["forged; text", "10.1.1.1"], "forged; text"),
        (("::1",), "::1", ["2001:db8::7"], "2001:db8::7"),
    ],
)
def test_only_our_own_proxies_are_believed(
    settings: Settings, proxies: tuple[str, ...], remote: str, forwarded: list[str], client: str
) -> None:
    web_section = settings.web.model_copy(update={"trusted_proxies": proxies})
    known = Proxies(settings.model_copy(update={"web": web_section}))
    headers = CIMultiDict([("X-Forwarded-For", text) for text in forwarded])
    asked = make_mocked_request("GET", "/", headers=headers).clone(remote=remote)
    assert known.client(asked) == client


class Out(BaseModel):
    id: UUID


class Nested(Schema):
    inner: Everything


async def handler(_: Request) -> None: ...


def test_the_document_tells_what_the_routes_declare() -> None:
    routes = [
        Route(
            "POST",
            "/api/v1/things/{id}/parts/{key}",
            handler,
            Permission.DESK_USE,
            "Add a part",
            body=Nested,
            query=None,
            response=Out,
            status=201,
            errors=(Conflict,),
            creates=True,
        ),
        Route("GET", "/api/v1/things", handler, PUBLIC, "List", query=Everything, tags=("t",)),
    ]
    document = openapi.document(routes, "http://x")
    add = document["paths"]["/api/v1/things/{id}/parts/{key}"]["post"]
    assert add["operationId"] == "post_things_id_parts_key"
    assert add["tags"] == ["things"]
    assert add["security"] == [{"token": []}]
    assert add["x-permission"] == "desk.use"
    assert [(p["name"], p["in"]) for p in add["parameters"]] == [
        ("id", "path"),
        ("key", "path"),
        ("Idempotency-Key", "header"),
    ]
    assert add["parameters"][0]["schema"]["format"] == "uuid"
    assert {*add["responses"]} == {
        *("201", "400", "401", "403", "404", "409", "413", "415", "422", "429", "503")
    }
    every = document["paths"]["/api/v1/things"]["get"]
    assert {p["name"] for p in every["parameters"]} == set(Everything.model_fields)
    assert {*every["responses"]} == {"204", "422", "429", "503"}
    assert {"Everything", "Nested", "Out", "Problem"} <= document["components"]["schemas"].keys()
    ids = [one["operationId"] for path in document["paths"].values() for one in path.values()]
    assert len(set(ids)) == len(ids)
    assert {"status", "code", "title", "about"} == document["x-problems"][0].keys()
