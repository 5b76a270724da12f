"""A browser's transport that comes to nothing."""

from __future__ import annotations

from typing import Any

import pytest
from aioice import ice
from aiortc import RTCCertificate, RTCIceTransport

from channels.voice.media import sdp
from channels.voice.media.network import Network
from channels.voice.media.peer import Peer
from tests.unit.channels.voice.media.test_sdp import OFFER


class Owner:
    def __init__(self) -> None:
        self.told: list[str] = []

    def connected(self, peer: Peer) -> None:
        self.told.append("connected")

    def received(self, *_: Any) -> None:
        self.told.append("received")

    def ended(self, peer: Peer, reason: str) -> None:
        self.told.append(reason)


@pytest.mark.parametrize("error", [ConnectionError("gone"), ValueError("of a library"), OSError()])
async def test_whatever_goes_wrong_in_connecting_ends_the_leg(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(ice, "get_host_addresses", lambda **_: [])
    monkeypatch.setattr(RTCIceTransport, "start", fails)
    owner = Owner()
    network = Network(loopback=True)
    peer = Peer(owner, network, RTCCertificate.generateCertificate(), lambda: 0.0)
    await peer.answer(sdp.read_offer(OFFER))
    assert peer._connecting is not None
    await peer._connecting
    assert owner.told == ["ice_failed"]
    await peer.close()
