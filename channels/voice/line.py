"""Changing a call: the row, its legs, its history and its facts, in one unit of work."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from channels.voice import recording_store, store
from channels.voice.call import Call, IllegalMoveError, Leg
from channels.voice.store import CallRow
from contactcenter.core.errors import Conflict, NotFound
from contactcenter.core.work import Work
from contactcenter.events.calls import CallEnded, CallFact
from contactcenter.interactions import service as hall


@dataclass(frozen=True, slots=True)
class Said:
    """A fact of a call, without what all of them carry."""

    fact: type[CallFact]
    fields: dict[str, Any]


def said(fact: type[CallFact], **fields: Any) -> Said:
    return Said(fact, fields)


async def locked(work: Work, call_id: UUID) -> CallRow:
    """The call, with its interaction locked until the unit of work ends. NotFound: no such."""
    seen = await store.call(work.conn, call_id)
    if seen is None:
        raise NotFound
    await hall.interaction(work.conn, seen.interaction_id, lock=True)
    row = await store.call(work.conn, call_id)
    assert row is not None
    return row


async def begin(work: Work, row: CallRow, *facts: Said) -> None:
    """Write a new call."""
    await store.insert(work.conn, row)
    await _tell(work, row, row.call.open_legs, facts)


async def change(
    work: Work, before: CallRow, after: Call, *facts: Said, reason: str | None = None
) -> CallRow:
    """Write what became of the call; `reason` is why it ended, if it has.

    Raises Conflict when somebody else has changed it since it was read.
    """
    if after == before.call:
        return before
    version = await store.save(work.conn, before, after, work.now, reason=reason)
    if version is None:
        raise Conflict("Somebody else has just changed this call.")
    tape = before.call.recording.id
    if tape is not None and after.recording.id != tape:
        await recording_store.left(work.conn, tape)
    row = replace(before, call=after, version=version)
    if after.ended:
        talked = work.now - before.answered_at if before.answered_at else None
        talked_ms = int(talked.total_seconds() * 1000) if talked else 0
        facts = (*facts, said(CallEnded, reason=reason, talked_ms=talked_ms))
        interaction = await hall.interaction(work.conn, row.interaction_id)
        assert interaction is not None
        await hall.close_conversation(work, interaction.conversation_id)  # it held this one call
    await _tell(work, row, (*before.call.open_legs, *after.open_legs), facts)
    return row


async def add(work: Work, row: CallRow, *facts: Said) -> None:
    """Facts about a call that change nothing of it."""
    await _tell(work, row, row.call.open_legs, facts)


async def _tell(work: Work, row: CallRow, legs: Iterable[Leg], facts: Iterable[Said]) -> None:
    agents = tuple(sorted({leg.agent_id for leg in legs if leg.agent_id is not None}))
    common: dict[str, Any] = {
        "call_id": row.call.id,
        "interaction_id": row.interaction_id,
        "agents": agents,
        "visitor_id": row.visitor_id,
        "revision": row.version,
    }
    history = []
    for one in facts:
        work.emit(one.fact(**common, **one.fields))
        history.append((one.fact.name, one.fields))
    await store.add_events(work.conn, row.call.id, work.now, work.actor, history)


class Moves:
    """`with moves:` turns a refusal of the pure model into the caller's Conflict."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, IllegalMoveError):
            raise Conflict(str(error)) from error


moves = Moves()
