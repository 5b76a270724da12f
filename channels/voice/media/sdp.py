"""A browser's offer read, and our answer written: one audio line, PCMU only (RFC 8829, 3551)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from aioice import Candidate
from aiortc import RTCDtlsParameters, RTCIceParameters
from aiortc import sdp as aiortc_sdp
from aiortc.rtcicetransport import candidate_to_aioice

CODEC = "PCMU"
MAX_CANDIDATES = 32
_ANSWERED = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly"}
_MOST_LINES = 8  # of media: a browser offers one, or has video beside it
_USER = re.compile(r"[A-Za-z0-9+/]{4,256}")  # RFC 8839, 5.4
_PASSWORD = re.compile(r"[A-Za-z0-9+/]{22,256}")
_FIRST_PORT = 1024  # no browser sends from a port below


class OfferError(ValueError):
    """Not an offer that can be answered; the text is one sentence."""


class UnsupportedOfferError(OfferError):
    """An offer without what a leg needs."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What an answer needs to know. `lines`: kind, port, profile and formats of each media line."""

    lines: tuple[tuple[str, str, str, str], ...]
    audio: int
    mid: str
    payload_type: int
    direction: str
    ice: RTCIceParameters
    dtls: RTCDtlsParameters
    candidates: tuple[Candidate, ...]


def read_offer(text: str) -> Offer:
    """Raises OfferError."""
    try:
        session = aiortc_sdp.SessionDescription.parse(text)
    except Exception as error:  # its parser fails on garbage in as many ways as there are lines
        raise OfferError("the SDP cannot be read") from error
    if len(session.media) > _MOST_LINES:
        raise OfferError(f"the offer has more than {_MOST_LINES} media lines")
    index = next((i for i, m in enumerate(session.media) if m.kind == "audio" and m.port), None)
    if index is None:
        raise UnsupportedOfferError("the offer has no audio")
    media = session.media[index]
    codec = next(
        (c for c in media.rtp.codecs if (c.name.upper(), c.clockRate) == (CODEC, 8000)), None
    )
    if codec is None or codec.payloadType is None:
        raise UnsupportedOfferError(f"the offer has no {CODEC}")
    if not media.rtcp_mux or "SAVP" not in media.profile:
        raise UnsupportedOfferError("the offer is not WebRTC: it lacks DTLS-SRTP or rtcp-mux")
    named = media.ice and _USER.fullmatch(media.ice.usernameFragment or "")
    if not (media.ice and named and _PASSWORD.fullmatch(media.ice.password or "")):
        raise OfferError("the offer lacks ICE credentials, or they are none")
    if not (media.dtls and media.dtls.fingerprints):
        raise OfferError("the offer lacks a fingerprint or a DTLS role")
    if (media.direction or "sendrecv") not in _ANSWERED:
        raise UnsupportedOfferError("the offer's audio is inactive")
    return Offer(
        lines=tuple(
            (m.kind, str(m.port), m.profile, " ".join(map(str, m.fmt))) for m in session.media
        ),
        audio=index,
        mid=media.rtp.muxId or "0",
        payload_type=codec.payloadType,
        direction=_ANSWERED[media.direction or "sendrecv"],
        ice=media.ice,
        dtls=media.dtls,
        candidates=tuple(_usable(map(candidate_to_aioice, media.ice_candidates[:MAX_CANDIDATES]))),
    )


def read_candidate(text: str) -> Candidate | None:
    """A trickled candidate; None for one of no use here. Raises OfferError."""
    try:
        candidate = Candidate.from_sdp(text.removeprefix("candidate:"))
    except Exception as error:  # as above
        raise OfferError("the candidate cannot be read") from error
    return next(_usable([candidate]), None)


def write_answer(
    offer: Offer, *, path: tuple[str, str, Iterable[Candidate]], fingerprint: str, ssrc: int,
    cname: str,
) -> str:  # fmt: skip
    """`path`: our ICE user name, password and candidates. Lines other than audio are refused."""
    user, password, candidates = path
    lines = [
        "v=0",
        f"o=- {secrets.randbits(62)} 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {offer.mid}",
        "a=msid-semantic: WMS *",
    ]
    for index, (kind, _, profile, formats) in enumerate(offer.lines):
        if index != offer.audio:
            lines += [f"m={kind} 0 {profile} {formats}", "c=IN IP4 0.0.0.0", "a=inactive"]
            continue
        lines += [
            f"m=audio 9 {profile} {offer.payload_type}",
            "c=IN IP4 0.0.0.0",
            "a=rtcp:9 IN IP4 0.0.0.0",
            f"a=mid:{offer.mid}",
            f"a={offer.direction}",
            "a=rtcp-mux",
            f"a=rtpmap:{offer.payload_type} {CODEC}/8000",
            "a=ptime:20",
            f"a=msid:{cname} audio",
            f"a=ssrc:{ssrc} cname:{cname}",
            f"a=ice-ufrag:{user}",
            f"a=ice-pwd:{password}",
            "a=ice-options:trickle",
            f"a=fingerprint:sha-256 {fingerprint}",
            f"a=setup:{'active' if we_are_client(offer) else 'passive'}",
            *(f"a=candidate:{candidate.to_sdp()}" for candidate in candidates),
            "a=end-of-candidates",
        ]
    return "\r\n".join(lines) + "\r\n"


def we_are_client(offer: Offer) -> bool:
    """Whether we begin the DTLS handshake: unless the offer insists on doing so (RFC 8842)."""
    return offer.dtls.role != "client"


def _usable(candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    """UDP to an address and port of one browser. A name needs no look-up: that browser's checks
    reach us."""
    return (c for c in candidates if c.transport.lower() == "udp" and _is_place(c.host, c.port))


def _is_place(host: str, port: int) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    nobody = address.is_multicast or address.is_unspecified or address.is_link_local
    return _FIRST_PORT <= port <= 65_535 and not nobody and host != "255.255.255.255"
