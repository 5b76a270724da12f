"""HTTP of customers."""

from __future__ import annotations

from contactcenter.core.access import Permission
from contactcenter.core.errors import Conflict, Forbidden, Invalid, NotFound
from contactcenter.core.http import Request, Response, Route
from crm.customers.merging import MergeService
from crm.customers.schemas import (
    CustomerEdit,
    CustomerNew,
    CustomerOut,
    CustomerPage,
    CustomerQuery,
    CustomerStats,
    Duplicates,
    Hits,
    HouseholdNew,
    HouseholdOut,
    MergeIn,
    MergeOut,
    SearchQuery,
    SegmentRules,
    SegmentRulesOut,
    Timeline,
    TimelineQuery,
    UserLink,
)
from crm.customers.service import CustomerService
from crm.routes import STALE, named

TAGS = ("customers",)
BASE = "/api/v1/customers"
CHANGES = (NotFound, Conflict, Invalid, Forbidden, *STALE)
READ, WRITE = Permission.CUSTOMERS_READ, Permission.CUSTOMERS_WRITE


class CustomerRoutes:
    def __init__(self, service: CustomerService, merges: MergeService) -> None:
        self._service = service
        self._merges = merges

    async def listed(self, request: Request) -> CustomerPage:
        return await self._service.listed(request.principal, request.query)

    async def search(self, request: Request) -> Hits:
        return await self._service.search(request.principal, request.query)

    async def get(self, request: Request) -> Response:
        return _card(await self._service.get(request.principal, request.id("id")))

    async def create(self, request: Request) -> Response:
        return _card(await self._service.create(request.principal, request.body))

    async def update(self, request: Request) -> Response:
        return _card(
            await self._service.update(
                request.principal, request.id("id"), request.body, named(request)
            )
        )

    async def delete(self, request: Request) -> None:
        await self._service.delete(request.principal, request.id("id"), named(request))

    async def stats(self, request: Request) -> CustomerStats:
        return await self._service.stats(request.principal, request.id("id"))

    async def timeline(self, request: Request) -> Timeline:
        return await self._service.timeline(request.principal, request.id("id"), request.query)

    async def duplicates(self, request: Request) -> Duplicates:
        return await self._merges.duplicates(request.principal, request.id("id"))

    async def merge(self, request: Request) -> MergeOut:
        return await self._merges.merge(
            request.principal, request.id("id"), request.body.loser_id, named(request)
        )

    async def unmerge(self, request: Request) -> MergeOut:
        return await self._merges.unmerge(request.principal, request.id("id"))

    async def segment(self, request: Request) -> Response:
        return _card(await self._service.resegment(request.principal, request.id("id")))

    async def rules(self, request: Request) -> Response:  # noqa: ARG002 - a handler's signature
        shown = await self._service.rules()
        return Response(shown, version=shown.version)

    async def set_rules(self, request: Request) -> Response:
        shown = await self._service.set_rules(request.principal, request.body, named(request))
        return Response(shown, version=shown.version)

    async def create_household(self, request: Request) -> HouseholdOut:
        return await self._merges.create_household(request.principal, request.body)

    async def household(self, request: Request) -> HouseholdOut:
        return await self._merges.household(request.principal, request.id("id"))

    async def link_user(self, request: Request) -> Response:
        return _card(
            await self._service.link_user(
                request.principal, request.id("id"), request.body.email, named(request)
            )
        )

    def table(self) -> tuple[Route, ...]:
        return (
            Route(
                "GET",
                f"{BASE}/search",
                self.search,
                READ,
                "Find customers by part of a name, document, number, plate or policy number",
                query=SearchQuery,
                response=Hits,
                tags=TAGS,
                errors=(Invalid,),
            ),
            Route(
                "GET",
                BASE,
                self.listed,
                READ,
                "List customers, newest first",
                query=CustomerQuery,
                response=CustomerPage,
                tags=TAGS,
                errors=(Invalid,),
            ),
            Route(
                "POST",
                BASE,
                self.create,
                WRITE,
                "Open a customer's file",
                body=CustomerNew,
                response=CustomerOut,
                status=201,
                tags=TAGS,
                errors=(Conflict, Invalid),
                creates=True,
            ),
            Route(
                "GET",
                f"{BASE}/{{id}}",
                self.get,
                READ,
                "Show a customer",
                response=CustomerOut,
                tags=TAGS,
                errors=(NotFound,),
            ),
            *(
                Route(
                    method,
                    f"{BASE}/{{id}}",
                    self.update,
                    WRITE,
                    "Change what is given of a customer",
                    body=CustomerEdit,
                    response=CustomerOut,
                    tags=TAGS,
                    errors=CHANGES,
                )
                for method in ("PATCH", "PUT")
            ),
            Route(
                "DELETE",
                f"{BASE}/{{id}}",
                self.delete,
                Permission.PORTFOLIOS_ALL,
                "Close a customer's file; personal data goes when the law allows it",
                status=204,
                tags=TAGS,
                errors=CHANGES,
            ),
            Route(
                "PUT",
                f"{BASE}/{{id}}/user",
                self.link_user,
                Permission.PORTFOLIOS_ALL,
                "Say as whom a customer signs in",
                body=UserLink,
                response=CustomerOut,
                tags=TAGS,
                errors=CHANGES,
            ),
            Route(
                "GET",
                f"{BASE}/{{id}}/stats",
                self.stats,
                READ,
                "Show a customer's figures",
                response=CustomerStats,
                tags=TAGS,
                errors=(NotFound,),
            ),
            Route(
                "GET",
                f"{BASE}/{{id}}/timeline",
                self.timeline,
                READ,
                "List what happened with a customer on all channels, newest first",
                query=TimelineQuery,
                response=Timeline,
                tags=TAGS,
                errors=(NotFound, Invalid),
            ),
            Route(
                "GET",
                f"{BASE}/{{id}}/duplicates",
                self.duplicates,
                WRITE,
                "List who may be the same customer",
                response=Duplicates,
                tags=TAGS,
                errors=(NotFound, Conflict),
            ),
            Route(
                "POST",
                f"{BASE}/{{id}}/merge",
                self.merge,
                WRITE,
                "Merge another file into this one",
                body=MergeIn,
                response=MergeOut,
                tags=TAGS,
                errors=CHANGES,
                creates=True,
            ),
            Route(
                "POST",
                "/api/v1/customer-merges/{id}/undo",
                self.unmerge,
                WRITE,
                "Take a merge back",
                response=MergeOut,
                tags=TAGS,
                errors=(NotFound, Conflict, Forbidden),
            ),
            Route(
                "POST",
                f"{BASE}/{{id}}/segment",
                self.segment,
                WRITE,
                "Apply the segment rules to a customer",
                response=CustomerOut,
                tags=TAGS,
                errors=(NotFound, Conflict, Forbidden),
            ),
            Route(
                "GET",
                "/api/v1/segment-rules",
                self.rules,
                Permission.CUSTOMERS_ALL,
                "Show the segment rules",
                response=SegmentRulesOut,
                tags=TAGS,
            ),
            Route(
                "PUT",
                "/api/v1/segment-rules",
                self.set_rules,
                Permission.PORTFOLIOS_ALL,
                "Replace the segment rules",
                body=SegmentRules,
                response=SegmentRulesOut,
                tags=TAGS,
                errors=(Invalid, *STALE),
            ),
            Route(
                "POST",
                "/api/v1/households",
                self.create_household,
                WRITE,
                "Bring customers together in a household",
                body=HouseholdNew,
                response=HouseholdOut,
                status=201,
                tags=TAGS,
                errors=(Conflict, Invalid, Forbidden),
                creates=True,
            ),
            Route(
                "GET",
                "/api/v1/households/{id}",
                self.household,
                READ,
                "Show a household",
                response=HouseholdOut,
                tags=TAGS,
                errors=(NotFound,),
            ),
        )


def _card(card: CustomerOut) -> Response:
    return Response(card, version=card.version)
