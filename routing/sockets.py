"""Socket commands of the desk."""

from __future__ import annotations

from pydantic import BaseModel

from contactcenter.core.access import Permission
from contactcenter.core.sockets import Command, CommandContext, Handler
from routing.desk import DeskService
from routing.schemas import (
    Accepted,
    Close,
    HelpWanted,
    InteractionRef,
    InteractionState,
    RejectReservation,
    ReservationRef,
    Snooze,
    Transfer,
    WrapUp,
)


class DeskCommands:
    def __init__(self, service: DeskService) -> None:
        self._service = service

    async def accept(self, ctx: CommandContext) -> Accepted:
        asked: ReservationRef = ctx.payload
        return await self._service.accept(ctx.principal, asked.reservation_id)

    async def reject(self, ctx: CommandContext) -> None:
        await self._service.reject(ctx.principal, ctx.payload)

    async def pull(self, ctx: CommandContext) -> Accepted:
        asked: InteractionRef = ctx.payload
        return await self._service.pull(ctx.principal, asked.interaction_id)

    async def hold(self, ctx: CommandContext) -> InteractionState:
        asked: InteractionRef = ctx.payload
        return await self._service.hold(ctx.principal, asked.interaction_id)

    async def resume(self, ctx: CommandContext) -> InteractionState:
        asked: InteractionRef = ctx.payload
        return await self._service.resume(ctx.principal, asked.interaction_id)

    async def snooze(self, ctx: CommandContext) -> InteractionState:
        return await self._service.snooze(ctx.principal, ctx.payload)

    async def transfer(self, ctx: CommandContext) -> InteractionState:
        return await self._service.transfer(ctx.principal, ctx.payload)

    async def close(self, ctx: CommandContext) -> InteractionState:
        return await self._service.close(ctx.principal, ctx.payload)

    async def wrap_up(self, ctx: CommandContext) -> InteractionState:
        return await self._service.wrap_up(ctx.principal, ctx.payload)

    async def help(self, ctx: CommandContext) -> None:
        await self._service.help(ctx.principal, ctx.payload)

    def table(self) -> tuple[Command, ...]:
        rows: tuple[tuple[str, Handler, type[BaseModel]], ...] = (
            ("reservation.accept", self.accept, ReservationRef),
            ("reservation.reject", self.reject, RejectReservation),
            ("interaction.pull", self.pull, InteractionRef),
            ("interaction.hold", self.hold, InteractionRef),
            ("interaction.resume", self.resume, InteractionRef),
            ("interaction.snooze", self.snooze, Snooze),
            ("interaction.transfer", self.transfer, Transfer),
            ("interaction.close", self.close, Close),
            ("interaction.wrap_up", self.wrap_up, WrapUp),
            ("agent.help", self.help, HelpWanted),
        )
        return tuple(
            Command("/agent", name, handler, Permission.DESK_USE, payload)
            for name, handler, payload in rows
        )
