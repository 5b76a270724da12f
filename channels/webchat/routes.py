"""HTTP of web chat: what the widget and other visitors' programs call."""

from __future__ import annotations

from channels.webchat.schemas import (
    ChatConfig,
    ConfigQuery,
    MessagesQuery,
    NewConversation,
    StartedConversation,
    TranscriptQuery,
    VisitorMessages,
    VisitorText,
)
from channels.webchat.service import Visitors
from contactcenter.core.access import PUBLIC, Permission
from contactcenter.core.errors import Conflict, Invalid, NotFound, TooLarge
from contactcenter.core.http import Request, Response, Route
from contactcenter.core.limits import Limit
from contactcenter.interactions.visitor import VisitorConversation, VisitorMessage

TAGS = ("chat",)
BASE = "/api/v1/chat"


class ChatRoutes:
    def __init__(self, visitors: Visitors, starts_per_minute: int) -> None:
        self._visitors = visitors
        self._starts = Limit(per_second=starts_per_minute / 60, burst=starts_per_minute)

    async def config(self, request: Request) -> ChatConfig:
        query: ConfigQuery = request.query
        return await self._visitors.config(query.queue)

    async def begin(self, request: Request) -> StartedConversation:
        return await self._visitors.begin(request.body)

    async def conversation(self, request: Request) -> VisitorConversation:
        return await self._visitors.conversation(request.principal, request.id("id"))

    async def messages(self, request: Request) -> VisitorMessages:
        query: MessagesQuery = request.query
        return await self._visitors.messages(
            request.principal, request.id("id"), query.cursor, query.limit
        )

    async def say(self, request: Request) -> VisitorMessage:
        return await self._visitors.say(request.principal, request.id("id"), request.body)

    async def close(self, request: Request) -> VisitorConversation:
        return await self._visitors.close(request.principal, request.id("id"))

    async def transcript(self, request: Request) -> Response:
        query: TranscriptQuery = request.query
        text = await self._visitors.transcript(request.principal, request.id("id"), query.locale)
        return Response(
            text,
            content_type="text/plain",
            headers={"Content-Disposition": 'attachment; filename="conversation.txt"'},
        )

    def table(self) -> tuple[Route, ...]:
        use = Permission.CHAT_USE
        return (
            Route(
                "GET",
                f"{BASE}/config",
                self.config,
                PUBLIC,
                "Say whether the chat is open",
                query=ConfigQuery,
                response=ChatConfig,
                tags=TAGS,
                errors=(Invalid,),
            ),
            Route(
                "POST",
                f"{BASE}/conversations",
                self.begin,
                PUBLIC,
                "Begin a conversation; the token opens it and nothing else",
                body=NewConversation,
                response=StartedConversation,
                status=201,
                tags=TAGS,
                errors=(Invalid, TooLarge),
                creates=True,
                limit=self._starts,
            ),
            Route(
                "GET",
                f"{BASE}/conversations/{{id}}",
                self.conversation,
                use,
                "Show the visitor's conversation",
                response=VisitorConversation,
                tags=TAGS,
                errors=(NotFound,),
            ),
            Route(
                "GET",
                f"{BASE}/conversations/{{id}}/messages",
                self.messages,
                use,
                "List its messages",
                query=MessagesQuery,
                response=VisitorMessages,
                tags=TAGS,
                errors=(NotFound,),
            ),
            Route(
                "POST",
                f"{BASE}/conversations/{{id}}/messages",
                self.say,
                use,
                "Write a message; a repeated client_id is stored once",
                body=VisitorText,
                response=VisitorMessage,
                status=201,
                tags=TAGS,
                errors=(Conflict, Invalid, NotFound, TooLarge),
            ),
            Route(
                "POST",
                f"{BASE}/conversations/{{id}}/close",
                self.close,
                use,
                "End the conversation",
                response=VisitorConversation,
                tags=TAGS,
                errors=(Conflict, NotFound),
            ),
            Route(
                "GET",
                f"{BASE}/conversations/{{id}}/transcript",
                self.transcript,
                use,
                "Give the conversation as plain text",
                query=TranscriptQuery,
                tags=TAGS,
                errors=(NotFound,),
            ),
        )
