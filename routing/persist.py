"""Writing a group of decisions: one transaction, and few statements in it: one for what happens to
the rows of a table, and a single one for all when the turn only offers.

Every change is conditional on where the group expects its row. One that finds it elsewhere
means that memory is stale, and the whole group is given up (`Stale`). Rows are locked in one
order, which commands keep too: interactions, visits, reservations, segments, agents.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from contactcenter.agents import service as agents
from contactcenter.core.work import Work, WorkFactory
from contactcenter.events.interactions import InteractionClosed
from contactcenter.interactions import service as hall
from contactcenter.interactions.model import Change
from db import Record
from routing import group_store, rows
from routing.group import WAITING, Group, Late
from routing.lifecycle import NO_DISPOSITION

LEAVE_A_MESSAGE: Final = {
    "es": "Ahora mismo la espera es larga. Puede dejar su mensaje aquí: le contestaremos "
    "en cuanto sea posible y no pierde su turno.",
    "en": "The wait is long just now. You can leave your message here: we will answer as "
    "soon as we can, and you keep your place.",
}


class Stale(Exception):  # noqa: N818 - it says what memory is
    """A row is not where the router's memory has it."""


async def write(work: Work, group: Group, epoch: int) -> None:
    """Apply the group in `work`. Stale when a row is not where memory has it."""
    await _move_interactions(work, group)
    await _write_visits(work, group, epoch)
    over = await _write_segments(work, group)
    await _write_agents(work, group)
    for fact in group.facts:
        if isinstance(fact, Late):
            row = over[fact.segment]
            event = fact.build(row["started_at"], row["held_ms"], row["talk_ended_at"])
        else:
            event = fact
        work.emit(event, occurred_at=group.now)
    await _close_what_is_over(work, group)
    for interaction_id in group.messages:
        await _offer_message(work, interaction_id)


def only_offers(group: Group) -> bool:
    """The common case: visits that wait are offered, each once, and nothing else changes."""
    return (
        bool(group.offers)
        and not (group.ending or group.soft_moves or group.new_visits or group.ended_offers)
        and not (group.segments or group.new_segments or group.wills or group.turns)
        and not (group.messages or group.changed_desks())
        and all(offer.state == "pending" for offer in group.offers.values())
        and all(visit.rings_only for visit in group.visits.values())
        and {offer.visit for offer in group.offers.values()} == group.visits.keys()
        and len(group.offers) == len(group.visits)
        and all(_only_rings(change) for change in group.moves.values())
        and {offer.interaction for offer in group.offers.values()} == group.moves.keys()
    )


async def offer_at_once(
    factory: WorkFactory,
    group: Group,
    name: str,
    actor: str,
    lease: tuple[str, str, int, timedelta],
) -> None:
    """Write a group of which `only_offers` holds, under the lease (group_store.RENEW). Refused
    with the reason `fenced` when the lease is gone, `stale` when a row is not where memory has
    it."""
    facts = [fact for fact in group.facts if not isinstance(fact, Late)]
    await factory.at_once(
        name,
        actor,
        facts,
        occurred_at=group.now,
        statement=group_store.OFFER_AT_ONCE,
        args=group_store.offers_at_once(lease, list(group.offers.values()), group.now, WAITING),
    )


async def _move_interactions(work: Work, group: Group) -> None:
    """Those that only ring now go together; the others say what else changes."""
    conn = work.conn
    if group.ending:
        await group_store.lock_interactions(conn, group.ending)
    ringing = [key for key, change in group.moves.items() if _only_rings(change)]
    if ringing:
        moved = await hall.move_together(conn, ringing, "offered", group.now, WAITING)
        _expect("interactions", len(ringing), len(moved))
    others = [change for change in group.moves.values() if not _only_rings(change)]
    if others or group.soft_moves:
        moved = await hall.set_states(conn, [*others, *group.soft_moves.values()])
        _expect("interactions", len(others), len(moved - group.soft_moves.keys()))


def _only_rings(change: Change) -> bool:
    return (
        change.to == "offered"
        and change.expect == WAITING
        and change.queue is None
        and change.agent_id is None
        and change.virtual_start is None
    )


