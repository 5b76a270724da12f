from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import orjson
import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from pydantic import BaseModel, Field

import db
from config.settings import Settings
from contactcenter.core.access import PUBLIC, Permission, Principal
from contactcenter.core.errors import Conflict, Unauthenticated
from contactcenter.core.health import State
from contactcenter.core.http import (
    GOOD_REQUEST_ID,
    SIGNED_IN_LIMIT,
    Request,
    Response,
    Route,
    build_app,
)
from contactcenter.core.ids import new_id
from contactcenter.core.limits import Limit
from contactcenter.core.validation import Schema
from contactcenter.core.work import WorkFactory
from tests.integration.core.parcels import ParcelSent

USER = new_id()


class ParcelIn(Schema):
    name: str = Field(min_length=1, max_length=20)
    weight: int = Field(default=1, ge=1, le=30)


class ParcelOut(BaseModel):
    id: UUID
    name: str
    sent_by: str


class Page(Schema):
    limit: int = Field(default=20, ge=1, le=100)
    tag: list[str] = Field(default_factory=list)


class Text(BaseModel):
    text: str


class Said(Schema):
    text: str


class OneToken:
    def remembered(self, token: str) -> Principal | None:
        return None

    async def principal_of(self, token: str) -> Principal | None:
        if token == "visitor":
            return None
        if token != "good":
            raise Unauthenticated
        permissions = frozenset({Permission.SESSION_USE, Permission.DESK_USE})
        return Principal(kind="user", user_id=USER, permissions=permissions)


class Parcels:
    """The handlers; counts what happened."""

    def __init__(self, work: WorkFactory) -> None:
        self.work = work
        self.pause = asyncio.Event()
        self.pause.set()
        self.breaks_after_commit = False

    async def send(self, request: Request) -> ParcelOut:
        parcel: ParcelIn = request.body
        async with self.work.begin("parcels.send", request.principal.actor) as work:
            await self.pause.wait()
            if parcel.name == "conflict":
                raise Conflict("There is one already.", waiting=3)
            work.emit(ParcelSent(parcel=parcel.name))
            sent = work.answer(
                ParcelOut(id=new_id(), name=parcel.name, sent_by=request.principal.actor)
            )
        if self.breaks_after_commit:
            raise LookupError("the power went")
        return sent

    async def show(self, request: Request) -> Response:
        name = str(request.id("id"))
        return Response(ParcelOut(id=request.id("id"), name=name, sent_by="x"), version=7)

    async def change(self, request: Request) -> None:
        request.match(7, required=True)

    async def all(self, request: Request) -> Text:
        page: Page = request.query
        return Text(text=f"{page.limit} {page.tag}" + "x" * 2000)

    async def fail(self, request: Request) -> None:
        raise LookupError("the secret of the house")

    async def me(self, request: Request) -> Text:
        return Text(text=request.principal.actor)


@pytest.fixture
def parcels(work: WorkFactory) -> Parcels:
    return Parcels(work)


@pytest.fixture
def database() -> list[State]:
    return ["ok"]


Client = TestClient[Any, Any]


@pytest.fixture
async def client(
    settings: Settings, work: WorkFactory, parcels: Parcels, database: list[State]
) -> AsyncIterator[Client]:
    path = "/api/v1/parcels"

    async def check() -> State:
        if database[0] not in {"ok", "degraded", "down"}:
            await asyncio.sleep(60)
        return database[0]

    routes = [
        Route(
            "POST",
            path,
            parcels.send,
            PUBLIC,
            "Send",
            ParcelIn,
            None,
            ParcelOut,
            201,
            creates=True,
            errors=(Conflict,),
        ),
        Route("GET", path, parcels.all, PUBLIC, "All", query=Page, response=Text),
        Route("GET", path + "/{id}", parcels.show, PUBLIC, "One", response=ParcelOut),
        Route("PATCH", path + "/{id}", parcels.change, Permission.DESK_USE, "Change", status=204),
        Route("GET", "/api/v1/fail", parcels.fail, PUBLIC, "Fail"),
        Route("GET", "/api/v1/me", parcels.me, Permission.SESSION_USE, "Me", response=Text),
        Route("GET", "/api/v1/admin", parcels.me, Permission.USERS_MANAGE, "Admin", response=Text),
        Route(
            "GET",
            "/api/v1/rare",
            parcels.me,
            PUBLIC,
            "Rare",
            response=Text,
            limit=Limit(per_second=0.1, burst=1),
        ),
    ]
    app = build_app(
        routes,
        settings=settings,
        work=work,
        authenticator=OneToken(),
        checks={"database": check},
    )
    async with TestClient(TestServer(app), auto_decompress=False) as client:
        yield client


