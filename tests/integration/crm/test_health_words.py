"""What contacts and tasks say of somebody's health reaches only whoever may read it."""

from __future__ import annotations

import dataclasses
from typing import Any
from uuid import UUID

import pytest

import db
from contactcenter.core.access import Permission, Principal
from contactcenter.core.ids import new_id
from contactcenter.interactions import service as hall
from contactcenter.interactions.model import Address
from contactcenter.interactions.reading import InteractionService
from contactcenter.interactions.schemas import PageQuery
from crm.access import Veil
from tests.integration.crm.conftest import Office, a_policy, agent_of
from tests.integration.crm.test_claims import claim_body
from tests.integration.crm.test_contacts import PART, talks
from tests.integration.crm.test_identify import came_in
from tests.integration.crm.test_quotes import quote_body
from tests.integration.crm.test_workflows import a_workflow, begun, drive

WORDS = "rodilla"
NUMBER = "+34600550010"
QUEUE_OF_HEALTH = """
INSERT INTO skills (key, name_es, name_en) VALUES ('SV', 'SV', 'SV');
INSERT INTO calendars (key, weekly) VALUES ('always', '{}');
INSERT INTO queues (key, name_es, name_en, skill, calendar, updated_at)
VALUES ('SV', 'SV', 'SV', 'SV', 'always', now());
INSERT INTO recording_rules (queue, mode, retention, health, updated_at)
VALUES ('SV', 'inform', 'health', true, now());
UPDATE interactions SET queue = 'SV';
"""
RIGHT = {"document": "678Z", "birth_date": "1980-05-01"}


@pytest.fixture
async def ana(office: Office) -> str:
    """Of lucia's portfolio."""
    known = {"mobile": "600550010", "dni": "12345678Z", "birth_date": "1980-05-01"}
    customer_id: str = (await office.person(**known))["customer_id"]
    return customer_id


async def a_line(office: Office, ana: str, line: str = "health") -> str:
    made = await a_policy(office, customer_id=ana, policy_type=line, vehicle_plate=None)
    policy_id: str = made["policy_id"]
    return policy_id


async def by_health_queue(conn: db.Connection) -> None:
    """All that came in did so by the queue whose recordings are of health."""
    await conn.execute(QUEUE_OF_HEALTH)


async def noted(office: Office, ana: str) -> str:
    body = {"customer_id": ana, "subject": WORDS, "note": WORDS}
    made = await office.do("lucia", "POST", "/interactions", body)
    interaction_id: str = made["interaction_id"]
    return interaction_id


async def said(office: Office, who: str, path: str) -> bool:
    return WORDS in str(await office.do(who, "GET", path))


@pytest.mark.parametrize("tie", ["claim", "quote", "task", "authorisation", "queue", "car"])
async def test_a_contact_s_subject(office: Office, conn: db.Connection, ana: str, tie: str) -> None:
    """It is of health by what was made in it, or by the queue that it came in by."""
    line = "auto" if tie == "car" else "life" if tie == "quote" else "health"
    policy, interaction = await a_line(office, ana, line), await noted(office, ana)
    about = {"customer_id": ana, "interaction_id": interaction}
    match tie:
        case "claim" | "car":
            claim = claim_body(policy, interaction_id=interaction)
            await office.do("lucia", "POST", "/claims", claim)
        case "quote":
            quote = quote_body(ana, quote_type="life", interaction_id=interaction)
            await office.do("lucia", "POST", "/quotes", quote)
        case "task":
            task = {**about, "title": "Llamar", "policy_id": policy}
            await office.do("lucia", "POST", "/tasks", task)
        case "authorisation":
            task = {**about, "title": "Llamar", "task_type": "health_authorisation"}
            await office.do("lucia", "POST", "/tasks", task)
        case _:
            await by_health_queue(conn)
    timeline = f"/customers/{ana}/timeline"
    assert await said(office, "lucia", timeline)
    assert await said(office, "elena", timeline)
    assert await said(office, "pablo", timeline) == (tie == "car")
    await talks(office, conn, "lucia", NUMBER)
    assert await said(office, "lucia", timeline) == (tie == "car"), "not known yet"
    theirs = await talks(office, conn, "pablo", NUMBER)
    await office.do("pablo", "POST", f"/interactions/{theirs}/identity", RIGHT)
    assert await said(office, "pablo", timeline)


