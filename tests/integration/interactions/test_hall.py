"""Contacts, conversations, messages, cards, and who may see them."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from contactcenter.core.errors import Conflict, Invalid, NotFound
from contactcenter.core.ids import new_id
from contactcenter.interactions import cards
from contactcenter.interactions import service as hall
from contactcenter.interactions.model import Address, Change
from contactcenter.interactions.reading import InteractionService
from contactcenter.interactions.schemas import ContactEdit, InteractionQuery, PageQuery
from crm.access import Veil
from routing.schemas import Close
from tests.integration.routing.scene import Scene

ANA = Address("email", "ana@ejemplo.es")
HOME = Address("phone", "+34976123456")


async def test_a_contact_is_found_by_the_one_who_has_the_address(scene: Scene) -> None:
    async with scene.work.begin("test", "test") as work:
        ana = await hall.contact_for(work, name="", locale="es", addresses=[ANA, HOME])
        again = await hall.contact_for(work, name="Ana", locale="es", addresses=[ANA])
        assert again.id == ana.id
        named = await hall.contact(work.conn, ana.id)
        assert named is not None
        assert named.name == "Ana"  # a name is added, never replaced
        assert set(named.addresses) == {ANA, HOME}


async def test_contacts_who_share_a_telephone_are_not_merged(scene: Scene) -> None:
    async with scene.work.begin("test", "test") as work:
        ana = await hall.create_contact(work, name="Ana", locale="es", addresses=[HOME])
        luis = await hall.create_contact(work, name="Luis", locale="es", addresses=[HOME])
        third = await hall.contact_for(work, name="Eva", locale="es", addresses=[HOME])
    assert len({ana.id, luis.id, third.id}) == 3


async def test_stating_an_address_does_not_lead_into_its_owners_conversation(
    scene: Scene,
) -> None:
    async with scene.work.begin("test", "test") as work:
        ana = await hall.contact_for(work, name="Ana", locale="es", addresses=[ANA])
        await hall.create_conversation(work, contact_id=ana.id, channel="chat")
        stranger = await hall.contact_for(
            work, name="Otra", locale="es", addresses=[ANA], free_for=("chat", "web")
        )
        assert stranger.id != ana.id
        mail = await hall.contact_for(work, name="", locale="es", addresses=[HOME])
        assert mail.id not in {ana.id, stranger.id}


async def test_one_open_conversation_and_interaction(scene: Scene) -> None:
    async with scene.work.begin("test", "test") as work:
        ana = await hall.create_contact(work, name="Ana", locale="es")
        token = b"0" * 32
        chat = await hall.create_conversation(
            work, contact_id=ana.id, channel="chat", visitor_token_hash=token
        )
        with pytest.raises(Conflict):
            await hall.create_conversation(work, contact_id=ana.id, channel="chat")
        await hall.create_conversation(work, contact_id=ana.id, channel="email")
        await hall.create_conversation(work, contact_id=ana.id, channel="email")
        known = await hall.conversations_of_tokens(work.conn, [token, b"1" * 32])
        assert known == {token: chat}
        first = await hall.create_interaction(work, conversation=chat)
        with pytest.raises(Conflict):
            await hall.create_interaction(work, conversation=chat)
        assert await hall.open_interaction(work.conn, chat.id) == first
        await hall.set_state(work.conn, Change(first.id, "closed", work.now))
        with pytest.raises(Conflict):
            await hall.set_state(work.conn, Change(first.id, "queued", work.now))
        assert await hall.open_interaction(work.conn, chat.id) is None
        await hall.create_interaction(work, conversation=chat)
        assert await hall.close_conversation(work, chat.id)
        assert not await hall.close_conversation(work, chat.id)


async def test_a_message_sent_again_is_the_same_message(scene: Scene) -> None:
    waiting = await scene.arrive()
    await asyncio.gather(*(scene.write(waiting, "Hola", client_id="c1") for _ in range(8)))
    async with scene.pool.acquire() as conn:
        [message] = await cards.messages(conn, waiting.conversation_id)
    assert len(await scene.events("message.created")) == 1
    async with scene.work.begin("test", "test") as work:
        stored, new = await hall.add_message(
            work,
            conversation_id=waiting.conversation_id,
            interaction_id=waiting.interaction_id,
            sender="visitor",
            body="otra cosa",
            client_id="c1",
        )
        assert (stored.id, stored.body, new) == (message.message_id, "Hola", False)
        agent_side, new = await hall.add_message(
            work,
            conversation_id=waiting.conversation_id,
            interaction_id=waiting.interaction_id,
            sender="system",
            body="Hola",
            client_id="c1",
        )
        assert new
        assert agent_side.id != stored.id


async def test_reading_goes_forward_only(scene: Scene) -> None:
    waiting = await scene.arrive()
    for body in ("uno", "dos", "tres"):
        await scene.write(waiting, body)
    async with scene.work.begin("test", "test") as work:
        conn, conversation = work.conn, waiting.conversation_id
        first, second, third = await cards.messages(conn, conversation)
        assert await cards.unread(conn, [conversation]) == {conversation: 3}

        async def read(message_id: object) -> bool:
            return await hall.mark_read(
                work,
                conversation_id=conversation,
                message_id=message_id,  # type: ignore[arg-type]
                reader="agent",
            )

        assert await read(second.message_id)
        assert not await read(first.message_id)
        assert not await read(second.message_id)
        assert not await read(new_id())
        assert await cards.unread(conn, [conversation]) == {conversation: 1}
        assert await read(third.message_id)
    assert len(await scene.events("message.read")) == 2


async def test_cards_say_what_is_so(scene: Scene) -> None:
    lucia = await scene.agent("Lucía", SA=5)
    waiting = await scene.arrive()
    await scene.write(waiting, "Hola")
    async with scene.pool.acquire() as conn:
        assert await cards.cards(conn, lucia.agent()) == {}
        [item] = (await cards.queue_items(conn, queues=["SA"])).values()
        assert (item.state, item.offered_to) == ("queued", None)
    await scene.settle()
    async with scene.pool.acquire() as conn:
        [item] = (await cards.queue_items(conn, interaction_ids=[waiting.interaction_id])).values()
        assert (item.state, item.offered_to) == ("offered", lucia.agent_id)
        [offer] = (await cards.reservation_cards(conn, agent_id=lucia.agent())).values()
        assert (offer.queue, offer.customer.name, offer.why.candidates) == ("SA", "Visitante", 1)
        assert offer.customer.masked == ""
    await scene.accepted(waiting, lucia)
    async with scene.pool.acquire() as conn:
        assert await cards.queue_items(conn) == {}
        assert await cards.reservation_cards(conn) == {}
        pair = (lucia.agent(), waiting.interaction_id)
        mine = (await cards.cards_for(conn, [pair, (new_id(), waiting.interaction_id)]))[pair]
        assert mine == (await cards.cards(conn, lucia.agent()))[waiting.interaction_id]
        assert mine.segment is not None
        assert mine.segment.state == "active"
        assert mine.last_message is not None
        assert (mine.last_message.body, mine.unread) == ("Hola", 1)
        plain = (await cards.cards(conn, None, [waiting.interaction_id]))[waiting.interaction_id]
        assert plain.segment is None
        assert await cards.holders(conn, [waiting.interaction_id]) == {
            waiting.interaction_id: [lucia.agent()]
        }
        assert await cards.holders_of_conversations(conn, [waiting.conversation_id]) == {
            waiting.conversation_id: [(lucia.agent(), waiting.interaction_id)]
        }


async def test_a_conversation_shows_its_newest_messages(scene: Scene) -> None:
    waiting, silent = await scene.arrive(), await scene.arrive()
    for number in range(5):
        await scene.write(waiting, str(number))
    async with scene.pool.acquire() as conn:
        states = await cards.conversation_states(
            conn, [waiting.conversation_id, silent.conversation_id], limit=3
        )
        state = states[waiting.conversation_id]
        assert [m.body for m in state.messages] == ["2", "3", "4"]
        assert state.has_more
        empty = states[silent.conversation_id]
        assert (empty.messages, empty.has_more) == ([], False)
        older = await cards.messages(
            conn, waiting.conversation_id, before=state.messages[0].message_id
        )
        assert [m.body for m in older] == ["0", "1"]


async def test_who_sees_what(scene: Scene) -> None:
    service = InteractionService(scene.work, Veil())
    lucia, nerea = await scene.agent("Lucía", SA=5), await scene.agent("Nerea", SH=5)
    waiting = await scene.arrive()
    ids = (waiting.interaction_id, waiting.conversation_id, waiting.contact_id)
    page = PageQuery()
    for principal in (lucia, scene.supervisor):
        assert (await service.detail(principal, ids[0])).interaction_id == ids[0]
        assert (await service.conversation_card(principal, ids[1])).conversation_id == ids[1]
        assert (await service.contact_card(principal, ids[2])).contact_id == ids[2]
        assert len((await service.timeline(principal, ids[2], page)).items) == 1
        assert len((await service.listed(principal, InteractionQuery())).items) == 1
    for hidden in (
        service.detail(nerea, ids[0]),
        service.conversation_card(nerea, ids[1]),
        service.messages(nerea, ids[1], page),
        service.contact_card(nerea, ids[2]),
        service.timeline(nerea, ids[2], page),
        service.edit_contact(nerea, ids[2], ContactEdit(name="X"), lambda _: None),
        service.detail(scene.supervisor, new_id()),
        service.messages(scene.supervisor, new_id(), page),
    ):
        with pytest.raises(NotFound):
            await hidden
    assert (await service.listed(nerea, InteractionQuery())).items == []
    await scene.accepted(waiting, lucia)
    await scene.desk.close(
        lucia, Close(interaction_id=waiting.interaction_id, disposition="solved")
    )
    assert (await service.detail(lucia, ids[0])).segments[0].disposition == "solved"


async def test_lists_have_pages_and_filters(scene: Scene) -> None:
    service, chief = InteractionService(scene.work, Veil()), scene.supervisor
    contacts = []
    for number in range(5):
        async with scene.work.begin("test", "test") as work:
            contact = await hall.create_contact(
                work,
                name=f"Íñigo {number}",
                locale="es",
                addresses=[Address("phone", f"+3461234567{number}")],
            )
        contacts.append(await scene.arrive(contact_id=contact.id))
        scene.clock.advance(1)
    seen = []
    cursor = None
    while True:
        page = await service.listed(chief, InteractionQuery(limit=2, cursor=cursor))
        seen += [item.interaction_id for item in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [waiting.interaction_id for waiting in reversed(contacts)]

    async def found(**filters: object) -> int:
        query = InteractionQuery.model_validate(filters)
        return len((await service.listed(chief, query)).items)

    assert await found(q="iñigo 3") == 1
    assert await found(q="612345674") == 1
    assert await found(q="50%") == 0
    assert await found(state="queued", queue="SA", channel="chat") == 5
    assert await found(state="closed") == 0
    with pytest.raises(Invalid):
        await service.listed(chief, InteractionQuery(cursor="zz"))
    with pytest.raises(Invalid):
        await service.messages(chief, contacts[0].conversation_id, PageQuery(cursor="zz"))


async def test_a_contacts_timeline_runs_over_all_channels(scene: Scene) -> None:
    service, chief = InteractionService(scene.work, Veil()), scene.supervisor
    first = await scene.arrive()
    await scene.write(first, "Se ha roto una tubería")
    await scene.leave(first)
    scene.clock.advance(60)
    await scene.arrive(channel="whatsapp", contact_id=first.contact_id)
    page = await service.timeline(chief, first.contact_id, PageQuery(limit=1))
    assert [entry.channel for entry in page.items] == ["whatsapp"]
    rest = await service.timeline(
        chief, first.contact_id, PageQuery(limit=1, cursor=page.next_cursor)
    )
    [entry] = rest.items
    assert (entry.channel, entry.close_reason, entry.messages) == ("chat", "abandoned", 1)
    assert entry.excerpt == "Se ha roto una tubería"
    assert rest.next_cursor is None
    edited = await service.edit_contact(
        chief, first.contact_id, ContactEdit(name="Ana Pérez", verified=True), lambda _: None
    )
    assert (edited.name, edited.verified, edited.locale) == ("Ana Pérez", True, "es")
    async with scene.pool.acquire() as conn:
        [card] = (await cards.cards(conn, None, [first.interaction_id])).values()
        assert card.customer.verified
        late = scene.clock.now() + timedelta(days=8)
        assert await hall.last_agents(conn, first.conversation_id, late) == ()
