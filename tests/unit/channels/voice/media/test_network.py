"""The seams: what is used of aiortc's and aioice's insides, in the pinned versions."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from types import SimpleNamespace

import aioice
import pytest
from aioice import ice, stun
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


@pytest.mark.parametrize(
    ("host", "in_office", "on_the_net", "in_development"),
    [
        ("8.8.8.8", True, True, True),
        ("192.168.1.7", True, False, True),
        ("fd00::7", True, False, True),
        ("127.0.0.1", False, False, True),
        ("::1", False, False, True),
        *(
            (disguised, False, False, False)
            for disguised in (
                "::ffff:127.0.0.1", "::ffff:192.168.1.7", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1",
                "64:ff9b::127.0.0.1", "64:ff9b::192.168.1.7", "64:ff9b:1::169.254.169.254",
                "2002:7f00:1::", "2002:c0a8:107::1", "2001:0:7f00:1::1", "::192.168.1.7",
            )
        ),
    ],
)  # fmt: skip
def test_candidates_that_get_a_packet(
    host: str, in_office: bool, on_the_net: bool, in_development: bool
) -> None:
    candidate = aioice.Candidate("f", 1, "udp", 1, host, 5000, "host")
    assert Network().may_try(candidate) is in_office
    assert Network("192.168.1.2").may_try(candidate) is in_office
    assert Network("1.1.1.1").may_try(candidate) is on_the_net
    assert Network(loopback=True).may_try(candidate) is in_development


def request(name: str) -> bytes:
    """A STUN check in that name."""
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = name
    return bytes(message)


async def test_a_stranger_costs_little_and_nobody_else_s_share(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """RTP and DTLS from an address that ICE does not know, checks that do not name the leg, and
    answers to what was not asked are counted and dropped; whoever names it is still heard."""
    monkeypatch.setattr(ice, "get_host_addresses", lambda **_: [])
    path = IcePath(Network(loopback=True))
    heard: list[bytes] = []
    path.on_media = heard.append
    await path.gather_candidates()
    port = path.local_candidates[0].port
    seen: list[bytes] = []
    monkeypatch.setattr(
        ice.StunProtocol, "datagram_received", lambda _, data, __: seen.append(data)
    )

    async def until(true: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not true():
                await asyncio.sleep(0.01)

    answer = bytes(stun.Message(stun.Method.BINDING, stun.Class.RESPONSE))
    flood = [b"\x80" * 40, answer, b"\x16" * 40, request("nobody:x")]
    true_one = request(f"{path.local_username}:them")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.connect(("127.0.0.1", port))
        for number, data in enumerate(flood, 1):
            for _ in range(100):  # what the socket's buffer holds
                stranger.send(data)
            await until(lambda number=number: path.strays == 100 * number)  # type: ignore[misc]
        stranger.send(b"")
        stranger.send(b"\x50" * 40)
        stranger.send(true_one)
        await until(lambda: bool(seen))
        assert seen == [true_one]
        for _ in range(2 * network._STUN_A_SECOND):
            stranger.send(true_one)
        stranger.send(b"\x80" * 40)
        await until(lambda: path.strays == 401)
    assert heard == []
    assert len(seen) <= 2 * network._STUN_A_SECOND
    assert path._queue.qsize() == 0
    await path.close()


async def test_dtls_of_an_address_that_ice_knows_has_a_share() -> None:
    path = IcePath(Network(loopback=True))
    known = ("192.0.2.1", 5000)
    path._check_list.append(SimpleNamespace(remote_addr=known))  # type: ignore[arg-type]
    assert not path.may_shake_hands(("192.0.2.1", 5001))
    taken = sum(path.may_shake_hands(known) for _ in range(3 * network._DTLS_A_SECOND))
    assert network._DTLS_A_SECOND <= taken <= 2 * network._DTLS_A_SECOND
