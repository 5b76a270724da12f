"""Callers for the media benches: many legs from one process, cheap enough to load another core.

aiortc negotiates; after that each packet is sealed and opened by libsrtp directly, and all legs
send from one loop, spread over the 20 ms.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from pylibsrtp import Policy, Session

from channels.voice.media import rtp
from channels.voice.media.srtp import Srtp
from channels.voice.media.ulaw import FRAME, SILENCE
from tests.integration.voice_media.media import Web
from tests.integration.voice_media.party import loopback

KEY = bytes(range(30))
LOUD = b"\x80" * FRAME
MARK_EVERY = 25
"""Of these frames one is loud: its way through is timed."""
_STAGGER = 20  # slots of 1 ms
_ssrcs = itertools.count(1000)


def static_srtp() -> Srtp:
    """Both directions under one key, for the relay."""
    inbound = Policy(key=KEY, ssrc_type=Policy.SSRC_ANY_INBOUND)
    outbound = Policy(key=KEY, ssrc_type=Policy.SSRC_ANY_OUTBOUND)
    return Srtp(Session(inbound), Session(outbound))


@dataclass(eq=False)
class Leg:
    """One party. `heard` is called with each payload."""

    leg_id: UUID = field(default_factory=uuid4)
    sent: int = 0
    received: int = 0
    marked_at: float = 0.0
    first_heard_at: float = 0.0
    heard: Callable[[Leg, bytes], None] | None = None
    _srtp: Srtp | None = None
    _transport: Any = None
    _address: tuple[str, int] | None = None
    _ssrc: int = field(default_factory=lambda: next(_ssrcs))
    pc: RTCPeerConnection | None = None

    async def offer(self, address: str = "127.0.0.1") -> str:
        """An offer of PCMU from that address of this machine."""
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        line = self.pc.addTransceiver("audio", direction="sendrecv")
        codecs = RTCRtpSender.getCapabilities("audio").codecs
        line.setCodecPreferences([c for c in codecs if c.mimeType == "audio/PCMU"])
        with loopback(address):
            await self.pc.setLocalDescription(await self.pc.createOffer())
        return self.pc.localDescription.sdp

    async def answer(self, offer: str, address: str) -> str:
        """The answer to an offer of the other side's."""
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        await self.pc.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        self.pc.getTransceivers()[0].direction = "sendrecv"
        with loopback(address):
            await self.pc.setLocalDescription(await self.pc.createAnswer())
        return self.pc.localDescription.sdp

    async def connect(self, web: Web) -> Leg:
        """Through the media process."""
        return await self.answered(await web.offer(self.leg_id, await self.offer()))

    async def answered(self, sdp: str | None = None) -> Leg:
        """Take the answer to our offer, if it was ours; wait until connected; take the packets."""
        assert self.pc is not None
        if sdp is not None:
            await self.pc.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
        line = self.pc.getTransceivers()[0]
        self._ssrc = line.sender._ssrc  # the one that our SDP names
        dtls = line.receiver.transport
        async with asyncio.timeout(15):
            while dtls.state != "connected":
                await asyncio.sleep(0.002)
        pair = dtls.transport._connection._nominated[1]
        self._srtp = Srtp(dtls._rx_srtp, dtls._tx_srtp)
        self._transport, self._address = pair.protocol.transport, pair.remote_addr
        others = pair.protocol.datagram_received

        def received(data: Any, address: Any) -> None:
            if 127 < data[0] < 192 and not rtp.is_rtcp(data[1]):
                self.take(data)
            else:
                others(data, address)

        pair.protocol.datagram_received = received  # type: ignore[method-assign, assignment]
        return self

    async def connect_to_relay(self, port: int) -> Leg:
        """Through the raw relay."""
        self._srtp, leg = static_srtp(), self

        class Receiver(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, _: Any) -> None:
                leg.take(data)

        self._address = ("127.0.0.1", port)
        self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            Receiver, local_addr=("127.0.0.1", 0)
        )
        return self

    def take(self, data: bytes) -> None:
        assert self._srtp is not None
        plain = self._srtp.open(data)
        if plain is None:
            return
        self.received += 1
        if not self.first_heard_at:
            self.first_heard_at = time.perf_counter()
        if self.heard is not None:
            bounds = rtp.payload_bounds(plain, len(plain))
            if bounds is not None:
                self.heard(self, bytes(plain[bounds[0] : bounds[1]]))

    def say(self, payload: bytes) -> None:
        assert self._srtp is not None
        self.sent += 1
        packet = self._srtp.seal(
            0, self.sent & 0xFFFF, self.sent * FRAME & 0xFFFF_FFFF, self._ssrc, payload
        )
        assert packet is not None
        self._transport.sendto(packet, self._address)

    async def close(self) -> None:
        if self.pc is not None:
            await self.pc.close()
        elif self._transport is not None:
            self._transport.close()


@dataclass(frozen=True)
class Load:
    """What one run of traffic gave. Milliseconds from saying a loud frame to hearing it."""

    seconds: float
    core_percent: float
    delivered: float
    latencies_ms: Sequence[float]


async def talk(pairs: Sequence[tuple[Leg, Leg]], seconds: float, pid: int) -> Load:
    """Both legs of every pair say a frame every 20 ms; `pid` is the process that carries them."""
    latencies: list[float] = []
    measuring = False
    far = {a: b for pair in pairs for a, b in (pair, pair[::-1])}

    def heard(leg: Leg, payload: bytes) -> None:
        other = far[leg]
        if measuring and payload[80] < 0x9F and other.marked_at:
            latencies.append((time.perf_counter() - other.marked_at) * 1000)
            other.marked_at = 0.0

    legs = list(far)
    for leg in legs:
        leg.heard = heard
    sending = asyncio.create_task(_say_all(legs))
    try:
        await asyncio.sleep(1.0)
        before = cpu_seconds(pid), time.perf_counter(), _counts(legs)
        measuring = True
        await asyncio.sleep(seconds)
        measuring = False
        after = cpu_seconds(pid), time.perf_counter(), _counts(legs)
    finally:
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sending
        for leg in legs:
            leg.heard = None
    took = after[1] - before[1]
    said, got = (new - old for new, old in zip(after[2], before[2], strict=True))
    return Load(took, 100 * (after[0] - before[0]) / took, got / said, latencies)


async def _say_all(legs: Sequence[Leg]) -> None:
    slots = [legs[i::_STAGGER] for i in range(_STAGGER)]
    due, number = time.perf_counter(), 0
    while True:
        for slot in slots:
            for index, leg in enumerate(slot):
                marked = (number + index) % MARK_EVERY == 0
                if marked:
                    leg.marked_at = time.perf_counter()
                leg.say(LOUD if marked else SILENCE)
            due += 0.001
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
        number += 1


def _counts(legs: Sequence[Leg]) -> tuple[int, int]:
    return sum(leg.sent for leg in legs), sum(leg.received for leg in legs)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, from the scheduler's own sum (nanoseconds)."""
    return sum(
        int((task / "schedstat").read_text().split()[0]) / 1e9
        for task in Path(f"/proc/{pid}/task").iterdir()
    )


def resident_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")
