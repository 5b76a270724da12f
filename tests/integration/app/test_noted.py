"""Every change that staff make by a route of the centre is in the audit log with what was before
and what is now, or there is a reason why not. (The CRM's routes: tests/integration/crm.)"""

from __future__ import annotations

from typing import Any

import db
from contactcenter.core.access import PUBLIC, Permission
from contactcenter.core.ids import new_id
from tests.integration.app.conftest import ANEW, Centre, StartCentre
from tests.integration.app.people import sign_in
from tests.integration.app.test_journey import LUCIA

ADMIN = "admin@aintech.com"
ONESELF = (PUBLIC, Permission.CHAT_USE, Permission.SESSION_USE)
"""Visitors, and one's own account: no change of the centre's."""

CALL = "a call goes on: its events and its segments tell the course"
NOTHING = {
    "POST /agents/status": "one's own status: agent.status_changed tells each, with its time",
    "POST /calls/initiate": CALL,
    "POST /calls/{id}/accept": CALL,
    "POST /calls/{id}/end": CALL,
    "POST /calls/{id}/transfer": CALL,
    "POST /calls/{id}/mute": CALL,
    "POST /calls/{id}/hold": CALL,
    "POST /calls/{id}/record": CALL,
    "POST /users/{id}/invitation": "a letter is sent again; the user is as before",
    "DELETE /users/{id}/sessions": "sessions end; the user is as before",
    "DELETE /users/{id}/2fa": "its secret is not written down; the action says that it is off",
    "DELETE /recordings/{id}": "the sound is gone; its row, with who spoke and when, stays",
}
"""Changing routes after which there is nothing to compare: the log has who, what and when."""

MADE, CHANGED, DROPPED = ("after",), ("before", "after"), ("before",)
TOLD = {
    "POST /users/invitations": MADE,
    "PATCH /users/{id}": CHANGED,
    "POST /roles": MADE,
    "PUT /roles/{name}": CHANGED,
    "DELETE /roles/{name}": DROPPED,
    "PUT /teams/{key}": CHANGED,
    "DELETE /teams/{key}": DROPPED,
    "POST /privacy/requests": MADE,
    "PATCH /contacts/{id}": CHANGED,
    "PATCH /agents/{id}": CHANGED,
    "POST /agents/{id}/status": CHANGED,
    "PATCH /agents/{id}/skills": CHANGED,
    "POST /queue/assign": CHANGED,
    "POST /chat/conversations/{id}/assign": CHANGED,
    "POST /interactions/{id}/transfer": CHANGED,
    "POST /queues": MADE,
    "PUT /queues/{key}": CHANGED,
    "POST /skills": MADE,
    "PUT /skills/{key}": CHANGED,
    "DELETE /skills/{key}": DROPPED,
    "POST /calendars": MADE,
    "PUT /calendars/{key}": CHANGED,
    "POST /dispositions": MADE,
    "PUT /dispositions/{key}": CHANGED,
    "POST /recordings/{id}/legal-hold": CHANGED,
    "PUT /recording-rules/{key}": CHANGED,
    "POST /replies": MADE,
    "PUT /replies/{id}": CHANGED,
    "DELETE /replies/{id}": DROPPED,
    "POST /demo/hail": CHANGED,
    "PUT /demo/traffic": CHANGED,
}

QUEUE = {"name_es": "Hogar", "name_en": "Home", "skill": "noted", "calendar": "noted"}
LABELS = {"label_es": "Hecho", "label_en": "Done"}
NAMES = {"name_es": "Notas", "name_en": "Notes"}


class Hand:
    """An administrator who changes things, and what the log then holds of each."""

    def __init__(self, centre: Centre, token: str) -> None:
        self.centre = centre
        self.token = token
        self.told: dict[str, list[dict[str, Any]]] = {}

    async def does(
        self,
        route: str,
        *ids: object,
        json: Any = None,
        seen: str = "",
        version: int | None = None,
        new: bool = False,
    ) -> Any:
        """Make a change; `seen` is where the version that it needs is read, if not at its path.
        `new`: of what is not there."""
        method, path = route.split()
        for each in ids:
            head, _, tail = path.partition("{")
            path = f"{head}{each}{tail.partition('}')[2]}"
        given: dict[str, Any] = {} if json is None else {"json": json}
        if new:
            given["headers"] = ANEW
        elif method in {"PUT", "PATCH"}:
            known = version or await self._version(seen or path)
            given["headers"] = {"If-Match": f'"{known}"' if known else "*"}
        before = {row["id"] for row in await self._rows()}
        status, body = await self.centre.http(method, path, token=self.token, **given)
        assert status < 300, (route, status, body)
        self.told[route] = [row for row in await self._rows() if row["id"] not in before]
        return body

    async def _version(self, path: str) -> int:
        """Of what is there; 0 where nothing is, or nothing that has a version."""
        status, body = await self.centre.http("GET", path, token=self.token)
        return int(body.get("version", 0)) if status == 200 else 0

    async def _rows(self) -> list[dict[str, Any]]:
        _, found = await self.centre.http("GET", "/audit?limit=20", token=self.token)
        rows: list[dict[str, Any]] = found["items"]
        return rows


