"""A bad network between a party and media: a UDP proxy that loses and delays RTP, and moves."""

from __future__ import annotations

import asyncio
import random
import re
from typing import Any


class BadNetwork(asyncio.DatagramProtocol):
    """What a party sends to `port` goes on to media from another socket, and back."""

    def __init__(self, loss: float = 0.0, jitter_ms: float = 0.0, seed: int = 1) -> None:
        self.loss, self.jitter_ms = loss, jitter_ms
        self.rtp = self.lost = 0
        self._dice = random.Random(seed)
        self._party: Any = None
        self._front: Any = None
        self._back: Any = None
        self._olds: list[Any] = []
        self._media: tuple[str, int] | None = None

    async def between(self, answer: str) -> str:
        """Stand between the party and media. Returns the answer with our own address in it."""
        found = re.search(r"a=candidate:\S+ 1 udp \d+ 127\.0\.0\.1 (\d+)", answer)
        assert found is not None
        self._media = ("127.0.0.1", int(found[1]))
        loop = asyncio.get_running_loop()
        self._front, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 0)
        )
        await self.move()
        port = self._front.get_extra_info("sockname")[1]
        return answer.replace(f" 127.0.0.1 {found[1]} ", f" 127.0.0.1 {port} ")

    async def move(self) -> None:
        """From now on media sees the party at another port, as after a change of networks."""
        outer = self

        class Back(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, _: Any) -> None:
                if outer._party is not None:
                    outer._pass(outer._front, data, outer._party)

        if self._back is not None:
            self._olds.append(self._back)
        self._back, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            Back, local_addr=("127.0.0.1", 0)
        )

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._party = addr
        self._pass(self._back, data, self._media)

    def _pass(self, transport: Any, data: bytes, address: Any) -> None:
        if 127 < data[0] < 192 and not 192 <= data[1] <= 223:
            self.rtp += 1
            if self._dice.random() < self.loss:
                self.lost += 1
                return
            delay = self._dice.uniform(0, self.jitter_ms) / 1000
            asyncio.get_running_loop().call_later(delay, _send, transport, data, address)
        else:
            transport.sendto(data, address)

    def close_old(self) -> None:
        """The former path is gone for good."""
        for transport in self._olds:
            transport.close()

    def close(self) -> None:
        self.close_old()
        for transport in (self._front, self._back):
            if transport is not None:
                transport.close()


def _send(transport: Any, data: bytes, address: Any) -> None:
    if not transport.is_closing():
        transport.sendto(data, address)


def without_candidates(offer: str) -> str:
    """So that media answers only where checks come from."""
    lines = (line for line in offer.splitlines() if not line.startswith("a=candidate"))
    return "\r\n".join(lines) + "\r\n"
