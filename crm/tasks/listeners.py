"""Tasks that facts make: a renewal to prepare, a new customer to welcome."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from babel.dates import format_date

from contactcenter.core.durable import Listener
from contactcenter.core.eventlog import Recorded
from contactcenter.core.work import Work
from contactcenter.events.customers import CustomerCreated
from contactcenter.events.policies import PolicyExpiringSoon
from crm.customers import files as customers
from crm.tasks.service import create, language_of

TEXTS: Final = {
    "es": {
        "renewal": "Preparar la renovación (último día nuestro: {our_last_day})",
        "welcome": "Dar la bienvenida y revisar sus seguros",
    },
    "en": {
        "renewal": "Prepare the renewal (our last day: {our_last_day})",
        "welcome": "Welcome them and review their insurance",
    },
}


def listeners(zone: ZoneInfo) -> tuple[Listener, ...]:
    async def renewal(work: Work, recorded: Recorded) -> None:
        """One task for each policy and term, at the first of its moments that comes."""
        event = recorded.event
        assert isinstance(event, PolicyExpiringSoon)
        due = datetime.combine(date.fromisoformat(event.our_last_day), time(9), zone)
        customer_id = event.customer_id
        if await customers.living(work.conn, customer_id, lock=True) is None:  # merged, perhaps
            customer_id = await customers.successor(work.conn, customer_id)
        await _task(
            work,
            customer_id,
            zone,
            cause=f"renewal:{event.policy_id}:{event.term_end}",
            task_type="renewal",
            our_last_day=date.fromisoformat(event.our_last_day),
            priority="urgent" if event.moment == "last_days" else "high",
            policy_id=event.policy_id,
            due_date=max(due.astimezone(UTC), work.now),
        )

    async def welcome(work: Work, recorded: Recorded) -> None:
        event = recorded.event
        assert isinstance(event, CustomerCreated)
        if recorded.origin == "import":
            return
        await _task(
            work,
            event.customer_id,
            zone,
            cause=f"welcome:{event.customer_id}",
            task_type="welcome",
            due_date=work.now + timedelta(days=2),
        )

    return (
        Listener("crm.renewal_tasks", (PolicyExpiringSoon,), renewal),
        Listener("crm.welcome_tasks", (CustomerCreated,), welcome),
    )


async def _task(
    work: Work,
    customer_id: UUID,
    zone: ZoneInfo,
    *,
    cause: str,
    task_type: str,
    our_last_day: date | None = None,
    **fields: Any,
) -> None:
    row = await customers.living(work.conn, customer_id, lock=True)
    if row is None:  # merged or closed since
        return
    manager = row["portfolio_manager_id"]
    language = await language_of(work.conn, manager, TEXTS)
    day = our_last_day and format_date(our_last_day, "long", locale=language)
    values = {
        "customer_id": customer_id,
        "assigned_agent": manager,
        "task_type": task_type,
        "title": TEXTS[language][task_type].format(our_last_day=day),
        **fields,
    }
    await create(work, values, zone, cause=cause)