async def problem(response: ClientResponse, status: int) -> dict[str, Any]:
    body = await response.read()
    assert response.status == status, body
    assert response.headers["Content-Type"].startswith("application/problem+json")
    found: dict[str, Any] = orjson.loads(body)
    assert found["status"] == status
    assert found["request_id"] == response.headers["X-Request-Id"]
    assert {"type", "title", "detail", "code"} <= found.keys()
    return found


async def test_malformed_json_is_400(client: Client) -> None:
    for text in (b"{", b'{"name": NaN}', b"\xff\xfe", b"[" * 5000):
        answer = await client.post(
            "/api/v1/parcels", data=text, headers={"Content-Type": "application/json"}
        )
        assert (await problem(answer, 400))["code"] == "invalid"


async def test_what_is_wrong_is_422_and_says_where_but_not_what(client: Client) -> None:
    answer = await client.post(
        "/api/v1/parcels", json={"name": "", "weight": 99, "evil-key": "evil-value"}
    )
    found = (await problem(answer, 422))["errors"]
    assert "evil" not in str(found)
    assert "99" not in str(found)
    errors = {tuple(item["loc"]): item for item in found}
    assert errors["name",] == {
        "loc": ["name"],
        "type": "string_too_short",
        "ctx": {"min_length": 1},
        "msg": "String should have at least 1 character",
    }
    assert errors["weight",]["ctx"] == {"le": 30}
    assert errors[()]["type"] == "extra_forbidden"


@pytest.mark.parametrize("body", [[], "text", 7, None, {"name": "a\0b"}])
async def test_other_json_is_422(client: Client, body: object) -> None:
    await problem(await client.post("/api/v1/parcels", json=body), 422)


async def test_query_is_checked_and_lists_are_lists(client: Client) -> None:
    answer = await client.get("/api/v1/parcels?limit=5&tag=a&tag=b")
    assert orjson.loads(gzip.decompress(await answer.read()))["text"].startswith("5 ['a', 'b']")
    wrong = await problem(await client.get("/api/v1/parcels?limit=0"), 422)
    assert wrong["errors"][0]["loc"] == ["query", "limit"]
    await problem(await client.get("/api/v1/parcels?tag=a%00b"), 422)
    await problem(await client.get("/api/v1/parcels?limit=1&limit=2"), 422)


async def test_another_content_type_is_415(client: Client) -> None:
    answer = await client.post("/api/v1/parcels", data={"name": "form"})
    assert (await problem(answer, 415))["code"] == "unsupported"


async def test_each_route_has_its_own_limit_of_a_body(
    settings: Settings, work: WorkFactory
) -> None:
    async def length(request: Request) -> Text:
        return Text(text=str(len(request.body.text)))

    limits = {"/api/v1/small": 100, "/api/v1/large": 200_000}
    routes = [
        Route("POST", path, length, PUBLIC, "x", body=Said, response=Text, max_body=most)
        for path, most in limits.items()
    ]
    app = build_app(routes, settings=settings, work=work, authenticator=OneToken(), checks={})
    frame = len(b'{"text":""}')

    async def chunks(body: bytes) -> AsyncIterator[bytes]:
        for at in range(0, len(body), 1000):
            yield body[at : at + 1000]

    async with TestClient(TestServer(app)) as client:
        for path, most in limits.items():
            for more, status in ((0, 200), (1, 413)):
                body = orjson.dumps({"text": "x" * (most - frame + more)})
                for sent in (body, chunks(body)):
                    answer = await client.post(
                        path, data=sent, headers={"Content-Type": "application/json"}
                    )
                    assert answer.status == status, (path, more)
                    if status == 413:
                        assert (await answer.json())["ctx"] == {"limit": most}


