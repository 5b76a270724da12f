"""A browser as far as sound goes: aiortc's own peer connection, which says one tone and listens."""

from __future__ import annotations

import asyncio
import contextlib
import fractions
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import aioice.ice
import av
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError

from channels.voice.media import ulaw
from channels.voice.media.ulaw import FRAME, RATE, Samples
from tests.integration.voice_media.media import Web
from tests.unit.channels.voice.media.sound import amplitude

LOUD = 6000.0
HEARD = 0.25 * LOUD
"""More of a tone than this is heard; a tenth of it is not."""


@contextmanager
def loopback(address: str = "127.0.0.1") -> Iterator[None]:
    """aiortc skips 127.0.0.1, and the machine's other addresses are not the test's business."""
    before = aioice.ice.get_host_addresses
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: [address]
    try:
        yield
    finally:
        aioice.ice.get_host_addresses = before


class Tone(MediaStreamTrack):
    """A sine without end, encoded in whole frames; silent while `muted`."""

    kind = "audio"

    def __init__(self, hz: float) -> None:
        super().__init__()
        self.hz = hz
        self.muted = False
        self.stopped = False
        self.sent_at: datetime | None = None
        """When the newest packet was about to be sent."""
        self._n = 0
        self._due: float | None = None

    async def recv(self) -> av.Packet[Any]:
        loop = asyncio.get_running_loop()
        self._due = loop.time() if self._due is None else self._due + 0.02
        await asyncio.sleep(max(0, self._due - loop.time()))
        while self.stopped:
            await asyncio.sleep(0.02)
            self._due = loop.time()
        at = (self._n + np.arange(FRAME)) / RATE
        sound = 0 * at if self.muted else LOUD * np.sin(2 * np.pi * self.hz * at)
        packet = av.Packet(ulaw.encode(sound).tobytes())
        packet.pts, packet.time_base = self._n, fractions.Fraction(1, RATE)
        self._n += FRAME
        self.sent_at = datetime.now(UTC)
        return packet


class Party:
    """One leg's far end."""

    def __init__(self, web: Web, hz: float, leg_id: UUID | None = None) -> None:
        self.web, self.hz = web, hz
        self.leg_id = leg_id or uuid4()
        self.tone = Tone(hz)
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.heard: list[Samples] = []
        self._listening: asyncio.Task[None] | None = None

    async def offer(self) -> str:
        line = self.pc.addTransceiver(self.tone, direction="sendrecv")
        codecs = RTCRtpSender.getCapabilities("audio").codecs
        line.setCodecPreferences([c for c in codecs if c.mimeType == "audio/PCMU"])
        with loopback():
            await self.pc.setLocalDescription(await self.pc.createOffer())
        return self.pc.localDescription.sdp

    async def answered(self, sdp: str) -> None:
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
        self._listening = asyncio.create_task(self._listen())

    async def call(self) -> Party:
        """Negotiate, and wait until connected."""
        await self.answered(await self.web.offer(self.leg_id, await self.offer()))
        async with asyncio.timeout(10):
            while self.pc.connectionState != "connected":
                assert self.pc.connectionState not in {"failed", "closed"}
                await asyncio.sleep(0.01)
        return self

    async def _listen(self) -> None:
        track = self.pc.getTransceivers()[0].receiver.track
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                assert isinstance(frame, av.AudioFrame)
                self.heard.append(frame.to_ndarray().reshape(-1).astype(np.int16))

    async def listen(self, seconds: float = 0.6, settle: float = 0.5) -> Sound:
        """What is heard from in a moment on."""
        await asyncio.sleep(settle)
        self.heard.clear()
        await asyncio.sleep(seconds)
        return Sound(np.concatenate(self.heard) if self.heard else np.zeros(1, np.int16))

    async def hang_up(self) -> None:
        await self.pc.close()
        if self._listening is not None:
            self._listening.cancel()


class Sound:
    def __init__(self, samples: Samples) -> None:
        self.samples = samples

    def amplitude(self, hz: float) -> float:
        return amplitude(self.samples, hz) if len(self.samples) >= 10 * FRAME else 0.0

    def has(self, hz: float) -> bool:
        return self.amplitude(hz) > HEARD

    def lacks(self, hz: float) -> bool:
        return self.amplitude(hz) < HEARD / 10

    @property
    def music(self) -> bool:
        """Something low that is no single tone."""
        spectrum = np.abs(np.fft.rfft(self.samples * np.hanning(len(self.samples))))
        hz = np.fft.rfftfreq(len(self.samples), 1 / RATE)
        low = spectrum[(hz > 150) & (hz < 700)] ** 2
        return bool(len(low) and low.sum() > 0.5 * (spectrum**2).sum() > 0 and self.loud)

    @property
    def loud(self) -> bool:
        return bool(np.abs(self.samples.astype(int)).mean() > 50)
