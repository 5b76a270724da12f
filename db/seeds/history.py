"""What lies behind the demo broker's files: contacts of the last months, tasks, workflows.

Ids come from names and days are counted from the first seeding, as in the office's files. No
contact is younger than ten days: it would be a repeat of whoever calls in the demo.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

from db.pool import Connection

Identify = Callable[[str, str], UUID]

WORKFLOWS: Final[tuple[dict[str, Any], ...]] = (
    {
        "name": "Siniestro comunicado",
        "description": "Quien cierra un contacto con «Siniestro nuevo» lo pone en marcha.",
        "trigger_type": "event",
        "trigger_config": {
            "event": "interaction.closed",
            "if": '"claim_reported" in interaction.outcomes',
        },
        "steps": [
            {"type": "create_task", "name": "parte", "config": {
                "title": "Revisar el parte y enviarlo a la aseguradora", "task_type": "claim",
                "priority": "high", "due_in_seconds": 14_400}},
            {"type": "send_email", "if": "customer.has_email", "config": {
                "subject": "Hemos recibido su parte",
                "body": "Hola, {{ customer.greeting_name }}:\n\nHemos recibido su parte. Le "
                        "informaremos en cuanto la aseguradora lo confirme.\n"}},
            {"type": "wait_duration", "config": {"seconds": 172_800}},
            {"type": "create_task", "name": "acuse", "config": {
                "title": "Comprobar el acuse de recibo de la aseguradora", "task_type": "claim",
                "due_in_seconds": 86_400}},
        ],
    },
    {
        "name": "Renovación a la vista",
        "description": "Marca la ficha 45 días antes del vencimiento.",
        "trigger_type": "event",
        "trigger_config": {"event": "policy.expiring_soon", "if": 'trigger.moment == "d45"'},
        "steps": [
            {"type": "update_record", "config": {"field": "add_tag", "value": "renovación"}},
        ],
    },
    {
        "name": "Queja recibida",
        "description": "Acusa recibo de una queja.",
        "trigger_type": "event",
        "trigger_config": {"event": "task.created", "if": 'trigger.task_type == "complaint"'},
        "steps": [
            {"type": "condition_check", "config": {"if": "customer.has_email", "else": "end"}},
            {"type": "send_email", "config": {
                "subject": "Hemos recibido su queja",
                "body": "Hola, {{ customer.greeting_name }}:\n\nHemos recibido su queja y le "
                        "responderemos en el plazo que marca la ley.\n"}},
        ],
    },
    {
        "name": "Revisión de seguros",
        "description": "A mano: una llamada de revisión y, a la semana, otra.",
        "trigger_type": "manual",
        "trigger_config": {},
        "steps": [
            {"type": "create_task", "name": "llamada", "config": {
                "title": "Revisar los seguros con {{ customer.greeting_name }}",
                "due_in_seconds": 259_200}},
            {"type": "wait_duration", "config": {"seconds": 604_800}},
            {"type": "create_task", "config": {"title": "Segunda llamada de revisión"}},
        ],
    },
)  # fmt: skip
TASKS: Final = (
    ("Llamar para confirmar datos bancarios", "general", "medium"),
    ("Enviar condicionado de la póliza", "documents", "low"),
    ("Preparar comparativa de renovación", "renewal", "high"),
    ("Reclamar parte firmado al cliente", "claim", "high"),
    ("Pedir fotografías del daño", "claim", "medium"),
    ("Revisar capitales asegurados", "general", "low"),
    ("Gestionar devolución de recibo", "receipt", "urgent"),
    ("Contestar queja por demora", "complaint", "high"),
)
TASK_STATES: Final = ("pending", "in_progress", "completed", "pending", "cancelled")
OUTCOMES: Final = (
    "information_given", "claim_updated", "documents_requested", "referred_to_insurer",
    "appraiser_visit", "other",
)  # fmt: skip
SUBJECTS: Final = (
    "Consulta de coberturas", "Estado del siniestro", "Documentación", "Recibo devuelto",
    "Cita con el perito", "Cambio de datos",
)  # fmt: skip
CHANNELS: Final = ("voice", "voice", "email", "whatsapp", "voice", "chat", "sms", "voice")
QUEUES: Final = ("SA", "SH", "PR", "CO", "SV")
TASK_COUNT: Final = 40
INTERACTION_COUNT: Final = 120

SEEDED = "SELECT EXISTS (SELECT FROM workflows WHERE id = $1)"
CUSTOMERS = """
SELECT c.id, c.first_name, c.last_name, c.company_name, c.sort_key, c.locale, c.mobile,
       k.id AS contact_id