async def test_an_oversized_body_is_413_announced_or_not(client: Client) -> None:
    body = orjson.dumps({"name": "x" * 70_000})
    headers = {"Content-Type": "application/json"}
    announced = await client.post("/api/v1/parcels", data=body, headers=headers)
    assert (await problem(announced, 413))["ctx"] == {"limit": 65536}

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 4096):
            yield body[start : start + 4096]

    streamed = await client.post("/api/v1/parcels", data=chunks(), headers=headers)
    await problem(streamed, 413)


async def test_unknown_paths_ids_and_methods(client: Client) -> None:
    await problem(await client.get("/api/v1/nothing"), 404)
    await problem(await client.get("/api/v1/parcels/not-an-id"), 404)
    wrong = await client.delete("/api/v1/parcels")
    await problem(wrong, 405)
    assert wrong.headers["Allow"] == "GET, HEAD, POST"


async def test_tokens(client: Client) -> None:
    good = {"Authorization": "Bearer good"}
    assert (await (await client.get("/api/v1/me", headers=good)).json())["text"] == f"user:{USER}"
    for header in ("", "good", "Bearer", "Bearer bad", "Basic good", "Bearer visitor"):
        answer = await client.get("/api/v1/me", headers={"Authorization": header})
        assert (await problem(answer, 401))["code"] == "unauthenticated"
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    await problem(await client.get("/api/v1/me"), 401)
    assert (await problem(await client.get("/api/v1/admin", headers=good), 403))["code"] == (
        "forbidden"
    )


async def test_a_fault_of_ours_shows_nothing(client: Client) -> None:
    answer = await client.get("/api/v1/fail")
    assert "secret" not in (await answer.read()).decode()
    await problem(answer, 500)


async def test_haste_is_429(client: Client) -> None:
    assert (await client.get("/api/v1/rare")).status == 200
    answer = await client.get("/api/v1/rare")
    assert (await problem(answer, 429))["code"] == "rate_limited"
    assert int(answer.headers["Retry-After"]) >= 9


async def test_haste_is_429_where_one_may_not_go_too(client: Client) -> None:
    good = {"Authorization": "Bearer good"}
    asked = (client.get("/api/v1/admin", headers=good) for _ in range(3 * SIGNED_IN_LIMIT.burst))
    assert {answer.status for answer in await asyncio.gather(*asked)} == {403, 429}


async def test_versions(client: Client) -> None:
    url = f"/api/v1/parcels/{new_id()}"
    shown = await client.get(url)
    assert shown.headers["ETag"] == '"7"'
    again = await client.get(url, headers={"If-None-Match": '"6", "7"'})
    assert again.status == 304
    good = {"Authorization": "Bearer good"}
    await problem(await client.patch(url, headers=good), 428)
    await problem(await client.patch(url, headers={**good, "If-Match": '"6"'}), 412)
    for known in ('"7"', "*"):
        assert (await client.patch(url, headers={**good, "If-Match": known})).status == 204


async def test_request_ids_come_back(client: Client) -> None:
    given = await client.get("/healthz", headers={"X-Request-Id": "abc-12345"})
    assert given.headers["X-Request-Id"] == "abc-12345"
    forged = await client.get("/healthz", headers={"X-Request-Id": "no spaces\tplease"})
    other = await client.get("/healthz")
    made = {answer.headers["X-Request-Id"] for answer in (forged, other)}
    assert len(made) == 2
    assert all(GOOD_REQUEST_ID.fullmatch(request_id) for request_id in made)


