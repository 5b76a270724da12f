"""Socket commands of web chat, on both sides."""

from __future__ import annotations

from channels.webchat.schemas import AgentSays, OfConversation, ReadUpTo, Typing, VisitorSays
from channels.webchat.service import Agents, Visitors
from contactcenter.core.access import Permission
from contactcenter.core.sockets import Command, CommandContext
from contactcenter.interactions.schemas import MessageCard
from contactcenter.interactions.visitor import VisitorConversation, VisitorMessage


class ChatCommands:
    def __init__(self, visitors: Visitors, agents: Agents) -> None:
        self._visitors = visitors
        self._agents = agents

    async def visitor_says(self, ctx: CommandContext) -> VisitorMessage:
        says: VisitorSays = ctx.payload
        return await self._visitors.say(ctx.principal, says.conversation_id, says)

    async def visitor_read(self, ctx: CommandContext) -> None:
        await self._visitors.read(ctx.principal, ctx.payload)

    async def visitor_types(self, ctx: CommandContext) -> None:
        await self._visitors.typing(ctx.principal, ctx.payload.conversation_id)

    async def visitor_closes(self, ctx: CommandContext) -> VisitorConversation:
        return await self._visitors.close(ctx.principal, ctx.payload.conversation_id)

    async def agent_says(self, ctx: CommandContext) -> MessageCard:
        return await self._agents.say(ctx.principal, ctx.payload)

    async def agent_read(self, ctx: CommandContext) -> None:
        await self._agents.read(ctx.principal, ctx.payload)

    async def agent_types(self, ctx: CommandContext) -> None:
        await self._agents.typing(ctx.principal, ctx.payload.conversation_id)

    def table(self) -> tuple[Command, ...]:
        visitor, desk = Permission.CHAT_USE, Permission.DESK_USE
        return (
            Command("/chat", "chat.message", self.visitor_says, visitor, VisitorSays),
            Command("/chat", "chat.read", self.visitor_read, visitor, ReadUpTo),
            Command(
                "/chat", "chat.typing", self.visitor_types, visitor, OfConversation, changes=False
            ),
            Command("/chat", "chat.close", self.visitor_closes, visitor, OfConversation),
            Command("/agent", "chat.message", self.agent_says, desk, AgentSays),
            Command("/agent", "chat.read", self.agent_read, desk, ReadUpTo),
            Command("/agent", "chat.typing", self.agent_types, desk, Typing, changes=False),
        )
