"""The mixer's turns: what is not forwarded packet by packet is made every 20 ms, for all calls in
one pass. A leg that hears a tone or nothing needs no mixing: its bytes are ready made."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

import numpy as np

from channels.voice.media import mixer, tones, ulaw
from channels.voice.media.conceal import Concealer
from channels.voice.media.jitter import JitterBuffer
from channels.voice.media.legs import Call, Leg
from channels.voice.media.ulaw import FRAME, FRAME_SECONDS, RATE, SILENCE

_CATCH_UP = 5  # frames: a loop held up for longer leaves them out
_MIXER = object()  # the source of mixed packets


class Mixing:
    """`plan` it anew when a mix changes. `realise` is called with the call of a leg whose sound,
    played once, is over."""

    def __init__(self, realise: Callable[[Call], None]) -> None:
        self.tick = 0
        self._realise = realise
        self._inputs: list[Leg] = []
        self._outputs: list[Leg] = []
        self._plain: list[Leg] = []  # they hear a tone or nothing
        self._plan = mixer.Plan([], 0)

    def plan(self, calls: Iterable[Call], members_of: Callable[[Call], Iterable[Leg]]) -> None:
        """Which legs the mixer reads and writes, over all calls."""
        rows: dict[Leg, int] = {}
        outputs: list[Leg] = []
        plain: list[Leg] = []
        rooms = []
        for call in calls:
            members = {leg.id: leg for leg in members_of(call)}
            hears: list[tuple[int, list[int]]] = []
            for leg in members.values():
                if leg.direct is not None:
                    continue
                sources = [members[i] for i in call.hears[leg.id].hears if i in members]
                if not sources and leg.sound is None:
                    plain.append(leg)
                    continue
                hears.append((len(outputs), [rows.setdefault(s, len(rows)) for s in sources]))
                outputs.append(leg)
            rooms.append(mixer.room(hears))
        for leg in self._inputs:
            if leg not in rows:
                leg.buffer = None
        for leg in rows:
            if leg.buffer is None:
                leg.buffer, leg.concealer = JitterBuffer(), Concealer()
        self._inputs, self._outputs, self._plain = list(rows), outputs, plain
        self._plan = mixer.Plan(rooms, len(outputs))

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due += FRAME_SECONDS
            behind = loop.time() - due
            if behind > _CATCH_UP * FRAME_SECONDS:
                missed = int(behind / FRAME_SECONDS)
                self.tick += missed
                due += missed * FRAME_SECONDS
            await asyncio.sleep(due - loop.time())
            self.tick += 1
            self._once(time.monotonic())

    def _once(self, now: float) -> None:
        for leg in self._plain:
            self._send(leg, self._tone_codes(leg), now)
        if not self._outputs:
            return
        mixed = self._plan.mix(self._heard(int(now * RATE)))
        finished = []
        for row, leg in enumerate(self._outputs):
            if leg.tone is not None:
                mixed[row] += tones.frame(leg.tone, self.tick - leg.tone_from)
            if leg.sound is not None:
                part = leg.sound[leg.sound_at : leg.sound_at + FRAME]
                mixed[row] = mixed[row] * 0.25 + part
                leg.sound_at += FRAME
                if leg.sound_at >= len(leg.sound):
                    leg.sound = None
                    finished.append(leg)
        codes = ulaw.encode(mixed).tobytes()
        for row, leg in enumerate(self._outputs):
            self._send(leg, codes[row * FRAME : (row + 1) * FRAME], now)
        for leg in finished:
            if leg.call is not None:
                self._realise(leg.call)

    def _heard(self, now: int) -> mixer.Frames:
        """The frame of each input whose turn it is, concealed where it is missing."""
        frames, filled = [], []
        for row, leg in enumerate(self._inputs):
            frame = None if leg.buffer is None else leg.buffer.pull(now)
            played = leg.concealer.play(frame)
            if played is not None:
                filled.append((row, played))
            frames.append(frame or SILENCE)
        heard = ulaw.decode(b"".join(frames)).reshape(-1, FRAME).astype(np.float32)
        for row, played in filled:
            heard[row] = played
        return heard

    def _tone_codes(self, leg: Leg) -> bytes:
        if leg.tone is None:
            return SILENCE
        return tones.codes(leg.tone, self.tick - leg.tone_from)

    def _send(self, leg: Leg, payload: bytes, now: float) -> None:
        if leg.peer is not None:
            leg.mixed += 1
            leg.peer.send(_MIXER, payload, leg.mixed & 0xFFFF, self.tick * FRAME, now)
