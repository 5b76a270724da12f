"""Exporting and erasing a person by the tables' rules (core.privacy).

A request is a row and a job. Erasing ends with a certificate: for each table what became of how
many rows, and which are kept for what reason. One transaction erases everything or nothing, and
may last longer than others; an export reads as long as it takes, and is not kept when the person
was erased meanwhile. A request whose job was given up has failed: nothing of it is done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

import orjson

import db
from contactcenter.core.access import Principal
from contactcenter.core.durable import Listener
from contactcenter.core.errors import Conflict, Forbidden, NotFound
from contactcenter.core.eventlog import Recorded
from contactcenter.core.ids import new_id
from contactcenter.core.jobs import Job, JobQueue
from contactcenter.core.privacy import Person, TableRule, by_table
from contactcenter.core.vault import Vault
from contactcenter.core.work import Work, WorkFactory
from contactcenter.events.customers import CustomerErased
from contactcenter.events.identity import PersonErased, UserChanged
from contactcenter.identity import people_store
from contactcenter.identity import privacy_store as store
from contactcenter.identity.people import changeable
from contactcenter.identity.service import end_sessions

JOB: Final = "identity.privacy"
ATTEMPTS: Final = 8
EXPORT_KEPT: Final = timedelta(days=7)
ERASE_SECONDS: Final = 30
"""How long erasing may take; the centre's events wait for it, so not for ever."""
FAILED: Final = (
    "It was tried {attempts} times and given up: nothing was exported or erased. The server's log "
    "says why. Ask again once that is mended."
)
ERASED_MEANWHILE: Final = {
    "table": "privacy_requests",
    "action": "erase",
    "rows": 1,
    "reason": "The person was erased while their data was read: the export was not kept.",
    "reason_es": "La persona se borró mientras se leían sus datos: la exportación no se guarda.",
}
"""All that the certificate of such an export says."""

CUSTOMERS: Final = "identity.customer_certificates"
FILE_CLOSED: Final = (
    "Ficha cerrada, sin plazo legal · The file is closed and no period of law runs."
)
WITH_FILE: Final = "Names and texts went; ids, states, days and amounts stay."
WITH_FILE_ES: Final = "Nombres y textos se van; quedan identificadores, estados, fechas e importes."
MERGED: Final = "Erased with file {into}, of which it was a part."
MERGED_ES: Final = "Se borró con la ficha {into}, de la que formaba parte."

