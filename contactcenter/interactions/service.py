"""Use cases of the hall's centre, and the doors that rooms go through.

Functions that write take the caller's unit of work and open no transaction:
`work.conn` is inside it, `work.now` is its instant, `work.emit` adds facts.
Functions that only read take a connection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from contactcenter.core.access import Permission, Principal
from contactcenter.core.errors import Conflict, NotFound
from contactcenter.core.ids import new_id
from contactcenter.core.work import Work
from contactcenter.events.interactions import (
    InteractionCreated,
    InteractionEnded,
    MessageCreated,
    MessageRead,
)
from contactcenter.interactions import store
from contactcenter.interactions.model import (
    PREFER_WINDOW,
    Address,
    Change,
    Channel,
    Contact,
    Conversation,
    Interaction,
    Message,
    MessageKind,
    Sender,
    State,
    sort_key,
)
from db import Connection


async def contact(conn: Connection, contact_id: UUID) -> Contact | None:
    return await store.contact(conn, contact_id)


async def create_contact(
    work: Work, *, name: str, locale: str, addresses: Sequence[Address] = ()
) -> Contact:
    """A new contact, whoever else may have the same addresses."""
    made = Contact(
        id=new_id(),
        customer_id=None,
        name=name,
        locale=locale,
        verified=False,
        addresses=tuple(dict.fromkeys(addresses)),
        created_at=work.now,
    )
    await store.insert_contact(work.conn, made, sort_key(name))
    return made


async def contact_for(
    work: Work,
    *,
    name: str,
    locale: str,
    addresses: Sequence[Address],
    free_for: tuple[Channel, str] | None = None,
) -> Contact:
    """The one contact with one of these addresses, or a new one.

    Several contacts with them are ambiguous (a shared telephone, a switchboard): nobody
    is guessed and nobody merged, a new contact is made. `free_for` is a (channel, our
    address): a contact with an open conversation there does not count, because whoever
    merely states an address must not be led into its owner's conversation.
    """
    found = await store.contacts_with(work.conn, addresses, free_for) if addresses else []
    if len(found) != 1:
        return await create_contact(work, name=name, locale=locale, addresses=addresses)
    known = await store.contact(work.conn, found[0])
    assert known is not None
    if name and not known.name:
        await store.edit_contact(
            work.conn, known.id, name=name, sort_key=sort_key(name), locale=None, verified=None
        )
    return known


async def introduce(
    work: Work, contact_id: UUID, *, name: str, addresses: Sequence[Address]
) -> None:
    """Keep what somebody says of themselves: a name if none is known, further addresses."""
    known = await store.locked_contact(work.conn, contact_id)
    assert known is not None
    if name and not known.name:
        await store.edit_contact(
            work.conn, contact_id, name=name, sort_key=sort_key(name), locale=None, verified=None
        )
    fresh = [address for address in addresses if address not in known.addresses]
    if fresh:
        await store.insert_addresses(work.conn, contact_id, fresh)


async def conversation(conn: Connection, conversation_id: UUID) -> Conversation | None:
    return await store.conversation(conn, conversation_id)


async def conversations_of_tokens(
    conn: Connection, token_hashes: Sequence[bytes]
) -> dict[bytes, Conversation]:
    """The conversations that visitors' tokens open, by the tokens' SHA-256."""
    return await store.conversations_of_tokens(conn, token_hashes)


async def create_conversation(
    work: Work,
    *,
    contact_id: UUID,
    channel: Channel,
    channel_address: str = "web",
    queue: str | None = None,
    locale: str = "es",
    subject: str | None = None,
    visitor_token_hash: bytes | None = None,
) -> Conversation:
    """Open a thread. Conflict when the contact has an open one there (chat, WhatsApp, SMS)."""
    made = Conversation(
        id=new_id(),
        contact_id=contact_id,
        channel=channel,
        channel_address=channel_address,
        subject=subject,
        state="open",
        queue=queue,
        locale=locale,
        visitor_read=None,
        agent_read=None,
        last_message_at=None,
        created_at=work.now,
        closed_at=None,
    )
    if not await store.insert_conversation(work.conn, made, visitor_token_hash):
        raise Conflict("this contact has an open conversation on this channel")
    return made


async def close_conversation(work: Work, conversation_id: UUID) -> bool:
    """Close the thread; False when it was closed before."""
    return await store.close_conversation(work.conn, conversation_id, work.now)


async def interaction(
    conn: Connection, interaction_id: UUID, *, lock: bool = False
) -> Interaction | None:
    """The row; `lock` holds it against every other change until the transaction ends.

    Whoever changes an interaction, its visits, offers or segments locks this row first:
    it is the one root that puts them in an order.
    """
    return await store.interaction(conn, interaction_id, lock=lock)


SELECT_INTERACTION: Final = store.SELECT_INTERACTION
"""What `interaction` runs, for a statement that reads more beside it: the id is $1."""

interaction_of = store.interaction_of
"""An interaction from the columns that SELECT_INTERACTION gives."""


async def open_interaction(conn: Connection, conversation_id: UUID) -> Interaction | None:
    """The conversation's one open interaction, locked until the transaction ends."""
    return await store.open_interaction(conn, conversation_id)


