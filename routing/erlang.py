"""Erlang's formulas: how many agents a load needs, and what service it then gets.

`traffic` is the offered load in erlangs, arrivals per second × mean handle time. Erlang B is
the chance that all servers are busy when nobody waits, Erlang C the chance to wait when
nobody gives up; both by the recursion B(0) = 1, B(k) = A·B(k−1) / (k + A·B(k−1)), which loses
no precision. Erlang C knows neither skills nor channels nor impatience: `routing.simulate`
does, with the router itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_MOST_AGENTS = 100_000


def blocking(traffic: float, servers: int) -> float:
    """Erlang B: the share of arrivals that find all servers busy."""
    blocked = 1.0
    for server in range(1, servers + 1):
        blocked = traffic * blocked / (server + traffic * blocked)
    return blocked


def waiting(traffic: float, agents: int) -> float:
    """Erlang C: the share of arrivals that wait at all. 1 when the load is too much."""
    if traffic >= agents:
        return 1.0
    blocked = blocking(traffic, agents)
    return blocked / (1 - traffic / agents * (1 - blocked))


def service_level(traffic: float, agents: int, handle_s: float, within_s: float) -> float:
    """The share answered within so many seconds."""
    if traffic >= agents:
        return 0.0
    served_meanwhile = (agents - traffic) * within_s / handle_s
    return 1 - waiting(traffic, agents) * math.exp(-served_meanwhile)


def mean_wait(traffic: float, agents: int, handle_s: float) -> float:
    """ASA in seconds; infinite when the load is too much."""
    if traffic >= agents:
        return math.inf
    return waiting(traffic, agents) * handle_s / (agents - traffic)


def occupancy(traffic: float, agents: int) -> float:
    return min(1.0, traffic / agents)


@dataclass(frozen=True, slots=True)
class Staffing:
    """`agents` are needed at work; `positions` with `shrinkage` of them absent."""

    agents: int
    positions: int
    service_level: float
    occupancy: float
    waiting: float
    mean_wait_s: float


def staff(
    *,
    calls: float,
    interval_s: float,
    handle_s: float,
    target: float,
    within_s: float,
    max_occupancy: float = 1.0,
    shrinkage: float = 0.0,
) -> Staffing:
    """The fewest agents that reach the target share within the time.

    ValueError when the load is none, or no number of agents is enough (a target of 1).
    """
    traffic = calls * handle_s / interval_s
    if traffic <= 0 or not 0 <= target < 1 or not 0 <= shrinkage < 1 or max_occupancy <= 0:
        raise ValueError("There is no such load or target.")
    for agents in range(math.floor(traffic) + 1, _MOST_AGENTS):
        level = service_level(traffic, agents, handle_s, within_s)
        if level >= target and occupancy(traffic, agents) <= max_occupancy:
            return Staffing(
                agents=agents,
                positions=math.ceil(agents / (1 - shrinkage)),
                service_level=level,
                occupancy=occupancy(traffic, agents),
                waiting=waiting(traffic, agents),
                mean_wait_s=mean_wait(traffic, agents, handle_s),
            )
    raise ValueError("No number of agents is enough.")
