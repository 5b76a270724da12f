"""A raw SRTP relay: what forwarding costs when nothing else is done.

`python -m tests.bench._media_relay N`: N sockets; what comes on one is opened, sealed anew and sent
to whoever sent last to its neighbour. Prints the ports as JSON, and serves until it is ended.
"""

from __future__ import annotations

import asyncio
import json
import sys
from functools import partial
from typing import Any

import uvloop

from channels.voice.media import rtp
from tests.bench._media_load import static_srtp


class End(asyncio.DatagramProtocol):
    """One leg's socket."""

    def __init__(self) -> None:
        self.srtp = static_srtp()
        self.other: End | None = None
        self.transport: Any = None
        self.client: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.client = addr
        plain = self.srtp.open(data)
        other = self.other
        if plain is None or other is None or other.client is None:
            return
        _, kind, sequence, timestamp, ssrc = rtp.HEADER.unpack_from(plain)
        packet = other.srtp.seal(kind, sequence, timestamp, ssrc, bytes(plain[12:]))
        if packet is not None:
            other.transport.sendto(packet, other.client)


def _same(end: End) -> End:
    return end


async def main(count: int) -> None:
    loop = asyncio.get_running_loop()
    ends = [End() for _ in range(count)]
    for end in ends:
        await loop.create_datagram_endpoint(partial(_same, end), local_addr=("127.0.0.1", 0))
    for a, b in zip(ends[::2], ends[1::2], strict=True):
        a.other, b.other = b, a
    print(json.dumps([e.transport.get_extra_info("sockname")[1] for e in ends]), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
