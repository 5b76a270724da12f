"""What routing's tables hold of a person (core.privacy)."""

from __future__ import annotations

from typing import Final

from contactcenter.core.privacy import TableRule, nothing_personal

EXPORT_SEGMENTS = """
SELECT s.channel, s.note, s.disposition, s.started_at, s.ended_at FROM segments s
JOIN interactions i ON i.id = s.interaction_id WHERE i.contact_id = $1
"""
ERASE_SEGMENTS = """
UPDATE segments s SET note = '' FROM interactions i
WHERE i.id = s.interaction_id AND i.contact_id = $1
"""

RULES: Final = (
    TableRule(
        "segments",
        "erase",
        "Agents' notes; times and dispositions stay for statistics.",
        {"contact": EXPORT_SEGMENTS},
        {"contact": ERASE_SEGMENTS},
        reason_es="Notas de los agentes; las horas y los resultados quedan para la estadística.",
    ),
    *nothing_personal("Settings.", "skills", "calendars", "queues", "dispositions"),
    *nothing_personal("Ids, states and times.", "agent_states", "queue_turns", "work_items"),
    *nothing_personal("Ids, states and the explanation in numbers.", "reservations"),
)
