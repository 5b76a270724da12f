"""Rules of an agent's will and presence. What follows for offers is settled by `engine`."""

from __future__ import annotations

from routing.core.agent_state import Agent
from routing.core.decisions import AgentStatusSet
from routing.core.model import AgentConfig, AgentRow, Channel, Disposal, Will
from routing.core.world import Timer, World

_WORKING = (Will.AVAILABLE, Will.ON_DEMAND)


def known(world: World, config: AgentConfig, row: AgentRow) -> Agent:
    """A new agent."""
    agent = Agent(config, row)
    world.agents[agent.id] = agent
    world.set_memberships(agent)
    world.touch(agent)
    return agent


def configure(world: World, config: AgentConfig) -> None:
    """New skills, budget or maxima: other items may fit now."""
    agent = world.agents.get(config.id)
    if agent is None:
        known(world, config, AgentRow(config.id))
        return
    agent.config = config
    world.set_memberships(agent)
    world.matcher.touch(agent, eager=True)
    world.touch(agent)


def will_changed(world: World, agent: Agent, will: Will, reason: str | None, at: int) -> None:
    """Whoever becomes available joins the end of the idle line."""
    row = agent.row
    if will in _WORKING and row.will not in _WORKING:
        row.idle_since = max(row.idle_since, at)
    row.will, row.will_reason = will, reason
    world.touch(agent)


def set_will(
    world: World,
    agent: Agent,
    will: Will,
    reason: str | None,
    *,
    cause: str,
    request_id: str | None = None,
) -> None:
    """The router's own change of an agent's will. What was noted for later is void."""
    will_changed(world, agent, will, reason, world.now)
    note_after_this(world, agent, None, None)
    world.out.append(AgentStatusSet(agent.id, will, reason, cause, request_id=request_id))


def note_after_this(
    world: World,
    agent: Agent,
    will: Will | None,
    reason: str | None,
    open_work: Disposal | None = None,
) -> None:
    row = agent.row
    row.after_this, row.after_this_reason, row.after_this_open = will, reason, open_work
    world.touch(agent)


def presence_changed(
    world: World, agent: Agent, *, present: bool, channels: frozenset[Channel], at: int
) -> None:
    """A desk came or fell silent. Live chats wait for it a while (`Timer.ABSENT`)."""
    row = agent.row
    row.channels = channels
    if present and not row.present:
        row.idle_since = max(row.idle_since, at)
        row.absent_since = None
    elif not present and row.present:
        row.absent_since = at
    row.present = present
    if not present:
        for segment in agent.segments:
            world.arm(Timer.ABSENT, segment)
    world.touch(agent)


def rested(world: World, name: str) -> None:
    """The pause after a miss or a no is over."""
    world.touch(world.agents[name])
