"""A queue's stored configuration, read into the core's words; and what is wrong with it.

The form is that of config/defaults/queues.toml, as jsonb in `queues.config`. Durations are
whole seconds there (`target_s`), milliseconds in the core. What is left out takes the channel's
default.

    {"steps": [{"require": {"SA": 3}, "for_s": 30}, {}],
     "channels": {"voice": {"target_s": 20, "overflow": "SH", "max_wait_s": 600}},
     "preferred_s": 30, "short_s": 5, "goal_percent": 80, "abandon_percent": 8}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final
from zoneinfo import ZoneInfo

from routing.core.model import (
    DEFAULT_POLICIES,
    Band,
    Channel,
    ChannelPolicy,
    QueueConfig,
    Requirement,
    RoutingStep,
    SkipIf,
    StrategyName,
    WrapMode,
    config_faults,
)
from routing.hours import Calendar, CalendarError, parse_calendar

MOST: Final = 1_000_000
"""The largest number of a configuration; as seconds, eleven days."""
PREFERRED_MS: Final = 30_000
"""How long preferred agents come first when the queue does not say."""


@dataclass(frozen=True, slots=True)
class Goals:
    """What figures of the queue are read under, and what they should be."""

    short_s: int = 5
    """Abandoned sooner than this is short and counts neither way."""
    goal_percent: int = 80
    """Service level to reach."""
    abandon_percent: int = 8
    """Abandonment not to exceed."""


class ConfigError(ValueError):
    """A configuration cannot be read; the text is one sentence."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue as the shell needs it: the core's part, and what only the edges read."""

    key: str
    core: QueueConfig
    calendar: Calendar
    preferred_ms: int
    retired: bool
    version: tuple[int, int]  # of the queue and of its calendar
    handle_ms: Mapping[Channel, int]
    """Handle time assumed for estimates as long as the last hour shows too few."""
    goals: Goals = Goals()
    fault: str | None = None
    """Why the stored configuration cannot be read; then nothing of the queue is offered."""


# Seconds in the stored form → the core's field in milliseconds.
_SECONDS: Final = {
    field.name.removesuffix("_ms") + "_s": field.name
    for field in fields(ChannelPolicy)
    if field.name.endswith("_ms")
}
_PLAIN: Final = {f.name for f in fields(ChannelPolicy)} - set(_SECONDS.values())
_GOALS: Final = {field.name for field in fields(Goals)}
_TOP: Final = {"steps", "channels", "preferred_s", "handle_s", *_GOALS}
HANDLE_MS: Final = {
    Channel.VOICE: 300_000,
    Channel.CHAT: 540_000,
    Channel.WHATSAPP: 210_000,
    Channel.SMS: 90_000,
    Channel.EMAIL: 300_000,
}
"""Handle time assumed for estimates where the queue names none."""


def read_queue(key: str, skill: str, strategy: str, config: Mapping[str, Any]) -> QueueConfig:
    """The core's part of a queue. ConfigError for anything in `config` that cannot be read or
    makes no sense, whoever reads it."""
    _only(config, _TOP, "config")
    policies = {
        channel: _policy(channel, _table(config.get("channels", {}), "channels").get(channel, {}))
        for channel in Channel
    }
    _only(_table(config.get("channels", {}), "channels"), set(Channel), "channels")
    steps = tuple(
        _step(entry, f"step {number}")
        for number, entry in enumerate(_list(config.get("steps", []), "steps"), 1)
    )
    queue = QueueConfig(
        id=key,
        require=(Requirement(skill),),
        strategy=_word(StrategyName, strategy, "strategy"),
        steps=steps or (RoutingStep(),),
        policies=policies,
    )
    faults = config_faults(queue)
    if faults:
        raise ConfigError(" ".join(faults))
    _goals(config)
    _preferred_ms(config)
    _handle_ms(config)
    return queue


def read(
    *,
    key: str,
    skill: str,
    strategy: str,
    config: Mapping[str, Any],
    weekly: Mapping[str, Any],
    exceptions: list[dict[str, Any]],
    zone: ZoneInfo,
    retired: bool,
    version: tuple[int, int],
) -> Queue:
    """A stored queue with its calendar. ConfigError when either cannot be read."""
    core = read_queue(key, skill, strategy, config)
    try:
        calendar = parse_calendar(weekly, exceptions, zone)
    except CalendarError as error:
        raise ConfigError(str(error)) from error
    return Queue(
        key=key,
        core=core,
        calendar=calendar,
        preferred_ms=_preferred_ms(config),
        retired=retired,
        version=version,
        handle_ms=_handle_ms(config),
        goals=_goals(config),
    )


