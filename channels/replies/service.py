"""Use cases of saved replies."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from channels.replies import store
from channels.replies.model import MOST
from channels.replies.schemas import ReplyEdit, ReplyNew, SavedReply
from contactcenter.core.access import Permission, Principal
from contactcenter.core.errors import Conflict, NotFound
from contactcenter.core.ids import new_id
from contactcenter.core.work import WorkFactory
from db import Connection, Record

Match = Callable[[int], None]
"""Raises PreconditionFailed unless this version is the one the client knows."""


class Replies:
    def __init__(self, work: WorkFactory) -> None:
        self._work = work

    async def listed(self, principal: Principal) -> list[SavedReply]:
        """The centre's, and one's own."""
        async with self._work.reading("replies.list") as conn:
            return [SavedReply(**row) for row in await store.seen_by(conn, principal.agent_id)]

    async def create(self, principal: Principal, new: ReplyNew) -> SavedReply:
        """Keep a reply. Forbidden for a shared one without queues.manage; Conflict when there
        are too many."""
        owner = None if new.shared else principal.agent()
        if new.shared:
            principal.require(Permission.QUEUES_MANAGE)
        async with self._work.begin("replies.create", principal.actor) as work:
            most = MOST["shared" if new.shared else "personal"]
            if await store.count(work.conn, owner) >= most:
                raise Conflict("There are too many saved replies.", most=most)
            row = await store.insert(work.conn, new_id(), owner, new.body_es, new.body_en, work.now)
            work.audit("reply.created", "reply", row["reply_id"], after=new.model_dump())
        return SavedReply(**row)

    async def edit(
        self, principal: Principal, reply_id: UUID, edit: ReplyEdit, match: Match
    ) -> SavedReply:
        """Replace a reply's texts: one's own, or a shared one with queues.manage."""
        async with self._work.begin("replies.edit", principal.actor) as work:
            before = await self._own(work.conn, principal, reply_id)
            match(before["version"])
            row = await store.update(work.conn, reply_id, edit.body_es, edit.body_en, work.now)
            after = edit.model_dump()
            old = {name: before[name] for name in after}
            work.audit("reply.changed", "reply", reply_id, before=old, after=after)
        return SavedReply(**row)

    async def forget(self, principal: Principal, reply_id: UUID) -> None:
        async with self._work.begin("replies.forget", principal.actor) as work:
            row = await self._own(work.conn, principal, reply_id)
            await store.delete(work.conn, reply_id)
            before = {name: row[name] for name in ("shared", "body_es", "body_en")}
            work.audit("reply.deleted", "reply", reply_id, before=before)

    async def _own(self, conn: Connection, principal: Principal, reply_id: UUID) -> Record:
        """A reply that the asker may change, under its lock. NotFound for another agent's,
        Forbidden for the centre's without queues.manage."""
        row = await store.lock(conn, reply_id)
        if row is None:
            raise NotFound
        if row["shared"]:
            principal.require(Permission.QUEUES_MANAGE)
        elif row["agent_id"] != principal.agent_id:
            raise NotFound
        return row
