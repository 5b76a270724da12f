"""Use cases of the identity gate, of giving an interaction to another person, and of noting one."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from contactcenter.core.access import Principal
from contactcenter.core.errors import Conflict, Invalid, NotFound
from contactcenter.core.ids import new_id
from contactcenter.core.work import Work, WorkFactory
from contactcenter.events.interactions import InteractionVerified
from contactcenter.interactions import linking, noted
from contactcenter.interactions import service as hall
from contactcenter.interactions.model import Address, Interaction
from crm.access import leads
from crm.contacts import store
from crm.contacts.model import GATE, MAY_TELL, MOST_WRONG, documents_in, level, verified
from crm.contacts.schemas import (
    GateCheck,
    GateIn,
    GateOut,
    InteractionNew,
    InteractionNoted,
    RelinkIn,
)
from crm.customers import files as customers
from db import Connection

ASKED: Final = ("document", "birth_date", "policy")


class ContactService:
    def __init__(self, work: WorkFactory) -> None:
        self._work = work

    # The gate

    async def identity(self, principal: Principal, interaction_id: UUID) -> GateOut:
        async with self._work.reading("interactions.identity") as conn:
            row = await _seen(conn, principal, interaction_id)
            return await _identity(conn, row)

    async def check(self, principal: Principal, interaction_id: UUID, given: GateIn) -> GateOut:
        """Compare what the caller says with the file. What passes counts with what has passed
        before in this interaction; each attempt is kept, with who asked and when.

        Conflict when nobody is known to be the caller yet, and after too many wrong answers
        (ctx.reason `locked`), for all but supervisors.
        """
        asked = [name for name in ASKED if getattr(given, name) is not None]
        async with self._work.begin("interactions.verify", principal.actor) as work:
            row = await _seen(work.conn, principal, interaction_id, lock=True)
            if row.customer_id is None:
                raise Conflict("Say first who it may be.", reason="nobody")
            before = await _identity(work.conn, row)
            if before.locked and not leads(principal):
                raise Conflict("Too many wrong answers: ask a supervisor.", reason="locked")
            known = await store.known(work.conn, row.customer_id)
            assert known is not None
            passed = verified({name: getattr(given, name) for name in asked}, dict(known))
            total = len(passed | set(before.passed))
            await store.add_check(
                work.conn,
                new_id(),
                interaction_id,
                row.customer_id,
                asked=asked,
                passed=passed,
                level=2 if total >= GATE else 1,
                agent_id=principal.agent_id,
                by=principal.actor,
                at=work.now,
            )
            if total >= GATE and before.level != "verified":
                await linking.settle_customer(work.conn, interaction_id, row.customer_id)
                work.emit(
                    InteractionVerified(
                        interaction_id=interaction_id,
                        customer_id=row.customer_id,
                        checks=tuple(sorted(passed | set(before.passed))),
                    )
                )
            work.audit(
                "interaction.identity_checked",
                "interaction",
                interaction_id,
                after={"asked": asked, "passed": sorted(passed)},
                person=row.customer_id,
            )
            return work.answer(await _identity(work.conn, row))

    # Whose it is

    async def relink(self, principal: Principal, interaction_id: UUID, wish: RelinkIn) -> GateOut:
        """An interaction is about this customer, or nobody on file, whoever it was taken for."""
        async with self._work.begin("interactions.relink", principal.actor) as work:
            await _seen(work.conn, principal, interaction_id)
            customer_id = await _whose(work, wish)
            row = await _seen(work.conn, principal, interaction_id, lock=True)
            if customer_id is None:
                await linking.unlink_interaction(work, interaction_id, row.customer_id)
            else:
                await linking.link_interaction(work, interaction_id, customer_id)
            work.audit(
                "interaction.linked",
                "interaction",
                interaction_id,
                before={"customer_id": row.customer_id and str(row.customer_id)},
                after={"customer_id": customer_id and str(customer_id)},
            )
            fresh = await hall.interaction(work.conn, interaction_id)
            assert fresh is not None
            return work.answer(await _identity(work.conn, fresh))

    # By hand

    async def note(self, principal: Principal, new: InteractionNew) -> InteractionNoted:
        """Write down a contact that no channel of ours carried. It is over, and the asker's."""
        async with self._work.begin("interactions.note", principal.actor) as work:
            conn = work.conn
            customer = await customers.writable_customer(
                conn, principal, new.customer_id, field="customer_id"
            )
            at = new.occurred_at or work.now
            if at > work.now:
                raise Invalid.field("occurred_at", "in_future", "That moment has not come.")
            if new.disposition and not await store.disposition_exists(conn, new.disposition):
                raise Invalid.field("disposition", "unknown_disposition", "No such disposition.")
            contact_id = await noted.contact_of(conn, new.customer_id)
            if contact_id is None:
                contact = await hall.create_contact(
                    work,
                    name=customers.name_of(customer),
                    locale=customer["locale"],
                    addresses=[
                        Address("phone" if kind == "phone" else "email", address)
                        for kind, address in await customers.ways_of(conn, new.customer_id)
                    ],
                )
                contact_id = contact.id
                await linking.link_customer(work, contact_id, new.customer_id, by_hand=True)
            interaction_id, conversation_id = await noted.note(
                work,
                contact_id=contact_id,
                customer_id=new.customer_id,
                channel=new.channel,
                direction=new.direction,
                at=at,
                seconds=new.seconds,
                agent_id=principal.agent_id,
                subject=new.subject,
                outcome=new.disposition,
                text=new.note,
                metadata={"noted": True, "medium": new.medium},
            )
            work.audit(
                "interaction.noted",
                "interaction",
                interaction_id,
                after=new.model_dump(mode="json"),
                person=new.customer_id,
            )
            return work.answer(
                InteractionNoted(
                    interaction_id=interaction_id,
                    conversation_id=conversation_id,
                    contact_id=contact_id,
                    customer_id=new.customer_id,
                    channel=new.channel,
                    direction=new.direction,
                    state="closed",
                    agent_id=principal.agent_id,
                    subject=new.subject,
                    outcome=new.disposition,
                    created_at=at,
                )
            )


