"""What an answer says may be done is what the server then does, and nothing else."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

import db
from tests.integration.crm.conftest import Office, a_policy, agent_of
from tests.integration.crm.test_claims import claim_body
from tests.integration.crm.test_contacts import talks
from tests.integration.crm.test_quotes import quote_body

PEOPLE = ("lucia", "marcos", "pablo", "sara", "elena")
ANYHOW = {"If-Match": "*"}


async def did(office: Office, who: str, action: str, path: str) -> bool:
    if action in {"complete", "cancel"}:
        answer = await office.ask(who, "POST", f"{path}/{action}", **ANYHOW)
    else:
        mine = {"assigned_agent": str(office.people[who].agent_id)}
        wish: dict[str, Any] = mine if action == "take" else {"title": f"de {who}"}
        answer = await office.ask(who, "PATCH", path, wish, **ANYHOW)
    assert answer.status < 300 or answer.status in {403, 422}, answer.body
    return answer.status < 300


@pytest.mark.parametrize("whose", ["lucia", "pablo", None])
@pytest.mark.parametrize("about", ["car", "health", "claim", "illness", "nobody"])
async def test_a_task_says_what_may_be_done_with_it(
    office: Office, conn: db.Connection, whose: str | None, about: str
) -> None:
    """Of lucia's portfolio; a claim, of a car or of somebody's health, is sara's to handle."""
    task: dict[str, Any] = {"title": "Llamar"}
    if about != "nobody":
        health: dict[str, Any] = {"policy_type": "health", "vehicle_plate": None}
        line = health if about in {"health", "illness"} else {}
        policy = (await a_policy(office, **line))["policy_id"]
        task["policy_id"] = policy
    if about in {"claim", "illness"}:
        cause = "other" if about == "illness" else "collision"
        body = claim_body(policy, adjuster_id=str(agent_of(office, "sara")), cause=cause)
        task["claim_id"] = (await office.do("lucia", "POST", "/claims", body))["claim_id"]
    made = (await office.do("lucia", "POST", "/tasks", task))["task_id"]
    path, agent = f"/tasks/{made}", whose and agent_of(office, whose)
    for who in PEOPLE:
        for action in ("edit", "take", "complete", "cancel"):
            if action == "take" and (whose is not None or who == "elena"):
                continue  # somebody's is given, by an edit; who is no agent takes none
            await conn.execute(
                "UPDATE tasks SET status = 'pending', assigned_agent = $1, assigned_to = NULL,"
                " created_by = NULL, completed_at = NULL",
                agent,
            )
            may = (await office.do(who, "GET", path))["may"]
            (row,) = (await office.do(who, "GET", "/tasks?limit=5"))["items"]
            assert row["may"] == may
            assert (action in may) == await did(office, who, action, path), (who, action, may)
    await conn.execute("UPDATE tasks SET status = 'cancelled', completed_at = NULL")
    assert (await office.do("elena", "GET", path))["may"] == []


async def test_nobody_s_task_about_health_is_not_cancelled_unread(
    office: Office, conn: db.Connection
) -> None:
    """By whoever writes in the file only for who is on the line, until the gate is passed."""
    ana = (await office.person(mobile="600550010", dni="12345678Z"))["customer_id"]
    health: dict[str, Any] = {"policy_type": "health", "vehicle_plate": None}
    policy = (await a_policy(office, customer_id=ana, **health))["policy_id"]
    made = await office.do("lucia", "POST", "/tasks", {"title": "Llamar", "policy_id": policy})
    path = f"/tasks/{made['task_id']}"
    await conn.execute("UPDATE tasks SET assigned_agent = NULL, assigned_to = NULL")
    await talks(office, conn, "pablo", "+34600550010")
    assert (await office.do("pablo", "GET", path))["may"] == ["edit"]
    for action in ("take", "complete", "cancel"):
        assert not await did(office, "pablo", action, path), action
    later = {"due_date": "2027-04-01T10:00:00Z"}
    await office.do("pablo", "PATCH", path, later, **ANYHOW)


async def test_whoever_handles_a_claim_reads_and_does_its_tasks(
    office: Office, conn: db.Connection
) -> None:
    """Whosever portfolio it is in, and of somebody's health too."""
    policy = (await a_policy(office, policy_type="health", vehicle_plate=None))["policy_id"]
    body = claim_body(policy, cause="other", adjuster_id=str(agent_of(office, "sara")))
    claim = (await office.do("lucia", "POST", "/claims", body))["claim_id"]
    made = await office.do("lucia", "POST", "/tasks", {"title": "Informe", "claim_id": claim})
    path = f"/tasks/{made['task_id']}"
    await conn.execute("UPDATE tasks SET assigned_agent = NULL, assigned_to = NULL")
    shown = await office.do("sara", "GET", path)
    assert (shown["title"], shown["may"]) == ("Informe", ["edit", "take", "complete", "cancel"])
    hidden = await office.do("pablo", "GET", path)
    assert (hidden["title"], hidden["may"]) == ("•••", [])
    assert await did(office, "sara", "take", path)


async def test_a_file_s_contracts_say_whether_they_are_written_in(
    office: Office, conn: db.Connection
) -> None:
    """To whose team's it is, whoever has the customer on the line, and of a claim its handler;
    once the file is closed, only of the claim."""
    ana = (await office.person(mobile="600550010"))["customer_id"]
    policy = (await a_policy(office, customer_id=ana))["policy_id"]
    body = claim_body(policy, adjuster_id=str(agent_of(office, "sara")))
    claim = (await office.do("lucia", "POST", "/claims", body))["claim_id"]
    quote = (await office.do("lucia", "POST", "/quotes", quote_body(ana)))["quote_id"]
    paths = (f"/policies/{policy}", f"/claims/{claim}", f"/quotes/{quote}")

    async def writable(who: str) -> list[bool]:
        said = [(await office.do(who, "GET", path))["writable"] for path in paths]
        done = [(await office.ask(who, "PATCH", path, {}, **ANYHOW)).status for path in paths]
        assert said == [status < 300 for status in done], (who, said, done)
        return said

    assert [await writable(who) for who in PEOPLE] == [
        [True] * 3, [True] * 3, [False] * 3, [False, True, False], [True] * 3,
    ]  # fmt: skip
    await talks(office, conn, "pablo", "+34600550010")
    assert await writable("pablo") == [True] * 3
    await conn.execute("UPDATE customers SET status = 'deleted' WHERE id = $1", UUID(ana))
    assert await writable("lucia") == [False, True, False]
