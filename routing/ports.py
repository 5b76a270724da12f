"""What routing asks of other rooms; `contactcenter.app` ties it to who answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from contactcenter.core.work import Work
from db import Connection


class Advice(Protocol):
    """What is known of a contact, as routing understands it."""

    @property
    def queue(self) -> str: ...

    @property
    def rule(self) -> str:
        """Which decided."""

    @property
    def band(self) -> int: ...

    @property
    def base(self) -> int | None:
        """None: the queue's own."""

    @property
    def preferred(self) -> Sequence[UUID]: ...

    @property
    def preferred_s(self) -> int: ...

    @property
    def skill(self) -> str | None:
        """Who has it at `skill_level` is asked alone for `skill_s` seconds."""

    @property
    def skill_level(self) -> int: ...

    @property
    def skill_s(self) -> int: ...

    @property
    def then(self) -> str:
        """Who comes after the preferred: all, or the queue's supervisors first."""

    @property
    def overflow(self) -> Sequence[Mapping[str, int]]:
        """After `overflow_s` seconds also who has all skills of one of these."""

    @property
    def overflow_s(self) -> int: ...

    @property
    def greeting(self) -> str: ...

    @property
    def banner(self) -> str: ...

    @property
    def fifo(self) -> bool:
        """Nobody is preferred, whoever else would be."""

    @property
    def permission(self) -> str | None:
        """A skill: nobody without it is asked."""


class Adviser(Protocol):
    """The CRM: how a contact is to be routed, read in the enqueuing transaction."""

    async def advise(
        self,
        conn: Connection,
        contact_id: UUID,
        interaction_id: UUID,
        queue: str,
        *,
        now: datetime,
        said: Mapping[str, Any],
    ) -> Advice | None:
        """`said`: what the contact chose or proved. None: nothing is known of them."""
        ...

    async def is_back(
        self, conn: Connection, contact_id: UUID, interaction_id: UUID, left: UUID
    ) -> bool:
        """Whether whoever comes in is the one of the contact's who `left` another interaction's
        place, as far as anybody can say: a shared number alone does not."""
        ...

    async def follow(self, work: Work, contact_id: UUID, interaction_id: UUID, advice: Any) -> None:
        """Do what an advice of this adviser asks for besides, in the enqueuing transaction."""
