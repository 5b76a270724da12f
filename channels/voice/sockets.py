"""Socket commands of voice, on both sides."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel

from channels.voice.schemas import (
    CallCandidate,
    CallCard,
    CallConsent,
    CallConsult,
    CallDial,
    CallDigits,
    CallOffer,
    CallRecord,
    CallRef,
    CallSwitch,
    EchoTest,
    IceServers,
    OfferAnswer,
    StartCall,
    StartedCall,
    VisitorCall,
    VisitorDigits,
)
from channels.voice.service import AgentCalls
from channels.voice.visitors import VisitorCalls
from contactcenter.core.access import Permission
from contactcenter.core.sockets import Command, CommandContext, Handler

CONNECTING: Final = frozenset({"call.offer", "call.candidate", "call.ice_servers"})
"""How the browser's media find their way: nothing that anybody decides."""


class CallCommands:
    def __init__(self, desk: AgentCalls, visitors: VisitorCalls) -> None:
        self._desk = desk
        self._visitors = visitors

    # An agent

    async def dial(self, ctx: CommandContext) -> CallCard:
        return await self._desk.dial(ctx.principal, ctx.payload)

    async def offer(self, ctx: CommandContext) -> OfferAnswer:
        return await self._desk.offer(ctx.principal, ctx.payload)

    async def candidate(self, ctx: CommandContext) -> None:
        await self._desk.candidate(ctx.principal, ctx.payload)

    async def answer(self, ctx: CommandContext) -> CallCard:
        return await self._desk.answer(ctx.principal, ctx.payload.call_id)

    async def reject(self, ctx: CommandContext) -> None:
        await self._desk.reject(ctx.principal, ctx.payload.call_id)

    async def mute(self, ctx: CommandContext) -> CallCard:
        return await self._desk.mute(ctx.principal, ctx.payload)

    async def hold(self, ctx: CommandContext) -> CallCard:
        return await self._desk.hold(ctx.principal, ctx.payload)

    async def dtmf(self, ctx: CommandContext) -> CallCard:
        return await self._desk.dtmf(ctx.principal, ctx.payload)

    async def consult(self, ctx: CommandContext) -> CallCard:
        return await self._desk.consult(ctx.principal, ctx.payload)

    async def toggle(self, ctx: CommandContext) -> CallCard:
        return await self._desk.toggle(ctx.principal, ctx.payload.call_id)

    async def complete(self, ctx: CommandContext) -> CallCard:
        return await self._desk.complete(ctx.principal, ctx.payload.call_id)

    async def cancel(self, ctx: CommandContext) -> CallCard:
        return await self._desk.cancel(ctx.principal, ctx.payload.call_id)

    async def conference(self, ctx: CommandContext) -> CallCard:
        return await self._desk.conference(ctx.principal, ctx.payload.call_id)

    async def record(self, ctx: CommandContext) -> CallCard:
        return await self._desk.record(ctx.principal, ctx.payload)

    async def hangup(self, ctx: CommandContext) -> None:
        await self._desk.hangup(ctx.principal, ctx.payload.call_id)

    async def echo_test(self, ctx: CommandContext) -> None:
        await self._desk.echo_test(ctx.principal, ctx.payload)

    # A customer

    async def start(self, ctx: CommandContext) -> StartedCall:
        return await self._visitors.start(ctx.principal, ctx.payload, ctx.address)

    async def visitor_offer(self, ctx: CommandContext) -> OfferAnswer:
        return await self._visitors.offer(ctx.principal, ctx.payload)

    async def visitor_ice(self, ctx: CommandContext) -> IceServers:
        return await self._visitors.ice(ctx.principal)

    async def visitor_candidate(self, ctx: CommandContext) -> None:
        await self._visitors.candidate(ctx.principal, ctx.payload)

    async def visitor_dtmf(self, ctx: CommandContext) -> None:
        await self._visitors.dtmf(ctx.principal, ctx.payload)

    async def consent(self, ctx: CommandContext) -> VisitorCall:
        return await self._visitors.consent(ctx.principal, ctx.payload)

    async def visitor_hangup(self, ctx: CommandContext) -> VisitorCall:
        return await self._visitors.hangup(ctx.principal)

    def table(self) -> tuple[Command, ...]:
        desk: tuple[tuple[str, Handler, type[BaseModel]], ...] = (
            ("call.dial", self.dial, CallDial),
            ("call.offer", self.offer, CallOffer),
            ("call.candidate", self.candidate, CallCandidate),
            ("call.answer", self.answer, CallRef),
            ("call.reject", self.reject, CallRef),
            ("call.mute", self.mute, CallSwitch),
            ("call.hold", self.hold, CallSwitch),
            ("call.dtmf", self.dtmf, CallDigits),
            ("call.consult", self.consult, CallConsult),
            ("call.consult_toggle", self.toggle, CallRef),
            ("call.consult_complete", self.complete, CallRef),
            ("call.consult_cancel", self.cancel, CallRef),
            ("call.conference", self.conference, CallRef),
            ("call.record", self.record, CallRecord),
            ("call.hangup", self.hangup, CallRef),
            ("call.echo_test", self.echo_test, EchoTest),
        )
        visitor: tuple[tuple[str, Handler, type[BaseModel] | None], ...] = (
            ("call.start", self.start, StartCall),
            ("call.ice_servers", self.visitor_ice, None),
            ("call.offer", self.visitor_offer, CallOffer),
            ("call.candidate", self.visitor_candidate, CallCandidate),
            ("call.dtmf", self.visitor_dtmf, VisitorDigits),
            ("call.consent", self.consent, CallConsent),
            ("call.hangup", self.visitor_hangup, None),
        )
        return (
            *(
                Command("/agent", n, h, Permission.DESK_USE, p, changes=n not in CONNECTING)
                for n, h, p in desk
            ),
            *(
                Command("/chat", n, h, Permission.CHAT_USE, p, changes=n not in CONNECTING)
                for n, h, p in visitor
            ),
        )
