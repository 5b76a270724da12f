"""Letters to customers by mail: written once for each cause, sent by a job after the commit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.numbers import format_currency

from contactcenter.core.access import Principal
from contactcenter.core.errors import NotFound
from contactcenter.core.ids import new_id
from contactcenter.core.jobs import JobQueue
from contactcenter.core.mail import Letter, Mail
from contactcenter.core.work import Work, WorkFactory
from crm.access import Matter, eyes_of, only_own
from crm.customers import files as customers
from crm.letters import store
from crm.letters.schemas import LetterOut, Letters
from crm.masks import shown
from crm.schemas import picked
from db import Record

SEND: Final = "letters.send"
QUOTE_TEXTS: Final = {
    "es": (
        "Su presupuesto {number}",
        (
            "Hola, {name}:\n\nLe enviamos el presupuesto {number}. Prima total: {total}. Es válido "
            "hasta el {until}.\n\n{enclosed}Responda a este correo o llámenos con cualquier duda.\n"
        ),
    ),
    "ca": (
        "El seu pressupost {number}",
        (
            "Hola, {name}:\n\nLi enviem el pressupost {number}. Prima total: {total}. És vàlid "
            "fins al {until}.\n\n{enclosed}Respongui a aquest correu o truqui'ns per a qualsevol "
            "dubte.\n"
        ),
    ),
    "en": (
        "Your quote {number}",
        (
            "Hello {name},\n\nHere is quote {number}. Total premium: {total}. It is valid until "
            "{until}.\n\n{enclosed}Reply to this mail or call us with any question.\n"
        ),
    ),
}
A_YEAR: Final = {"es": "{total} al año", "ca": "{total} l'any", "en": "{total} a year"}
ENCLOSED: Final = {
    "es": "La información previa que pide la ley:",
    "ca": "La informació prèvia que demana la llei:",
    "en": "The information that the law asks us to give you:",
}
ON_REQUEST: Final = {
    "es": "se lo enviamos si nos lo pide",
    "ca": "l'hi enviem si ens ho demana",
    "en": "we send it to you when you ask for it",
}
DOCUMENTS: Final = {
    "needs": {
        "es": "Sus exigencias y necesidades",
        "ca": "Les seves exigències i necessitats",
        "en": "Your demands and needs",
    },
    "ipid": {
        "es": "Documento de información del producto",
        "ca": "Document d'informació del producte",
        "en": "Product information document",
    },
    "broker_information": {
        "es": "Quiénes somos y cómo cobramos",
        "ca": "Qui som i com cobrem",
        "en": "Who we are and how we are paid",
    },
    "criteria": {
        "es": "Por qué esta oferta",
        "ca": "Per què aquesta oferta",
        "en": "Why this offer",
    },
}


class LetterService:
    def __init__(self, work: WorkFactory, jobs: JobQueue, mail: Mail, zone: ZoneInfo) -> None:
        self._work = work
        self._jobs = jobs
        self._mail = mail
        self._zone = zone

    async def write(
        self,
        work: Work,
        customer_id: UUID,
        *,
        kind: str,
        subject: str,
        body: str,
        cause: str,
        quote_id: UUID | None = None,
        draft: bool = False,
    ) -> UUID | None:
        """Write a letter, to be sent unless it is a draft. One for a customer without an address
        is kept as unaddressed. None: the same cause has written one before."""
        letter_id = new_id()
        address = await store.email_of(work.conn, customer_id)
        state = "draft" if draft else "queued" if address else "unaddressed"
        if not await store.insert(
            work.conn, letter_id, customer_id, quote_id, kind, subject, body, state, cause, work.now
        ):
            return None
        if state == "queued":
            await self._queue(work, letter_id)
        return letter_id

    async def draft_quote(self, work: Work, quote_id: UUID) -> None:
        """Prepare the letter that goes with a quote; nothing leaves."""
        facts = await self._quote_facts(work, quote_id)
        if facts is not None:
            subject, body = self._quote_text(facts)
            await self.write(
                work, facts["customer_id"], kind="quote", subject=subject, body=body,
                cause=f"quote:{quote_id}", quote_id=quote_id, draft=True,
            )  # fmt: skip

    async def send_quote(self, work: Work, quote_id: UUID) -> None:
        """Send it, once, with what the quote says now; without an address it waits for one."""
        facts = await self._quote_facts(work, quote_id)
        if facts is None:
            return
        await self.draft_quote(work, quote_id)
        cause = f"quote:{quote_id}"
        if await store.email_of(work.conn, facts["customer_id"]) is None:
            await store.lack_address(work.conn, cause)
            return
        subject, body = self._quote_text(facts)
        letter_id = await store.queue_draft(work.conn, cause, subject, body)
        if letter_id is not None:
            await self._queue(work, letter_id)

    async def addressed(self, work: Work, customer_id: UUID) -> None:
        """The customer's address is new: send what waited for one."""
        if await store.email_of(work.conn, customer_id) is not None:
            for letter_id in await store.queue_waiting(work.conn, customer_id, work.now):
                await self._queue(work, letter_id)

    async def send(self, payload: dict[str, Any]) -> None:
        """The job. A letter that was handed over and not noted is handed over again under the
        same id, which mail servers and readers recognise."""
        letter_id = UUID(payload["letter_id"])
        async with self._work.begin("letters.to_send", "system") as work:
            row = await store.to_send(work.conn, letter_id)
            if row is not None and row["email"] is None:
                await store.set_state(work.conn, letter_id, "unaddressed", work.now)
        if row is None or row["email"] is None:
            return
        await self._mail.send(Letter(str(letter_id), row["email"], row["subject"], row["body"]))
        async with self._work.begin("letters.sent", "system") as work:
            await store.set_state(work.conn, letter_id, "sent", work.now, row["email"])

    async def listed(self, principal: Principal, customer_id: UUID) -> Letters:
        async with self._work.reading("letters.list") as conn:
            rows = await store.letters(conn, customer_id, only_own(principal))
            if rows is None:
                raise NotFound
            seen_by = await eyes_of(
                conn, principal, [Matter(customer_id, row["line"]) for row in rows]
            )
        return Letters(
            items=[
                LetterOut(**shown(picked(LetterOut, row) | {"masked": False}, eyes))
                for row, eyes in zip(rows, seen_by, strict=True)
            ]
        )

    async def _quote_facts(self, work: Work, quote_id: UUID) -> Record | None:
        """With the customer's file held, whosever it is by now."""

        async def look() -> Record:
            facts = await store.quote_facts(work.conn, quote_id)
            if facts is None:
                raise NotFound
            return facts

        try:
            return await customers.hold_owner(work.conn, look)
        except NotFound:
            return None

    async def _queue(self, work: Work, letter_id: UUID) -> None:
        await self._jobs.enqueue(work.conn, SEND, {"letter_id": str(letter_id)})

    def _quote_text(self, facts: Record) -> tuple[str, str]:
        locale = facts["locale"]
        subject, body = QUOTE_TEXTS[locale]
        total = format_currency(facts["total_premium"], "EUR", locale=locale)
        if facts["frequency"] != "single":
            total = A_YEAR[locale].format(total=total)
        values = {
            "number": facts["quote_number"],
            "name": facts["name"],
            "total": total,
            "enclosed": _enclosed(facts["mediation"], locale),
            "until": format_date(
                facts["valid_until"].astimezone(self._zone), "long", locale=locale
            ),
        }
        return subject.format(**values), body.format(**values)


def _enclosed(mediation: Mapping[str, str], locale: str) -> str:
    """What the quote holds of the documents of a mediation: texts and addresses as they are. A file
    of ours cannot be opened from a mail: it is named."""
    parts = []
    for name, titles in DOCUMENTS.items():
        said = mediation.get(name, "").strip()
        if said:
            kept = said.startswith("document:")
            parts.append(f"{titles[locale]}: {ON_REQUEST[locale] if kept else said}\n\n")
    return f"{ENCLOSED[locale]}\n\n{''.join(parts)}" if parts else ""
