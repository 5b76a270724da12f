"""What the hall's centre hands to the roof."""

from __future__ import annotations

from contactcenter.core.module import Deps, Module
from contactcenter.interactions.ports import Veil
from contactcenter.interactions.privacy_rules import RULES
from contactcenter.interactions.reading import InteractionService
from contactcenter.interactions.routes import InteractionRoutes


def build(deps: Deps, veil: Veil) -> Module:
    return Module(
        name="interactions",
        routes=InteractionRoutes(InteractionService(deps.work, veil)).table(),
        privacy=RULES,
    )
