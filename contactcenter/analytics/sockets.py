"""Socket commands of the wallboard namespace."""

from __future__ import annotations

from contactcenter.analytics.schemas import Subscribe, Subscribed
from contactcenter.analytics.service import Analytics
from contactcenter.core.access import Permission
from contactcenter.core.sockets import Command, CommandContext


def build_commands(analytics: Analytics) -> tuple[Command, ...]:
    async def subscribe(context: CommandContext) -> Subscribed:
        payload: Subscribe = context.payload
        return Subscribed(queues=analytics.subscribe(context.sid, payload.queues))

    return (
        Command(
            "/wallboard",
            "wallboard.subscribe",
            subscribe,
            Permission.WALLBOARD_READ,
            Subscribe,
        ),
    )
