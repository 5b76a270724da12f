"""One continuous outgoing RTP stream out of sources that come and go.

Within a source, sequence numbers and timestamps keep their distances, so the receiver still sees
what was lost or came late. Where the source changes, the stream goes on one packet later, at the
time that has passed since its last one.
"""

from __future__ import annotations

from channels.voice.media.ulaw import FRAME

_NO_SOURCE = object()


class Continuity:
    """Times are samples of a local clock at the stream's rate."""

    __slots__ = (
        "_at", "_newest", "_position", "_sequence", "_sequence_shift", "_source", "_timestamp",
        "_timestamp_shift",
    )  # fmt: skip

    def __init__(self, sequence: int, timestamp: int) -> None:
        self._sequence, self._timestamp = sequence, timestamp  # of the newest packet sent
        self._at = 0
        self._source: object = _NO_SOURCE
        self._newest = 0  # sequence number of the source's newest packet
        self._position = 0  # its distance from the source's first
        self._sequence_shift = self._timestamp_shift = 0

    def release(self) -> None:
        """The source ends; whatever comes next is a new one."""
        self._source = _NO_SOURCE

    def next(
        self, source: object, sequence: int, timestamp: int, now: int
    ) -> tuple[int, int, bool] | None:
        """Outgoing sequence number, timestamp and marker; None for a packet from before the switch.

        Sequence numbers have 16 bits, timestamps 32.
        """
        fresh = source is not self._source
        if fresh:
            frames = max(1, round((now - self._at) / FRAME)) if self._at else 1
            self._source, self._newest, self._position = source, sequence, 0
            self._sequence_shift = self._sequence + 1 - sequence
            self._timestamp_shift = self._timestamp + frames * FRAME - timestamp
        step = ((sequence - self._newest + 0x8000) & 0xFFFF) - 0x8000
        if self._position + step < 0:
            return None
        outgoing = (sequence + self._sequence_shift) & 0xFFFF
        stamp = (timestamp + self._timestamp_shift) & 0xFFFF_FFFF
        if step > 0 or fresh:
            self._newest, self._position = sequence, self._position + step
            self._sequence, self._timestamp, self._at = outgoing, stamp, now
        return outgoing, stamp, fresh

    def at(self, now: int) -> int:
        """The stream's timestamp of this moment, for a sender report."""
        return (self._timestamp + now - self._at) & 0xFFFF_FFFF
