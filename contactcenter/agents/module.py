"""What agents hand to the roof."""

from __future__ import annotations

from contactcenter.agents.ports import Duty
from contactcenter.agents.privacy_rules import RULES
from contactcenter.agents.routes import AgentRoutes
from contactcenter.agents.service import AgentService
from contactcenter.agents.sockets import AgentCommands
from contactcenter.core.module import Deps, Module


def build(deps: Deps, duty: Duty) -> Module:
    service = AgentService(deps.work, deps.clock, deps.settings.app.zone, duty)
    return Module(
        name="agents",
        routes=AgentRoutes(service).table(),
        commands=AgentCommands(service).table(),
        privacy=RULES,
    )
