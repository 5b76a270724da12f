"""Socket commands of the wallboard namespace."""

from __future__ import annotations

from typing import Any

from contactcenter.analytics.schemas import Subscribe, Subscribed, Sync
from contactcenter.analytics.service import Analytics
from contactcenter.core.access import Permission
from contactcenter.core.sockets import Command, CommandContext


def build_commands(analytics: Analytics) -> tuple[Command, ...]:
    async def subscribe(context: CommandContext) -> Subscribed:
        payload: Subscribe = context.payload
        queues = await analytics.subscribe(context.principal, context.sid, payload.queues)
        return Subscribed(queues=queues)

    async def sync(context: CommandContext) -> dict[str, Any]:
        return {"snapshot": analytics.resync(context.sid)}

    return (
        Command("/wallboard", "sync", sync, Permission.WALLBOARD_READ, Sync, changes=False),
        Command(
            "/wallboard",
            "wallboard.subscribe",
            subscribe,
            Permission.WALLBOARD_READ,
            Subscribe,
            changes=False,
        ),
    )
