"""A visit as the CRM advises it: queue, base, who is asked first and who comes after."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from routing.config import Queue
from routing.core.model import Band, Requirement, RoutingStep, SkipIf
from routing.ports import Advice

SUPERVISOR: Final = "supervisor"
SUPERVISORS_FOR_MS: Final = 30_000
TOLD: Final = ("rule", "banner", "greeting", "advised_queue", "permission")
"""What `told` keeps of an advice, where it says it."""


@dataclass(frozen=True, slots=True)
class Advised:
    """What of an advice holds for a visit."""

    base: int | None = None
    band: Band | None = None
    preferred: tuple[UUID, ...] = ()
    preferred_ms: int = 0
    steps: tuple[RoutingStep, ...] | None = None
    fifo: bool = False
    """Everybody in their order: not even who knows the contact is asked first."""
    only: frozenset[UUID] | None = None
    """Who has the skill that it takes; None: it takes none."""


def placed(advice: Advice) -> Advised:
    """The place in line alone, for a visit that cannot go to the queue that is advised."""
    return Advised(
        base=advice.base,
        # what is written stays behind what is said, unless somebody is in danger
        band=Band(advice.band) if advice.band == Band.DANGER else None,
    )


def advised(
    advice: Advice,
    queue: Queue,
    others: Collection[UUID],
    allowed: Collection[UUID] | None,
) -> Advised:
    """`others`: agents with the skills that the advice's overflow names; `allowed`: those who have
    its permission, which is a skill, where it asks for one."""
    return replace(
        placed(advice),
        preferred=tuple(advice.preferred) if advice.preferred_s else (),
        preferred_ms=advice.preferred_s * 1000,
        steps=_steps(advice, queue, others),
        fifo=advice.fifo,
        only=None if allowed is None else frozenset(allowed),
    )


def _steps(
    advice: Advice, queue: Queue, others: Collection[UUID]
) -> tuple[RoutingStep, ...] | None:
    steps: list[RoutingStep] = []
    if advice.skill is not None and advice.skill_s:
        steps.append(
            RoutingStep(
                require=(Requirement(advice.skill, advice.skill_level),),
                for_ms=advice.skill_s * 1000,
                skip_if=SkipIf.NONE_AVAILABLE,
            )
        )
    if advice.then == SUPERVISOR:
        steps.append(
            RoutingStep(
                require=(Requirement(SUPERVISOR, 1),),
                for_ms=SUPERVISORS_FOR_MS,
                skip_if=SkipIf.NONE_AVAILABLE,
            )
        )
    if others:
        steps.append(RoutingStep(for_ms=advice.overflow_s * 1000))
        steps.append(RoutingStep(agents=tuple(str(each) for each in sorted(others))))
    if not others:
        steps.extend(queue.core.steps if steps or advice.permission else ())
    return _only(advice.permission, steps) if steps else None


def _only(permission: str | None, steps: Sequence[RoutingStep]) -> tuple[RoutingStep, ...]:
    """The steps, each for whoever has the permission; what comes after the last one too."""
    if permission is None:
        return tuple(steps)
    if steps[-1].for_ms is not None:
        steps = (*steps, RoutingStep())
    need = Requirement(permission, 1)
    return tuple(
        step
        if any(each.skill == permission for each in step.require)
        else replace(step, require=(*step.require, need))
        for step in steps
    )


def first_of(extra: Advised, met: Sequence[UUID], queue: Queue) -> tuple[tuple[str, ...], int]:
    """Who is asked first and for how long, in ms: whom the advice names, else whoever the customer
    has `met`, where everybody is not to be served in their order; who may not have it is not."""
    who = () if extra.fifo else extra.preferred or met
    asked = tuple(str(agent) for agent in who if extra.only is None or agent in extra.only)
    return asked, extra.preferred_ms or (queue.preferred_ms if asked else 0)


def told(advice: Advice) -> dict[str, Any]:
    """What is kept with the interaction, for the desk and for who asks why."""
    facts = {
        "rule": advice.rule,
        "banner": advice.banner,
        "greeting": advice.greeting,
        "advised_queue": advice.queue,
        "permission": advice.permission,
    }
    return {name: value for name, value in facts.items() if value}
