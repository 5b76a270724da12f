"""HTTP of voice: calls (begin, answer, transfer, mute, hold, record, hang up), recordings, and the
way to the media."""

from __future__ import annotations

import re
from functools import partial
from typing import Final
from uuid import UUID

from channels.voice.history import CallHistory
from channels.voice.recordings import RecordingService
from channels.voice.schemas import (
    CallCard,
    CallDetail,
    CallDial,
    CallPage,
    CallQuery,
    CallRecord,
    CallSwitch,
    CallTransfer,
    IceServers,
    LegalHold,
    RecordControl,
    RecordingCard,
    RecordingList,
    RecordingRuleCard,
    RecordingRules,
    SetRecordingRule,
    Switched,
)
from channels.voice.service import AgentCalls
from contactcenter.core.access import Permission
from contactcenter.core.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
    Unavailable,
)
from contactcenter.core.http import Request, Response, Route

TAGS = ("calls",)
BASE = "/api/v1/calls"
RECORDINGS = "/api/v1/recordings"
RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
AUDIO: Final = "audio/wav"
WHAT_FAILS = (Conflict, Invalid, NotFound, Unavailable)


class CallRoutes:
    def __init__(
        self, desk: AgentCalls, history: CallHistory, recordings: RecordingService
    ) -> None:
        self._desk = desk
        self._history = history
        self._recordings = recordings

    # Calls

    async def listed(self, request: Request) -> CallPage:
        return await self._history.listed(request.principal, request.query)

    async def detail(self, request: Request) -> CallDetail:
        return await self._history.detail(request.principal, request.id("id"))

    async def initiate(self, request: Request) -> CallCard:
        return await self._desk.dial(request.principal, request.body)

    async def accept(self, request: Request) -> CallCard:
        return await self._desk.answer(request.principal, request.id("id"))

    async def end(self, request: Request) -> None:
        await self._desk.hangup(request.principal, request.id("id"))

    async def transfer(self, request: Request) -> None:
        await self._desk.transfer(request.principal, request.id("id"), request.body)

    async def mute(self, request: Request) -> CallCard:
        asked: Switched = request.body
        wanted = CallSwitch(call_id=request.id("id"), on=asked.on)
        return await self._desk.mute(request.principal, wanted)

    async def hold(self, request: Request) -> CallCard:
        asked: Switched = request.body
        wanted = CallSwitch(call_id=request.id("id"), on=asked.on)
        return await self._desk.hold(request.principal, wanted)

    async def record(self, request: Request) -> CallCard:
        asked: RecordControl = request.body
        wanted = CallRecord(call_id=request.id("id"), state=asked.state)
        return await self._desk.record(request.principal, wanted)

    async def ice(self, request: Request) -> IceServers:
        return self._history.ice(request.principal)

    # Recordings

    async def of_call(self, request: Request) -> RecordingList:
        return await self._recordings.of_call(request.principal, request.id("id"))

    async def recording(self, request: Request) -> RecordingCard:
        return await self._recordings.one(request.principal, request.id("id"))

    async def audio(self, request: Request) -> Response:
        """The file, or the part that `Range` asks for (RFC 9110, 14)."""
        recording_id: UUID = request.id("id")
        row = await self._recordings.playable(request.principal, recording_id)
        size: int = row["bytes"]
        headers = {"Accept-Ranges": "bytes", "Cache-Control": "private, no-store"}
        asked = request.http.headers.get("Range")
        part = byte_range(asked, size) if asked else (0, size)
        if part is None:
            return Response(
                b"", status=416, headers={**headers, "Content-Range": f"bytes */{size}"}
            )
        start, end = part
        if request.http.method == "GET":
            await self._recordings.note_play(request.principal, recording_id, begins=start == 0)
        sound = await self._recordings.sound(row, start, end)
        if asked:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        return Response(
            sound,
            status=206 if asked else 200,
            headers=headers,
            content_type=AUDIO,
            length=end - start,
        )

    async def legal_hold(self, request: Request) -> RecordingCard:
        return await self._recordings.hold(request.principal, request.id("id"), request.body)

    async def delete(self, request: Request) -> None:
        await self._recordings.delete(request.principal, request.id("id"))

    async def rules(self, _: Request) -> RecordingRules:
        return await self._recordings.rules()

    async def set_rule(self, request: Request) -> Response:
        card = await self._recordings.set_rule(
            request.principal,
            request.text("key"),
            request.body,
            partial(request.match, required=True),
        )
        return Response(card, version=card.version)

    def table(self) -> tuple[Route, ...]:
        read, desk = Permission.CALLS_READ, Permission.DESK_USE
        play, manage = Permission.RECORDINGS_PLAY, Permission.RECORDINGS_MANAGE
        one = f"{BASE}/{{id}}"
        recording = f"{RECORDINGS}/{{id}}"
        return (
            Route("GET", BASE, self.listed, read, "List calls, newest first",
                  query=CallQuery, response=CallPage, tags=TAGS, errors=(Invalid,)),
            Route("GET", one, self.detail, read, "Show a call with its history",
                  response=CallDetail, tags=TAGS, errors=(NotFound,)),
            Route("POST", f"{BASE}/initiate", self.initiate, desk, "Call a colleague",
                  body=CallDial, response=CallCard, status=201, creates=True, tags=TAGS,
                  errors=WHAT_FAILS),
            Route("POST", f"{one}/accept", self.accept, desk, "Answer a colleague's call",
                  response=CallCard, tags=TAGS, errors=WHAT_FAILS),
            Route("POST", f"{one}/end", self.end, desk, "Hang up",
                  status=204, tags=TAGS, errors=WHAT_FAILS),
            Route("POST", f"{one}/transfer", self.transfer, desk, "Transfer blind",
                  body=CallTransfer, status=204, tags=TAGS, errors=WHAT_FAILS),
            Route("POST", f"{one}/mute", self.mute, desk, "Mute the own leg, or unmute it",
                  body=Switched, response=CallCard, tags=TAGS, errors=WHAT_FAILS),
            Route("POST", f"{one}/hold", self.hold, desk, "Hold the customer, or resume",
                  body=Switched, response=CallCard, tags=TAGS, errors=WHAT_FAILS),
            Route("POST", f"{one}/record", self.record, desk,
                  "Start, pause, resume or stop the recording",
                  body=RecordControl, response=CallCard, tags=TAGS, errors=WHAT_FAILS),
            Route("GET", "/api/v1/webrtc/ice-servers", self.ice, desk,
                  "Get the way to the media, with credentials that expire",
                  response=IceServers, tags=TAGS),
            Route("GET", f"{one}/recordings", self.of_call, read, "List a call's recordings",
                  response=RecordingList, tags=TAGS, errors=(NotFound,)),
            Route("GET", recording, self.recording, read, "Show a recording",
                  response=RecordingCard, tags=TAGS, errors=(NotFound,)),
            Route("GET", f"{recording}/audio", self.audio, play, "Play a recording",
                  tags=TAGS, errors=(Conflict, Forbidden, NotFound)),
            Route("POST", f"{recording}/legal-hold", self.legal_hold, manage,
                  "Put a recording under legal hold, or lift it",
                  body=LegalHold, response=RecordingCard, tags=TAGS, errors=(Conflict, NotFound)),
            Route("DELETE", recording, self.delete, manage, "Delete a recording",
                  status=204, tags=TAGS, errors=(Conflict, NotFound)),
            Route("GET", "/api/v1/recording-rules", self.rules, Permission.QUEUES_READ,
                  "Show what is recorded in which queue", response=RecordingRules, tags=TAGS),
            Route("PUT", "/api/v1/recording-rules/{key}", self.set_rule,
                  Permission.QUEUES_MANAGE, "Say what is recorded in a queue",
                  body=SetRecordingRule, response=RecordingRuleCard, tags=TAGS,
                  errors=(Invalid, NotFound, PreconditionFailed, PreconditionRequired)),
        )  # fmt: skip


def byte_range(header: str, size: int) -> tuple[int, int] | None:
    """(first, end) of a single byte range, `end` excluded; None when it cannot be satisfied."""
    found = RANGE.fullmatch(header.strip())
    if found is None or size == 0:
        return None
    first, last = found.groups()
    if not first:
        if not last or int(last) == 0:
            return None
        return max(0, size - int(last)), size
    start = int(first)
    end = min(int(last) + 1, size) if last else size
    return (start, end) if start < end else None
