"""The room channels: what it hands to the roof."""

from __future__ import annotations

from dataclasses import dataclass

from channels.ports import Hints, Hours, Queueing
from channels.voice.cards import CallCards
from channels.voice.sockets import CallCommands
from channels.webchat.routes import ChatRoutes
from channels.webchat.service import Agents, Sweeper, VisitorAuthenticator, Visitors
from channels.webchat.sockets import ChatCommands
from contactcenter.core.jobs import Schedule
from contactcenter.core.module import Deps, Lifespan, Module


@dataclass(frozen=True, slots=True)
class Channels:
    """The room, and the doors that others use."""

    module: Module
    visitors: Visitors
    authenticator: VisitorAuthenticator
    calls: CallCards


def build(deps: Deps, centre: str, queueing: Queueing, hours: Hours, hints: Hints) -> Channels:
    visitors = Visitors(deps.settings, deps.work, deps.clock, centre, queueing, hours, hints)
    agents = Agents(deps.work, queueing, hints)
    sweeper = Sweeper(deps.work, deps.clock, queueing)
    calls = CallCards(deps.settings.media, deps.work, deps.clock, queueing)
    module = Module(
        name="channels",
        routes=ChatRoutes(visitors, deps.settings.chat.starts_per_minute).table(),
        commands=(*ChatCommands(visitors, agents).table(), *CallCommands().table()),
        schedules=(Schedule("webchat.close_idle", "17 * * * *", sweeper.close_idle),),
        lifespans=(Lifespan("web", sweeper.running),),
    )
    return Channels(module, visitors, VisitorAuthenticator(deps.work), calls)
