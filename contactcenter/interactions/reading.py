"""What the routes show of interactions and their conversations, to whom it may be shown, and change
of contacts."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from contactcenter.core.access import Principal
from contactcenter.core.cursor import decode_cursor, encode_cursor
from contactcenter.core.errors import Invalid, NotFound
from contactcenter.core.work import WorkFactory
from contactcenter.interactions import cards, store
from contactcenter.interactions.model import (
    UNSAID,
    Contact,
    normalise,
    sort_key,
)
from contactcenter.interactions.ports import Veil
from contactcenter.interactions.schemas import (
    AddressCard,
    ContactCard,
    ContactEdit,
    ConversationCard,
    InteractionDetail,
    InteractionPage,
    InteractionQuery,
    InteractionRow,
    MessagePage,
    PageQuery,
    SegmentRow,
    TimelinePage,
)
from contactcenter.interactions.service import require_sight, sight_of

Match = Callable[[int], None]
"""Compares the asker's If-Match with the stored version; raises PreconditionFailed."""


class InteractionService:
    """What routes ask for. An agent sees what they have or had a part in, or what waits in
    their queues; supervisors see all; anything else does not exist for the asker."""

    def __init__(self, work: WorkFactory, veil: Veil) -> None:
        self._work = work
        self._veil = veil

    async def listed(self, principal: Principal, query: InteractionQuery) -> InteractionPage:
        name_part, address = _search(query.q)
        async with self._work.reading("interactions.list") as conn:
            rows = await store.list_interactions(
                conn,
                state=query.state,
                queue=query.queue,
                agent_id=query.agent_id,
                channel=query.channel,
                name_part=name_part,
                address=address,
                before=decode_cursor(query.cursor),
                seen_by=sight_of(principal),
                within=principal.queues,
                customer_id=query.customer_id,
                limit=query.limit + 1,
            )
        items = [InteractionRow(**dict(row)) for row in rows[: query.limit]]
        more = len(rows) > query.limit
        last = items[-1] if items else None
        return InteractionPage(
            items=items,
            next_cursor=encode_cursor(last.created_at, last.interaction_id)
            if more and last
            else None,
        )

    async def detail(self, principal: Principal, interaction_id: UUID) -> InteractionDetail:
        async with self._work.reading("interactions.detail", snapshot=True) as conn:
            await require_sight(conn, principal, interaction_id=interaction_id)
            row = await store.interaction(conn, interaction_id)
            if row is None:
                raise NotFound
            card = (await cards.cards(conn, None, [interaction_id]))[interaction_id]
            segments = [SegmentRow(**s) for s in await store.segments_of(conn, interaction_id)]
            unread = interaction_id in await self._veil.unread(conn, principal, [interaction_id])
        if unread:
            segments = [s.model_copy(update={"note": s.note and UNSAID}) for s in segments]
        return InteractionDetail(
            interaction_id=row.id,
            conversation_id=row.conversation_id,
            contact_id=row.contact_id,
            channel=row.channel,
            direction=row.direction,
            state=row.state,
            close_reason=row.close_reason,
            queue=row.queue,
            agent_id=row.agent_id,
            agent_name=segments[-1].agent_name if segments else None,
            customer_name=card.customer.name,
            outcome=row.outcome,
            created_at=row.created_at,
            queued_at=row.queued_at,
            answered_at=row.answered_at,
            closed_at=row.closed_at,
            customer=card.customer,
            customer_present=row.customer_present,
            ended_at=row.ended_at,
            metadata={} if unread else row.metadata,
            segments=segments,
        )

    async def conversation_card(
        self, principal: Principal, conversation_id: UUID
    ) -> ConversationCard:
        async with self._work.reading("conversations.card") as conn:
            await require_sight(conn, principal, conversation_id=conversation_id)
            row = await store.conversation(conn, conversation_id)
            if row is None:
                raise NotFound
            held = [] if row.subject is None else await store.interactions_of(conn, row.id)
            unread = await self._veil.unread(conn, principal, held)
        return ConversationCard(
            conversation_id=row.id,
            contact_id=row.contact_id,
            channel=row.channel,
            subject=UNSAID if unread else row.subject,
            state=row.state,
            queue=row.queue,
            created_at=row.created_at,
            closed_at=row.closed_at,
        )

    async def messages(
        self, principal: Principal, conversation_id: UUID, page: PageQuery
    ) -> MessagePage:
        before = _id_cursor(page.cursor)
        async with self._work.reading("conversations.messages") as conn:
            await require_sight(conn, principal, conversation_id=conversation_id)
            if await store.conversation(conn, conversation_id) is None:
                raise NotFound
            items = await cards.messages(conn, conversation_id, before=before, limit=page.limit + 1)
            within = {item.interaction_id for item in items if item.interaction_id is not None}
            unread = await self._veil.unread(conn, principal, within)
        items = [
            item.model_copy(update={"body": UNSAID}) if item.interaction_id in unread else item
            for item in items
        ]
        more = len(items) > page.limit
        items = items[-page.limit :]
        return MessagePage(items=items, next_cursor=str(items[0].message_id) if more else None)

    async def contact_card(self, principal: Principal, contact_id: UUID) -> ContactCard:
        async with self._work.reading("contacts.card") as conn:
            await require_sight(conn, principal, contact_id=contact_id)
            row = await store.contact(conn, contact_id)
        if row is None:
            raise NotFound
        return _contact_card(row)

    async def timeline(
        self, principal: Principal, contact_id: UUID, page: PageQuery
    ) -> TimelinePage:
        before = decode_cursor(page.cursor)
        async with self._work.reading("contacts.timeline") as conn:
            await require_sight(conn, principal, contact_id=contact_id)
            if await store.contact(conn, contact_id) is None:
                raise NotFound
            items = await cards.timeline(conn, contact_id, before=before, limit=page.limit + 1)
            told = [item.interaction_id for item in items if item.excerpt]
            unread = await self._veil.unread(conn, principal, told)
        items = [
            item.model_copy(update={"excerpt": UNSAID}) if item.interaction_id in unread else item
            for item in items
        ]
        more, items = len(items) > page.limit, items[: page.limit]
        cursor = encode_cursor(items[-1].created_at, items[-1].interaction_id) if more else None
        return TimelinePage(items=items, next_cursor=cursor)

    async def edit_contact(
        self, principal: Principal, contact_id: UUID, edit: ContactEdit, match: Match
    ) -> ContactCard:
        async with self._work.begin("contacts.edit", principal.actor) as work:
            await require_sight(work.conn, principal, contact_id=contact_id)
            before = await store.locked_contact(work.conn, contact_id)
            if before is None:
                raise NotFound
            match(before.version)
            await store.edit_contact(
                work.conn,
                contact_id,
                name=edit.name,
                sort_key=None if edit.name is None else sort_key(edit.name),
                locale=edit.locale,
                verified=edit.verified,
            )
            row = await store.contact(work.conn, contact_id)
            assert row is not None
            given = edit.model_dump(exclude_none=True)
            old, who = {name: getattr(before, name) for name in given}, contact_id
            work.audit("contact.changed", "contact", who, before=old, after=given, person=who)
        return _contact_card(row)


def _search(q: str | None) -> tuple[str | None, str | None]:
    """(part of a name as it is sorted, an address as it is stored)."""
    if q is None:
        return None, None
    name = sort_key(q).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    try:
        return name, normalise("email" if "@" in q else "phone", q)
    except ValueError:
        return name, None


def _contact_card(row: Contact) -> ContactCard:
    return ContactCard(
        contact_id=row.id,
        customer_id=row.customer_id,
        name=row.name,
        locale=row.locale,
        verified=row.verified,
        addresses=[AddressCard(kind=a.kind, address=a.address) for a in row.addresses],
        created_at=row.created_at,
        version=row.version,
    )


def _id_cursor(cursor: str | None) -> UUID | None:
    try:
        return None if cursor is None else UUID(cursor)
    except ValueError as error:
        raise Invalid.field("cursor", "bad_cursor", "Not a cursor of this list.") from error
