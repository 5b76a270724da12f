"""SDP offers of browsers, one at a time for each leg."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from channels.voice.media.client import MediaClient
from contactcenter.core.errors import Conflict


class Offers:
    def __init__(self, media: MediaClient) -> None:
        self._media = media
        self._pending: set[UUID] = set()

    async def answer(self, leg_id: UUID, sdp: str, ice_servers: Sequence[Mapping[str, Any]]) -> str:
        """The media's answer. Conflict while another offer of the leg is being answered,
        Invalid or Unsupported for one that cannot be used."""
        if leg_id in self._pending:
            raise Conflict("An offer is being answered already.", reason="offer_pending")
        self._pending.add(leg_id)
        try:
            return await self._media.offer(leg_id, sdp, ice_servers)
        finally:
            self._pending.discard(leg_id)
