"""The seams: what is used of aiortc's and aioice's insides, in the pinned versions."""

from __future__ import annotations

import asyncio
import socket

import aioice
import pytest
from aioice import ice
from aiortc import RTCDtlsTransport, RTCIceTransport
from pylibsrtp import Session

from channels.voice.media import network
from channels.voice.media.network import IcePath, Network, NoPortError, SeamError, check_seams


async def test_the_seams_hold() -> None:
    check_seams()


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (aioice.Connection, "check_complete"),
        (aioice.Connection, "get_component_candidates"),
        (aioice.Connection, "data_received"),
        (ice.CandidatePair, "remote_addr"),
        (ice, "get_host_addresses"),
        (RTCDtlsTransport, "_set_role"),
        (Session, "protect_rtcp"),
    ],
)
async def test_a_seam_that_moved_stops_the_start_in_words(
    owner: object, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name == "get_component_candidates":

        async def other(self: object, addresses: list[str]) -> None: ...

        monkeypatch.setattr(owner, name, other)
    else:
        monkeypatch.delattr(owner, name)
    with pytest.raises(SeamError, match=rf"lacks .*{name}.*requirements/base.txt"):
        check_seams()


async def test_an_attribute_that_is_set_at_birth_counts_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    born = RTCIceTransport.__init__

    def without(self: RTCIceTransport, gatherer: object) -> None:
        born(self, gatherer)  # type: ignore[arg-type]
        del self._connection

    monkeypatch.setattr(RTCIceTransport, "__init__", without)
    with pytest.raises(SeamError, match="RTCIceTransport._connection"):
        check_seams()


def free_range(count: int) -> tuple[int, int]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        first = int(probe.getsockname()[1])
    return first, first + count - 1


def test_ports_of_a_range_are_taken_in_turn() -> None:
    first, last = free_range(3)
    net = Network(ports=(first, last), loopback=True)
    open_ones = [net.bind("127.0.0.1") for _ in range(3)]
    assert sorted(s.getsockname()[1] for s in open_ones) == [first, first + 1, last]
    with pytest.raises(NoPortError, match=f"{first}-{last}"):
        net.bind("127.0.0.1")
    open_ones[1].close()
    again = net.bind("127.0.0.1")
    assert again.getsockname()[1] == first + 1
    for sock in (*open_ones, again):
        sock.close()


def test_addresses_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ice, "get_host_addresses", lambda **_: ["192.0.2.1", "2001:db8::1"])
    assert list(Network().addresses()) == [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
    ]
    assert list(Network("203.0.113.9", loopback=True).addresses()) == [
        ("192.0.2.1", "203.0.113.9"),
        ("127.0.0.1", "127.0.0.1"),
    ]


async def test_a_stranger_costs_little_and_is_not_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """RTP from an address that never answered a check is counted, STUN and DTLS have a share."""
    monkeypatch.setattr(ice, "get_host_addresses", lambda **_: [])
    path = IcePath(Network(loopback=True))
    heard: list[bytes] = []
    path.on_media = heard.append
    await path.gather_candidates()
    port = path.local_candidates[0].port
    seen = []
    monkeypatch.setattr(ice.StunProtocol, "datagram_received", lambda *_: seen.append(1))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for first, count in ((0x80, 300), (0x00, 300), (0x16, 300), (0x50, 50)):
            for _ in range(count):
                stranger.sendto(bytes([first]) * 40, ("127.0.0.1", port))
            await asyncio.sleep(0.05)
        stranger.sendto(b"", ("127.0.0.1", port))
        await asyncio.sleep(0.05)
    assert heard == []
    assert path.strays >= 200
    assert len(seen) <= 2 * network._STUN_A_SECOND
    assert path._queue.qsize() <= network._WAITING_DTLS
    await path.close()
