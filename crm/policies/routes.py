"""HTTP of policies, receipts and insurers."""

from __future__ import annotations

from functools import partial

from contactcenter.core.access import Permission
from contactcenter.core.errors import Conflict, Invalid
from contactcenter.core.http import Request, Response, Route
from crm.policies.receipts import ReceiptService
from crm.policies.schemas import (
    CancelIn,
    Cancelled,
    CoverageOut,
    CoverageQuery,
    Expiring,
    ExpiringQuery,
    History,
    InsurerIn,
    InsurerOut,
    Insurers,
    NonRenewalIn,
    NonRenewalStep,
    PolicyEdit,
    PolicyNew,
    PolicyOut,
    PolicyPage,
    PolicyQuery,
    PolicySearch,
    PolicyStatusIn,
    PremiumIn,
    PremiumOut,
    ReceiptMove,
    ReceiptNew,
    ReceiptOut,
    Receipts,
    RenewIn,
    Settlement,
    TermsQuery,
)
from crm.policies.service import PolicyService
from crm.policies.terms import TermService
from crm.routes import STALE, named, reading, writing

BASE = "/api/v1/policies"
ONE = f"{BASE}/{{id}}"
RECEIPT = "/api/v1/receipts/{id}"
_read = partial(reading, "policies")
_write = partial(writing, "policies")


