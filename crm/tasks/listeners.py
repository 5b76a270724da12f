"""Tasks that facts make: a renewal to prepare, a new customer to welcome, a late receipt."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from contactcenter.core.durable import Listener
from contactcenter.core.eventlog import Recorded
from contactcenter.core.work import Work
from contactcenter.events.customers import CustomerCreated
from contactcenter.events.policies import PolicyExpiringSoon
from crm.customers import files as customers
from crm.tasks.service import create

TEXTS = {
    "renewal": "Preparar la renovación (último día nuestro: {our_last_day})",
    "welcome": "Dar la bienvenida y revisar sus seguros",
}


def listeners(zone: ZoneInfo) -> tuple[Listener, ...]:
    async def renewal(work: Work, recorded: Recorded) -> None:
        """One task for each policy and term, at the first of its moments that comes."""
        event = recorded.event
        assert isinstance(event, PolicyExpiringSoon)
        due = datetime.combine(date.fromisoformat(event.our_last_day), time(9), zone)
        await _task(
            work,
            event.customer_id,
            zone,
            cause=f"renewal:{event.policy_id}:{event.term_end}",
            title=TEXTS["renewal"].format(our_last_day=event.our_last_day),
            task_type="renewal",
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
            title=TEXTS["welcome"],
            task_type="welcome",
            due_date=work.now + timedelta(days=2),
        )

    return (
        Listener("crm.renewal_tasks", (PolicyExpiringSoon,), renewal),
        Listener("crm.welcome_tasks", (CustomerCreated,), welcome),
    )


async def _task(
    work: Work, customer_id: UUID, zone: ZoneInfo, *, cause: str, **fields: Any
) -> None:
    row = await customers.living(work.conn, customer_id)
    if row is None:  # merged or closed since
        return
    manager = row["portfolio_manager_id"]
    values = {"customer_id": customer_id, "assigned_agent": manager, **fields}
    await create(work, values, zone, cause=cause)