async def test_every_answer_carries_the_security_headers(client: Client) -> None:
    for path in ("/healthz", "/api/v1/nothing", "/api/v1/fail"):
        headers = (await client.get(path)).headers
        policy = headers["Content-Security-Policy"]
        assert "script-src 'self';" in policy
        assert "default-src 'self'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"


async def test_long_answers_are_compressed(client: Client) -> None:
    accepts = {"Accept-Encoding": "gzip"}
    answer = await client.get("/api/v1/parcels", headers=accepts)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert orjson.loads(gzip.decompress(await answer.read()))["text"].startswith("20 []")
    short = await client.get("/healthz", headers=accepts)
    assert "Content-Encoding" not in short.headers


async def test_head(client: Client) -> None:
    answer = await client.head("/api/v1/parcels")
    assert answer.status == 200
    assert await answer.read() == b""


async def test_a_foreign_page_changes_nothing(client: Client, conn: db.Connection) -> None:
    foreign = {"Origin": "https://elsewhere.example"}
    await problem(await client.post("/api/v1/parcels", json={"name": "a"}, headers=foreign), 403)
    assert await conn.fetchval("SELECT count(*) FROM event_log") == 0
    read = await client.get("/api/v1/parcels", headers=foreign)
    assert "Access-Control-Allow-Origin" not in read.headers
    preflight = {**foreign, "Access-Control-Request-Method": "POST"}
    await problem(await client.options("/api/v1/parcels", headers=preflight), 403)
    own = {"Origin": str(client.make_url("/")).rstrip("/")}
    sent = await client.post("/api/v1/parcels", json={"name": "a"}, headers=own)
    assert sent.status == 201


async def test_the_same_key_has_one_effect_and_one_answer(
    client: Client, conn: db.Connection
) -> None:
    headers = {"Idempotency-Key": "k-1"}
    first = await client.post("/api/v1/parcels", json={"name": "a"}, headers=headers)
    again = await client.post("/api/v1/parcels", json={"name": "a"}, headers=headers)
    assert (first.status, again.status) == (201, 201)
    assert await first.read() == await again.read()
    assert await conn.fetchval("SELECT count(*) FROM event_log") == 1
    other = await client.post("/api/v1/parcels", json={"name": "b"}, headers=headers)
    await problem(other, 422)
    kept = await conn.fetchrow("SELECT * FROM idempotency_keys")
    assert kept is not None
    assert "k-1" not in str(dict(kept)), "what is kept is of no use to who reads the table"
    assert str((await first.json(content_type=None))["id"]) not in str(dict(kept))


async def test_the_same_key_at_once_has_one_effect(
    client: Client, conn: db.Connection, parcels: Parcels
) -> None:
    parcels.pause.clear()
    headers = {"Idempotency-Key": "k-1"}
    requests = [
        asyncio.create_task(client.post("/api/v1/parcels", json={"name": "a"}, headers=headers))
        for _ in range(4)
    ]
    await asyncio.sleep(0.1)
    parcels.pause.set()
    answers = await asyncio.gather(*requests)
    assert [answer.status for answer in answers] == [201] * 4
    assert len({await answer.read() for answer in answers}) == 1
    assert await conn.fetchval("SELECT count(*) FROM event_log") == 1


async def test_a_failed_request_gives_its_key_back(client: Client, conn: db.Connection) -> None:
    headers = {"Idempotency-Key": "k-1"}
    conflict = await client.post("/api/v1/parcels", json={"name": "conflict"}, headers=headers)
    assert (await problem(conflict, 409))["ctx"] == {"waiting": 3}
    good = await client.post("/api/v1/parcels", json={"name": "a"}, headers=headers)
    assert good.status == 201
    assert await conn.fetchval("SELECT count(*) FROM event_log") == 1


