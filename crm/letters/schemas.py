"""Letters at the border."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from crm.schemas import Shown

LetterState = Literal["draft", "queued", "sent", "unaddressed"]


class LetterOut(Shown):
    """`unaddressed` waits for the customer's mail address."""

    letter_id: UUID
    kind: str
    subject: str
    body: str
    state: LetterState
    quote_id: UUID | None
    created_at: datetime
    sent_at: datetime | None
    address: str | None
    """Where it went, whatever the customer's address is since."""
    masked: bool
    """A matter of health is hidden: the identity gate is closed."""


class Letters(Shown):
    items: list[LetterOut]
