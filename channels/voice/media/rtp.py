"""RTP and RTCP by the byte: what was received (RFC 3550 A.1, A.3, A.8), and reports (6.4).

Times are seconds of a local clock that never steps back; NTP time is asked for when a report is
made.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from channels.voice.media.ulaw import RATE

HEADER = struct.Struct("!BBHII")
HEADER_BYTES = HEADER.size
NTP_EPOCH = 2_208_988_800
"""Seconds from 1900 to 1970."""

_SENDER_REPORT, _RECEIVER_REPORT, _SOURCE_DESCRIPTION, _GOODBYE = 200, 201, 202, 203
_SENDER_INFO = struct.Struct("!QIII")
_BLOCK = struct.Struct("!IIIIII")
_MAX_DROPOUT, _MAX_MISORDER = 3000, 100  # RFC 3550 A.1
_WORD = 0xFFFF_FFFF


def is_rtcp(second_byte: int) -> bool:
    """Whether a packet on a shared port is RTCP, by its second byte (RFC 5761, 4)."""
    return 192 <= second_byte <= 223


def payload_bounds(packet: memoryview, length: int) -> tuple[int, int] | None:
    """Where the payload of an RTP packet begins and ends; None if the packet is malformed."""
    first = packet[0]
    start = HEADER_BYTES + 4 * (first & 0x0F)
    if first & 0x10:
        if start + 4 > length:
            return None
        start += 4 + 4 * (packet[start + 2] << 8 | packet[start + 3])
    end = length - packet[length - 1] if first & 0x20 else length
    return (start, end) if start < end else None


class Reception:
    """Statistics of one incoming stream."""

    __slots__ = (
        "_base", "_cycles", "_expected_before", "_high", "_jitter", "_last_report",
        "_last_report_at", "_received_before", "_transit", "received",
    )  # fmt: skip

    def __init__(self) -> None:
        self.received = 0
        self._base: int | None = None
        self._high = self._cycles = 0
        self._transit = 0
        self._jitter = 0.0
        self._expected_before = self._received_before = 0
        self._last_report = 0  # middle 32 bits of the peer's NTP time
        self._last_report_at = 0.0

    def add(self, sequence: int, timestamp: int, now: float) -> None:
        self.received += 1
        transit = int(now * RATE) - timestamp
        if self._base is None:
            self._base = self._high = sequence
            self._transit = transit
            return
        step = (sequence - self._high) & 0xFFFF
        if step < _MAX_DROPOUT:
            if sequence < self._high:
                self._cycles += 0x1_0000
            self._high = sequence
        elif step <= 0x1_0000 - _MAX_MISORDER:  # a new stream
            self._base = self._high = sequence
            self._cycles = 0
            self.received = 1
            self._expected_before = self._received_before = 0
        change = ((transit - self._transit + 0x8000_0000) & _WORD) - 0x8000_0000
        self._transit = transit
        if abs(change) < RATE:  # a pause of the sender is no jitter
            self._jitter += (abs(change) - self._jitter) / 16

    @property
    def expected(self) -> int:
        return 0 if self._base is None else self._cycles + self._high - self._base + 1

    @property
    def lost(self) -> int:
        """Packets lost so far; duplicates can make it negative."""
        return self.expected - self.received

    @property
    def jitter_ms(self) -> float:
        return self._jitter * 1000 / RATE

    def heard_sender(self, ntp: int, now: float) -> None:
        """The peer's sender report came."""
        self._last_report = ntp >> 16 & _WORD
        self._last_report_at = now

    def block(self, ssrc: int, now: float) -> ReportBlock:
        """A report block for the peer; its loss is that since the last one."""
        expected = self.expected - self._expected_before
        lost = expected - (self.received - self._received_before)
        self._expected_before, self._received_before = self.expected, self.received
        fraction = 256 * lost // expected if expected > 0 and lost > 0 else 0
        since = int((now - self._last_report_at) * 65536) if self._last_report else 0
        return ReportBlock(
            ssrc=ssrc,
            fraction_lost=min(fraction, 255),
            lost=self.lost,
            highest=self._cycles + self._high & _WORD,
            jitter=int(self._jitter),
            last_report=self._last_report,
            delay=since & _WORD,
        )


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What a receiver says of one stream (RFC 3550, 6.4.1). `delay` in 1/65536 s."""

    ssrc: int
    fraction_lost: int
    lost: int
    highest: int
    jitter: int
    last_report: int
    delay: int

    def round_trip(self, ntp: int) -> float | None:
        """Seconds, if the report answers a sender report; `ntp` is when this block came."""
        if not self.last_report:
            return None
        ticks = (ntp >> 16) - self.delay - self.last_report & _WORD
        return ticks / 65536 if ticks < 60 * 65536 else None


@dataclass(frozen=True, slots=True)
class SenderReport:
    ssrc: int
    ntp: int
    blocks: tuple[ReportBlock, ...]


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    ssrc: int
    blocks: tuple[ReportBlock, ...]


@dataclass(frozen=True, slots=True)
class Goodbye:
    ssrc: int


def ntp_time(unix_seconds: float) -> int:
    """64-bit NTP time (RFC 3550, 4)."""
    return int((unix_seconds + NTP_EPOCH) * 2**32)


def report(
    ssrc: int,
    cname: str,
    block: ReportBlock | None,
    sent: tuple[int, int, int, int] | None,
) -> bytes:
    """A compound packet: sender or receiver report, then who sends it.

    `sent`: NTP time, RTP timestamp of that time, packets and payload bytes sent so far; None if
    nothing was sent lately.
    """
    blocks = b"" if block is None else _pack_block(block)
    count = int(block is not None)
    name = cname.encode()
    items = struct.pack("!IBB", ssrc, 1, len(name)) + name
    items += bytes(4 - len(items) % 4)
    if sent is None:
        first = _packet(_RECEIVER_REPORT, count, struct.pack("!I", ssrc) + blocks)
    else:
        ntp, timestamp, packets, octets = sent
        info = _SENDER_INFO.pack(ntp, timestamp & _WORD, packets & _WORD, octets & _WORD)
        first = _packet(_SENDER_REPORT, count, struct.pack("!I", ssrc) + info + blocks)
    return first + _packet(_SOURCE_DESCRIPTION, 1, items)


def parse_reports(data: bytes) -> Iterator[SenderReport | ReceiverReport | Goodbye]:
    """What a compound packet says; it ends where the packet stops making sense."""
    at = 0
    while at + 8 <= len(data):
        first, kind, words = struct.unpack_from("!BBH", data, at)
        end = at + 4 * (words + 1)
        if first >> 6 != 2 or end > len(data):
            return
        count = first & 0x1F
        ssrc = int.from_bytes(data[at + 4 : at + 8], "big")
        if kind == _SENDER_REPORT and at + 28 <= end:
            ntp, *_ = _SENDER_INFO.unpack_from(data, at + 8)
            yield SenderReport(ssrc, ntp, tuple(_blocks(data, at + 28, end, count)))
        elif kind == _RECEIVER_REPORT:
            yield ReceiverReport(ssrc, tuple(_blocks(data, at + 8, end, count)))
        elif kind == _GOODBYE and count:
            yield Goodbye(ssrc)
        at = end


def _blocks(data: bytes, at: int, end: int, count: int) -> Iterator[ReportBlock]:
    for start in range(at, min(at + count * _BLOCK.size, end - _BLOCK.size + 1), _BLOCK.size):
        ssrc, loss, highest, jitter, last_report, delay = _BLOCK.unpack_from(data, start)
        lost = loss & 0xFF_FFFF
        yield ReportBlock(
            ssrc, loss >> 24, lost - 0x100_0000 * (lost >> 23), highest, jitter, last_report, delay
        )


def _pack_block(block: ReportBlock) -> bytes:
    lost = max(-0x80_0000, min(0x7F_FFFF, block.lost)) & 0xFF_FFFF
    return _BLOCK.pack(
        block.ssrc, block.fraction_lost << 24 | lost, block.highest, block.jitter,
        block.last_report, block.delay,
    )  # fmt: skip


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body
