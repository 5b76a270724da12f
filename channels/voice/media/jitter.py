"""An adaptive jitter buffer for µ-law: packets in as they come, a 20 ms frame out at each tick.

The wanted delay is what all but a few of the last packets needed. The buffer moves towards it one
frame at a time: it plays nothing once to grow, and leaves a frame out to shrink. It holds at most
MAX_DELAY; of a longer backlog the oldest is dropped, like what comes later than its turn.
"""

from __future__ import annotations

from collections import deque

from channels.voice.media.ulaw import FRAME, RATE, SILENCE

MAX_DELAY = RATE * 120 // 1000
"""Most samples of delay that the buffer gives itself: 120 ms."""
_JUMP = RATE  # a packet further from its turn than a second begins a new stream
_WINDOW = 100  # packets that the wanted delay looks back on: two seconds
_LATE_ALLOWED = 1  # of a full window may come too late
_MARGIN = 40  # samples by which a tick may be early
_SETTLE = 10  # frames between two changes of the delay
_BEHIND = 10  # late packets in a row: the sender's clock has changed


class JitterBuffer:
    """One stream. Times are in samples: RTP timestamps, and a local clock at the same rate."""

    __slots__ = ("_behind", "_frames", "_high", "_next", "_playing", "_quiet", "_transits", "late")

    def __init__(self) -> None:
        self._frames: dict[int, bytearray | bytes] = {}
        self._next: int | None = None  # the timestamp whose turn is next
        self._high = 0  # newest timestamp, unwrapped
        self._transits: deque[int] = deque(maxlen=_WINDOW)
        self._playing = False
        self._quiet = 0  # frames since the delay was last changed
        self._behind = 0
        self.late = 0

    def push(self, timestamp: int, payload: bytes, now: int) -> None:
        """A packet with its 32-bit RTP timestamp, arrived `now`."""
        stamp = self._high + ((timestamp - self._high + 0x8000_0000) & 0xFFFF_FFFF) - 0x8000_0000
        if self._next is None or abs(stamp - self._next) > _JUMP:
            self._restart(stamp)
        assert self._next is not None
        if len(payload) == FRAME and (stamp - self._next) % FRAME:
            self._restart(stamp)  # the sender paused for no whole number of frames
        self._high = max(self._high, stamp)
        self._transits.append(now - stamp)
        if stamp < self._next:
            self.late += 1
            self._behind += 1
            if self._behind < _BEHIND:
                return
            self._restart(stamp)
            self._transits.append(now - stamp)
        self._behind = 0
        if len(payload) == FRAME:
            self._frames[stamp] = payload
        else:
            self._place(stamp, payload)

    def pull(self, now: int) -> bytes | None:
        """The next frame to play; None if it is lost, late, or nothing plays yet."""
        if self._next is None:
            return None
        delay, (wanted, most) = now - self._next, self._wanted()
        if delay > most:  # a backlog: this process was held up
            delay -= self._drop(delay - most)
        if not self._playing:
            if delay < wanted:
                return None
            self._playing = True
        self._quiet += 1
        if self._quiet >= _SETTLE:
            if delay < wanted:
                self._quiet = 0
                return None
            if delay > wanted + FRAME + FRAME // 2:
                self._quiet = 0
                self._take()
        return self._take()

    def _take(self) -> bytes | None:
        assert self._next is not None
        found = self._frames.pop(self._next, None)
        self._next += FRAME
        return None if found is None else bytes(found)

    def _drop(self, samples: int) -> int:
        """Leave out the oldest frames, so many samples at least; how many."""
        assert self._next is not None
        dropped = -(-samples // FRAME) * FRAME
        self._next += dropped
        for stamp in [stamp for stamp in self._frames if stamp < self._next]:
            del self._frames[stamp]
        return dropped

    def _wanted(self) -> tuple[int, int]:
        """The delay that all but a few of the packets in the window needed, and the most."""
        ordered = sorted(self._transits)
        enough = ordered[-1 - min(_LATE_ALLOWED, len(ordered) * _LATE_ALLOWED // _WINDOW)]
        longest = ordered[0] + MAX_DELAY
        return min(enough, longest) + _MARGIN, longest + FRAME

    def _place(self, stamp: int, payload: bytes) -> None:
        """A packet that is no single frame: its samples go to the frames they belong to."""
        assert self._next is not None
        done = 0
        while done < len(payload):
            offset = (stamp + done - self._next) % FRAME
            start = stamp + done - offset
            part = payload[done : done + FRAME - offset]
            frame = self._frames.get(start)
            if not isinstance(frame, bytearray):
                frame = self._frames[start] = bytearray(SILENCE)
            frame[offset : offset + len(part)] = part
            done += len(part)

    def _restart(self, stamp: int) -> None:
        self._frames.clear()
        self._transits.clear()
        self._next = self._high = stamp
        self._playing = False
        self._quiet = self._behind = 0