class PolicyRoutes:
    def __init__(
        self, service: PolicyService, terms: TermService, receipts: ReceiptService
    ) -> None:
        self._service = service
        self._terms = terms
        self._receipts = receipts

    async def listed(self, request: Request) -> PolicyPage:
        return await self._service.listed(request.principal, request.query)

    async def expiring(self, request: Request) -> Expiring:
        return await self._service.expiring(request.principal, request.query)

    async def get(self, request: Request) -> Response:
        return _card(await self._service.get(request.principal, request.id("id")))

    async def create(self, request: Request) -> Response:
        return _card(await self._service.create(request.principal, request.body))

    async def edit(self, request: Request) -> Response:
        return _card(
            await self._service.edit(
                request.principal, request.id("id"), request.body, named(request)
            )
        )

    async def cancel(self, request: Request) -> Response:
        done = await self._terms.cancel(
            request.principal, request.id("id"), request.body, named(request)
        )
        return Response(done, version=done.policy.version)

    async def renew(self, request: Request) -> Response:
        return _card(
            await self._terms.renew(
                request.principal, request.id("id"), request.body, named(request)
            )
        )

    async def set_status(self, request: Request) -> Response:
        return _card(
            await self._service.set_status(
                request.principal, request.id("id"), request.body, named(request)
            )
        )

    async def receive_no(self, request: Request) -> Response:
        return _card(
            await self._terms.receive_no(
                request.principal, request.id("id"), request.body, named(request)
            )
        )

    async def send_no(self, request: Request) -> Response:
        return _card(
            await self._terms.move_no(
                request.principal, request.id("id"), request.body, "sent", named(request)
            )
        )

    async def acknowledge_no(self, request: Request) -> Response:
        return _card(
            await self._terms.move_no(
                request.principal, request.id("id"), request.body, "acknowledged", named(request)
            )
        )

    async def coverage(self, request: Request) -> CoverageOut:
        return await self._service.coverage(request.principal, request.id("id"), request.query)

    async def history(self, request: Request) -> History:
        return await self._service.history(request.principal, request.id("id"), request.query)

    async def receipts(self, request: Request) -> Receipts:
        return await self._receipts.listed(request.principal, request.id("id"))

    async def add_receipt(self, request: Request) -> Response:
        return _receipt(await self._receipts.add(request.principal, request.id("id"), request.body))

    async def move_receipt(self, request: Request) -> Response:
        return _receipt(
            await self._receipts.move(
                request.principal, request.id("id"), request.body, named(request)
            )
        )

    async def claim_receipt(self, request: Request) -> Response:
        return _receipt(
            await self._receipts.claimed(request.principal, request.id("id"), named(request))
        )

    async def settle_receipt(self, request: Request) -> Response:
        return _receipt(
            await self._receipts.settle(
                request.principal, request.id("id"), request.body, named(request)
            )
        )

    async def insurers(self, request: Request) -> Insurers:  # noqa: ARG002 - a handler's signature
        return await self._service.insurers()

    async def put_insurer(self, request: Request) -> Response:
        shown = await self._service.put_insurer(request.principal, request.body, named(request))
        return Response(shown, version=shown.version)

    async def premium(self, request: Request) -> PremiumOut:
        return await self._service.premium(request.body)

    def table(self) -> tuple[Route, ...]:
        edit = "Change a policy: its terms by an endorsement, the rest at once"
        return (
            _read(
                f"{BASE}/search",
                self.listed,
                "Find policies by number, plate or address",
                PolicyPage,
                PolicySearch,
            ),
            _read(
                f"{BASE}/expiring",
                self.expiring,
                "List policies whose term ends soon",
                Expiring,
                ExpiringQuery,
            ),
            _read(BASE, self.listed, "List policies, newest first", PolicyPage, PolicyQuery),
            _read(ONE, self.get, "Show a policy", PolicyOut),
            _read(
                f"{ONE}/coverage",
                self.coverage,
                "Say whether a policy covers an instant",
                CoverageOut,
                CoverageQuery,
            ),
            _read(
                f"{ONE}/versions",
                self.history,
                "Show what was agreed for an instant, as known at another",
                History,
                TermsQuery,
            ),
            _read(f"{ONE}/receipts", self.receipts, "List a policy's receipts", Receipts),
            _write("POST", BASE, self.create, "Put a policy on file", PolicyNew, PolicyOut, 201),
            _write("PATCH", ONE, self.edit, edit, PolicyEdit, PolicyOut, 200, *STALE),
            _write("PUT", ONE, self.edit, edit, PolicyEdit, PolicyOut, 200, *STALE),
            _write(
                "POST",
                f"{ONE}/cancel",
                self.cancel,
                "Cancel a policy, with an estimate of the refund",
                CancelIn,
                Cancelled,
                200,
                *STALE,
            ),
            _write(
                "POST",
                f"{ONE}/renew",
                self.renew,
                "Renew a policy",
                RenewIn,
                PolicyOut,
                200,
                *STALE,
            ),
            _write(
                "POST",
                f"{ONE}/status",
                self.set_status,
                "Suspend a policy, put it back in force, or note what replaces it",
                PolicyStatusIn,
                PolicyOut,
                200,
                *STALE,
            ),
            _write(
                "POST",
                f"{ONE}/non-renewal",
                self.receive_no,
                "Note that somebody will not renew",
                NonRenewalIn,
                PolicyOut,
                201,
                *STALE,
            ),
            _write(
                "POST",
                f"{ONE}/non-renewal/sent",
                self.send_no,
                "Note that a no was passed on",
                NonRenewalStep,
                PolicyOut,
                200,
                *STALE,
            ),
            _write(
                "POST",
                f"{ONE}/non-renewal/acknowledged",
                self.acknowledge_no,
                "Note that the other side has the no",
                NonRenewalStep,
                PolicyOut,
                200,
                *STALE,
            ),
            _write(
                "POST",
                f"{ONE}/receipts",
                self.add_receipt,
                "Store a receipt as the insurer issued it",
                ReceiptNew,
                ReceiptOut,
                201,
            ),
            _write(
                "POST",
                f"{RECEIPT}/move",
                self.move_receipt,
                "Take a receipt to its next state",
                ReceiptMove,
                ReceiptOut,
                200,
                *STALE,
            ),
            _write(
                "POST",
                f"{RECEIPT}/claimed",
                self.claim_receipt,
                "Note that the insurer claimed an unpaid premium",
                None,
                ReceiptOut,
                200,
                *STALE,
            ),
            _write(
                "POST",
                f"{RECEIPT}/settle",
                self.settle_receipt,
                "Note that a collected receipt was settled with the insurer",
                Settlement,
                ReceiptOut,
                200,
                *STALE,
            ),
            Route(
                "GET",
                "/api/v1/insurers",
                self.insurers,
                Permission.CUSTOMERS_ALL,
                "List insurers",
                response=Insurers,
                tags=("insurers",),
            ),
            Route(
                "PUT",
                "/api/v1/insurers",
                self.put_insurer,
                Permission.PORTFOLIOS_ALL,
                "Add an insurer, or change it",
                body=InsurerIn,
                response=InsurerOut,
                tags=("insurers",),
                errors=(Conflict, Invalid, *STALE),
            ),
            Route(
                "POST",
                "/api/v1/premium-lines",
                self.premium,
                Permission.CUSTOMERS_ALL,
                "Compute the lines of a premium by the rates of a day",
                body=PremiumIn,
                response=PremiumOut,
                tags=("policies",),
                errors=(Invalid,),
            ),
        )


def _card(card: PolicyOut) -> Response:
    return Response(card, version=card.version)


def _receipt(receipt: ReceiptOut) -> Response:
    return Response(receipt, version=receipt.version)
