from __future__ import annotations

import contextlib

import pytest
from aioice import Candidate
from aiortc.sdp import SessionDescription
from hypothesis import given
from hypothesis import strategies as st

from channels.voice.media import sdp
from channels.voice.media.sdp import OfferError, UnsupportedOfferError

OFFER = """v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
m=audio 9 UDP/TLS/RTP/SAVPF 111 0 8
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:1 1 udp 2122260223 192.0.2.7 50000 typ host
a=candidate:2 1 udp 2122260223 0f3a.local 50001 typ host
a=candidate:3 1 tcp 1518280447 192.0.2.7 9 typ host tcptype active
a=ice-ufrag:EsAw
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
a=fingerprint:sha-256 D2:FA:0E:C3:22:59:5E:14:95:69:92:3D:13:B4:84:24:2C:C2:A2:C0:3E:FD:34:8E:5E:EA:6F:AF:52:CE:E6:0F
a=setup:actpass
a=mid:0
a=sendrecv
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=mid:1
a=setup:actpass
""".replace("\n", "\r\n")  # noqa: E501


def answer(offer: str) -> str:
    host = Candidate("f", 1, "udp", 1, "127.0.0.1", 4000, "host")
    return sdp.write_answer(
        sdp.read_offer(offer), path=("us", "pw" * 12, [host]), fingerprint="AA:BB", ssrc=7,
        cname="c",
    )  # fmt: skip


def test_an_offer_is_read() -> None:
    offer = sdp.read_offer(OFFER)
    assert (offer.mid, offer.payload_type, offer.direction) == ("0", 0, "sendrecv")
    assert [c.host for c in offer.candidates] == ["192.0.2.7"]  # UDP with an address


def test_the_answer_is_pcmu_alone_and_refuses_other_lines() -> None:
    parsed = SessionDescription.parse(answer(OFFER))
    audio, data = parsed.media
    assert [(c.name, c.payloadType) for c in audio.rtp.codecs] == [("PCMU", 0)]
    assert audio.direction == "sendrecv"
    assert audio.ice_candidates_complete
    assert data.port == 0
    assert parsed.group[0].items == ["0"]


@pytest.mark.parametrize(
    ("setup", "ours"), [("actpass", "active"), ("active", "passive"), ("passive", "active")]
)
def test_the_dtls_role_fits_the_offer(setup: str, ours: str) -> None:
    assert f"a=setup:{ours}" in answer(OFFER.replace("a=setup:actpass", f"a=setup:{setup}"))


@pytest.mark.parametrize(
    ("theirs", "ours"), [("sendonly", "recvonly"), ("recvonly", "sendonly"), ("inactive", None)]
)
def test_the_direction_fits_the_offer(theirs: str, ours: str | None) -> None:
    offer = OFFER.replace("a=sendrecv", f"a={theirs}")
    if ours is None:
        with pytest.raises(UnsupportedOfferError):
            answer(offer)
    else:
        assert f"a={ours}" in answer(offer)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("PCMU", "L16"),
        ("m=audio 9", "m=audio 0"),
        ("UDP/TLS/RTP/SAVPF", "RTP/AVP"),
        ("a=rtcp-mux\r\n", ""),
    ],
)
def test_what_a_leg_needs(old: str, new: str) -> None:
    with pytest.raises(UnsupportedOfferError):
        sdp.read_offer(OFFER.replace(old, new))


@pytest.mark.parametrize("line", ["a=ice-pwd:", "a=fingerprint:", "a=setup:", "m=audio"])
def test_a_missing_line_is_an_error_in_words(line: str) -> None:
    kept = [text for text in OFFER.split("\r\n") if not text.startswith(line)]
    with pytest.raises(OfferError):
        sdp.read_offer("\r\n".join(kept))


@given(st.text(max_size=300))
def test_garbage_is_an_error(text: str) -> None:
    with pytest.raises(OfferError):
        sdp.read_offer(text)


@given(st.data())
def test_a_damaged_offer_is_read_or_refused(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(OFFER)))
    cut = data.draw(st.integers(0, 40))
    put = data.draw(st.text(max_size=10))
    with contextlib.suppress(OfferError):
        answer(OFFER[:at] + put + OFFER[at + cut :])


def test_candidates() -> None:
    found = sdp.read_candidate("candidate:1 1 udp 1 192.0.2.1 5000 typ host")
    assert found is not None
    assert found.port == 5000
    assert sdp.read_candidate("1 1 udp 1 x.local 5000 typ host") is None
    with pytest.raises(OfferError):
        sdp.read_candidate("candidate:1 1 udp one")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("a=ice-ufrag:", "abc"),
        ("a=ice-ufrag:", "a" * 257),
        ("a=ice-ufrag:", "user name"),
        ("a=ice-pwd:", "p" * 21),
        ("a=ice-pwd:", "p" * 257),
        ("a=ice-pwd:", "contraseña" * 3),
    ],
)
def test_credentials_that_are_none(line: str, value: str) -> None:
    lines = [line + value if text.startswith(line) else text for text in OFFER.split("\r\n")]
    with pytest.raises(OfferError, match="credentials"):
        sdp.read_offer("\r\n".join(lines))


def test_an_offer_of_many_lines_is_refused() -> None:
    more = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n" * 7
    with pytest.raises(OfferError, match="more than 8"):
        sdp.read_offer(OFFER + more)


@pytest.mark.parametrize(
    "place",
    [
        "192.0.2.1 0", "192.0.2.1 53", "192.0.2.1 65536", "0.0.0.0 5000", "224.0.0.1 5000",
        "255.255.255.255 5000", "169.254.169.254 5000", "fe80::1 5000", "ff02::1 5000", ":: 5000",
        "intranet.example 5000", "localhost 5000",
    ],
)  # fmt: skip
def test_candidates_that_are_no_browser_s_are_not_tried(place: str) -> None:
    assert sdp.read_candidate(f"candidate:1 1 udp 1 {place} typ host") is None
