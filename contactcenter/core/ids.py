"""UUIDv7: ids that sort by the time they were made (RFC 9562, 5.7).

Layout: 48 bits of Unix milliseconds, version 7, 12 bits of counter, variant, 62 random bits. The
counter is RFC 9562's method 1 (6.2): seeded each millisecond with 8 random bits, which leaves it
room, incremented within it, and carried into the milliseconds when it runs over, so ids of one
process always ascend.
"""

from __future__ import annotations

import os
import threading
import time
from uuid import UUID

from db import Uuid

_COUNTER_BITS = 12
_RANDOM = (1 << 62) - 1

_lock = threading.Lock()
_last = 0  # milliseconds and counter of the newest id, as one number


def new_id() -> UUID:
    """A new id, greater than every id this process made before."""
    global _last
    chance = int.from_bytes(os.urandom(9))
    fresh = (time.time_ns() // 1_000_000) << _COUNTER_BITS | chance >> 64
    with _lock:
        _last = fresh if fresh >> _COUNTER_BITS > _last >> _COUNTER_BITS else _last + 1
        stamp = _last
    milliseconds, counter = stamp >> _COUNTER_BITS, stamp & ((1 << _COUNTER_BITS) - 1)
    number = milliseconds << 80 | 7 << 76 | counter << 64 | 2 << 62 | chance & _RANDOM
    return Uuid(number.to_bytes(16))
