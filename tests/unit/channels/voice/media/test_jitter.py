from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.voice.media.jitter import MAX_DELAY, JitterBuffer
from channels.voice.media.ulaw import FRAME, RATE

MS = RATE // 1000
START = 0xFFFF_F000  # the 32-bit timestamp wraps in every run


def body(number: int) -> bytes:
    return number.to_bytes(4, "big") * (FRAME // 4)


@dataclass
class Run:
    """A sender of numbered frames, a network, and a buffer with its ticks."""

    seconds: float
    loss: float = 0.0
    jitter_ms: float = 0.0
    seed: int = 1
    skew: float = 1.0  # of the sender's clock
    played: list[tuple[int, int | None]] = field(default_factory=list)  # tick time, frame's number
    lost: set[int] = field(default_factory=set)

    def go(self) -> Run:
        dice, buffer = random.Random(self.seed), JitterBuffer()
        count = int(self.seconds * 50)
        arrivals = []
        for number in range(count):
            if dice.random() < self.loss:
                self.lost.add(number)
                continue
            due = number * FRAME * self.skew + dice.uniform(0, self.jitter_ms) * MS
            arrivals.append((int(due), number))
        arrivals.sort()
        for tick in range(count):
            now = tick * FRAME + 70
            while arrivals and arrivals[0][0] <= now:
                due, number = arrivals.pop(0)
                stamp = (START + number * FRAME) & 0xFFFF_FFFF
                buffer.push(stamp, body(number), due)
            frame = buffer.pull(now)
            self.played.append((now, None if frame is None else int.from_bytes(frame[:4], "big")))
        return self

    def steady(self) -> list[tuple[int, int | None]]:
        return self.played[100:]

    def missing(self) -> float:
        return sum(number is None for _, number in self.steady()) / len(self.steady())

    def delays_ms(self) -> list[float]:
        return [(now - n * FRAME * self.skew) / MS for now, n in self.steady() if n is not None]

    def longest_gap(self) -> int:
        longest = run = 0
        for _, number in self.steady():
            run = run + 1 if number is None else 0
            longest = max(longest, run)
        return longest


def test_a_clean_stream_passes_in_order_with_little_delay() -> None:
    run = Run(10).go()
    numbers = [n for _, n in run.steady() if n is not None]
    assert run.missing() == 0
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert max(run.delays_ms()) <= 30


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("loss", [0.0, 0.01, 0.05])
def test_loss_and_jitter(loss: float, seed: int) -> None:
    """30 ms of jitter: little is lost beside what the network lost, and no gap is over 60 ms."""
    run = Run(60, loss=loss, jitter_ms=30, seed=seed).go()
    assert run.missing() <= loss * 1.5 + 0.02
    assert run.longest_gap() <= 3
    assert sorted(run.delays_ms())[len(run.delays_ms()) // 2] <= 60


def test_without_room_for_jitter_the_same_stream_has_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control of the test above: a buffer that does not adapt loses far more."""
    monkeypatch.setattr(JitterBuffer, "_wanted", lambda self: (min(self._transits) - FRAME, RATE))
    assert Run(60, jitter_ms=30).go().missing() > 0.1


@pytest.mark.parametrize("skew", [0.999, 1.001])
def test_a_sender_with_another_clock_is_followed(skew: float) -> None:
    run = Run(60, jitter_ms=5, skew=skew).go()
    assert run.missing() <= 0.02
    assert max(run.delays_ms()) <= 60


def test_a_stream_that_jumps_begins_anew() -> None:
    buffer = JitterBuffer()
    for number in range(20):
        buffer.push(number * FRAME, body(number), number * FRAME)
        buffer.pull(number * FRAME + 80)
    for number in range(20, 40):
        buffer.push(number * FRAME + 5_000_007, body(number), number * FRAME)
        got = buffer.pull(number * FRAME + 80)
    assert got is not None
    assert int.from_bytes(got[:4], "big") >= 38


def test_a_sender_that_pauses_without_moving_its_timestamps_is_heard_again() -> None:
    buffer = JitterBuffer()
    for tick in range(20):
        buffer.push(tick * FRAME, body(tick), tick * FRAME)
        buffer.pull(tick * FRAME + 80)
    heard = 0
    for tick in range(60, 90):  # 0.8 s later
        buffer.push((tick - 40) * FRAME, body(tick), tick * FRAME)
        heard += buffer.pull(tick * FRAME + 80) is not None
    assert heard >= 18


@pytest.mark.parametrize("size", [80, 240, 480])
def test_other_packet_lengths(size: int) -> None:
    buffer, out = JitterBuffer(), b""
    stream = bytes(i // 80 % 251 for i in range(RATE))
    for at in range(0, len(stream) - size, size):
        buffer.push(at, stream[at : at + size], at + size)
        for tick in range(at, at + size, 80):
            if tick % FRAME == 0:
                out += buffer.pull(tick + size + 10) or b""
    assert len(out) > 0.9 * len(stream)
    assert out in stream


@given(
    st.lists(
        st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 1400), st.integers(0, 800)),
        max_size=200,
    )
)
def test_whatever_comes_it_stays_small(packets: list[tuple[int, int, int]]) -> None:
    buffer, now = JitterBuffer(), 0
    for stamp, size, pause in packets:
        now += pause
        buffer.push(stamp, bytes(size), now)
        frame = buffer.pull(now)
        assert frame is None or len(frame) == FRAME
        assert len(buffer._frames) <= RATE // FRAME + 1400 // FRAME + 1
        assert buffer._wanted()[0] <= min(buffer._transits) + MAX_DELAY + 40


STALLS_MS = (40, 90, 150, 400, 900, 1500, 4000)
TARGET_MS = 60.0


@pytest.mark.parametrize("stall_ms", STALLS_MS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_after_a_starved_cpu_the_delay_is_small_again(stall_ms: int, seed: int) -> None:
    """For a while nothing is read and nothing mixed; then all that waited comes at once."""
    dice, buffer = random.Random(seed), JitterBuffer()
    stall = (5000 + dice.randrange(20), 5000 + stall_ms)
    packets = sorted((number * 20 + dice.uniform(2, 12), number) for number in range(15 * 50))
    delays: list[tuple[float, float]] = []
    for now_ms in ticks(15_000, stall):
        while packets and packets[0][0] <= now_ms:
            sent, number = packets.pop(0)
            read_at = stall[1] if stall[0] <= sent < stall[1] else sent
            stamp = (START + number * FRAME) & 0xFFFF_FFFF
            buffer.push(stamp, body(number), int(read_at * MS))
        frame = buffer.pull(int(now_ms * MS))
        if frame is not None:
            delays.append((now_ms, now_ms - 20 * int.from_bytes(frame[:4], "big")))
    longest = max(delay for _, delay in delays)
    assert longest <= MAX_DELAY / MS + 40
    settled = [delay for at, delay in delays if at > stall[1] + 4000]
    assert len(settled) > 0.95 * (15_000 - stall[1] - 4000) / 20
    assert max(settled) <= TARGET_MS


def ticks(until_ms: int, stall: tuple[int, int]) -> Iterator[float]:
    """When the mixer's turns come: those of a long stall never, of a short one right after it."""
    for due in range(0, until_ms, 20):
        if not stall[0] <= due < stall[1]:
            yield due + 3
        elif stall[1] - due <= 100:
            yield stall[1]
