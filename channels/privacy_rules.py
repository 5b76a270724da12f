"""What the channels' tables hold of a person (core.privacy)."""

from __future__ import annotations

from typing import Final

from contactcenter.core.privacy import TableRule, nothing_personal

RECORDINGS: Final = """
SELECT r.created_at, r.seconds, r.state, r.retention, r.expires_at, r.legal_hold, r.hold_reason
FROM recordings r JOIN calls c ON c.id = r.call_id
JOIN interactions i ON i.id = c.interaction_id WHERE """
EXPORT_RECORDINGS = RECORDINGS + "i.contact_id = $1"
EXPORT_OF_CUSTOMER = RECORDINGS + "i.customer_id = $1"

RULES: Final = (
    *nothing_personal("Ids and times.", "chat_visitors", "softphones", "call_legs"),
    *nothing_personal("Ids, states and times.", "call_events", "recording_plays"),
    *nothing_personal(
        "Ids, states and times; while it lasts, a keyed hash of the address it came from.", "calls"
    ),
    *nothing_personal("Settings.", "recording_rules", "media_nodes"),
    *nothing_personal("Texts to write to anybody; a user's go with the agent.", "saved_replies"),
    TableRule(
        "recordings",
        "keep",
        "A recording has a retention of its own and may be under a legal hold; what is over goes "
        "by itself.",
        {"contact": EXPORT_RECORDINGS, "customer": EXPORT_OF_CUSTOMER},
        reason_es="Una grabación tiene su propio plazo y puede estar retenida por ley; lo vencido "
        "se va solo.",
    ),
)
