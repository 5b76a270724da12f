from __future__ import annotations

from typing import Any
from uuid import UUID

import db
from contactcenter.core.ids import new_id
from contactcenter.interactions import service as hall
from contactcenter.interactions.model import Address, Channel
from tests.integration.crm.conftest import Office, agent_of


async def came_in(
    office: Office, *addresses: Address, channel: Channel = "whatsapp"
) -> tuple[UUID, UUID]:
    """(contact, interaction) of somebody who has just written or called."""
    async with office.deps.work.begin("test.came", "test") as work:
        contact = await hall.create_contact(work, name="", locale="es", addresses=addresses)
        thread = await hall.create_conversation(work, contact_id=contact.id, channel=channel)
        made = await hall.create_interaction(work, conversation=thread)
    return contact.id, made.id


async def customer_of(conn: db.Connection, interaction_id: UUID) -> Any:
    found = await conn.fetchval(
        "SELECT customer_id FROM interactions WHERE id = $1", interaction_id
    )
    return None if found is None else str(found)


async def test_a_known_number_is_its_customer(office: Office, conn: db.Connection) -> None:
    ana = await office.person(mobile="600550010", email="ana@correo.example")
    for address in (Address("whatsapp", "+34600550010"), Address("email", "ana@correo.example")):
        _, interaction = await came_in(office, address)
        for _ in range(2):
            await office.listen("crm.identify")
        assert await customer_of(conn, interaction) == ana["customer_id"]
    timeline = await office.do("lucia", "GET", f"/customers/{ana['customer_id']}/timeline")
    assert [each["kind"] for each in timeline["items"]] == ["interaction", "interaction"]
    assert len(await office.events("contact.linked")) == 2


async def test_a_shared_number_is_nobodys(office: Office, conn: db.Connection) -> None:
    await office.person(mobile="600550010")
    await office.person(first_name="Luis", mobile="600550010")
    _, interaction = await came_in(office, Address("phone", "+34600550010"))
    await office.listen("crm.identify")
    assert await customer_of(conn, interaction) is None


async def test_a_customer_who_is_entered_after_they_wrote(
    office: Office, conn: db.Connection
) -> None:
    _, interaction = await came_in(office, Address("phone", "+34600550010"))
    await office.listen("crm.identify")
    assert await customer_of(conn, interaction) is None
    ana = await office.person(mobile="600550010")
    for _ in range(2):
        await office.listen("crm.learn")
    assert await customer_of(conn, interaction) == ana["customer_id"]


async def test_an_interaction_is_given_to_another_person(
    office: Office, conn: db.Connection
) -> None:
    ana = await office.person(mobile="600550010")
    luis = await office.person(first_name="Luis")
    _, interaction = await came_in(office, Address("phone", "+34600550010"))
    await office.listen("crm.identify")
    path = f"/interactions/{interaction}/customer"
    assert (
        await office.ask("pablo", "PUT", path, {"customer_id": luis["customer_id"]})
    ).status == 404
    await conn.execute(
        "INSERT INTO segments (id, interaction_id, agent_id, channel, queue, state, cost,"
        " full_cost, started_at, state_since)"
        " VALUES ($1, $2, $3, 'whatsapp', 'CO', 'active', 30, 30, now(), now())",
        new_id(), interaction, agent_of(office, "pablo"),
    )  # fmt: skip
    await office.do("pablo", "PUT", path, {"customer_id": luis["customer_id"]})
    assert await customer_of(conn, interaction) == luis["customer_id"]
    nobody = await office.ask("pablo", "PUT", path, {"customer_id": str(new_id())})
    assert nobody.status == 422
    timeline = await office.do("lucia", "GET", f"/customers/{ana['customer_id']}/timeline")
    assert timeline["items"] == []
