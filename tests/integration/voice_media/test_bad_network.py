"""Loss, jitter, a path that changes, strangers who flood, and many short calls."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest

from channels.voice.media import ulaw
from channels.voice.media.protocol import (
    Hello,
    HelloData,
    LegEnded,
    Quality,
    StatsData,
    StatsRequest,
)
from channels.voice.media.ulaw import RATE
from tests.bench._media_load import Leg, resident_bytes
from tests.conftest import NIGHTLY
from tests.integration.voice_media.conftest import Call
from tests.integration.voice_media.media import Media, Web
from tests.integration.voice_media.party import Party
from tests.integration.voice_media.proxy import BadNetwork, without_candidates

SPEAKER, LISTENER = 900.0, 1300.0


async def through(network: BadNetwork, party: Party) -> None:
    """Connect a party over a bad network."""
    offer = without_candidates(await party.offer())
    await party.answered(await network.between(await party.web.offer(party.leg_id, offer)))
    async with asyncio.timeout(10):
        while party.pc.connectionState != "connected":
            await asyncio.sleep(0.01)


async def longest_gap(web: Web, listener: Party, network: BadNetwork, seconds: float) -> float:
    """Milliseconds of the longest silence that the listener hears, on the mixed path."""
    speaker = Party(web, SPEAKER)
    try:
        await through(network, speaker)
        absent = uuid4()  # a third leg, so the two are mixed
        await web.mix(
            uuid4(), 1,
            {
                speaker.leg_id: ([listener.leg_id, absent], None),
                listener.leg_id: ([speaker.leg_id, absent], None),
                absent: ([], None),
            },
        )  # fmt: skip
        sound = await listener.listen(seconds, 1.5)
        level = np.abs(sound.samples[: len(sound.samples) // 40 * 40].astype(int))
        quiet = level.reshape(-1, 40).max(axis=1) < 300  # steps of 5 ms
        longest = run = 0
        for step in quiet:
            run = run + 1 if step else 0
            longest = max(longest, run)
        assert len(sound.samples) > 0.9 * seconds * RATE
        return longest * 5.0
    finally:
        await speaker.hang_up()
        network.close()


@pytest.mark.parametrize("loss", [0.01, 0.05])
async def test_loss_and_jitter_leave_no_long_gap(web: Web, call: Call, loss: float) -> None:
    network = BadNetwork(loss=loss, jitter_ms=30, seed=7)
    gap = await longest_gap(web, await call(LISTENER), network, 20 if NIGHTLY else 6)
    assert network.lost > 0
    assert gap <= 60


async def test_heavy_loss_is_heard_as_gaps(web: Web, call: Call) -> None:
    """The negative control."""
    network = BadNetwork(loss=0.6, jitter_ms=30, seed=7)
    assert await longest_gap(web, await call(LISTENER), network, 4) > 60


async def test_loss_is_seen_in_the_quality(web: Web, call: Call) -> None:
    speaker, listener = Party(web, SPEAKER), await call(LISTENER)
    network = BadNetwork(loss=0.1, jitter_ms=10)
    await through(network, speaker)
    await web.mix(
        uuid4(), 1,
        {speaker.leg_id: ([listener.leg_id], None), listener.leg_id: ([speaker.leg_id], None)},
    )  # fmt: skip
    await asyncio.sleep(6.5)
    found = [r for r in web.reports if isinstance(r, Quality) and r.leg_id == speaker.leg_id]
    clean = [r for r in web.reports if isinstance(r, Quality) and r.leg_id == listener.leg_id]
    assert 0.03 < statistics.mean(r.loss for r in found[1:]) < 0.25
    # A busy machine loses on the clean way too, but less.
    assert statistics.mean(r.mos for r in found[1:]) < min(4.0, max(r.mos for r in clean))
    await speaker.hang_up()
    network.close()


async def test_a_path_that_changes_is_followed(web: Web, call: Call) -> None:
    speaker, listener = Party(web, SPEAKER), await call(LISTENER)
    network = BadNetwork()
    await through(network, speaker)
    await web.mix(
        uuid4(), 1,
        {speaker.leg_id: ([listener.leg_id], None), listener.leg_id: ([speaker.leg_id], None)},
    )  # fmt: skip
    assert (await speaker.listen()).has(LISTENER)
    await network.move()
    ice = speaker.pc.getTransceivers()[0].receiver.transport.transport._connection
    pair = ice._nominated[1]
    request = ice.build_request(pair, nominate=True)  # as a browser does on its new path
    assert ice.remote_password is not None
    key = ice.remote_password.encode()
    await pair.protocol.request(request, pair.remote_addr, integrity_key=key)
    await asyncio.sleep(0.3)
    network.close_old()
    heard, back = await asyncio.gather(speaker.listen(), listener.listen())
    assert heard.has(LISTENER)
    assert back.has(SPEAKER)
    await speaker.hang_up()
    network.close()


# Strangers ---------------------------------------------------------------------------------------

FLOOD = """
import os, random, socket, sys, time
port, seconds, rate = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
dice, sock = random.Random(1), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
firsts = (0x80, 0x90, 0xbf, 0x00, 0x01, 0x14, 0x16, 0x17, 0x3f, 0x40, 0xff)
end = time.monotonic() + seconds
while time.monotonic() < end:
    for _ in range(rate // 100):
        body = dice.randbytes(dice.choice((0, 1, 12, 40, 172, 1200)))
        first = bytes([dice.choice(firsts)])
        if first[0] < 2 and len(body) >= 19:  # the look of a STUN request
            body = b"\\x01\\x00\\x00\\x21\\x12\\xa4\\x42" + body[7:]
        sock.sendto(first + body, ("127.0.0.1", port))
    time.sleep(0.01)
"""


async def jitter_ms(a: Leg, b: Leg, seconds: float) -> float:
    """How far packets come from their turn: the mean of the worst tenth."""
    arrivals: list[float] = []
    b.heard = lambda *_: arrivals.append(time.perf_counter())
    due = time.perf_counter()
    for _ in range(int(seconds * 50)):
        a.say(ulaw.SILENCE)
        due += 0.02
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
    off = sorted(abs(y - x - 0.02) * 1000 for x, y in pairwise(arrivals))
    assert len(arrivals) > 0.95 * seconds * 50
    return statistics.mean(off[-len(off) // 10 :])


def port_of(party: Party) -> int:
    found = re.search(
        r"a=candidate:\S+ 1 udp \d+ 127\.0\.0\.1 (\d+)", party.pc.remoteDescription.sdp
    )
    assert found is not None
    return int(found[1])


async def test_a_flood_on_one_leg_leaves_the_other_calls_alone(
    web: Web, call: Call, media: Media
) -> None:
    target = await call(SPEAKER)
    a, b = await asyncio.gather(Leg().connect(web), Leg().connect(web))
    await web.mix(uuid4(), 1, {a.leg_id: ([b.leg_id], None), b.leg_id: ([a.leg_id], None)})
    before = await jitter_ms(a, b, 3)
    flood = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FLOOD, str(port_of(target)), "4", "2000"
    )
    await asyncio.sleep(0.5)
    during = await jitter_ms(a, b, 3)
    await flood.wait()
    assert during < max(2 * before, 5)
    stopping = asyncio.create_task(_stutter(media.pid, 3))  # the control: this would be seen
    assert await jitter_ms(a, b, 3) > max(2 * before, 5)
    await stopping
    await (await call(LISTENER)).hang_up()  # it lives, and takes new legs
    await asyncio.gather(a.close(), b.close())


async def _stutter(pid: int, seconds: float) -> None:
    for _ in range(int(seconds / 0.15)):
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(0.05)
        os.kill(pid, signal.SIGCONT)
        await asyncio.sleep(0.1)


async def test_a_party_that_sends_malformed_rtp_harms_itself_only(web: Web, call: Call) -> None:
    """Authentic by its keys, senseless inside: short, with extensions out of bounds, many SSRCs."""
    bad, other = await asyncio.gather(Leg().connect(web), Leg().connect(web))
    heard = await call(LISTENER)
    await web.mix(
        uuid4(), 1,
        {
            bad.leg_id: ([], "music"),
            other.leg_id: ([heard.leg_id], None),
            heard.leg_id: ([other.leg_id, bad.leg_id], None),
        },
    )  # fmt: skip
    dice = np.random.default_rng(1)
    for number in range(400):
        bad._ssrc = number // 4
        bad.say(dice.integers(0, 256, int(dice.integers(0, 400)), np.uint8).tobytes())
        if number % 20 == 0:
            await asyncio.sleep(0.02)
    for _ in range(50):
        other.say(b"\x90" * 160)
        await asyncio.sleep(0.02)
    assert other.received > 40
    await asyncio.gather(bad.close(), other.close())


# Many short calls --------------------------------------------------------------------------------


async def test_short_calls_leave_nothing_behind(web: Web, media: Media) -> None:
    """Memory, descriptors, threads, ports and legs after many calls are those of the first few."""

    used: set[UUID] = set()
    most: list[int] = []

    async def one() -> None:
        a, b = await asyncio.gather(Leg().connect(web), Leg().connect(web))
        call_id = uuid4()
        await web.mix(call_id, 1, {a.leg_id: ([b.leg_id], "ring"), b.leg_id: ([a.leg_id], None)})
        for _ in range(3):
            a.say(ulaw.SILENCE)
            b.say(ulaw.SILENCE)
            await asyncio.sleep(0.01)
        await web.end(call_id)
        used.update((a.leg_id, b.leg_id))
        most.append(ports(media.pid))
        await asyncio.gather(a.close(), b.close())
        await web.report(LegEnded, lambda r: r.leg_id == b.leg_id)
        web.reports.clear()

    async def held() -> tuple[int, int, int, int]:
        stats: StatsData = await web.ask(StatsRequest(id=0))
        proc = Path(f"/proc/{media.pid}")
        threads = len(list((proc / "task").iterdir()))
        return len(list((proc / "fd").iterdir())), threads, ports(media.pid), stats.tasks

    rounds = 1000 if NIGHTLY else 40
    for _ in range(10):
        await one()
    await asyncio.sleep(0.5)
    before, memory = await held(), resident_bytes(media.pid)
    for _ in range(rounds):
        await one()
    await asyncio.sleep(1)
    after, grown = await held(), resident_bytes(media.pid) - memory
    assert after[0] <= before[0] + 2
    assert after[1] <= before[1]
    assert after[2] <= before[2] < min(most)  # the control: a call has ports while it lasts
    assert after[3] <= before[3] + 2
    assert grown < 4e6 + rounds * 2000
    hello: HelloData = await web.ask(Hello(id=0, take_reports=True))
    assert not used & {leg.leg_id for leg in hello.legs}


def ports(pid: int) -> int:
    """The UDP ports that the process has open."""
    table = [line.split() for line in Path("/proc/net/udp").read_text().splitlines()[1:]]
    inodes = {f"socket:[{fields[9]}]" for fields in table}
    held = []
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            held.append(str(descriptor.readlink()))
    return len(inodes.intersection(held))


def test_the_flooder_floods() -> None:
    """The control of the flood: it really sends."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = str(sock.getsockname()[1])
        subprocess.run([sys.executable, "-c", FLOOD, port, "0.5", "2000"], check=True)
        sock.setblocking(False)
        assert len(sock.recv(2048)) >= 1
