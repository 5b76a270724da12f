"""The demo's morning, read from its tables and its log, once more through the router."""

from __future__ import annotations

import io
from datetime import timedelta

from contactcenter.core.moments import to_ms
from routing import recorded
from routing.core.model import HOUR
from routing.replay import as_it_was, replayed
from tests.integration.analytics.conftest import Watched
from tests.integration.analytics.test_same_figures import cells


async def test_a_morning_is_read_as_it_was_and_replayed(played: Watched) -> None:
    now, zone = played.clock.now(), played.deps.settings.app.zone
    today = now.astimezone(zone).date()
    async with played.deps.pool.acquire() as conn:
        day = await recorded.read(conn, today, zone, now)
        before = await recorded.read(conn, today - timedelta(days=1), zone, now)
    assert (before.contacts, before.agents) == ((), ())

    # As the figures have it: what was moved is one contact here, and two visits there.
    was = as_it_was(day).lines
    counted = cells(played.wallboard.board.ledger, to_ms(now))
    for line in ("voice", "chat", "email"):
        tallies = [tally for key, tally in counted.items() if key[2] == line]
        moved = sum(tally.moved for tally in tallies)
        assert was[line].offered == sum(tally.offered for tally in tallies) - moved
        assert was[line].answered == sum(tally.answered for tally in tallies)
        assert was[line].abandoned == sum(tally.abandoned for tally in tallies)
    assert len(day.agents) >= 10
    assert all(8 * HOUR < begin < end for agent in day.agents for begin, end in agent.shifts)
    assert {contact.agent for contact in day.contacts} - {None} <= {a.id for a in day.agents}

    again = replayed(day, day.config())
    assert abs(again.lines["voice"].service_level - was["voice"].service_level) < 0.15
    assert abs(again.lines["voice"].abandonment - was["voice"].abandonment) < 0.1
    assert replayed(day, day.config()) == again

    file = io.StringIO()
    day.write(file)
    kept = recorded.parse(file.getvalue().splitlines())
    assert replayed(kept, kept.config()) == again
    assert not [name for name in day.names.values() if name in file.getvalue()]
