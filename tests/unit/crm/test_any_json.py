"""Whatever JSON an office writes into its rules and workflows is refused, or can be read for ever:
what is accepted and cannot be read would stop all that comes after it."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from crm.customers.model import FACTS as CUSTOMER_FACTS
from crm.customers.model import Standing, check_rule, segment_of
from crm.desk.model import EFFECTS, FACTS, PEOPLE, THEN, Known, advise, check_rules
from crm.workflows.expression import holds
from crm.workflows.model import (
    DefinitionError,
    Do,
    State,
    after,
    check_definition,
    check_trigger,
    next_action,
    next_run,
)

WORDS = [
    "person",
    "next",
    "end",
    "high",
    "general",
    "customer",
    "notes",
    "08:00",
    "true",
    "RE",
    "3",
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**13), 10**13)
    | st.floats(allow_nan=False)
    | st.sampled_from([*WORDS, *THEN, *PEOPLE])
    | st.text(max_size=5)
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from([*WORDS, "min", "max", "is"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def with_keys(keys: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(keys), ANYTHING, max_size=3)


BOUNDS = with_keys(["min", "max", "is"])


@given(st.dictionaries(st.sampled_from(sorted(CUSTOMER_FACTS)), BOUNDS | ANYTHING, max_size=2))
def test_of_a_segment(conditions: dict[str, Any]) -> None:
    with contextlib.suppress(ValueError):
        check_rule(conditions)
        for standing in (Standing("person"), Standing("company", 3, vehicles=2)):
            assert segment_of(standing, [("one", conditions)]) in {"one", None}


@given(
    st.dictionaries(st.sampled_from(sorted(FACTS)), BOUNDS | ANYTHING, max_size=2),
    with_keys(sorted(EFFECTS)),
)
def test_of_a_rule_for_contacts(conditions: dict[str, Any], effects: dict[str, Any]) -> None:
    with contextlib.suppress(ValueError):
        check_rules([("one", conditions, effects)])
        known = {"identified": True, "segment": "vip", "claim_contacts": 2, "renewal_days": 40}
        advise(Known("RE", known), [("one", conditions, effects)])


STEPS = {
    "send_email": ["subject", "body"],
    "create_task": ["title", "description", "priority", "task_type", "due_in_seconds"],
    "update_record": ["record", "field", "value"],
    "call_webhook": ["url", "body"],
    "wait_duration": ["seconds"],
    "condition_check": ["if", "then", "else"],
}


@given(
    st.sampled_from(sorted(STEPS)).flatmap(
        lambda kind: st.tuples(st.just(kind), with_keys(STEPS[kind]))
    )
)
def test_of_a_step(step: tuple[str, dict[str, Any]]) -> None:
    kind, config = step
    steps = [{"type": kind, "name": None, "if": None, "config": config}]
    with contextlib.suppress(DefinitionError):
        check_definition(steps)
        state, action, _ = next_action(steps, State(), {"customer": {"segment": "vip"}})
        if isinstance(action, Do):
            next_action(steps, after(state), {})


@given(
    st.sampled_from(["manual", "event", "scheduled"]),
    with_keys(["event", "if", "every_minutes", "daily_at", "weekdays"]),
)
def test_of_a_trigger(kind: str, config: dict[str, Any]) -> None:
    with contextlib.suppress(ValueError):
        check_trigger(kind, config, {"RE"})
        if kind == "scheduled":
            now = datetime(2027, 3, 16, 9, tzinfo=UTC)
            assert next_run(config, now, ZoneInfo("Europe/Madrid")) > now
        elif config.get("if"):
            holds(config["if"], {"trigger": {}})