async def test_whoever_handles_the_claim_reads_the_contact_in_which_it_was_reported(
    office: Office, ana: str
) -> None:
    policy, interaction = await a_line(office, ana), await noted(office, ana)
    body = claim_body(policy, interaction_id=interaction, adjuster_id=str(agent_of(office, "sara")))
    await office.do("lucia", "POST", "/claims", body)
    assert await said(office, "sara", f"/customers/{ana}/timeline")
    assert not await said(office, "pablo", f"/customers/{ana}/timeline")


async def wrote(office: Office, conn: db.Connection, who: str) -> tuple[UUID, UUID, UUID]:
    """(contact, interaction, conversation) of Ana, who wrote to a queue of health; an agent has
    it."""
    contact, interaction = await came_in(office, Address("phone", NUMBER))
    await office.listen("crm.identify")
    await by_health_queue(conn)
    async with office.deps.work.begin("test.wrote", "test") as work:
        thread = await work.conn.fetchval(
            "UPDATE interactions SET subject = $2, metadata = $3 WHERE id = $1"
            " RETURNING conversation_id", interaction, WORDS, {"x": WORDS},
        )  # fmt: skip
        await work.conn.execute("UPDATE conversations SET subject = $1", WORDS)
        await hall.add_message(
            work, conversation_id=thread, interaction_id=interaction, sender="visitor",
            kind="text", body=WORDS,
        )  # fmt: skip
    await conn.execute(PART, new_id(), interaction, agent_of(office, who))
    await conn.execute("UPDATE segments SET note = $1", WORDS)
    return contact, interaction, thread


async def test_what_was_written_and_noted_in_a_contact(
    office: Office, conn: db.Connection, ana: str
) -> None:
    """Each of the hall's answers; whoever has it in hand reads it, whatever the gate says."""
    contact, interaction, thread = await wrote(office, conn, "pablo")
    service, page = InteractionService(office.deps.work, Veil()), PageQuery()

    async def told(who: Principal) -> set[str]:
        answers = {
            "detail": await service.detail(who, interaction),
            "conversation": await service.conversation_card(who, thread),
            "messages": await service.messages(who, thread, page),
            "timeline": await service.timeline(who, contact, page),
        }
        return {name for name, answer in answers.items() if WORDS in answer.model_dump_json()}

    everything = {"detail", "conversation", "messages", "timeline"}
    elena = office.people["elena"]
    south = dataclasses.replace(elena, teams=frozenset({"south"}))
    assert await told(office.people["pablo"]) == await told(elena) == everything
    assert await told(south) == set(), "the portfolio is another team's"
    assert await told(dataclasses.replace(elena, teams=frozenset({"north"}))) == everything
    await conn.execute("UPDATE interactions SET customer_id = NULL")
    await conn.execute("UPDATE contacts SET customer_id = NULL")
    assert await told(south) == everything, "nobody's portfolio"


async def test_a_part_in_one_contact_shows_no_words_of_another(
    office: Office, conn: db.Connection, ana: str
) -> None:
    """Pablo had Ana on the line; what she wrote to the queue of health he reads once she is known,
    and whoever it waits for as long as it does."""
    contact, interaction, _ = await wrote(office, conn, "sara")
    await conn.execute("UPDATE segments SET state = 'ended', ended_at = now()")
    theirs = await talks(office, conn, "pablo", NUMBER)
    await conn.execute("UPDATE interactions SET contact_id = $1", contact)
    service = InteractionService(office.deps.work, Veil())

    async def reads(who: str) -> bool:
        seen = await service.timeline(office.people[who], contact, PageQuery())
        return WORDS in seen.model_dump_json()

    assert not await reads("pablo")
    assert await reads("sara"), "she had it"
    await office.do("pablo", "POST", f"/interactions/{theirs}/identity", RIGHT)
    assert await reads("pablo")
    assert interaction != theirs


