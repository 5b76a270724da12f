"""What the hall asks of other rooms; `contactcenter.app` ties each to who answers."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol
from uuid import UUID

from contactcenter.core.access import Principal
from db import Connection


class Veil(Protocol):
    """Whoever knows what an interaction is about."""

    async def unread(
        self, conn: Connection, principal: Principal, interaction_ids: Collection[UUID]
    ) -> frozenset[UUID]:
        """Of these, those whose words are hidden from the principal: somebody's health is in
        them."""
        ...