async def segments_of(conn: Connection, interaction_id: UUID) -> list[dict[str, Any]]:
    """Every agent's part, in order: the fields of schemas.SegmentRow."""
    return await store.segments_of(conn, interaction_id)


async def last_agents(conn: Connection, conversation_id: UUID, now: datetime) -> tuple[UUID, ...]:
    """Who is preferred when the customer writes again within 7 days of the last close."""
    return await store.last_agents(conn, conversation_id, now - PREFER_WINDOW)


async def create_interaction(
    work: Work,
    *,
    conversation: Conversation,
    direction: Literal["inbound", "outbound", "internal"] = "inbound",
    state: State = "new",
    metadata: Mapping[str, Any] | None = None,
    routing_facts: Mapping[str, Any] | None = None,
) -> Interaction:
    """Begin an interaction in a conversation. Conflict when one is open already."""
    made = Interaction(
        id=new_id(),
        conversation_id=conversation.id,
        contact_id=conversation.contact_id,
        customer_id=None,
        channel=conversation.channel,
        direction=direction,
        state=state,
        close_reason=None,
        customer_present=True,
        queue=None,
        agent_id=None,
        subject=None,
        outcome=None,
        routing_facts=dict(routing_facts or {}),
        metadata=dict(metadata or {}),
        tags=(),
        version=1,
        created_at=work.now,
        queued_at=None,
        virtual_start=None,
        first_offered_at=None,
        answered_at=None,
        ended_at=None,
        closed_at=None,
    )
    if not await store.insert_interaction(work.conn, made):
        raise Conflict("this conversation has an open interaction")
    work.emit(
        InteractionCreated(
            interaction_id=made.id,
            conversation_id=made.conversation_id,
            contact_id=made.contact_id,
            channel=made.channel,
            direction=direction,
        )
    )
    return made


async def set_states(conn: Connection, changes: Sequence[Change]) -> set[UUID]:
    """Take each interaction along an edge, in one statement; the ids that moved.

    An interaction that stands elsewhere stays as it is and is missing from the answer:
    the caller decides whether that is a lost race. One change for each interaction.
    """
    return await store.change_interactions(conn, changes)


ENTER_QUEUE: Final = store.ENTER_QUEUE
"""One interaction into a queue, for a statement that has more to do: id, time, queue, virtual
start, states before, and the version before or NULL for any, are $1 to $6; it gives the id if it
moved."""

MOVE_TOGETHER: Final = store.MOVE_TOGETHER
"""What `move_together` runs, for a statement that has more to do: ids, state, time, states before
are $1 to $4; it gives the ids that moved."""


