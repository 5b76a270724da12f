"""PURE. The engine: (definition, state, what happened) → (state, what to do).

A definition is a list of steps, run in order. A step has a type, a config, and may have a `name`
(what later steps and jumps call it) and an `if` (it is passed over unless that holds). A
condition_check goes on at the step that `then` or `else` names: a step's name, "next" or "end".

    {"type": "condition_check", "config": {"if": "customer.segment == \\"vip\\"",
                                           "then": "call", "else": "end"}}

Texts of a step may name what a condition may. {{ customer.greeting_name }} is a person's first
name, or a company's name: a company need have no first_name.

A run ends after its last step. Jumps may go back, so that something can be tried again; LONGEST_RUN
steps bound every run, and a workflow that another's effects begin is at most DEEPEST_CHAIN deep.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from crm.workflows.expression import ExpressionError, check, holds

StepType = Literal[
    "send_email", "create_task", "update_record", "call_webhook", "wait_duration", "condition_check"
]
LONGEST_RUN: Final = 100
DEEPEST_CHAIN: Final = 3
LONGEST_WAIT: Final = timedelta(days=366)
ENDS: Final = frozenset({"next", "end"})
TASK_TYPE: Final = re.compile(r"[a-z][a-z_]{1,49}")
HOUR: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
RECORD_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "customer": frozenset({"lead_source", "locale", "notes", "add_tag"}),
    "policy": frozenset({"notes", "policy_document_url", "certificate_url"}),
    "claim": frozenset(
        {"notes", "insurer_reference", "location", "postal_code", "perito_name", "perito_phone"}
    ),
    "quote": frozenset({"notes"}),
    "task": frozenset({"description", "priority", "status", "add_tag"}),
}
"""What update_record may change of which record. Never what somebody decides (states of policies,
claims and quotes, amounts, cover, whose a file is), nor what is agreed with an insurer: that is an
endorsement. `notes` are added to, not replaced."""


class UnfitError(ValueError):
    """What is wrong with a step: `reason` is a word that screens know, `about` the names that it is
    about."""

    def __init__(self, text: str, reason: str, about: str = "") -> None:
        super().__init__(text)
        self.reason = reason
        self.about = about


class DefinitionError(UnfitError):
    """A workflow cannot be run like this; `step` is its number from 0."""

    def __init__(self, text: str, step: int, reason: str, about: str = "") -> None:
        super().__init__(text, reason, about)
        self.step = step


@dataclass(frozen=True, slots=True)
class State:
    """Where a run is: the next step, and how many it has done (passed-over ones included)."""

    step: int = 0
    done: int = 0


@dataclass(frozen=True, slots=True)
class Do:
    """Carry out this step, then tell the engine how it went."""

    step: int
    type: str
    config: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Done:
    """The run is over."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """The run has done as many steps as a run may."""


@dataclass(frozen=True, slots=True)
class Passed:
    """A step that the engine has dealt with itself: the `number`th of the run, from 0. `way` is
    where a condition check went, or "over" for a step whose `if` did not hold."""

    number: int
    step: int
    type: str
    way: Literal["then", "else", "over"]


def next_action(
    steps: Sequence[Mapping[str, Any]], state: State, values: Mapping[str, Any]
) -> tuple[State, Do | Done | Stuck, list[Passed]]:
    """What comes now, and what was passed on the way there. Steps whose `if` does not hold, and
    condition checks, are dealt with here; what is returned is an effect, or the end."""
    passed: list[Passed] = []
    while state.step < len(steps):
        if state.done >= LONGEST_RUN:
            return state, Stuck(), passed
        step = steps[state.step]
        way: Literal["then", "else", "over"]
        if step.get("if") and not holds(step["if"], values):
            way, goal = "over", state.step + 1
        elif step["type"] == "condition_check":
            way = "then" if holds(step["config"]["if"], values) else "else"
            goal = _target(steps, state.step, step["config"].get(way, "next"))
        else:
            return state, Do(state.step, step["type"], step["config"]), passed
        passed.append(Passed(state.done, state.step, step["type"], way))
        state = State(goal, state.done + 1)
    return state, Done(), passed


def after(state: State) -> State:
    """The step has been carried out."""
    return replace(state, step=state.step + 1, done=state.done + 1)


def name_of(step: Mapping[str, Any], number: int) -> str:
    return str(step.get("name") or f"step{number + 1}")


def _target(steps: Sequence[Mapping[str, Any]], at: int, way: str) -> int:
    if way == "next":
        return at + 1
    if way == "end":
        return len(steps)
    return next(n for n, step in enumerate(steps) if name_of(step, n) == way)


def check_definition(steps: Sequence[Mapping[str, Any]]) -> None:
    """DefinitionError unless every step can be run and every jump leads somewhere."""
    names = [name_of(step, n) for n, step in enumerate(steps)]
    for number, step in enumerate(steps):
        if names[number] in ENDS or names.count(names[number]) > 1:
            text = "Two steps have one name, or a name that is taken."
            raise DefinitionError(text, number, "name_taken", names[number])
        try:
            if step.get("if"):
                check(step["if"])
            _CHECKS[step["type"]](step["config"], names)
        except ExpressionError as error:
            raise DefinitionError(str(error), number, "condition") from error
        except UnfitError as error:
            raise DefinitionError(str(error), number, error.reason, error.about) from error


def _texts(config: Mapping[str, Any], *needed: str, others: Sequence[str] = ()) -> None:
    if not set(config) <= {*needed, *others}:
        names = ", ".join([*needed, *others])
        raise UnfitError(f"This step takes {names}.", "takes", names)
    for name in needed:
        if not isinstance(config.get(name), str) or not config[name].strip():
            raise UnfitError(f"This step needs {name}.", "needs", name)
    for name, value in config.items():
        if isinstance(value, str) and len(value) > 8000:
            raise UnfitError(f"{name} is too long.", "too_long", name)


def _email(config: Mapping[str, Any], _: list[str]) -> None:
    _texts(config, "subject", "body")


def _task(config: Mapping[str, Any], _: list[str]) -> None:
    optional = ("description", "priority", "task_type", "due_in_seconds")
    _texts(config, "title", others=optional)
    if not isinstance(config.get("description", ""), str):
        raise UnfitError("This step needs description.", "needs", "description")
    if config.get("priority", "medium") not in ("low", "medium", "high", "urgent"):
        raise UnfitError("A priority is low, medium, high or urgent.", "priority")
    kind = config.get("task_type", "general")
    if not isinstance(kind, str) or not TASK_TYPE.fullmatch(kind) or kind == "complaint":
        raise UnfitError("That is no type of task.", "task_type")
    if "due_in_seconds" in config:
        _seconds(config["due_in_seconds"])


def _record(config: Mapping[str, Any], _: list[str]) -> None:
    _texts(config, "field", "value", others=("record",))
    record = config.get("record", "customer")
    fields = RECORD_FIELDS.get(record) if isinstance(record, str) else None
    if fields is None:
        names = ", ".join(RECORD_FIELDS)
        raise UnfitError(f"A record is one of {names}.", "record", names)
    if config["field"] not in fields:
        names = ", ".join(sorted(fields))
        raise UnfitError(f"A workflow changes {names} of it.", "record_field", names)


def _webhook(config: Mapping[str, Any], _: list[str]) -> None:
    _texts(config, "url", others=("body",))
    check_url(config["url"])
    if not isinstance(config.get("body", {}), Mapping):
        raise UnfitError("body is an object.", "body_object")


def _wait(config: Mapping[str, Any], _: list[str]) -> None:
    if set(config) != {"seconds"}:
        raise UnfitError("This step takes seconds.", "takes", "seconds")
    _seconds(config["seconds"])


def _condition(config: Mapping[str, Any], names: list[str]) -> None:
    _texts(config, "if", others=("then", "else"))
    check(config["if"])
    for way in ("then", "else"):
        if config.get(way, "next") not in (*names, *ENDS):
            raise UnfitError(f"{way} names no step.", "no_step", way)


_CHECKS: Final = {
    "send_email": _email,
    "create_task": _task,
    "update_record": _record,
    "call_webhook": _webhook,
    "wait_duration": _wait,
    "condition_check": _condition,
}


def _seconds(value: Any) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or not 0 < value <= LONGEST_WAIT.total_seconds():
        raise UnfitError("A number of seconds, at most a year.", "seconds")


def check_url(url: str) -> None:
    """UnfitError unless it is an http(s) address with a host and without user or fragment. Where it
    leads is looked at when it is called."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise UnfitError("That is no address.", "url") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname or len(url) > 2000:
        raise UnfitError("A webhook has an http or https address.", "url")
    if parts.username or parts.password or parts.fragment or any(c.isspace() for c in url):
        raise UnfitError("A webhook's address has neither user nor fragment.", "url")