FROM customers c LEFT JOIN contacts k ON k.customer_id = c.id
ORDER BY c.id
"""
INSERT_WORKFLOW = """
INSERT INTO workflows (id, name, description, trigger_type, trigger_config, steps, created_at,
                       updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT DO NOTHING
"""
INSERT_VERSION = """
INSERT INTO workflow_versions (workflow_id, version, steps, created_at) VALUES ($1, 1, $2, $3)
ON CONFLICT DO NOTHING
"""
INSERT_TASK = """
INSERT INTO tasks (id, title, task_type, priority, assigned_agent, customer_id, status, due_date,
                   received_on, completed_at, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11) ON CONFLICT DO NOTHING
"""
INSERT_CONTACT = """
INSERT INTO contacts (id, customer_id, name, sort_key, locale, created_at)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING
"""
INSERT_ADDRESS = """
INSERT INTO contact_addresses (contact_id, kind, address) VALUES ($1, 'phone', $2)
ON CONFLICT DO NOTHING
"""
INSERT_CONVERSATION = """
INSERT INTO conversations (id, contact_id, channel, channel_address, subject, state, queue, locale,
                           last_message_at, created_at, closed_at)
VALUES ($1, $2, $3, 'seed', $4, 'closed', $5, $6, $7, $7, $8) ON CONFLICT DO NOTHING
"""
INSERT_INTERACTION = """
INSERT INTO interactions (id, conversation_id, contact_id, customer_id, channel, direction, state,
                          close_reason, customer_present, queue, agent_id, subject, outcome,
                          metadata,
                          created_at, queued_at, answered_at, ended_at, closed_at)
VALUES ($1, $2, $3, $4, $5, $6, 'closed', 'completed', false, $7, $8, $9, $10,
        '{"seeded": true}', $11, $11, $12, $13, $13)
ON CONFLICT DO NOTHING
"""


async def run(
    conn: Connection, identify: Identify, agents: Mapping[str, UUID], today: date
) -> None:
    """Write what lies behind the files on the day `today`; nothing, when it stands already."""
    if await conn.fetchval(SEEDED, identify("workflow", WORKFLOWS[0]["name"])):
        return
    now = datetime.combine(today, time(9), UTC)
    customers = await conn.fetch(CUSTOMERS)
    staff = [agents[name] for name in ("Lucía", "Carmen", "Pablo", "Jordi", "Sara", "Marcos")]
    await workflows(conn, identify, now)
    await _tasks(conn, identify, now, customers, staff)
    await _interactions(conn, identify, now, customers, staff)


async def workflows(conn: Connection, identify: Identify, now: datetime) -> None:
    """Those that a broker's office begins with."""
    for each in WORKFLOWS:
        workflow_id = identify("workflow", each["name"])
        await conn.execute(
            INSERT_WORKFLOW, workflow_id, each["name"], each["description"], each["trigger_type"],
            each["trigger_config"], each["steps"], now,
        )  # fmt: skip
        await conn.execute(INSERT_VERSION, workflow_id, each["steps"], now)


async def _tasks(
    conn: Connection,
    identify: Identify,
    now: datetime,
    customers: Sequence[Any],
    staff: Sequence[UUID],
) -> None:
    """Some overdue, some due today, some to come, some done."""
    for n in range(TASK_COUNT):
        title, kind, priority = TASKS[n % len(TASKS)]
        state = TASK_STATES[n % len(TASK_STATES)]
        made = now - timedelta(days=2 + n % 20, hours=n % 7)
        due = now + timedelta(days=n % 9 - 3, hours=n % 8)
        await conn.execute(
            INSERT_TASK, identify("task", str(n)), title, kind, priority, staff[n % len(staff)],
            customers[n * 3 % len(customers)]["id"], state, due,
            made.date() if kind == "complaint" else None,
            made + timedelta(days=1) if state == "completed" else None, made,
        )  # fmt: skip


async def _interactions(
    conn: Connection,
    identify: Identify,
    now: datetime,
    customers: Sequence[Any],
    staff: Sequence[UUID],
) -> None:
    dice = Random(20260102)
    for n in range(INTERACTION_COUNT):
        row = customers[n * 7 % len(customers)]
        name = row["company_name"] or f"{row['first_name']} {row['last_name']}"
        contact_id = row["contact_id"]
        began = now - timedelta(days=10 + n * 80 // INTERACTION_COUNT, minutes=dice.randrange(480))
        if contact_id is None:
            contact_id = identify("contact", name)
            await conn.execute(
                INSERT_CONTACT, contact_id, row["id"], name, row["sort_key"], row["locale"], began
            )
            await conn.execute(INSERT_ADDRESS, contact_id, row["mobile"])
        answered = began + timedelta(seconds=dice.randrange(5, 60))
        ended = answered + timedelta(seconds=dice.randrange(90, 700))
        channel, queue = CHANNELS[n % len(CHANNELS)], QUEUES[n % len(QUEUES)]
        conversation_id = identify("conversation", f"history {n}")
        await conn.execute(
            INSERT_CONVERSATION, conversation_id, contact_id, channel, SUBJECTS[n % len(SUBJECTS)],
            queue, row["locale"], began, ended,
        )  # fmt: skip
        await conn.execute(
            INSERT_INTERACTION, identify("interaction", f"history {n}"), conversation_id,
            contact_id, row["id"], channel, "outbound" if n % 9 == 4 else "inbound", queue,
            staff[n % len(staff)], SUBJECTS[n % len(SUBJECTS)], OUTCOMES[n % len(OUTCOMES)], began,
            answered, ended,
        )  # fmt: skip
