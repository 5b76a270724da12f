"""Socket command of whose an interaction is."""

from __future__ import annotations

from contactcenter.core.access import Permission
from contactcenter.core.sockets import Command, CommandContext
from crm.contacts.schemas import GateOut, LinkInteraction
from crm.contacts.service import ContactService


class ContactCommands:
    def __init__(self, service: ContactService) -> None:
        self._service = service

    async def link(self, ctx: CommandContext) -> GateOut:
        wish: LinkInteraction = ctx.payload
        return await self._service.relink(ctx.principal, wish.interaction_id, wish)

    def table(self) -> tuple[Command, ...]:
        return (
            Command(
                "/agent",
                "interaction.link",
                self.link,
                Permission.CUSTOMERS_WRITE,
                LinkInteraction,
            ),
        )