def left_out(
    *,
    key: str,
    skill: str,
    weekly: Mapping[str, Any],
    exceptions: list[dict[str, Any]],
    zone: ZoneInfo,
    retired: bool,
    version: tuple[int, int],
    fault: str,
) -> Queue:
    """A queue whose stored configuration cannot be read. It holds its work, which can be pulled,
    pushed and moved; nobody is offered any of it. What agents have of it goes on by the usual
    settings. Without a calendar that can be read, it is closed."""
    try:
        calendar = parse_calendar(weekly, exceptions, zone)
    except Exception:  # whatever was written into the table
        calendar = parse_calendar({}, [], zone)
    return Queue(
        key=key,
        core=QueueConfig(
            id=key,
            require=(Requirement(skill),),
            strategy=StrategyName.LONGEST_IDLE,
            steps=(RoutingStep(agents=()),),
            policies=dict(DEFAULT_POLICIES),
        ),
        calendar=calendar,
        preferred_ms=PREFERRED_MS,
        retired=retired,
        version=version,
        handle_ms=dict(HANDLE_MS),
        fault=fault,
    )


def _preferred_ms(config: Mapping[str, Any]) -> int:
    if "preferred_s" not in config:
        return PREFERRED_MS
    return _whole(config["preferred_s"], "preferred_s") * 1000


def _handle_ms(config: Mapping[str, Any]) -> dict[Channel, int]:
    given = _table(config.get("handle_s", {}), "handle_s")
    _only(given, set(Channel), "handle_s")
    return {
        channel: _whole(given[channel], "handle_s") * 1000 if channel in given else usual
        for channel, usual in HANDLE_MS.items()
    }


def _goals(config: Mapping[str, Any]) -> Goals:
    return Goals(**{name: _whole(config[name], name) for name in _GOALS if name in config})


def _policy(channel: Channel, given: Any) -> ChannelPolicy:
    where = f"channels.{channel}"
    values: dict[str, Any] = {}
    for name, value in _table(given, where).items():
        if name in _SECONDS:
            seconds = None if value is None else _whole(value, f"{where}.{name}")
            values[_SECONDS[name]] = None if seconds is None else seconds * 1000
        elif name not in _PLAIN:
            raise ConfigError(f"{where}: there is no setting {name}.")
        elif name in {"interrupts", "barred_by"}:
            words = _list(value, f"{where}.{name}")
            values[name] = frozenset(_word(Channel, word, f"{where}.{name}") for word in words)
        elif name == "wrap":
            values[name] = _word(WrapMode, value, f"{where}.wrap")
        elif name == "band":
            values[name] = _band(value, where)
        elif name in {"wrap_blocks", "missed_sets_away"}:
            values[name] = bool(value)
        elif name == "overflow":
            values[name] = None if value is None else str(value)
        else:
            values[name] = None if value is None else _whole(value, f"{where}.{name}")
    try:
        return replace(DEFAULT_POLICIES[channel], **values)
    except TypeError as error:
        raise ConfigError(f"{where} cannot be read.") from error


def _step(entry: Any, where: str) -> RoutingStep:
    given = _table(entry, where)
    _only(given, {"require", "prefer", "agents", "for_s", "skip_if"}, where)
    agents, for_s = given.get("agents"), given.get("for_s")
    return RoutingStep(
        require=tuple(
            Requirement(skill, min=_whole(level, where))
            for skill, level in _table(given.get("require", {}), where).items()
        ),
        prefer=tuple(
            Requirement(skill, weight=_whole(weight, where))
            for skill, weight in _table(given.get("prefer", {}), where).items()
        ),
        agents=None if agents is None else tuple(map(str, _list(agents, f"{where}.agents"))),
        for_ms=None if for_s is None else _whole(for_s, f"{where}.for_s") * 1000,
        skip_if=_word(SkipIf, given.get("skip_if", SkipIf.NEVER), f"{where}.skip_if"),
    )


def _band(value: Any, where: str) -> Band:
    try:
        return Band(value)
    except ValueError as error:
        raise ConfigError(f"{where}.band: 1 is danger, 2 live, 3 deferred.") from error


def _word(kind: Any, value: Any, where: str) -> Any:
    try:
        return kind(value)
    except ValueError as error:
        known = ", ".join(member.value for member in kind)
        raise ConfigError(f"{where}: one of {known}.") from error


def _whole(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigError(f"{where}: wants a whole number.")
    if not 0 <= value <= MOST:
        raise ConfigError(f"{where}: wants a number from 0 to {MOST}.")
    return value


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise ConfigError(f"{where}: wants a list.")
    return value


def _table(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where}: wants a table of settings.")
    return value


def _only(given: Mapping[str, Any], known: set[Any], where: str) -> None:
    unknown = sorted(set(given) - {str(k) for k in known})
    if unknown:
        raise ConfigError(f"{where}: there is no setting {', '.join(unknown)}.")