async def test_an_answer_that_was_never_heard_is_given_again(
    client: Client, conn: db.Connection, parcels: Parcels
) -> None:
    headers = {"Idempotency-Key": "k-1"}
    parcels.breaks_after_commit = True
    lost = await client.post("/api/v1/parcels", json={"name": "a"}, headers=headers)
    await problem(lost, 500)
    again = await client.post("/api/v1/parcels", json={"name": "a"}, headers=headers)
    assert (again.status, (await again.json(content_type=None))["name"]) == (201, "a")
    assert await conn.fetchval("SELECT count(*) FROM event_log") == 1


async def test_an_effect_without_a_kept_answer_is_not_repeated(
    client: Client, conn: db.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contactcenter.core.idempotency.WAIT_SECONDS", (0.01, 0.05))
    headers = {"Idempotency-Key": "k-1"}
    await client.post("/api/v1/parcels", json={"name": "a"}, headers=headers)
    await conn.execute("UPDATE idempotency_keys SET status = NULL, response = NULL")  # a crash
    again = await client.post("/api/v1/parcels", json={"name": "a"}, headers=headers)
    await problem(again, 409)
    assert await conn.fetchval("SELECT count(*) FROM event_log") == 1


async def test_the_document_is_the_routes(client: Client) -> None:
    answer = await client.get("/api/openapi.json", headers={"Accept-Encoding": "identity"})
    document = await answer.json()
    assert document["openapi"] == "3.1.0"
    post = document["paths"]["/api/v1/parcels"]["post"]
    assert post["responses"].keys() >= {"201", "400", "409", "413", "415", "422", "429", "503"}
    assert "security" not in post
    assert document["paths"]["/api/v1/me"]["get"]["security"] == [{"token": []}]
    assert document["components"]["schemas"]["ParcelIn"]["properties"]["weight"]["maximum"] == 30
    text = orjson.dumps(document).decode()
    for reference in set(text.split('"$ref":"#/components/schemas/')[1:]):
        assert reference.split('"')[0] in document["components"]["schemas"]


async def test_readiness_says_what_is_wrong(client: Client, database: list[State]) -> None:
    assert (await client.get("/readyz")).status == 200
    database[0] = "degraded"
    degraded = await client.get("/readyz")
    assert (degraded.status, (await degraded.json())["status"]) == (200, "degraded")
    database[0] = "down"
    down = await client.get("/readyz")
    assert (down.status, down.headers["Retry-After"]) == (503, "1")
    assert await down.json() == {"status": "down", "checks": {"database": "down"}}


async def test_a_check_that_hangs_is_down(
    client: Client, database: list[State], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contactcenter.core.health.CHECK_SECONDS", 0.05)
    database[0] = "hanging"  # type: ignore[call-overload]
    assert (await client.get("/readyz")).status == 503


async def test_metrics_are_told(client: Client) -> None:
    await client.get("/api/v1/parcels")
    await client.request("BREW", "/api/v1/parcels")
    text = gzip.decompress(
        await (await client.get("/metrics", headers={"Accept-Encoding": "gzip"})).read()
    ).decode()
    assert "BREW" not in text
    assert 'http_request_seconds_count{method="GET",route="/api/v1/parcels",status="200"}' in text


async def test_a_lost_database_is_503(client: Client, pool: db.Pool) -> None:
    held = [await pool.acquire() for _ in range(pool.get_max_size())]
    answer = await client.post("/api/v1/parcels", json={"name": "a"})
    assert (await problem(answer, 503))["code"] == "unavailable"
    assert answer.headers["Retry-After"] == "1"
    for conn in held:
        await pool.release(conn)


async def test_the_document_has_a_page_of_our_own(client: Client) -> None:
    page = await client.get("/api/docs", headers={"Accept-Encoding": "identity"})
    text = await page.text()
    assert page.content_type == "text/html"
    assert "://" not in text, "nothing comes from elsewhere"
    assert "<style" not in text
    for path, kind in (("docs.css", "text/css"), ("docs.js", "text/javascript")):
        assert f'"/api/docs/{path}"' in text
        part = await client.get(f"/api/docs/{path}")
        assert (part.status, part.content_type) == (200, kind)