Kind = Literal["export", "erase"]
State = Literal["under_way", "done", "failed"]


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it stands; `certificate` once it is done."""

    id: UUID
    kind: Kind
    person_kind: Person
    person: UUID
    reason: str
    requested_by: UUID | None
    """None: a key, or nobody by name."""
    requested_at: datetime
    done_at: datetime | None
    certificate: list[dict[str, Any]] | None
    given_up: bool = False

    @property
    def state(self) -> State:
        if self.done_at is not None:
            return "done"
        return "failed" if self.given_up else "under_way"

    @property
    def detail(self) -> str | None:
        """A sentence about a request that failed."""
        return FAILED.format(attempts=ATTEMPTS) if self.state == "failed" else None


class PrivacyService:
    def __init__(self, work: WorkFactory, jobs: JobQueue, vault: Vault) -> None:
        self._work = work
        self._jobs = jobs
        self._vault = vault
        self._rules: tuple[TableRule, ...] = ()

    def bind(self, rules: Sequence[TableRule]) -> None:
        """The rules of all rooms; those that others still look things up by run last."""
        known = by_table(rules).values()
        self._rules = tuple(sorted(known, key=lambda rule: (rule.last, rule.table)))

    async def ask(
        self, principal: Principal, kind: Kind, person_kind: Person, person: UUID, reason: str
    ) -> Request:
        """Queue a request.

        Raises NotFound for nobody and for whom the asker's limits do not reach, Conflict for
        erasing the asker's own account and an administrator's, Forbidden for erasing somebody with
        more rights than the asker, or a customer, whose erasing the CRM sees to. What contacts and
        customers said is in all queues: whoever is limited to some may not ask for it.
        """
        assert principal.user_id is not None
        if kind == "erase" and person_kind == "customer":
            raise Forbidden("A customer is erased in the CRM, when no legal duty keeps the data.")
        request_id = new_id()
        async with self._work.begin("privacy.ask", principal.actor) as work:
            found = await store.find_person(work.conn, person_kind, person)
            if found is None:
                raise NotFound
            if person_kind == "user":
                await self._check_user(work, principal, kind, person, found)
            else:
                _unlimited(principal)
            await store.add(
                work.conn,
                request_id,
                kind,
                person_kind,
                person,
                reason,
                principal.user_id,
                work.now,
            )
            payload = {"id": str(request_id)}
            await self._jobs.enqueue(
                work.conn, JOB, payload, dedupe_key=store.JOB_KEY + str(request_id)
            )
            work.audit(f"privacy.{kind}", person_kind, person, after={"reason": reason})
            return await _found(work.conn, request_id)

    async def _check_user(
        self, work: Work, principal: Principal, kind: Kind, person: UUID, role: str
    ) -> None:
        if kind == "export":
            if not await people_store.users(work.conn, user_id=person, seen_by=principal):
                raise NotFound
        elif person == principal.user_id:
            raise Conflict("Nobody erases their own account.", reason="oneself")
        elif role == "admin":
            raise Conflict(
                "An administrator is not erased: change the role first.", reason="administrator"
            )
        elif await changeable(work.conn, principal, person) is None:
            raise NotFound

    async def requests(
        self, principal: Principal, before: UUID | None, limit: int
    ) -> list[Request]:
        """The newest first; whoever is limited to queues or teams sees their own."""
        async with self._work.reading("privacy.requests") as conn:
            rows = await store.requests(conn, None, before, limit, _only(principal))
        return [Request(**row) for row in rows]

    async def request(self, principal: Principal, request_id: UUID) -> Request:
        async with self._work.reading("privacy.request") as conn:
            rows = await store.requests(conn, request_id, None, 1, _only(principal))
        if not rows:
            raise NotFound
        return Request(**rows[0])

    async def export(self, principal: Principal, request_id: UUID) -> bytes:
        """The exported data as JSON; NotFound when there is none (any more)."""
        await self.request(principal, request_id)
        async with self._work.reading("privacy.export") as conn:
            sealed = await store.export_of(conn, request_id)
        if sealed is None:
            raise NotFound
        return self._vault.open(sealed, f"privacy_requests.export/{request_id}")

    def job(self) -> Job:
        return Job(JOB, self._do, attempts=ATTEMPTS)

    async def _do(self, payload: Mapping[str, Any]) -> None:
        request_id = UUID(payload["id"])
        async with self._work.reading("privacy.do", snapshot=True) as conn:
            request = await _found(conn, request_id)
            certificate: list[dict[str, Any]] = []
            told = None
            erasures = await store.erasures(conn, request.person)
            if request.kind == "export" and request.done_at is None:
                await db.lengthen(conn, 0)
                certificate, told = await self._exported(conn, request)
        sealed = None
        if told is not None:
            data = orjson.dumps(told, default=str)
            sealed = self._vault.seal(data, f"privacy_requests.export/{request_id}")
        async with self._work.begin("privacy.do", "system") as work:
            await store.lock(work.conn, request_id)
            request = await _found(work.conn, request_id)
            if request.done_at is not None:
                return
            if request.kind == "erase":
                await db.lengthen(work.conn, ERASE_SECONDS)
                certificate = await self._erased(work, request)
            elif await store.erasures(work.conn, request.person) != erasures:
                certificate, sealed = [dict(ERASED_MEANWHILE)], None
            await store.finish(work.conn, request_id, certificate, sealed, work.now)

    async def _exported(
        self, conn: db.Connection, request: Request
    ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        told: dict[str, Any] = {}
        certificate: list[dict[str, Any]] = []
        for rule in self._rules:
            statement = rule.export.get(request.person_kind)
            if statement is None:
                continue
            rows = await store.run_export(conn, statement, request.person)
            told[rule.table] = rows
            certificate.append(
                _kept(rule, rows)
                if rule.action == "keep"
                else {"table": rule.table, "rows": len(rows)}
            )
        return certificate, told

    async def _erased(self, work: Work, request: Request) -> list[dict[str, Any]]:
        if request.person_kind == "user":
            await end_sessions(work, request.person, "disabled")
            work.emit(UserChanged(user_id=request.person))
        work.emit(PersonErased(person=request.person))
        # Before its key goes, and about an id alone.
        work.audit("privacy.erased", request.person_kind, request.person)
        certificate = []
        for rule in self._rules:
            statement = rule.erase.get(request.person_kind)
            kept = rule.export.get(request.person_kind) if rule.action == "keep" else None
            if statement is not None:
                rows = await store.run_erase(work.conn, statement, request.person)
                certificate.append(
                    {
                        "table": rule.table,
                        "action": "erase",
                        "rows": rows,
                        "reason": rule.reason,
                        "reason_es": rule.reason_es,
                    }
                )
            elif kept is not None:
                found = await store.run_export(work.conn, kept, request.person)
                certificate.append(_kept(rule, found))
        return certificate

    def certificates(self) -> Listener:
        """A customer was erased by the CRM: their exports go too, and a certificate stays."""

        async def certify(work: Work, recorded: Recorded) -> None:
            event = recorded.event
            assert isinstance(event, CustomerErased)
            asked = await store.forget_customer(work.conn, event.customer_id)
            lines = _file_lines(event) + await self._held(work.conn, event.customer_id, event.rows)
            for person in {event.customer_id, *asked}:
                await store.certify(
                    work.conn,
                    new_id(),
                    "customer" if person == event.customer_id else "contact",
                    person,
                    FILE_CLOSED,
                    event.closed_by,
                    recorded.occurred_at,
                    lines,
                )

        return Listener(CUSTOMERS, (CustomerErased,), certify)

    async def _held(
        self, conn: db.Connection, customer_id: UUID, gone: Mapping[str, int]
    ) -> list[dict[str, Any]]:
        """What others' rules keep of the customer."""
        lines = []
        for rule in self._rules:
            statement = rule.export.get("customer") if rule.action == "keep" else None
            if statement is not None and gone and rule.table not in gone:
                lines.append(_kept(rule, await store.run_export(conn, statement, customer_id)))
        return lines

    async def certificate(self, principal: Principal, customer_id: UUID) -> Request:
        """Of an erased customer; NotFound while there is none. Forbidden as `erased`."""
        _unlimited(principal)
        async with self._work.reading("privacy.certificate") as conn:
            found = await store.certificate_of(conn, customer_id)
            if found is None:
                raise NotFound
            return await _found(conn, found)

    async def erased(
        self, principal: Principal, until: datetime | None, before: UUID | None, limit: int
    ) -> list[Request]:
        """The certificates of erased customers, the newest first; `until`: those of before.
        Forbidden to whoever sees some teams or queues only: an erased file is of none."""
        _unlimited(principal)
        async with self._work.reading("privacy.erased") as conn:
            rows = await store.certificates(conn, until, before, limit)
        return [Request(**row) for row in rows]

    async def sweep(self) -> None:
        """Forget exports after a week."""
        async with self._work.begin("privacy.sweep", "system") as work:
            await store.forget_exports(work.conn, work.now - EXPORT_KEPT)