async def _seen(
    conn: Connection, principal: Principal, interaction_id: UUID, *, lock: bool = False
) -> Interaction:
    await hall.require_sight(conn, principal, interaction_id=interaction_id)
    row = await hall.interaction(conn, interaction_id, lock=lock)
    if row is None:
        raise NotFound
    return row


async def _whose(work: Work, wish: RelinkIn) -> UUID | None:
    customer_id = wish.customer_id
    if wish.document is not None:
        found = {
            each
            for document in documents_in(wish.document)
            for each in await customers.identify(work.conn, "document", document)
        }
        if len(found) != 1:
            raise Invalid.field("document", "unknown_customer", "Nobody on file has it.")
        customer_id = found.pop()
    if customer_id is None:
        return None
    try:
        await customers.the_customer(work.conn, customer_id, lock=True)
    except NotFound:
        raise Invalid.field(
            "customer_id", "unknown_customer", "There is no such customer."
        ) from None
    return customer_id


async def _identity(conn: Connection, row: Interaction) -> GateOut:
    rows = [] if row.customer_id is None else await store.checks(conn, row.id, row.customer_id)
    passed = {check for each in rows for check in each["passed"]}
    wrong = sum(len(each["asked"]) - len(each["passed"]) for each in rows)
    opened = next((each for each in rows if each["level"] >= GATE), None)
    now = level(row.customer_id, len(passed))
    return GateOut(
        interaction_id=row.id,
        customer_id=row.customer_id,
        level=now,
        passed=[name for name in ASKED if name in passed],
        wrong=wrong,
        locked=wrong >= MOST_WRONG and now != "verified",
        verified_at=None if opened is None else opened["at"],
        verified_by=None if opened is None else opened["agent_id"],
        may_tell=list(MAY_TELL[now]),
        checks=[
            GateCheck(
                asked=each["asked"], passed=each["passed"], agent_id=each["agent_id"], at=each["at"]
            )
            for each in rows
        ],
    )
