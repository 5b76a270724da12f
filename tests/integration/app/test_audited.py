"""What agents do at their desks is in the audit log, by socket as by HTTP."""

from __future__ import annotations

from tests.integration.app.conftest import Centre
from tests.integration.app.people import sign_in
from tests.integration.app.test_journey import LUCIA

ADMIN = "admin@aintech.com"


async def test_a_conversation_s_commands_are_in_the_log(centre: Centre) -> None:
    desk = await (await centre.desk(LUCIA)).available()
    visitor = await centre.visitor(queue="SA", message="Hola")
    taken = await desk.accepts()
    await desk.do("chat.typing", {"conversation_id": visitor.id})
    message = await desk.say(visitor.id, "Buenos días")
    assert message["body"] == "Buenos días"
    assert await desk.fails("interaction.hold", {"interaction_id": visitor.id}) == "not_found"
    admin = await sign_in(centre.url, ADMIN)
    _, found = await centre.http("GET", "/audit?limit=100", token=admin)
    rows = [row for row in found["items"] if row["user_name"].startswith("Luc")]
    told = {(row["action"], row["resource_type"], row["resource_id"]) for row in rows}
    assert ("reservation.accept", "reservation", taken["reservation_id"]) in told
    about = [row["resource_id"] for row in rows]
    assert about.count(visitor.id) == 1, "the message; not the typing, nor what was refused"
    assert all(row["address"] == "127.0.0.1" and row["user_agent"] for row in rows)
    assert "Buenos" not in str(found)
