"""What lies behind a route's id, and so how far somebody's rights reach.

tests/integration/app/test_reach.py asks for one's own and another's of each that is limited;
docs/access.md shows it.
"""

from __future__ import annotations

from typing import Final

LIMITED: Final = frozenset({"agent", "interaction", "conversation", "contact", "call", "recording"})
"""Things that belong to a team or lie in a queue: beyond one's own they do not exist."""

_BEGINNINGS: Final = (
    ("agents/", "agent"),
    ("interactions/", "interaction"),
    ("chat/conversations/", "visitor"),
    ("conversations/", "conversation"),
    ("contacts/", "contact"),
    ("calls/", "call"),
    ("recordings/", "recording"),
    ("queues/", "queue"),
    ("teams/", "team"),
    ("users/", "user"),
    ("privacy/requests/", "user"),
    ("privacy/customers/", "centre"),
    ("auth/", "own account"),
    ("customers/", "portfolio"),
    ("customer-merges/", "portfolio"),
    ("households/", "portfolio"),
    ("policies/", "portfolio"),
    ("quotes/", "portfolio"),
    ("claims/", "portfolio"),
    ("receipts/", "portfolio"),
    ("tasks/", "portfolio"),  # besides, whose own they are; nobody's is taken and done by anybody
    ("workflows/", "centre"),
    ("workflow-executions/", "centre"),
    ("roles/", "centre"),
    ("calendars/", "centre"),
    ("dispositions/", "centre"),
    ("skills/", "centre"),
    ("replies/", "centre"),
    ("recording-rules/", "centre"),
    ("catastrophes/", "centre"),
    ("professionals/", "centre"),
    ("imports/", "centre"),
    ("exports/", "centre"),
)


def reach_of(method: str, path: str) -> str:
    """A kind of thing: of LIMITED; `queue` (read by everybody, written within one's own), `team`
    and `user` (within one's limits), `portfolio` (the CRM's rule), `visitor` (the token's one
    conversation), `own account`, `centre` (everybody's alike); "" for what names no thing."""
    if "{" not in path:
        return ""
    if f"{method} {path}" == "POST /api/v1/chat/conversations/{id}/assign":
        return "conversation"
    rest = path.removeprefix("/api/v1/")
    return next((kind for start, kind in _BEGINNINGS if rest.startswith(start)), "")