# Triggers ----------------------------------------------------------------------------------------


def check_trigger(kind: str, config: Mapping[str, Any], events: Container[str]) -> None:
    """ValueError unless a workflow can be begun by this: {} by hand, a schedule, or {"event": one
    of `events`, "if": a condition}."""
    if kind == "scheduled":
        check_schedule(config)
    elif kind == "event":
        event, condition = config.get("event"), config.get("if", "")
        known = isinstance(event, str) and event in events
        if not known or not config.keys() <= {"event", "if"}:
            raise ValueError("A trigger names an event, and may have a condition.")
        if not isinstance(condition, str):
            raise ValueError("A condition is a text.")
        if condition:
            check(condition)
    elif config:
        raise ValueError("What is begun by hand has no trigger to configure.")


# By the clock ------------------------------------------------------------------------------------


def check_schedule(config: Mapping[str, Any]) -> None:
    """ValueError unless `next_run` can read it: {"every_minutes": 15} or {"daily_at": "08:00",
    "weekdays": [1, …, 7]} (Monday is 1)."""
    if set(config) == {"every_minutes"}:
        minutes = config["every_minutes"]
        whole = isinstance(minutes, int) and not isinstance(minutes, bool)
        if not whole or not 1 <= minutes <= 10_080:
            raise ValueError("every_minutes lies between 1 and 10080.")
        return
    if not {"daily_at"} <= set(config) <= {"daily_at", "weekdays"}:
        raise ValueError("A schedule has every_minutes, or daily_at and weekdays.")
    if not isinstance(config["daily_at"], str) or not HOUR.fullmatch(config["daily_at"]):
        raise ValueError("daily_at is an hour like 08:00.")
    days = config.get("weekdays", [1])
    named = isinstance(days, list) and all(type(day) is int and 1 <= day <= 7 for day in days)
    if not named or not days:
        raise ValueError("weekdays are numbers from 1 (Monday) to 7.")


def next_run(config: Mapping[str, Any], now: datetime, zone: ZoneInfo) -> datetime:
    """The first moment after `now`, in UTC. A local hour that is skipped runs when it would have
    been, one that comes twice runs the first time."""
    if "every_minutes" in config:
        return now + timedelta(minutes=config["every_minutes"])
    hour = time.fromisoformat(config["daily_at"])
    weekdays = set(config.get("weekdays", range(1, 8)))
    day = now.astimezone(zone).date()
    for ahead in range(9):
        at = datetime.combine(day + timedelta(days=ahead), hour, zone).astimezone(UTC)
        if at > now and at.astimezone(zone).isoweekday() in weekdays:
            return at
    raise AssertionError("nine days hold every weekday")