async def _write_visits(work: Work, group: Group, epoch: int) -> None:
    """Visits and the offers of them: what ends, what changes, what begins, what rings."""
    conn = work.conn
    fresh = {item.id for item, _ in group.new_visits}
    ringing = {
        offer.visit
        for offer in group.offers.values()
        if offer.state == "pending"
        and offer.visit not in fresh
        and group.visits[offer.visit].rings_only
    }
    old = [p for p in group.visits.values() if p.id not in fresh and p.id not in ringing]
    if old:
        _expect("visits", len(old), await group_store.patch_visits(conn, old, group.now))
    if group.new_visits:
        await group_store.insert_visits(
            conn, [rows.row_of(item, contact) for item, contact in group.new_visits]
        )
        if later := [patch for patch in group.visits.values() if patch.id in fresh]:
            await group_store.patch_visits(conn, later, group.now)
    if group.ended_offers:
        ended = await group_store.end_offers(conn, group.ended_offers, group.now)
        _expect("reservations", len(group.ended_offers), ended)
    if ringing:
        rung = [o for o in group.offers.values() if o.state == "pending" and o.visit in ringing]
        _expect("visits", len(rung), await group_store.ring(conn, epoch, rung, group.now))
    rest = [
        offer
        for offer in group.offers.values()
        if offer.state != "pending" or offer.visit not in ringing
    ]
    if rest:
        await group_store.insert_offers(conn, epoch, rest)


async def _write_segments(work: Work, group: Group) -> dict[str, Record]:
    """Change the segments there are, then begin the new ones, which may change at once too."""
    over: dict[str, Record] = {}
    for new in (False, True):
        if new and group.new_segments:
            await group_store.insert_segments(work.conn, list(group.new_segments.values()))
        patches = [p for p in group.segments.values() if (p.id in group.new_segments) is new]
        if patches:
            changed = await group_store.patch_segments(work.conn, patches, group.now)
            _expect("segments", len(patches), len(changed))
            over.update((row["id"], row) for row in changed)
    return over


async def _write_agents(work: Work, group: Group) -> None:
    if group.wills:
        await agents.set_will(
            work.conn,
            [
                (
                    UUID(agent),
                    will.will.value,
                    will.reason,
                    will.after_this.value if will.after_this else None,
                    will.after_this_reason,
                    rows.disposal_row(will.after_this_open),
                    group.now,
                )
                for agent, will in sorted(group.wills.items())
            ],
        )
    if desks := group.changed_desks():
        await group_store.put_desks(work.conn, desks)
    if group.turns:
        await group_store.put_turns(work.conn, group.turns)


async def _close_what_is_over(work: Work, group: Group) -> None:
    if not group.ending:
        return
    finished = await group_store.over(work.conn, group.ending)
    await hall.set_states(
        work.conn,
        [
            Change(row["id"], "closed", group.now, close_reason="completed", outcome=NO_DISPOSITION)
            for row in finished
        ],
    )
    for row in finished:
        work.emit(
            InteractionClosed(
                interaction_id=row["id"],
                conversation_id=row["conversation_id"],
                channel=row["channel"],
                reason="completed",
            ),
            occurred_at=group.now,
        )


async def _offer_message(work: Work, interaction_id: UUID) -> None:
    """Tell a customer who writes that the wait is long; a caller hears it from the IVR."""
    interaction = await hall.interaction(work.conn, interaction_id)
    if interaction is None or interaction.channel == "voice":
        return
    conversation = await hall.conversation(work.conn, interaction.conversation_id)
    locale = conversation.locale if conversation else "es"
    await hall.add_message(
        work,
        conversation_id=interaction.conversation_id,
        interaction_id=interaction_id,
        sender="system",
        kind="event",
        body=LEAVE_A_MESSAGE.get(locale, LEAVE_A_MESSAGE["es"]),
        client_id=f"message-offered-{interaction_id}",
    )


def _expect(what: str, wanted: int, found: int) -> None:
    if found != wanted:
        raise Stale(f"{what}: {wanted - found} of {wanted} stand elsewhere")
