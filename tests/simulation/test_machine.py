"""The router as a state machine under hypothesis: any action, any time, any crash.

Promises (`checker`): no double assignment, no offer, pull or unforced push above the budget,
nothing lost, first come first served within equal rank and skill, every offer ends once,
whoever waits is served when somebody can, each request answered once, every record leads to
its winner; and an engine that is rebuilt from the tables at any input goes on exactly as the
one that never fell.
"""

from __future__ import annotations

import os
from typing import ClassVar

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from routing.core import inputs as i
from routing.core.model import StrategyName, Will
from tests.simulation.play import ACTIONS, Play, centre

NIGHTLY = os.environ.get("NIGHTLY") == "1"
NUMBERS = st.integers(0, 10**6)
STRATEGIES = [name for name in StrategyName if name is not StrategyName.RING_ALL]
BY_NAME = {action.__name__: action for _, action in ACTIONS}


class Machine(RuleBasedStateMachine):
    play: Play
    steps_taken: ClassVar[int] = 0

    @initialize(strategy=st.sampled_from(STRATEGIES), wills=st.integers(0, 63))
    def open(self, strategy: StrategyName, wills: int) -> None:
        self.play = Play(centre(strategy))
        for number, agent in enumerate(sorted(self.play.tables.configs)):
            if wills >> number & 1:
                self.play.take(
                    i.AgentStatusChanged(agent, Will.AVAILABLE, at=self.play.now),
                    i.AgentPresenceChanged(agent, True, at=self.play.now),
                )
        self.play.step()

    @rule(name=st.sampled_from(sorted(BY_NAME)), number=NUMBERS)
    def act(self, name: str, number: int) -> None:
        BY_NAME[name](self.play, number)
        self.play.step()

    @rule(number=NUMBERS, again=st.integers(1, 4))
    def arrivals(self, number: int, again: int) -> None:
        """Several at once: one step for all."""
        for turn in range(again):
            self.play.arrive(number + turn * 7919)
        self.play.step()

    @precondition(lambda self: self.play.tables.offers)
    @rule(number=NUMBERS)
    def answer(self, number: int) -> None:
        (self.play.accept if number % 4 else self.play.reject)(number)
        self.play.step()

    @rule(ms=st.sampled_from([0, 1, 999, 5_000, 15_000, 60_000, 600_000]))
    def wait(self, ms: int) -> None:
        self.play.pass_time(ms)

    @rule()
    def until_something_is_due(self) -> None:
        self.play.to_deadline()

    @rule()
    def crash(self) -> None:
        self.play.crash()

    @rule()
    def rebuild(self) -> None:
        self.play.rebuild()

    def teardown(self) -> None:
        if hasattr(self, "play"):
            Machine.steps_taken += self.play.steps


USUAL = settings(
    max_examples=80,
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
AT_NIGHT = settings(USUAL, max_examples=400, stateful_step_count=150)


def test_the_promises_hold_whatever_happens() -> None:
    Machine.steps_taken = 0
    run_state_machine_as_test(Machine, settings=AT_NIGHT if NIGHTLY else USUAL)
    while NIGHTLY and Machine.steps_taken < 100_000:
        run_state_machine_as_test(Machine, settings=AT_NIGHT)
    assert Machine.steps_taken > 500
