"""UDP sockets, ICE and DTLS: where this package leans on the insides of aiortc and aioice.

Each private name that is used stands in `_SEAMS`; `check_seams` looks at all of them when the
process starts, and contract tests hold them against the pinned versions.

What the libraries do not do by themselves: ports from a range, candidates under a public address,
loopback, the path that ICE chooses as it changes, RTP that goes to its leg without a queue or a
task, and limits on what a stranger's datagrams may cost.
"""

from __future__ import annotations

import asyncio
import inspect
import secrets
import socket
import time
from collections.abc import Callable, Container, Iterator
from importlib.metadata import version
from ipaddress import ip_address, ip_network
from typing import Any

import pylibsrtp
from aioice import Candidate, Connection, ice
from aioice.candidate import candidate_foundation, candidate_priority
from aiortc import RTCCertificate, RTCDtlsTransport, RTCIceGatherer, RTCIceTransport

from channels.voice.media.srtp import Srtp

LOOPBACK = "127.0.0.1"
MAX_DATAGRAM = 2048
"""Asked of the socket: the standard loop allocates 256 KiB for each datagram otherwise."""

_RECEIVE_BUFFER = 128 * 1024
_STUN_A_SECOND, _DTLS_A_SECOND = 60, 200  # of one leg; more is not read
_WAITING_DTLS = 64
_MOST_PAIRS = 128
_DISGUISES = tuple(
    map(
        ip_network,
        ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48",
         "2001::/32", "2002::/16"),
    )
)  # fmt: skip
"""IPv6 with an IPv4 address in it (RFC 2765, 3056, 4291, 4380, 6052, 8215): no browser has one."""
_COMPONENT = 1  # RTP and RTCP share one (rtcp-mux)

Path = tuple[asyncio.DatagramTransport, tuple[str, int]]
"""Where a leg's packets go: a socket, and the address behind it."""

# Object → private or undocumented names of it that are used here or in srtp.py.
_SEAMS: tuple[tuple[Callable[[], object], tuple[str, ...]], ...] = (
    (
        lambda: Connection(ice_controlling=False),
        ("_check_list", "_closing", "_nominated", "_protocols", "_queue", "check_complete",
         "data_received", "get_component_candidates", "request_received"),
    ),
    (lambda: ice.CandidatePair, ("State", "remote_addr")),
    (lambda: ice, ("get_host_addresses",)),
    (lambda: ice.StunProtocol(Connection(ice_controlling=False)), ("transactions",)),
    (lambda: RTCIceTransport(RTCIceGatherer(iceServers=[])), ("_connection", "_recv", "_send")),
    (lambda: RTCIceGatherer(iceServers=[]), ("_connection",)),
    (
        lambda: RTCDtlsTransport(
            RTCIceTransport(RTCIceGatherer(iceServers=[])),
            [RTCCertificate.generateCertificate()],
        ),
        ("_rx_srtp", "_set_role", "_tx_srtp"),
    ),
    (lambda: pylibsrtp, ("ffi", "lib")),
    (lambda: getattr(pylibsrtp, "lib", None), ("srtp_protect", "srtp_unprotect")),
    (lambda: pylibsrtp.Session(), ("_srtp", "protect_rtcp", "unprotect_rtcp")),
)  # fmt: skip
_CANDIDATES_TAKE = ("self", "component", "addresses", "timeout")


class SeamError(RuntimeError):
    """The installed aiortc is not the one this was written for; the text is one sentence."""


class NoPortError(OSError):
    """No UDP port of the range is free."""


def check_seams() -> None:
    """Raise SeamError if a private name that this package uses has moved. Needs a running loop."""
    gone = [
        f"{getattr(found, '__name__', type(found).__name__)}.{name}"
        for found, names in ((make(), names) for make, names in _SEAMS)
        for name in names
        if not hasattr(found, name)
    ]
    takes = tuple(inspect.signature(Connection.get_component_candidates).parameters)
    if takes != _CANDIDATES_TAKE:
        gone.append("Connection.get_component_candidates()")
    if gone:
        raise SeamError(
            f"aiortc {version('aiortc')} with aioice {version('aioice')} lacks {', '.join(gone)}: "
            "install the versions of requirements/base.txt."
        )


