"""When the centre's clock is set, what is in the air keeps the time it had.

Offers, wrap-ups, pauses and waits are counted on the centre's clock. Set forward, it would end
them all at once: an offer would count as missed, its agent would be sent away, a wait would be an
hour longer than it was. Set back, an offer would ring for an hour. So the leader looks at the clock
before every turn and, when it was set, moves every moment of what is in the air with it.

What was written since the clock was set is on the new clock already and stays as it is: set
forward, that is all that is younger than the old clock's time; set back, what was written within
the last seconds.
"""

from __future__ import annotations

from datetime import timedelta

from contactcenter.core.clock import ClockMove
from db import Connection

# Only the leader makes offers, and it looks at the clock first: all of them are on the old one.
MOVE_OFFERS = """
UPDATE reservations SET created_at = created_at + $1, expires_at = expires_at + $1
WHERE state = 'pending'
"""
MOVE_WAITS = """
UPDATE work_items
SET entered_at = entered_at + $1, virtual_start = virtual_start + $1, step_until = step_until + $1
WHERE answered_at IS NULL AND ended_at IS NULL AND NOT (entered_at > $2 AND entered_at <= $3)
"""
# `parked_until` is an appointment and stays.
MOVE_SEGMENTS = """
UPDATE segments
SET started_at = started_at + $1, state_since = state_since + $1,
    talk_ended_at = talk_ended_at + $1, wrap_deadline = wrap_deadline + $1,
    last_customer_at = last_customer_at + $1, last_agent_at = last_agent_at + $1
WHERE state <> 'ended' AND NOT (state_since > $2 AND state_since <= $3)
"""
MOVE_ABSENCES = """
UPDATE agent_states SET absent_since = absent_since + $1
WHERE NOT present AND NOT (absent_since > $2 AND absent_since <= $3)
"""
# A pause after a miss is short: what is left of it is never more than the whole.
MOVE_PAUSES = """
UPDATE agent_states SET cooldown_until = least(cooldown_until + $1, $2::timestamptz + $3)
WHERE cooldown_until > $2::timestamptz - greatest($1, interval '0')
"""


async def move_all(conn: Connection, move: ClockMove, pause: timedelta) -> None:
    """Give everything in the air the time that it had, and what it had waited."""
    await conn.execute(MOVE_OFFERS, move.by)
    for statement in (MOVE_WAITS, MOVE_SEGMENTS, MOVE_ABSENCES):
        await conn.execute(statement, move.by, move.after, move.until)
    await conn.execute(MOVE_PAUSES, move.by, move.until, pause)
