"""An explanation record, with what the line under the offer says about the agent."""

from __future__ import annotations

from typing import Any

from routing.core.explanation import Explanation
from routing.snapshot import Memory, Place


def why(memory: Memory, explanation: Explanation, agent: str, place: Place) -> dict[str, Any]:
    """The explanation record (as its `to_json`), and what the line under the offer says."""
    e = explanation
    return {
        "how": e.how,
        "strategy": e.strategy,
        "queue": e.queue,
        "round": e.round,
        "step": e.step,
        "steps": e.steps,
        "pools": e.pools,  # plain dataclasses become objects where json is written
        "chosen": e.chosen,
        "candidates": e.candidates,
        "candidate_count": e.candidate_count,
        "removed": e.removed,
        "place": e.place,
        "rivals": e.rivals,
        "readvised": e.readvised,
        "preferred": agent in place.preferred,
        "skills": _matched(memory, place, e.step, agent),
    }


def _matched(memory: Memory, place: Place, step: int, agent: str) -> list[dict[str, Any]]:
    """What the queue and the active step require, and how well the agent meets it."""
    queue = memory.queues[place.queue]
    config = memory.agents.get(agent)
    required = {need.skill: need.min for need in queue.require}
    own = step - 1 if place.preferred else step  # preferred agents are a step of their own
    if 0 <= own < len(queue.steps):
        required.update((need.skill, need.min) for need in queue.steps[own].require)
    return [
        {"skill": skill, "level": config.skills[skill], "required": least}
        for skill, least in required.items()
        if config is not None and skill in config.skills
    ]