async def move_together(
    conn: Connection,
    interaction_ids: Sequence[UUID],
    to: Literal["queued", "offered"],
    at: datetime,
    expect: Sequence[State],
) -> set[UUID]:
    """As `set_states`, for many that only wait or ring from now on: the ids that moved."""
    return await store.move_together(conn, interaction_ids, to, at, expect)


async def set_state(conn: Connection, change: Change) -> None:
    """Take one interaction along an edge. Conflict when it does not stand before that edge."""
    if not await store.change_interactions(conn, (change,)):
        raise Conflict(f"the interaction cannot become {change.to} from where it is")


async def end_customer_part(
    work: Work, interaction_id: UUID, *, by: Literal["visitor", "agent", "system"]
) -> bool:
    """The customer's side is over: said once, whoever says it first. False: it was over."""
    ended = await store.end_customer_part(work.conn, interaction_id, work.now)
    if ended is None:
        return False
    conversation_id, channel = ended
    work.emit(
        InteractionEnded(
            interaction_id=interaction_id,
            conversation_id=conversation_id,
            channel=channel,
            by=by,
        )
    )
    return True


async def add_message(
    work: Work,
    *,
    conversation_id: UUID,
    interaction_id: UUID | None,
    sender: Sender,
    body: str,
    kind: MessageKind = "text",
    agent_id: UUID | None = None,
    client_id: str | None = None,
) -> tuple[Message, bool]:
    """Store what somebody wrote: (the message, whether it is new).

    A `client_id` that this side has used in this conversation gives the stored message
    back; nothing else happens then.
    """
    message = Message(
        id=new_id(),
        conversation_id=conversation_id,
        interaction_id=interaction_id,
        sender=sender,
        kind=kind,
        agent_id=agent_id,
        body=body,
        client_id=client_id,
        created_at=work.now,
    )
    if not await store.insert_message(work.conn, message):
        assert client_id is not None
        stored = await store.message_of_client(work.conn, conversation_id, sender, client_id)
        if stored is None:
            raise NotFound("no such conversation")
        return stored, False
    work.emit(
        MessageCreated(
            message_id=message.id,
            conversation_id=conversation_id,
            interaction_id=interaction_id,
            sender=sender,
            kind=kind,
            agent_id=agent_id,
        )
    )
    return message, True


async def message_of_client(
    conn: Connection, conversation_id: UUID, sender: Sender, client_id: str
) -> Message | None:
    """The message that this side has sent under this `client_id`."""
    return await store.message_of_client(conn, conversation_id, sender, client_id)


async def mark_read(
    work: Work, *, conversation_id: UUID, message_id: UUID, reader: Literal["visitor", "agent"]
) -> bool:
    """One side has read up to this message. False: that is not news, or not a message of it."""
    if not await store.mark_read(work.conn, conversation_id, message_id, reader):
        return False
    work.emit(MessageRead(conversation_id=conversation_id, message_id=message_id, reader=reader))
    return True


async def require_sight(
    conn: Connection,
    principal: Principal,
    *,
    interaction_id: UUID | None = None,
    conversation_id: UUID | None = None,
    contact_id: UUID | None = None,
) -> None:
    """NotFound unless the asker may see it (one of the three is given): whoever assigns, all
    within the limits; an agent, what they have or had a part in, and what waits for their skills
    within the limits."""
    agent_id = sight_of(principal)
    if agent_id is None:
        if principal.queues is not None and not await store.in_queues(
            conn,
            principal.queues,
            interaction_id=interaction_id,
            conversation_id=conversation_id,
            contact_id=contact_id,
        ):
            raise NotFound
        return
    if not await store.visible_to_agent(
        conn,
        agent_id,
        principal.queues,
        interaction_id=interaction_id,
        conversation_id=conversation_id,
        contact_id=contact_id,
    ):
        raise NotFound


_NOBODY = UUID(int=0)


def sight_of(principal: Principal) -> UUID | None:
    """The agent whose sight limits this principal; None: sees all."""
    if principal.kind == "system" or principal.may(Permission.ROUTING_ASSIGN):
        return None
    return principal.agent_id or _NOBODY