def made_by(run: dict[str, Any]) -> str:
    (result,) = run["results"].values()
    task_id: str = result["task_id"]
    return task_id


WAITS = """
INSERT INTO work_items (id, interaction_id, contact_id, queue, channel, entry, state, band, base,
                        boost, target_ms, cost, virtual_start, entered_at)
SELECT $1, i.id, i.contact_id, 'SV', 'whatsapp', 'new', 'queued', 2, 50, 1, 1000, 30, now(), now()
FROM interactions i WHERE i.id = $2
"""


async def test_what_waits_for_somebody_s_skill_is_read_by_them(
    office: Office, conn: db.Connection, ana: str
) -> None:
    """While it waits, of whosever customer; of nobody on file, also after."""
    contact, interaction, _ = await wrote(office, conn, "pablo")
    await conn.execute("DELETE FROM segments")
    elena, sara = office.people["elena"], agent_of(office, "sara")
    skilled = dataclasses.replace(elena, agent_id=sara, teams=frozenset({"south"}))
    skilled = dataclasses.replace(
        skilled, permissions=skilled.permissions - {Permission.PORTFOLIOS_ALL}
    )
    service = InteractionService(office.deps.work, Veil())

    async def reads() -> bool:
        seen = await service.timeline(skilled, contact, PageQuery())
        return WORDS in seen.model_dump_json()

    assert not await reads()
    await conn.execute(WAITS, new_id(), interaction)
    assert not await reads()
    await conn.execute("INSERT INTO agent_skills VALUES ($1, 'SV', 3)", sara)
    assert await reads()
    await conn.execute("DELETE FROM work_items")
    assert not await reads()
    await conn.execute("UPDATE interactions SET customer_id = NULL")
    await conn.execute("UPDATE contacts SET customer_id = NULL")
    assert await reads()


async def test_a_task_that_is_of_health_by_its_origin(
    office: Office, conn: db.Connection, ana: str
) -> None:
    """Of a customer alone, by its own fields: its type, the contact that it came of, or the run
    that made it says what it is about."""
    policy = await a_line(office, ana)
    about = await office.do(
        "lucia", "POST", "/tasks", {"title": "Llamar", "policy_id": policy}
    )  # fmt: skip
    interaction = await noted(office, ana)
    await by_health_queue(conn)
    made = {"title": WORDS, "description": WORDS, "customer_id": ana}
    typed = await office.do(
        "lucia", "POST", "/tasks", {**made, "task_type": "health_authorisation"}
    )
    heard = await office.do("lucia", "POST", "/tasks", {**made, "interaction_id": interaction})
    flow = await a_workflow(
        office, [{"type": "create_task", "config": {"title": WORDS, "description": WORDS}}],
        trigger_type="event", trigger_config={"event": "task.completed"},
    )  # fmt: skip
    await office.do("lucia", "POST", f"/tasks/{about['task_id']}/complete", **{"If-Match": "*"})
    await office.listen("crm.workflows")
    run = await conn.fetchval(
        "SELECT id FROM workflow_executions WHERE workflow_id = $1", UUID(flow)
    )
    done = await drive(office, str(run))
    by_event = await office.do("lucia", "GET", f"/tasks/{made_by(done)}")
    assert by_event["policy_id"] == policy
    by_hand = await drive(
        office, await begun(office, await a_workflow(office, [
            {"type": "create_task", "config": {"title": WORDS, "description": WORDS}},
        ]), policy_id=policy),
    )  # fmt: skip
    by_hand = await office.do("lucia", "GET", f"/tasks/{made_by(by_hand)}")
    await conn.execute("UPDATE tasks SET policy_id = NULL WHERE id = $1", UUID(by_hand["task_id"]))
    tasks = [each["task_id"] for each in (typed, heard, by_event, by_hand)]
    await conn.execute("UPDATE tasks SET assigned_agent = NULL, assigned_to = NULL")
    for task in tasks:
        assert await said(office, "lucia", f"/tasks/{task}"), task
        assert not await said(office, "pablo", f"/tasks/{task}"), task
    for path in (f"/tasks?customer_id={ana}", f"/customers/{ana}/timeline"):
        assert await said(office, "elena", path), path
        assert not await said(office, "pablo", path), path
    assert not await said(office, "pablo", f"/customers/{ana}/file")


