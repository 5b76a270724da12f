"""Socket commands of voice, on both sides."""

from __future__ import annotations

from pydantic import BaseModel

from channels.voice.schemas import (
    CallCandidate,
    CallConsent,
    CallConsult,
    CallDial,
    CallDigits,
    CallOffer,
    CallRecord,
    CallRef,
    CallSwitch,
    EchoTest,
    StartCall,
    VisitorDigits,
)
from contactcenter.core.access import Permission
from contactcenter.core.errors import Unavailable
from contactcenter.core.sockets import Command, CommandContext


class CallCommands:
    async def not_yet(self, _: CommandContext) -> None:
        raise Unavailable("Calls are not possible just now.")

    def table(self) -> tuple[Command, ...]:
        desk: tuple[tuple[str, type[BaseModel]], ...] = (
            ("call.dial", CallDial),
            ("call.offer", CallOffer),
            ("call.candidate", CallCandidate),
            ("call.answer", CallRef),
            ("call.reject", CallRef),
            ("call.mute", CallSwitch),
            ("call.hold", CallSwitch),
            ("call.dtmf", CallDigits),
            ("call.consult", CallConsult),
            ("call.consult_toggle", CallRef),
            ("call.consult_complete", CallRef),
            ("call.consult_cancel", CallRef),
            ("call.conference", CallRef),
            ("call.record", CallRecord),
            ("call.hangup", CallRef),
            ("call.echo_test", EchoTest),
        )
        visitor: tuple[tuple[str, type[BaseModel] | None], ...] = (
            ("call.start", StartCall),
            ("call.offer", CallOffer),
            ("call.candidate", CallCandidate),
            ("call.dtmf", VisitorDigits),
            ("call.consent", CallConsent),
            ("call.hangup", None),
        )
        return (
            *(Command("/agent", n, self.not_yet, Permission.DESK_USE, p) for n, p in desk),
            *(Command("/chat", n, self.not_yet, Permission.CHAT_USE, p) for n, p in visitor),
        )
