"""HTTP of interactions, conversations and contacts."""

from __future__ import annotations

from functools import partial

from contactcenter.core.access import Permission
from contactcenter.core.errors import (
    Invalid,
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
)
from contactcenter.core.http import Request, Response, Route
from contactcenter.interactions.reading import InteractionService
from contactcenter.interactions.schemas import (
    ContactCard,
    ContactEdit,
    ConversationCard,
    InteractionDetail,
    InteractionPage,
    InteractionQuery,
    MessagePage,
    PageQuery,
    TimelinePage,
)

TAGS = ("interactions",)
CONTACT_TAGS = ("contacts",)


class InteractionRoutes:
    def __init__(self, service: InteractionService) -> None:
        self._service = service

    async def listed(self, request: Request) -> InteractionPage:
        return await self._service.listed(request.principal, request.query)

    async def detail(self, request: Request) -> InteractionDetail:
        return await self._service.detail(request.principal, request.id("id"))

    async def conversation(self, request: Request) -> ConversationCard:
        return await self._service.conversation_card(request.principal, request.id("id"))

    async def messages(self, request: Request) -> MessagePage:
        return await self._service.messages(request.principal, request.id("id"), request.query)

    async def contact(self, request: Request) -> Response:
        card = await self._service.contact_card(request.principal, request.id("id"))
        return Response(card, version=card.version)

    async def timeline(self, request: Request) -> TimelinePage:
        return await self._service.timeline(request.principal, request.id("id"), request.query)

    async def edit_contact(self, request: Request) -> Response:
        card = await self._service.edit_contact(
            request.principal, request.id("id"), request.body, partial(request.match, required=True)
        )
        return Response(card, version=card.version)

    def table(self) -> tuple[Route, ...]:
        return (
            Route(
                "GET",
                "/api/v1/interactions",
                self.listed,
                Permission.INTERACTIONS_READ,
                "List interactions, newest first",
                query=InteractionQuery,
                response=InteractionPage,
                tags=TAGS,
                errors=(Invalid,),
            ),
            Route(
                "GET",
                "/api/v1/interactions/{id}",
                self.detail,
                Permission.INTERACTIONS_READ,
                "Show an interaction",
                response=InteractionDetail,
                tags=TAGS,
                errors=(NotFound,),
            ),
            Route(
                "GET",
                "/api/v1/conversations/{id}",
                self.conversation,
                Permission.INTERACTIONS_READ,
                "Show a conversation",
                response=ConversationCard,
                tags=TAGS,
                errors=(NotFound,),
            ),
            Route(
                "GET",
                "/api/v1/conversations/{id}/messages",
                self.messages,
                Permission.INTERACTIONS_READ,
                "List a conversation's messages, the newest page first",
                query=PageQuery,
                response=MessagePage,
                tags=TAGS,
                errors=(Invalid, NotFound),
            ),
            Route(
                "GET",
                "/api/v1/contacts/{id}",
                self.contact,
                Permission.CONTACTS_READ,
                "Show a contact",
                response=ContactCard,
                tags=CONTACT_TAGS,
                errors=(NotFound,),
            ),
            Route(
                "GET",
                "/api/v1/contacts/{id}/timeline",
                self.timeline,
                Permission.CONTACTS_READ,
                "List a contact's interactions on all channels, newest first",
                query=PageQuery,
                response=TimelinePage,
                tags=CONTACT_TAGS,
                errors=(Invalid, NotFound),
            ),
            Route(
                "PATCH",
                "/api/v1/contacts/{id}",
                self.edit_contact,
                Permission.CONTACTS_WRITE,
                "Change a contact",
                body=ContactEdit,
                response=ContactCard,
                tags=CONTACT_TAGS,
                errors=(Invalid, NotFound, PreconditionFailed, PreconditionRequired),
            ),
        )
