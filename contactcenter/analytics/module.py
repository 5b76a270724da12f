"""What analytics offers to the application."""

from __future__ import annotations

from contactcenter.analytics.live import Wallboard
from contactcenter.analytics.ports import Broadcast, Forecast, Queues
from contactcenter.analytics.routes import build_routes
from contactcenter.analytics.service import Analytics
from contactcenter.analytics.sockets import build_commands
from contactcenter.core.module import Deps, Lifespan, Module


def build_wallboard(
    deps: Deps, *, centre: str, queues: Queues, forecast: Forecast, broadcast: Broadcast
) -> Wallboard:
    """The live fold; realtime asks it for the state that a snapshot carries (`shown`)."""
    return Wallboard(
        work=deps.work,
        bus=deps.bus,
        clock=deps.clock,
        zone=deps.settings.app.zone,
        centre=centre,
        queues=queues,
        forecast=forecast,
        broadcast=broadcast,
    )


def build(deps: Deps, *, wallboard: Wallboard, queues: Queues) -> Module:
    analytics = Analytics(work=deps.work, clock=deps.clock, queues=queues, wallboard=wallboard)
    return Module(
        name="analytics",
        routes=build_routes(analytics),
        commands=build_commands(analytics),
        lifespans=(Lifespan("web", wallboard.run),),
    )
