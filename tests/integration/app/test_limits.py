"""What somebody limited to a queue and a team is shown by live screens, and may take."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, timedelta
from typing import Any

import pytest

import db
from routing.queues.schemas import QueueEdit
from tests.integration.app.conftest import ANEW, Centre
from tests.integration.app.people import Person, sign_in
from tests.integration.app.test_journey import CARMEN, LUCIA, PABLO

ADMIN = "admin@aintech.com"
SUPERVISOR = "supervisor1@aintech.com"
NEAR, FAR = "SA", "CO"


@pytest.fixture
async def conn(centre: Centre) -> AsyncIterator[db.Connection]:
    conn = await db.connect(centre.settings)
    yield conn
    await conn.close()


async def agents_of(centre: Centre, admin: str) -> dict[str, str]:
    _, listed = await centre.http("GET", "/agents", token=admin)
    return {one["name"].split()[0]: one["agent_id"] for one in listed["items"]}


async def put_team(centre: Centre, admin: str, key: str, *agents: str, new: bool = True) -> None:
    body = {"name": key, "agents": list(agents)}
    headers = ANEW if new else {}
    made = await centre.http("PUT", f"/teams/{key}", token=admin, json=body, headers=headers)
    assert made[0] == 200


async def limit(conn: db.Connection, email: str, **limits: str) -> None:
    await conn.executemany(
        "INSERT INTO user_scopes (user_id, kind, key) SELECT id, $2, $3 FROM users "
        "WHERE email = $1",
        [(email, kind, key) for kind, key in limits.items()],
    )


async def give_skills(centre: Centre, name: str, *skills: str) -> None:
    admin = await sign_in(centre.url, ADMIN)
    agent = (await agents_of(centre, admin))[name]
    body = {"skills": dict.fromkeys(skills, 3)}
    answer = await centre.http("PATCH", f"/agents/{agent}/skills", token=admin, json=body)
    assert answer[0] == 200, answer


async def test_a_wallboard_shows_the_agents_of_one_s_teams_and_their_work_in_one_s_queues(
    centre: Centre, conn: db.Connection
) -> None:
    admin = await sign_in(centre.url, ADMIN)
    agents = await agents_of(centre, admin)
    lucia, carmen = agents["Lucía"], agents["Carmen"]
    await put_team(centre, admin, "north", lucia)
    await limit(conn, SUPERVISOR, team="north", queue=NEAR)
    token = await sign_in(centre.url, SUPERVISOR)
    desk = await (await centre.desk(LUCIA)).available()
    visitor = await centre.visitor(queue=NEAR, message="Hola")
    await desk.accepts()
    _, whole = await centre.http("GET", "/wallboard", token=admin)
    assert {lucia, carmen} <= whole["agents"].keys()

    async def shown() -> Any:
        status, state = await centre.http("GET", "/wallboard", token=token)
        assert status == 200
        return state

    state = await shown()
    assert set(state["agents"]) == set(state["time"]) == {lucia}
    assert {row["queue"] for row in state["centre"]["expected"]} <= {NEAR}
    board = Person(centre.url, "/wallboard")
    await board.connect(token)
    await board.do("wallboard.subscribe", {"queues": None})
    assert set(board.snapshots[-1]["state"]["agents"]) == {lucia}

    # What moves is told in the same way, and who moves comes or goes.
    other = await (await centre.desk(CARMEN)).available()
    await desk.do("agent.set_status", {"status": "away", "reason": "break"})
    await board.until(
        lambda: any(
            payload["changes"].get("agents", {}).get(lucia, {}).get("after_this")
            or payload["changes"].get("agents", {}).get(lucia, {}).get("status") == "away"
            for name, payload in board.log
            if name == "wallboard.delta"
        )
    )
    assert carmen not in str(board.log)
    await put_team(centre, admin, "north", carmen, new=False)
    await board.until(
        lambda: any(
            payload["changes"].get("agents", {}).get(lucia, "") is None
            and payload["changes"]["agents"][carmen]["agent_id"] == carmen
            for name, payload in board.log
            if name == "wallboard.delta"
        )
    )
    assert set((await shown())["agents"]) == {carmen}

    # Figures: the agents behind them, and the staff of the past.
    query = {"figure": "occupancy", "queue": NEAR}
    _, told = await centre.http("GET", "/analytics/explain", token=token, params=query)
    assert {share["agent_id"] for share in told["agents"]} <= {carmen}
    query = {"figure": "answered", "queue": NEAR}
    _, told = await centre.http("GET", "/analytics/explain", token=token, params=query)
    assert told["total"] >= 1
    assert {item["agent_id"] for item in told["items"]} <= {None, carmen}
    now = centre.clock.now()
    span = {
        "from": (now - timedelta(hours=1)).astimezone(UTC).isoformat(),
        "to": (now + timedelta(minutes=30)).astimezone(UTC).isoformat(),
    }
    query = {**span, "queue": NEAR}
    _, mine = await centre.http("GET", "/analytics/intervals", token=token, params=query)
    _, all_staff = await centre.http("GET", "/analytics/intervals", token=admin, params=query)
    spent = [sum(row["on_contact_ms"] for row in one["staff"]) for one in (mine, all_staff)]
    assert spent[0] == 0 < spent[1]  # Lucía's, who is in no team any more
    await board.leave()
    del visitor, other


async def test_a_desk_shows_the_colleagues_of_one_s_teams_and_what_waits_in_one_s_queues(
    centre: Centre, conn: db.Connection
) -> None:
    admin = await sign_in(centre.url, ADMIN)
    agents = await agents_of(centre, admin)
    lucia, carmen, pablo = agents["Lucía"], agents["Carmen"], agents["Pablo"]
    await put_team(centre, admin, "north", lucia, carmen)
    await limit(conn, LUCIA, team="north", queue=NEAR)
    await give_skills(centre, "Lucía", NEAR, FAR)
    near = await centre.visitor(queue=NEAR, message="Hola")
    far = await centre.visitor(queue=FAR, message="Hola")
    desk = await centre.desk(LUCIA)
    state = desk.snapshots[-1]["state"]
    assert set(state["team"]) == {lucia, carmen}
    assert {item["queue"] for item in state["queue"].values()} == {NEAR}
    streams = desk.snapshots[-1]["streams"]
    assert "team" not in streams
    assert f"queue:{FAR}" not in streams

    # A colleague's status is told, another's is not; neither is what waits in another queue.
    seen = len(desk.snapshots)
    stranger = await (await centre.desk(PABLO)).available()
    another = await centre.visitor(queue=FAR, message="Hola")
    await put_team(centre, admin, "north", lucia, pablo, new=False)
    await desk.until(lambda: len(desk.snapshots) > seen)
    assert set(desk.snapshots[-1]["state"]["team"]) == {lucia, pablo}
    told = [payload for name, payload in desk.log if name.startswith(("agent.", "queue."))]
    assert far.id not in str(told)
    assert another.id not in str(told)
    del near, stranger


async def test_an_agent_s_limits_end_sight_and_pull_before_the_skills_do(
    centre: Centre, conn: db.Connection
) -> None:
    await limit(conn, LUCIA, queue=NEAR)
    await give_skills(centre, "Lucía", NEAR, FAR)
    desk = await centre.desk(LUCIA)
    waiting = {}
    for queue, seen in ((FAR, False), (NEAR, True)):
        visitor = await centre.visitor(queue=queue, message="Hola")
        row = await conn.fetchrow(
            "SELECT id, contact_id FROM interactions WHERE conversation_id = $1::uuid", visitor.id
        )
        assert row is not None
        waiting[queue] = str(row["id"])
        for path in (
            f"/interactions/{row['id']}",
            f"/conversations/{visitor.id}/messages",
            f"/contacts/{row['contact_id']}",
        ):
            status, _ = await centre.http("GET", path, token=desk.token)
            assert status == (200 if seen else 404), path
        _, lines = await centre.http("GET", "/queue", token=desk.token)
        by_key = {line["key"]: line["items"] for line in lines["items"]}
        assert bool(by_key[queue]) == seen
        refused = await desk.fails("interaction.pull", {"interaction_id": waiting[queue]})
        assert (refused != "not_found") == seen  # she is not available yet

    # Skills alone say what is offered; what she takes part in is hers to see.
    await desk.available()
    offered = {waiting[NEAR], waiting[FAR]}
    while offered:
        taken = await desk.accepts()
        offered.remove(taken["interaction"]["interaction_id"])
    status, _ = await centre.http("GET", f"/interactions/{waiting[FAR]}", token=desk.token)
    assert status == 200


async def test_settings_of_the_whole_centre_are_not_changed_by_somebody_limited(
    centre: Centre, conn: db.Connection
) -> None:
    await limit(conn, SUPERVISOR, queue=NEAR)
    token = await sign_in(centre.url, SUPERVISOR)
    admin = await sign_in(centre.url, ADMIN)
    _, queue = await centre.http("GET", f"/queues/{NEAR}", token=admin)
    _, calendars = await centre.http("GET", "/calendars", token=admin)
    calendar = calendars["items"][0]
    fields = {name: calendar[name] for name in ("timezone", "weekly", "exceptions")}
    new_queue = {name: queue[name] for name in QueueEdit.model_fields}
    skill = {"name_es": "x", "name_en": "x"}
    label = {"label_es": "x", "label_en": "x"}
    match = {"headers": {"If-Match": f'"{calendar["version"]}"'}}
    cases: list[tuple[int, str, str, Any, dict[str, Any]]] = [
        (403, "POST", "/queues", {**new_queue, "key": "ZZ"}, {}),
        (403, "POST", "/skills", {**skill, "key": "ZZ"}, {}),
        (403, "PUT", f"/skills/{FAR}", skill, {}),
        (403, "DELETE", f"/skills/{FAR}", None, {}),
        (403, "POST", "/calendars", {**fields, "key": "zz"}, {}),
        (403, "PUT", f"/calendars/{calendar['key']}", fields, match),
        (403, "POST", "/dispositions", {**label, "key": "zz_all"}, {}),
        (422, "POST", "/dispositions", {**label, "key": "zz_far", "queue": FAR}, {}),
        (201, "POST", "/dispositions", {**label, "key": "zz_near", "queue": NEAR}, {}),
        (200, "PUT", "/dispositions/zz_near", {**label, "queue": NEAR}, {}),
        (422, "PUT", "/dispositions/zz_near", {**label, "queue": FAR}, {}),
    ]
    for status, method, path, body, given in cases:
        got = await centre.http(method, path, token=token, json=body, **given)
        assert got[0] == status, (method, path, got)
    far = {**label, "key": "zz_far", "queue": FAR}
    assert (await centre.http("POST", "/dispositions", token=admin, json=far))[0] == 201
    moved = {**label, "queue": NEAR}
    got = await centre.http("PUT", "/dispositions/zz_far", token=token, json=moved)
    assert got[0] == 404


async def test_nobody_is_limited_to_a_queue_that_is_not_there(
    centre: Centre, conn: db.Connection
) -> None:
    admin = await sign_in(centre.url, ADMIN)
    user = await conn.fetchval("SELECT id FROM users WHERE email = $1", LUCIA)
    names = {"first_name": "Ada", "last_name": "Byron"}
    invited = {"email": "ada@example.com", "role": "agent", **names, "queues": [NEAR, "XX"]}
    for method, path, body in (
        ("PATCH", f"/users/{user}", {"queues": [NEAR, "XX"]}),
        ("POST", "/users/invitations", invited),
    ):
        status, answer = await centre.http(method, path, token=admin, json=body)
        assert status == 422, (path, answer)
        (error,) = answer["errors"]
        assert (error["loc"], error["type"]) == (["queues"], "unknown_queue")
        assert error["ctx"]["keys"] == ["XX"]
    assert await conn.fetchval("SELECT count(*) FROM user_scopes") == 0
