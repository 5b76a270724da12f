"""Beginning a recording: the call's state and the recording's row together."""

from __future__ import annotations

from dataclasses import replace

from channels.voice import call as calls
from channels.voice import recording_store, store
from channels.voice.call import Call
from channels.voice.store import CallRow
from contactcenter.core.ids import new_id
from contactcenter.core.work import Work


async def begin_recording(work: Work, row: CallRow, call: Call) -> Call:
    """The call with a recording that begins with a notice. IllegalMoveError if it may not."""
    recording_id = new_id()
    after = calls.begin_recording(call, recording_id)
    await recording_store.begin(
        work.conn, recording_id, call.id, work.now, retention=row.retention, health=row.health
    )
    return after


async def record_on(work: Work, row: CallRow, call: Call) -> Call:
    """The call with another recording in place of one that was cut off; a pause goes on."""
    paused = call.recording.state == "paused"
    after = await begin_recording(work, row, calls.stop(call))
    return calls.pause(after) if paused else after


async def record_by_rule(work: Work, row: CallRow, call: Call, queue: str) -> Call:
    """The call when an agent of the queue has answered: recorded if the queue's rule says so,
    once. One that comes from another queue is under this one's rule from now on."""
    first = row.answered_at is None
    if queue != row.queue:
        rule = await recording_store.rule_of(work.conn, queue)
        now = (call.recording.mode, call.recording.aside, row.retention, row.health)
        if now != (rule.mode, rule.aside, rule.retention, rule.health):
            call, first = calls.under_rule(call, rule.mode, aside=rule.aside), True
        row = replace(row, queue=queue, call=call, retention=rule.retention, health=rule.health)
        await store.move(work.conn, row)
    recording = call.recording
    if recording.mode == "off" or recording.state != "off" or not first:
        return call
    return await begin_recording(work, row, call) if calls.may_record(recording) else call