class Network:
    """The addresses and ports of this machine for sound. `loopback` is for development."""

    def __init__(
        self, public_ip: str = "", ports: tuple[int, int] | None = None, *, loopback: bool = False
    ) -> None:
        self.public_ip = public_ip
        self._ports = ports
        self._loopback = loopback
        self._next_port = ports[0] if ports else 0

    def addresses(self) -> Iterator[tuple[str, str]]:
        """Each address to bind, and the one that browsers are told for it."""
        for address in ice.get_host_addresses(use_ipv4=True, use_ipv6=True):
            if not self.public_ip:
                yield address, address
            elif ip_address(address).version == ip_address(self.public_ip).version:
                yield address, self.public_ip
        if self._loopback:
            yield LOOPBACK, LOOPBACK

    def may_try(self, candidate: Candidate) -> bool:
        """Whether a browser's candidate is worth a packet. Checks are what a stranger may have sent
        to an address of their choice: none goes to this machine, nor, from a server on the open
        net, to a private network, nor to an IPv4 address in disguise."""
        address = ip_address(candidate.host)
        if address.is_loopback:
            return self._loopback
        if any(address in network for network in _DISGUISES):
            return False
        outside = bool(self.public_ip) and ip_address(self.public_ip).is_global
        return address.is_global or not outside

    def bind(self, address: str) -> socket.socket:
        """A UDP socket on a free port. Raises OSError; NoPortError if the range is used up."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            if self._ports is None:
                sock.bind((address, 0))
            else:
                self._bind_in_range(sock, address, *self._ports)
        except BaseException:
            sock.close()
            raise
        return sock

    def _bind_in_range(self, sock: socket.socket, address: str, first: int, last: int) -> None:
        """The next free port in turn, so that one just freed rests the longest."""
        for _ in range(last - first + 1):
            port = self._next_port
            self._next_port = first if port >= last else port + 1
            try:
                sock.bind((address, port))
            except PermissionError:
                raise
            except OSError:
                continue
            return
        raise NoPortError(f"no UDP port of {first}-{last} is free")


class IcePath(Connection):
    """An ICE agent whose chosen path and RTP are at hand. `on_media` gets SRTP and SRTCP."""

    def __init__(self, network: Network, **servers: Any) -> None:
        super().__init__(ice_controlling=False, local_username=secrets.token_hex(8), **servers)
        self._asks_us = f"{self.local_username}:".encode()
        self.path: Path | None = None
        self.on_media: Callable[[bytes], None] | None = None
        self.strays = 0
        self._network = network
        self._second = 0
        self._stun = self._dtls = 0

    async def get_component_candidates(
        self,
        component: int,
        addresses: list[str],  # noqa: ARG002
        timeout: int = 5,
    ) -> list[Candidate]:
        """Host candidates on our own sockets; a relayed one if there is a TURN server."""
        loop = asyncio.get_running_loop()
        failure: OSError | None = None
        for address, told in self._network.addresses():
            try:
                sock = self._network.bind(address)
            except OSError as error:
                failure = error
                continue
            transport, protocol = await loop.create_datagram_endpoint(
                lambda: _Socket(self), sock=sock
            )
            if hasattr(transport, "max_size"):
                transport.max_size = MAX_DATAGRAM
            protocol.local_candidate = Candidate(
                foundation=candidate_foundation("host", "udp", address),
                component=component,
                transport="udp",
                priority=candidate_priority(component, "host"),
                host=told,
                port=sock.getsockname()[1],
                type="host",
            )
            self._protocols.append(protocol)
        hosts = [protocol.local_candidate for protocol in self._protocols]
        relayed = await super().get_component_candidates(component, [], timeout)
        if not hosts and not relayed:
            raise failure or OSError("this machine has no address for sound")
        return hosts + relayed

    def check_complete(self, pair: ice.CandidatePair) -> None:
        """After each check, and whenever the browser nominates another pair."""
        super().check_complete(pair)
        chosen = self._nominated.get(_COMPONENT)
        if chosen is not None:
            self.path = chosen.protocol.transport, chosen.remote_addr

    async def close(self) -> None:
        self.path = None
        self.on_media = None
        await super().close()

    @property
    def closing(self) -> bool:
        """Closed, by us or because the peer stopped answering (RFC 7675)."""
        return self._closing

    def media_received(self, data: bytes, address: tuple[str, int]) -> None:
        """SRTP or SRTCP from the chosen path, or from another that has answered our check."""
        if self.on_media is None:
            return
        if (self.path is None or address != self.path[1]) and not self._answered(address):
            self.strays += 1
            return
        self.on_media(data)

    def data_received(self, data: bytes, component: int) -> None:
        """Anything but STUN: from a relay, or DTLS from our own sockets."""
        if data and 127 < data[0] < 192:
            if self.on_media is not None:
                self.on_media(data)
        elif self._queue.qsize() < _WAITING_DTLS:
            super().data_received(data, component)

    def may_check(self, data: bytes, asked: Container[bytes]) -> bool:
        """Whether to read a STUN message: an answer to what we `asked`, or a request that names us,
        within this second's share. A stranger's is neither, and uses up nobody's share."""
        ours = data[8:20] in asked if data[0] else self._asks_us in data
        if not ours:
            self.strays += 1
            return False
        self._begin_second()
        self._stun += 1
        return self._stun <= _STUN_A_SECOND and len(self._check_list) <= _MOST_PAIRS

    def may_shake_hands(self, address: tuple[str, int]) -> bool:
        """Whether to read DTLS from there: ICE knows the address, and there is some share left."""
        if not any(pair.remote_addr == address for pair in self._check_list):
            self.strays += 1
            return False
        self._begin_second()
        self._dtls += 1
        return self._dtls <= _DTLS_A_SECOND

    def _begin_second(self) -> None:
        second = int(time.monotonic())
        if second != self._second:
            self._second = second
            self._stun = self._dtls = 0

    def _answered(self, address: tuple[str, int]) -> bool:
        return any(
            pair.state is ice.CandidatePair.State.SUCCEEDED and pair.remote_addr == address
            for pair in self._check_list
        )


class SecurePath(RTCDtlsTransport):
    """aiortc's DTLS on one of our paths."""

    def take_role(self, *, client: bool) -> None:
        self._set_role("client" if client else "server")

    def srtp(self) -> Srtp:
        """What the finished handshake agreed on."""
        return Srtp(self._rx_srtp, self._tx_srtp)


class _Socket(ice.StunProtocol):
    """Tells the kinds of datagrams apart by their first byte (RFC 7983)."""

    receiver: IcePath

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        assert isinstance(data, bytes)
        first = data[0] if data else 255
        if 127 < first < 192:
            self.receiver.media_received(data, addr[:2])
        elif first < 4:
            if self.receiver.may_check(data, self.transactions):
                super().datagram_received(data, addr)
        elif 19 < first < 64 and self.receiver.may_shake_hands(addr[:2]):
            self.receiver.data_received(data, self.local_candidate.component)


class Gatherer(RTCIceGatherer):
    """aiortc's gatherer on our own ICE agent."""

    def __init__(self, path: IcePath) -> None:
        super().__init__(iceServers=[])
        self._connection = path
