"""The media process under load: bridged, mixed and recorded calls, setup, memory.

Media and a raw SRTP relay run on one core, the callers on the other; the relay carries the same
traffic between the runs, and stands beside each figure of a core. Percentages are of one core for
each call of two legs.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from uuid import UUID, uuid4

import uvloop

from channels.voice.media.protocol import RecordingOrder
from tests.bench import _media_janus
from tests.bench._media_load import Leg, Load, resident_bytes, talk
from tests.bench._report import Baseline, percentile, report
from tests.integration.voice_media.media import ROOT, Media, Web, order

AREA = "media"
CALLS = 50
GROWTH = (10, 25, 50, 80)
BESIDE_JANUS = 25  # of GROWTH: calls at which the two are compared
SECONDS = 4.0
RUNS = 5
SETUPS = 40
AT_ONCE = 8  # legs that connect at the same time

Pair = tuple[Leg, Leg]


def main() -> None:
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(0, cores[1:])
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(measure(cores[0]))
    finally:
        os.sched_setaffinity(0, cores)


async def measure(core: int) -> None:
    media = Media(MEDIA_MAX_CALLS="1000")
    try:
        media.start()
        os.sched_setaffinity(media.pid, [core])
        web = await media.web()
        bench = Bench(web, media.pid)
        await bench.setup()
        async with relay(2 * CALLS, core) as (relayed, relay_pid):
            await bench.bridge(relayed, relay_pid)
        await web.close()
    finally:
        media.end()
    await beside_janus(bench.core, core)


async def beside_janus(ours: dict[str, list[float]], core: int) -> None:
    """Our runs against Janus under the same callers, where it is installed."""
    if not _media_janus.available():
        return
    for plugin, kind in (("videocall", "bridge"), ("audiobridge", "mix")):
        async with _media_janus.running(core) as janus:
            pairs = [await janus.pair(plugin) for _ in range(BESIDE_JANUS)]
            loads = [await talk(pairs, SECONDS, janus.pid) for _ in range(3)]
            beside = [load.core_percent / BESIDE_JANUS for load in loads]
            for leg in (leg for pair in pairs for leg in pair):
                await leg.close()
        name = f"media.{kind}_against_janus_core_percent"
        report(name, ours[kind], "%", "lower", Baseline(f"Janus {plugin}", beside))


class Bench:
    """One media process, and the pairs of legs that are connected to it so far."""

    def __init__(self, web: Web, pid: int) -> None:
        self.web, self.pid = web, pid
        self.pairs: list[Pair] = []
        self.core: dict[str, list[float]] = {}

    async def setup(self) -> None:
        """From the offer to the first packet heard, and from an accepted call to sound."""
        setups, accepts = [], []
        for _ in range(SETUPS):
            leg, other = Leg(), await Leg().connect(self.web)
            call_id = uuid4()
            await self.web.mix(call_id, 1, {leg.leg_id: ([], "music")})
            begun = time.perf_counter()
            await leg.connect(self.web)
            await _until(leg)
            setups.append((leg.first_heard_at - begun) * 1000)
            speaking = asyncio.create_task(_speak(leg))
            begun = time.perf_counter()
            await self.web.mix(
                call_id, 2, {leg.leg_id: ([other.leg_id], None), other.leg_id: ([leg.leg_id], None)}
            )
            await _until(other)
            accepts.append((other.first_heard_at - begun) * 1000)
            speaking.cancel()
            await self.web.end(call_id)
            await asyncio.gather(leg.close(), other.close())
        for percent in (50, 99):
            report(f"media.setup_p{percent}_ms", [percentile(setups, percent)], "ms", "lower")
            report(f"media.accept_p{percent}_ms", [percentile(accepts, percent)], "ms", "lower")

    async def bridge(self, relayed: Sequence[Pair], relay_pid: int) -> None:
        grown: dict[int, Load] = {}
        empty = resident_bytes(self.pid)
        for calls in GROWTH:
            await self._connect(calls)
            if calls == CALLS:
                report(
                    "media.megabytes_per_call",
                    [(resident_bytes(self.pid) - empty) / calls / 1e6], "MB", "lower",
                )  # fmt: skip
                await self._figures(relayed, relay_pid)
            if calls == BESIDE_JANUS and _media_janus.available():
                await self._few(calls)
            await self._mix(calls, 1)
            grown[calls] = await talk(self.pairs[:calls], SECONDS, self.pid)
            await self._end()
        for calls, load in grown.items():
            name = f"media.bridge_{calls}_calls"
            report(f"{name}_core_percent", [load.core_percent / calls], "%", "lower")
            report(f"{name}_delivered", [load.delivered], "ratio", "higher")
            report(f"{name}_p99_ms", [percentile(load.latencies_ms, 99)], "ms", "lower")

    async def _few(self, calls: int) -> None:
        """Bridged and mixed at as many calls as Janus gets."""
        for kind in ("bridge", "mix"):
            await self._mix(calls, 1, mixed=kind == "mix")
            loads = [await talk(self.pairs[:calls], SECONDS, self.pid) for _ in range(3)]
            self.core[kind] = [load.core_percent / calls for load in loads]
            await self._end()

    async def _figures(self, relayed: Sequence[Pair], relay_pid: int) -> None:
        """Bridged, recorded and mixed at CALLS calls, the relay in between."""
        loads: dict[str, list[Load]] = {"bridge": [], "relay": [], "record": [], "mix": []}
        for _ in range(RUNS):
            loads["relay"].append(await talk(relayed, SECONDS / 2, relay_pid))
            await self._mix(CALLS, 1)
            loads["bridge"].append(await talk(self.pairs[:CALLS], SECONDS / 2, self.pid))
            await self._mix(CALLS, 2, record=True)
            loads["record"].append(await talk(self.pairs[:CALLS], SECONDS / 2, self.pid))
            await self._end()
            await self._mix(CALLS, 1, mixed=True)
            loads["mix"].append(await talk(self.pairs[:CALLS], SECONDS / 2, self.pid))
            await self._end()
        core = self.core = {
            kind: [run.core_percent / CALLS for run in runs] for kind, runs in loads.items()
        }
        beside = Baseline("raw SRTP relay", core["relay"])
        report("media.bridge_core_percent", core["bridge"], "%", "lower", beside)
        report("media.mix_core_percent", core["mix"], "%", "lower", beside)
        extra = [
            with_ - without for with_, without in zip(core["record"], core["bridge"], strict=True)
        ]
        report("media.record_core_percent", extra, "%", "lower")
        for kind in ("bridge", "mix"):
            for percent in (50, 99):
                report(
                    f"media.{kind}_p{percent}_ms",
                    [percentile(run.latencies_ms, percent) for run in loads[kind]], "ms", "lower",
                    Baseline(
                        "raw SRTP relay",
                        [percentile(run.latencies_ms, percent) for run in loads["relay"]],
                    ),
                )  # fmt: skip

    async def _connect(self, calls: int) -> None:
        missing = 2 * (calls - len(self.pairs))
        legs: list[Leg] = []
        while len(legs) < missing:
            count = min(AT_ONCE, missing - len(legs))
            legs += await asyncio.gather(*(Leg().connect(self.web) for _ in range(count)))
        self.pairs += zip(legs[::2], legs[1::2], strict=True)

    async def _mix(
        self, calls: int, version: int, *, record: bool = False, mixed: bool = False
    ) -> None:
        """`mixed`: each also hears a leg that is not there, so nothing can be forwarded."""
        for a, b in self.pairs[:calls]:
            absent = UUID(int=a.leg_id.int ^ 1)
            others: list[UUID] = [absent] if mixed else []
            tape: RecordingOrder | None = order([a.leg_id], [b.leg_id]) if record else None
            legs = {
                a.leg_id: ([b.leg_id, *others], None),
                b.leg_id: ([a.leg_id, *others], None),
                **{leg: ([], None) for leg in others},
            }
            await self.web.mix(a.leg_id, version, legs, tape)

    async def _end(self) -> None:
        for a, _ in self.pairs:
            await self.web.end(a.leg_id)


@contextlib.asynccontextmanager
async def relay(count: int, core: int) -> AsyncIterator[tuple[list[Pair], int]]:
    """The raw relay on that core, with its callers."""
    process = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-m", "tests.bench._media_relay", str(count)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        os.sched_setaffinity(process.pid, [core])
        assert process.stdout is not None
        ports = json.loads(await asyncio.to_thread(process.stdout.readline))
        legs = [await Leg().connect_to_relay(port) for port in ports]
        yield list(zip(legs[::2], legs[1::2], strict=True)), process.pid
        for leg in legs:
            await leg.close()
    finally:
        process.kill()
        process.communicate()


async def _speak(leg: Leg) -> None:
    while True:
        leg.say(b"\xff" * 160)
        await asyncio.sleep(0.02)


async def _until(leg: Leg) -> None:
    async with asyncio.timeout(10):
        while not leg.first_heard_at:
            await asyncio.sleep(0.0005)