async def test_whoever_takes_a_task_could_read_it_before(
    office: Office, conn: db.Connection, ana: str
) -> None:
    policy = await a_line(office, ana)
    made = await office.do("lucia", "POST", "/tasks", {"title": WORDS, "policy_id": policy})
    await conn.execute("UPDATE tasks SET assigned_agent = NULL, assigned_to = NULL")
    path, anyhow = f"/tasks/{made['task_id']}", {"If-Match": "*"}
    pablo = office.people["pablo"]
    takings: list[dict[str, Any]] = [
        {"assigned_agent": str(pablo.agent_id)},
        {"assigned_to": str(pablo.user_id)},
        {"status": "in_progress"},
    ]
    for taking in takings:
        answer = await office.ask("pablo", "PATCH", path, taking, **anyhow)
        assert (answer.status, answer.body["errors"][0]["type"]) == (422, "hidden"), taking
    answer = await office.ask("pablo", "POST", f"{path}/complete", **anyhow)
    assert (answer.status, answer.body["ctx"]["reason"]) == (403, "hidden")
    assert not await said(office, "pablo", path)
    talk = await talks(office, conn, "pablo", NUMBER)  # he writes in the file, and does not read it
    answer = await office.ask("pablo", "PATCH", path, takings[0], **anyhow)
    assert (answer.status, answer.body["errors"][0]["type"]) == (422, "hidden")
    await office.do("pablo", "POST", f"/interactions/{talk}/identity", RIGHT)
    taken = await office.do("pablo", "PATCH", path, takings[0], **anyhow)
    assert (taken["title"], taken["assigned_agent"]) == (WORDS, str(pablo.agent_id))


async def test_a_claim_of_health_is_not_given_to_oneself_unread(
    office: Office, conn: db.Connection, ana: str
) -> None:
    policy = await a_line(office, ana)
    body = claim_body(policy, cause="other", description=WORDS)
    claim = f"/claims/{(await office.do('lucia', 'POST', '/claims', body))['claim_id']}"
    talk = await talks(office, conn, "pablo", NUMBER)
    mine, anyhow = {"adjuster_id": str(agent_of(office, "pablo"))}, {"If-Match": "*"}
    answer = await office.ask("pablo", "POST", f"{claim}/assign", mine, **anyhow)
    assert (answer.status, answer.body["ctx"]["reason"]) == (403, "hidden")
    await office.do("pablo", "POST", f"/interactions/{talk}/identity", RIGHT)
    assert WORDS in str(await office.do("pablo", "POST", f"{claim}/assign", mine, **anyhow))


async def test_no_banner_says_that_an_authorisation_is_waited_for(
    office: Office, conn: db.Connection, ana: str
) -> None:
    """To whoever reads the file and not its health; who has the caller in hand is told, until the
    talk is over, and a supervisor of another team is not."""
    waits = {"title": WORDS, "customer_id": ana, "task_type": "health_authorisation"}
    await office.do("lucia", "POST", "/tasks", waits)
    file = f"/customers/{ana}/file"
    assert (await office.do("lucia", "GET", file))["banner"] == "authorisation"
    assert (await office.do("pablo", "GET", file))["banner"] != "authorisation"
    talk = await talks(office, conn, "pablo", NUMBER)
    mine = await office.do("pablo", "GET", f"/interactions/{talk}/file")
    assert mine["banner"] == "authorisation"
    elena = office.people["elena"]
    office.people["south"] = dataclasses.replace(elena, teams=frozenset({"south"}))
    office.people["north"] = dataclasses.replace(elena, teams=frozenset({"north"}))
    await conn.execute("UPDATE segments SET state = 'ended', ended_at = now()")

    async def banner(who: str) -> str | None:
        told: str | None = (await office.do(who, "GET", f"/interactions/{talk}/file"))["banner"]
        return told

    assert [await banner(who) for who in ("elena", "north")] == ["authorisation"] * 2
    assert "authorisation" not in [await banner(who) for who in ("pablo", "south")]
