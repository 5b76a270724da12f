"""The table: whom each fact is told, and that nothing of it reaches who must not see it."""

from __future__ import annotations

from collections import defaultdict

import pytest

from contactcenter.core.event import Audience
from contactcenter.events import CATALOGUE
from contactcenter.events.interactions import MessageCreated
from contactcenter.realtime.projections import BY_EVENT, RULES, Rule, To

AUDIENCE_OF: dict[To, Audience] = {
    "agent": "agent",
    "holders": "agent",
    "others": "agent",
    "team": "team",
    "desks": "team",
    "limited": "team",
    "queue": "queue",
    "visitor": "visitor",
    "parties": "agent",
    "caller": "visitor",
}


@pytest.mark.parametrize("rule", RULES, ids=lambda r: f"{r.event.name}-{r.to}-{r.name}")
def test_a_rule_tells_only_those_whom_the_fact_is_for(rule: Rule) -> None:
    """`others` and the lists beside a desk follow from what an agent may see of a queue."""
    if rule.to in {"others", "queue", "team", "desks"}:
        return
    assert AUDIENCE_OF[rule.to] in rule.event.audience


def test_every_fact_for_a_visitor_or_an_agent_is_told() -> None:
    """A fact whose class says `visitor` or `agent` has a rule for them."""
    told: dict[type, set[Audience]] = defaultdict(set)
    for rule in RULES:
        told[rule.event].add(AUDIENCE_OF[rule.to])
    silent = {
        (event.name, who)
        for event in CATALOGUE
        for who in ("agent", "visitor")
        if who in event.audience and who not in told[event]
    }
    assert silent == SILENT


# What need not be told by itself: what the visitor sees of it comes with another fact.
SILENT = {
    ("agent.help_requested", "agent"),  # the acknowledgement says it
    ("interaction.dequeued", "visitor"),  # interaction.closed or a new interaction.queued follows
}


def test_no_rule_shows_a_note_to_a_visitor() -> None:
    (rule,) = (r for r in BY_EVENT[MessageCreated] if r.to == "visitor")
    assert rule.name == "chat.message"
