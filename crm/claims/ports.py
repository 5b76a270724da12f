"""What claims ask of other rooms."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol
from uuid import UUID

from db import Connection


class FraudScorer(Protocol):
    """The room ai: how unusual a claim is. A person decides, never the score."""

    async def score(self, conn: Connection, claim_id: UUID) -> Decimal | None:
        """From 0 to 1; None: nothing can be said of it."""
