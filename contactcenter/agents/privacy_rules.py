"""What agents' tables hold of a person (core.privacy)."""

from __future__ import annotations

from typing import Final

from contactcenter.core.privacy import TableRule, nothing_personal

EXPORT_AGENT = "SELECT name, status, status_since, created_at FROM agents WHERE user_id = $1"
ERASE_AGENT = """
UPDATE agents SET name = '—', sort_key = '', status = 'offline', status_reason = NULL
WHERE user_id = $1
"""

RULES: Final = (
    TableRule(
        "agents",
        "erase",
        "The name at the desk; the work done stays, without it.",
        {"user": EXPORT_AGENT},
        {"user": ERASE_AGENT},
        reason_es="El nombre en el puesto; el trabajo hecho queda, sin él.",
    ),
    *nothing_personal("Ids and levels.", "agent_skills"),
)
