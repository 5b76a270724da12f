"""What the system makes of an agent: will, presence and load folded into one status.

Will and status are never one column: an agent who wants to work (`available`) may be on a
call, cooling down after a miss, or silent. `Status` names the first thing that keeps offers
away, in the order below; `FREE` nothing does, though a given item may still find no room
(`capacity`).
"""

from __future__ import annotations

from enum import IntEnum

from routing.core.model import (
    AgentConfig,
    AgentRow,
    ParkReason,
    Reservation,
    Segment,
    SegmentState,
    Will,
)


class Status(IntEnum):
    OFFLINE = 0
    AWAY = 1
    ABSENT = 2
    """Signed in, but the desk has been silent."""
    LEAVING = 3
    """Another status takes effect when the open work has ended."""
    ONE_DONE = 4
    """On demand, and the one item is there."""
    COOLDOWN = 5
    WRAPPING = 6
    OVER_BUDGET = 7
    OFFERED = 8
    """Something rings; only an item that interrupts it may ring instead."""
    FREE = 9

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {status: status.name.lower() for status in Status}


class Agent:
    """An agent in the engine's memory: configuration, row, pending offers, open segments.

    `status`, `load`, `open_items` and `rooms` are derived; `refresh` and the matcher keep them.
    """

    __slots__ = (
        "config",
        "id",
        "load",
        "offers",
        "open_items",
        "queues",
        "rooms",
        "row",
        "segments",
        "status",
    )

    def __init__(self, config: AgentConfig, row: AgentRow) -> None:
        self.id = config.id
        self.config = config
        self.row = row
        self.offers: dict[str, Reservation] = {}
        self.segments: dict[str, Segment] = {}
        self.queues: tuple[str, ...] = ()
        """Queues that this agent is a member of."""
        self.status = Status.OFFLINE
        self.load = 0
        self.open_items = 0
        self.rooms = 0
        """Bit k: there is room for the matcher's kind k."""

    def refresh(self, now: int) -> None:
        """Derive status and load from will, presence, offers and segments."""
        load = items = 0
        for offer in self.offers.values():
            load += offer.cost
            items += 1
        for segment in self.segments.values():
            load += segment.cost
            items += segment.cost > 0
        self.load = load
        self.open_items = items
        self.status = self._status(now)

    def _status(self, now: int) -> Status:
        row = self.row
        if row.will is Will.OFFLINE:
            return Status.OFFLINE
        if row.will is Will.AWAY:
            return Status.AWAY
        if not row.present:
            return Status.ABSENT
        if row.after_this is not None:
            return Status.LEAVING
        if row.will is Will.ON_DEMAND and self.working():
            return Status.ONE_DONE
        if now < row.cooldown_until:
            return Status.COOLDOWN
        for segment in self.segments.values():
            if segment.wrap_blocks and segment.state is SegmentState.WRAPPING:
                return Status.WRAPPING
        if self.load > self.config.budget:
            return Status.OVER_BUDGET
        if self.offers:
            return Status.OFFERED
        return Status.FREE

    def working(self) -> bool:
        """Whether anything is ringing or open that the agent has not set aside."""
        return bool(self.offers) or any(
            segment.state is not SegmentState.PARKED
            or segment.park_reason is ParkReason.INTERRUPTED
            for segment in self.segments.values()
        )

    @property
    def counts_as_staff(self) -> bool:
        """Available and present, busy or not: somebody the waiting may hope for."""
        return self.row.present and self.row.will in (Will.AVAILABLE, Will.ON_DEMAND)

    @property
    def stays(self) -> bool:
        """Staff who is not about to leave: neither after this, nor on demand with the one item
        at hand."""
        row = self.row
        leaves = row.after_this is not None or (row.will is Will.ON_DEMAND and self.working())
        return self.counts_as_staff and not leaves
