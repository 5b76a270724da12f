"""SRTP by the packet, in place: libsrtp called through pylibsrtp's own binding.

pylibsrtp's `protect` and `unprotect` copy each packet three times; these copy it once each way.
"""

from __future__ import annotations

from pylibsrtp import Error, Session

from pylibsrtp import ffi, lib  # type: ignore[attr-defined]  # isort: skip

from channels.voice.media import rtp

MAX_PAYLOAD = 1400
_BUFFER = 1600
_TRAILER = 160  # most that libsrtp appends: SRTP_MAX_TRAILER_LEN
assert rtp.HEADER_BYTES + MAX_PAYLOAD + _TRAILER <= _BUFFER


class Srtp:
    """Both directions of one DTLS association."""

    __slots__ = (
        "_in", "_in_view", "_length", "_out", "_out_view", "_protect", "_received", "_sent",
        "_unprotect",
    )  # fmt: skip

    def __init__(self, received: Session, sent: Session) -> None:
        self._received, self._sent = received, sent
        self._unprotect, self._protect = received._srtp[0], sent._srtp[0]  # noqa: SLF001
        self._in, self._out = (ffi.new("unsigned char[]", _BUFFER) for _ in range(2))
        self._in_view, self._out_view = (
            memoryview(ffi.buffer(buffer)).cast("B") for buffer in (self._in, self._out)
        )
        self._length = ffi.new("int *")

    def open(self, packet: bytes) -> memoryview | None:
        """The plain RTP packet, valid until the next call; None if it is not authentic."""
        size = len(packet)
        if size > _BUFFER:
            return None
        self._in_view[:size] = packet
        self._length[0] = size
        if lib.srtp_unprotect(self._unprotect, self._in, self._length):
            return None
        return self._in_view[: self._length[0]]

    def seal(
        self, kind: int, sequence: int, timestamp: int, ssrc: int, payload: bytes
    ) -> bytes | None:
        """A whole SRTP packet; `kind` is marker and payload type. None: libsrtp refuses it."""
        view, end = self._out_view, rtp.HEADER_BYTES + len(payload)
        rtp.HEADER.pack_into(view, 0, 0x80, kind, sequence, timestamp, ssrc)
        view[rtp.HEADER_BYTES : end] = payload
        self._length[0] = end
        if lib.srtp_protect(self._protect, self._out, self._length):
            return None
        return bytes(view[: self._length[0]])

    def open_report(self, packet: bytes) -> bytes | None:
        """Plain RTCP; None if it is not authentic."""
        try:
            plain: bytes = self._received.unprotect_rtcp(packet)
        except Error:
            return None
        return plain

    def seal_report(self, packet: bytes) -> bytes:
        sealed: bytes = self._sent.protect_rtcp(packet)
        return sealed
