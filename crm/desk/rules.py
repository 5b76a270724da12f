"""The rules by which contacts are routed, and what else the centre says of the day."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from contactcenter.core.access import Permission, Principal
from contactcenter.core.errors import Conflict, Invalid, NotFound
from contactcenter.core.http import Request, Response, Route
from contactcenter.core.ids import new_id
from contactcenter.core.work import WorkFactory
from contactcenter.events.claims import CatastropheDeclared, CatastropheEnded
from crm.desk import store
from crm.desk.model import check_rules
from crm.desk.schemas import (
    CatastropheNew,
    CatastropheOut,
    CatastropheQuery,
    Catastrophes,
    ContactRule,
    ContactRules,
    ContactRulesOut,
    ProfessionalNew,
    ProfessionalOut,
    Professionals,
)
from crm.routes import STALE, named
from crm.schemas import picked
from crm.sql import lock_section, section_version, turn_section
from db import Connection, Record, UniqueViolation

TAGS = ("contact rules",)
READ, CHANGE = Permission.CUSTOMERS_ALL, Permission.PORTFOLIOS_ALL
Match = Callable[[int], None]
RULES: Final = "contact_rules"


class RuleService:
    def __init__(self, work: WorkFactory) -> None:
        self._work = work

    async def rules(self) -> ContactRulesOut:
        async with self._work.reading("contact_rules.list") as conn:
            return await _rules(conn)

    async def set_rules(
        self, principal: Principal, wanted: ContactRules, match: Match
    ) -> ContactRulesOut:
        """Replace them all. Invalid for one that cannot be read."""
        rules = [(each.name, each.conditions, each.effects) for each in wanted.items]
        try:
            check_rules(rules)
        except ValueError as error:
            raise Invalid.field("items", "bad_rule", str(error)) from error
        async with self._work.begin("contact_rules.set", principal.actor) as work:
            match(await lock_section(work.conn, RULES))
            before = await store.rules(work.conn)
            await store.put_rules(work.conn, rules)
            await turn_section(work.conn, RULES)
            work.audit(
                "contact_rules.changed",
                "contact_rules",
                "rules",
                before={name: [c, e] for name, c, e in before},
                after={name: [c, e] for name, c, e in rules},
            )
            return work.answer(await _rules(work.conn))

    async def catastrophes(self, query: CatastropheQuery) -> Catastrophes:
        async with self._work.reading("catastrophes.list") as conn:
            rows = await store.catastrophes(conn, query.on)
        return Catastrophes(items=[_catastrophe(row) for row in rows])

    async def declare(self, principal: Principal, new: CatastropheNew) -> CatastropheOut:
        """From now on callers from its places are routed by its rules."""
        async with self._work.begin("catastrophes.declare", principal.actor) as work:
            made = new_id()
            await store.declare(
                work.conn, made, new.peril, new.postal_codes, new.note, work.now, work.actor
            )
            work.emit(CatastropheDeclared(catastrophe_id=made, peril=new.peril))
            work.audit("catastrophe.declared", "catastrophe", made, after=new.model_dump())
            row = await store.catastrophe(work.conn, made)
            assert row is not None
            return work.answer(_catastrophe(row))

    async def end(self, principal: Principal, catastrophe_id: UUID, match: Match) -> CatastropheOut:
        async with self._work.begin("catastrophes.end", principal.actor) as work:
            known = await store.catastrophe(work.conn, catastrophe_id, lock=True)
            if known is None:
                raise NotFound
            match(known["version"])
            if known["ended_at"] is not None:
                raise Conflict("It is over already.")
            row = await store.end_catastrophe(work.conn, catastrophe_id, work.now)
            work.emit(CatastropheEnded(catastrophe_id=catastrophe_id, peril=known["peril"]))
            work.audit(
                "catastrophe.ended", "catastrophe", catastrophe_id,
                before={"ended_at": None}, after={"ended_at": row["ended_at"]},
            )  # fmt: skip
            return work.answer(_catastrophe(row))

    async def professionals(self) -> Professionals:
        async with self._work.reading("professionals.list") as conn:
            rows = await store.professionals(conn)
        return Professionals(items=[_professional(row) for row in rows])

    async def add_professional(self, principal: Principal, new: ProfessionalNew) -> ProfessionalOut:
        async with self._work.begin("professionals.add", principal.actor) as work:
            made = new_id()
            with _one_for_each_phone():
                row = await store.add_professional(
                    work.conn, made, new.phone, new.name, new.kind, work.now
                )
            work.audit("professional.added", "professional", made, after=new.model_dump())
            return work.answer(_professional(row))

    async def change_professional(
        self, principal: Principal, professional_id: UUID, given: ProfessionalNew, match: Match
    ) -> ProfessionalOut:
        async with self._work.begin("professionals.change", principal.actor) as work:
            known = await store.professional_of(work.conn, professional_id)
            if known is None:
                raise NotFound
            match(known["version"])
            with _one_for_each_phone():
                row = await store.change_professional(
                    work.conn, professional_id, given.phone, given.name, given.kind
                )
            work.audit(
                "professional.changed", "professional", professional_id,
                before=picked(ProfessionalNew, known), after=given.model_dump(),
            )  # fmt: skip
            return work.answer(_professional(row))

    async def drop_professional(
        self, principal: Principal, professional_id: UUID, match: Match
    ) -> None:
        async with self._work.begin("professionals.drop", principal.actor) as work:
            known = await store.professional_of(work.conn, professional_id)
            if known is None:
                raise NotFound
            match(known["version"])
            await store.drop_professional(work.conn, professional_id)
            work.audit(
                "professional.dropped", "professional", professional_id,
                before=picked(ProfessionalNew, known),
            )  # fmt: skip


async def _rules(conn: Connection) -> ContactRulesOut:
    version = await section_version(conn, RULES)
    rows = await store.rules(conn)
    items = [ContactRule(name=n, conditions=dict(c), effects=dict(e)) for n, c, e in rows]
    return ContactRulesOut(items=items, version=version)


def _catastrophe(row: Record) -> CatastropheOut:
    return CatastropheOut(**picked(CatastropheOut, row), catastrophe_id=row["id"])


def _professional(row: Record) -> ProfessionalOut:
    return ProfessionalOut(**picked(ProfessionalOut, row), professional_id=row["id"])


@contextmanager
def _one_for_each_phone() -> Iterator[None]:
    """Conflict for a number that another has."""
    try:
        yield
    except UniqueViolation as error:
        raise Conflict("This number is there.", field="phone", type="phone_taken") from error


class RuleRoutes:
    def __init__(self, service: RuleService) -> None:
        self._service = service

    async def rules(self, request: Request) -> Response:  # noqa: ARG002 - a handler's signature
        shown = await self._service.rules()
        return Response(shown, version=shown.version)

    async def set_rules(self, request: Request) -> Response:
        shown = await self._service.set_rules(request.principal, request.body, named(request))
        return Response(shown, version=shown.version)

    async def catastrophes(self, request: Request) -> Catastrophes:
        return await self._service.catastrophes(request.query)

    async def declare(self, request: Request) -> Response:
        shown = await self._service.declare(request.principal, request.body)
        return Response(shown, version=shown.version)

    async def end(self, request: Request) -> Response:
        shown = await self._service.end(request.principal, request.id("id"), named(request))
        return Response(shown, version=shown.version)

    async def professionals(self, request: Request) -> Professionals:  # noqa: ARG002
        return await self._service.professionals()

    async def add_professional(self, request: Request) -> Response:
        shown = await self._service.add_professional(request.principal, request.body)
        return Response(shown, version=shown.version)

    async def change_professional(self, request: Request) -> Response:
        shown = await self._service.change_professional(
            request.principal, request.id("id"), request.body, named(request)
        )
        return Response(shown, version=shown.version)

    async def drop_professional(self, request: Request) -> None:
        await self._service.drop_professional(request.principal, request.id("id"), named(request))

    def table(self) -> tuple[Route, ...]:
        rules, storms, trade = (
            "/api/v1/contact-rules", "/api/v1/catastrophes", "/api/v1/professionals",
        )  # fmt: skip
        return (
            Route(
                "GET", rules, self.rules, READ,
                "Show the rules by which contacts are routed", response=ContactRulesOut, tags=TAGS,
            ),
            Route(
                "PUT", rules, self.set_rules, CHANGE,
                "Replace the rules by which contacts are routed", body=ContactRules,
                response=ContactRulesOut, tags=TAGS,
                errors=(Invalid, *STALE),
            ),
            Route(
                "GET", storms, self.catastrophes, READ,
                "List catastrophes, newest first", query=CatastropheQuery, response=Catastrophes,
                tags=TAGS, errors=(Invalid,),
            ),
            Route(
                "POST", storms, self.declare, CHANGE,
                "Declare a catastrophe: its rules hold from now on", body=CatastropheNew,
                response=CatastropheOut, status=201, tags=TAGS, errors=(Invalid,), creates=True,
            ),
            Route(
                "POST", f"{storms}/{{id}}/end", self.end, CHANGE,
                "End a catastrophe", response=CatastropheOut, tags=TAGS,
                errors=(NotFound, Conflict, *STALE), creates=True,
            ),
            Route(
                "GET", trade, self.professionals, READ,
                "List workshops' and experts' numbers", response=Professionals, tags=TAGS,
            ),
            Route(
                "POST", trade, self.add_professional, CHANGE,
                "Note a workshop's or expert's number", body=ProfessionalNew,
                response=ProfessionalOut, status=201, tags=TAGS, errors=(Invalid, Conflict),
                creates=True,
            ),
            Route(
                "PUT", f"{trade}/{{id}}", self.change_professional, CHANGE,
                "Change a workshop's or expert's number", body=ProfessionalNew,
                response=ProfessionalOut, tags=TAGS,
                errors=(NotFound, Invalid, Conflict, *STALE),
            ),
            Route(
                "DELETE", f"{trade}/{{id}}", self.drop_professional, CHANGE,
                "Forget a workshop's or expert's number", status=204, tags=TAGS,
                errors=(NotFound, *STALE),
            ),
        )  # fmt: skip