async def _found(conn: db.Connection, request_id: UUID) -> Request:
    rows = await store.requests(conn, request_id, None, 1)
    if not rows:
        raise NotFound
    return Request(**rows[0])


def _file_lines(event: CustomerErased) -> list[dict[str, Any]]:
    """A certificate's lines of what the CRM emptied or deleted."""
    why, why_es = WITH_FILE, WITH_FILE_ES
    if event.into is not None:
        why, why_es = MERGED.format(into=event.into), MERGED_ES.format(into=event.into)
    return [
        {"table": table, "action": "erase", "rows": rows, "reason": why, "reason_es": why_es}
        for table, rows in sorted((event.rows or {"customers": 1}).items())
    ]


def _kept(rule: TableRule, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A certificate's line of what stays; `holds`: the rows that somebody has put on hold."""
    holds = sum(bool(row.get("legal_hold")) for row in rows)
    return {
        "table": rule.table,
        "action": rule.action,
        "rows": len(rows),
        "reason": rule.reason,
        "reason_es": rule.reason_es,
        "holds": holds,
    }


def _unlimited(principal: Principal) -> None:
    if principal.is_limited:
        raise Forbidden("Your own rights are limited to some queues or teams.")


def _only(principal: Principal) -> UUID | None:
    """Whose requests the principal sees; None: everybody's."""
    return principal.user_id if principal.is_limited else None
