"""Events of these tests' own."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from contactcenter.core.event import Catalogue, Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelSent(Event):
    name: ClassVar[str] = "parcel.sent"
    subject_field: ClassVar[str] = "parcel"

    parcel: str
    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelLost(Event):
    name: ClassVar[str] = "parcel.lost"
    subject_field: ClassVar[str] = "parcel_id"

    parcel_id: UUID
    at: datetime
    via: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)
    found: datetime | None = None


CATALOGUE = Catalogue([ParcelSent, ParcelLost])
