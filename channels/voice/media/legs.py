"""Legs and calls as this process holds them, and how requests about them are refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from channels.voice.media import ulaw
from channels.voice.media.conceal import Concealer
from channels.voice.media.jitter import JitterBuffer
from channels.voice.media.peer import Peer
from channels.voice.media.protocol import Code, Hear, LegStats, RecordingOrder, Report
from channels.voice.media.recording import Recording


class Refusal(Exception):  # noqa: N818 (an answer, not a fault)
    """A request that is answered by a code of the protocol; the text is one sentence."""

    code: Code = "invalid"


class NotFoundRefusal(Refusal):
    code: Code = "not_found"


class BusyRefusal(Refusal):
    code: Code = "busy"


class ConflictRefusal(Refusal):
    code: Code = "conflict"


class UnavailableRefusal(Refusal):
    code: Code = "unavailable"


class Reports(Protocol):
    """Where reports go."""

    def keep(self, report: Report) -> None:
        """Must reach web, even after a restart."""

    def tell(self, report: Report) -> None:
        """May be lost."""


@dataclass(slots=True)
class Measured:
    """A leg's line over its time in a call: sums over the intervals that were looked at. What is
    an average counts as much as packets came."""

    came: int = 0
    missing: int = 0
    sent: int = 0
    jitter_ms: float = 0.0
    mos: float = 0.0
    rtt_ms: float = 0.0
    timed: int = 0  # packets of the intervals with a known round trip

    def add(
        self, came: int, missing: int, *, jitter_ms: float, rtt_ms: float | None, mos: float
    ) -> None:
        """An interval in which so many packets were to come, and so many of them did not."""
        if came <= 0:
            return
        self.came += came
        self.missing += missing
        self.jitter_ms += came * jitter_ms
        self.mos += came * mos
        if rtt_ms is not None:
            self.timed += came
            self.rtt_ms += came * rtt_ms

    def stats(self) -> LegStats | None:
        """None: nothing came and nothing was sent."""
        if not (self.came or self.sent):
            return None
        return LegStats(
            packets_in=max(0, self.came - self.missing),
            packets_out=self.sent,
            lost=max(0, self.missing),
            jitter_ms=round(self.jitter_ms / self.came, 2) if self.came else 0.0,
            rtt_ms=round(self.rtt_ms / self.timed, 2) if self.timed else None,
            mos=round(self.mos / self.came, 2) if self.came else None,
        )


@dataclass(slots=True, eq=False)
class Leg:
    """One party's sound. Its transport may be replaced; its place in a call stays."""

    id: UUID
    peer: Peer | None = None
    coming: Peer | None = None  # negotiated, not connected yet
    negotiating: bool = False
    call: Call | None = None
    # In: who gets its payloads at once, and the buffer that the mixer reads.
    listeners: list[Leg] = field(default_factory=list)
    buffer: JitterBuffer | None = None
    concealer: Concealer = field(default_factory=Concealer)
    recording: Recording | None = None
    # Out: the source of its direct packets, or the mixer.
    direct: Leg | None = None
    tone: str | None = None
    tone_from: int = 0  # tick
    sound: ulaw.Samples | None = None  # one that is played once
    sound_at: int = 0
    mixed: int = 0  # packets from the mixer so far
    # Watched.
    heard_at: float = 0.0
    spoke: bool = False  # in this call
    lost: bool = False
    level: float = 0.0
    packets: int = 0
    expected_before: int = 0
    lost_before: int = 0
    sent_before: int = 0
    loss: float = 0.0  # of what it sent, over the last interval
    mos: float | None = None
    measured: Measured = field(default_factory=Measured)

    @property
    def ready(self) -> bool:
        return self.peer is not None and self.peer.ready


@dataclass(slots=True, eq=False)
class Call:
    """A call's mix in force."""

    id: UUID
    version: int
    hears: dict[UUID, Hear]
    order: RecordingOrder | None = None
    recording: Recording | None = None
    notice_ends: float | None = None
    ends_at: float | None = None
    """When it ends by itself."""
