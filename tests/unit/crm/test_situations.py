"""Rules about contacts: which can be read, and how they are applied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from crm.desk.model import Advice, Known, Rule, advise, check_rules

MINE = UUID(int=1)


def rule(conditions: Mapping[str, Any], **effects: Any) -> Rule:
    return "x", conditions, effects


@pytest.mark.parametrize(
    "bad",
    [
        rule({"shoe_size": {"is": 1}}),
        rule({"segment": "vip"}),
        rule({"segment": {"like": "v"}}),
        rule({"renewal_days": {"min": "soon"}}),
        rule({"renewal_days": {"max": True}}),
        rule({"renewal_days": {"is": "soon"}}),
        rule({"verified": {"min": 1}}),
        rule({"verified": {"is": "yes"}}),
        rule({"key": {"is": "clame"}}),
        rule({"segment": {"is": 7}}),
        rule({}, colour="red"),
        rule({}, base=101),
        rule({}, base="high"),
        rule({}, band=4),
        rule({}, preferred="the_boss"),
        rule({}, preferred_s=-1),
        rule({}, skill_level=6),
        rule({}, greeting="hello"),
        rule({}, then="nobody"),
        rule({}, overflow=[{"SA": 9}]),
        rule({}, overflow=["SA"]),
        rule({}, queue=""),
    ],
)
def test_rules_that_cannot_be_read(bad: Rule) -> None:
    with pytest.raises(ValueError, match="x:"):
        check_rules([bad])


def test_two_rules_have_two_names() -> None:
    with pytest.raises(ValueError, match="two rules"):
        check_rules([rule({}), rule({})])


def test_the_first_rule_that_holds_decides() -> None:
    rules: list[Rule] = [
        ("late", {"receipt_days": {"min": 10, "max": 20}}, {"base": 70}),
        ("any", {}, {"preferred": "manager", "preferred_s": 20, "banner": "hello"}),
    ]
    known = Known("PR", {"receipt_days": 10}, {"manager": MINE}, frozenset({MINE}))
    assert advise(known, rules) == Advice("PR", rule="late", base=70, banner="late")
    other = Known("PR", {"receipt_days": 21}, {"manager": MINE}, frozenset({MINE}))
    assert advise(other, rules).preferred == (MINE,)
    away = Known("PR", {}, {"manager": MINE}, frozenset())
    assert (advise(away, rules).preferred, advise(away, rules).preferred_s) == ((), 0)
    assert advise(known, []) == Advice("PR")