async def test_every_change_is_told_with_what_was_before(start: StartCentre) -> None:
    centre = await start(DEMO="true")
    changing = {
        f"{route.method} {route.path.removeprefix('/api/v1')}"
        for module in centre.house.modules
        for route in module.routes
        if module.name != "crm" and route.method != "GET" and route.permission not in ONESELF
    }
    assert changing == {*NOTHING, *TOLD}, "say what the log holds of it, or why nothing"
    hand = Hand(centre, await sign_in(centre.url, ADMIN))
    await set_up(hand)
    await staff(hand)
    await work(hand)
    assert hand.told.keys() == TOLD.keys()
    wrong = []
    for route, held in TOLD.items():
        (*_, row) = hand.told[route] or [{}]
        if [name for name in ("before", "after") if row.get(name)] != list(held):
            wrong.append((route, row.get("action"), row.get("before"), row.get("after")))
        elif held == CHANGED and row["before"] == row["after"]:
            wrong.append((route, row["action"], "the same", row["after"]))
        elif row["user_name"] is None or row["resource_id"] == "":
            wrong.append((route, row["action"], "by whom, of what", row["resource_id"]))
    assert wrong == []

    (forced,) = hand.told["POST /queue/assign"]
    assert (forced["action"], forced["after"]["force"]) == ("interaction.assigned", True)
    assert forced["before"] == {"queue": "SA"}
    (queue,) = hand.told["PUT /queues/{key}"]
    assert (queue["before"]["name_es"], queue["after"]["name_es"]) == ("Hogar", "Casa")


async def set_up(hand: Hand) -> None:
    """What configures the centre."""
    weekly = {"mon": [["09:00", "14:00"]]}
    await hand.does("POST /skills", json={"key": "noted", **NAMES})
    await hand.does("PUT /skills/{key}", "noted", json={**NAMES, "name_en": "Noted"})
    await hand.does("POST /calendars", json={"key": "noted", "weekly": weekly})
    await hand.does("PUT /calendars/{key}", "noted", json={"weekly": {**weekly, "tue": []}})
    await hand.does("POST /queues", json={"key": "noted", **QUEUE})
    await hand.does("PUT /queues/{key}", "noted", json={**QUEUE, "name_es": "Casa"})
    await hand.does("POST /skills", json={"key": "brief", **NAMES})
    await hand.does("DELETE /skills/{key}", "brief")
    await hand.does("POST /dispositions", json={"key": "noted", **LABELS})
    finished = {**LABELS, "label_en": "Finished"}
    await hand.does("PUT /dispositions/{key}", "noted", json=finished, version=1)
    await hand.does("PUT /recording-rules/{key}", "noted", json={"mode": "off"})
    reply = await hand.does("POST /replies", json={"body_es": "Hola", "shared": True})
    await hand.does("PUT /replies/{id}", reply["reply_id"], json={"body_es": "Adiós"}, version=1)
    await hand.does("DELETE /replies/{id}", reply["reply_id"])
    await hand.does("POST /demo/hail", json={"on": True})
    await hand.does("PUT /demo/traffic", json={"level": 3})


async def staff(hand: Hand) -> None:
    """Who works in it, and what they may."""
    invite = {"email": "noted@example.com", "first_name": "Nora", "last_name": "T"}
    user = await hand.does("POST /users/invitations", json={**invite, "role": "agent"})
    await hand.does("PATCH /users/{id}", user["id"], json={"first_name": "Noa"})
    reads = {"permissions": ["agents.read"]}
    await hand.does("POST /roles", json={"name": "noted", **reads})
    await hand.does("PUT /roles/{name}", "noted", json={"permissions": ["queues.read"]})
    await hand.does("DELETE /roles/{name}", "noted")
    await hand.does("PUT /teams/{key}", "noted", json={"name": "Noted", "agents": []}, new=True)
    await hand.does("PUT /teams/{key}", "noted", json={"name": "Told", "agents": []})
    await hand.does("DELETE /teams/{key}", "noted")
    agent = user["agent_id"]
    await hand.does("PATCH /agents/{id}", agent, json={"auto_answer": True})
    skills = {"skills": {"noted": 2}}
    await hand.does("PATCH /agents/{id}/skills", agent, json=skills, seen=f"/agents/{agent}")
    export = {"kind": "export", "person_kind": "user", "person": user["id"], "reason": "asked"}
    await hand.does("POST /privacy/requests", json=export)


async def work(hand: Hand) -> None:
    """What an agent and those who wait are told by a supervisor."""
    centre = hand.centre
    desk = await (await centre.desk(LUCIA)).available()
    agent = desk.state["me"]["agent_id"]
    status = {"status": "away", "reason": "training"}
    await hand.does("POST /agents/{id}/status", agent, json=status)
    visitors = [await centre.visitor(queue="SA", message="Hola") for _ in range(3)]
    _, listed = await centre.http("GET", "/interactions", token=hand.token)
    first, second, third = [
        next(item for item in listed["items"] if item["conversation_id"] == visitor.id)
        for visitor in visitors
    ]
    push = {"interaction_id": first["interaction_id"], "agent_id": agent, "force": True}
    await hand.does("POST /queue/assign", json=push)
    push = {"agent_id": agent, "force": True}
    await hand.does("POST /chat/conversations/{id}/assign", second["conversation_id"], json=push)
    there = {"queue": "PR"}
    await hand.does("POST /interactions/{id}/transfer", third["interaction_id"], json=there)
    await hand.does("PATCH /contacts/{id}", third["contact_id"], json={"name": "Nadie"})
    conn = await db.connect(centre.settings)
    call, recording = new_id(), new_id()
    await conn.execute(
        "INSERT INTO calls (id, interaction_id, direction, queue, state, record_mode, retention, "
        "created_at) VALUES ($1, $2::uuid, 'inbound', 'SA', 'waiting', 'inform', 'standard', "
        "now())",
        call,
        third["interaction_id"],
    )
    await conn.execute(
        "INSERT INTO recordings (id, call_id, state, created_at, retention) "
        "VALUES ($1, $2, 'finished', now(), 'standard')",
        recording,
        call,
    )
    await conn.close()
    hold = {"on": True, "reason": "a complaint"}
    await hand.does("POST /recordings/{id}/legal-hold", recording, json=hold)
