"""Socket commands of agents."""

from __future__ import annotations

from contactcenter.agents.schemas import AgentMe, SetStatus
from contactcenter.agents.service import AgentService
from contactcenter.core.access import Permission
from contactcenter.core.sockets import Command, CommandContext


class AgentCommands:
    def __init__(self, service: AgentService) -> None:
        self._service = service

    async def set_status(self, ctx: CommandContext) -> AgentMe:
        return await self._service.set_own_status(ctx.principal, ctx.payload)

    def table(self) -> tuple[Command, ...]:
        return (
            Command("/agent", "agent.set_status", self.set_status, Permission.DESK_USE, SetStatus),
        )
