"""The room channels: what it hands to the roof."""

from __future__ import annotations

from dataclasses import dataclass

from channels.ports import Desks, Hints, Hours, Parts, Queueing
from channels.privacy_rules import RULES
from channels.replies.routes import ReplyRoutes
from channels.replies.service import Replies
from channels.voice.cards import CallCards
from channels.voice.follow import FOLLOWED, STORE_RECORDING, Followers
from channels.voice.history import CallHistory
from channels.voice.media.client import MediaClient
from channels.voice.offers import Offers
from channels.voice.recordings import DELETE_OBJECT, RecordingService
from channels.voice.routes import CallRoutes
from channels.voice.service import AgentCalls
from channels.voice.sockets import CallCommands
from channels.voice.switch import Switch
from channels.voice.visitors import VisitorCalls
from channels.webchat.routes import ChatRoutes
from channels.webchat.service import Agents, Sweeper, VisitorAuthenticator, Visitors
from channels.webchat.sockets import ChatCommands
from contactcenter.core.durable import Listener
from contactcenter.core.health import Check, State
from contactcenter.core.jobs import Job, Schedule
from contactcenter.core.module import Deps, Lifespan, Module
from contactcenter.core.objects import Objects


@dataclass(frozen=True, slots=True)
class Channels:
    """The room, and the doors that others use."""

    module: Module
    visitors: Visitors
    authenticator: VisitorAuthenticator
    calls: CallCards
    media: Check


def build(
    deps: Deps,
    centre: str,
    queueing: Queueing,
    hours: Hours,
    hints: Hints,
    parts: Parts,
    desks: Desks,
) -> Channels:
    settings, work = deps.settings, deps.work
    visitors = Visitors(settings, work, deps.clock, centre, queueing, hours, hints, deps.limits)
    agents = Agents(work, queueing, hints)
    sweeper = Sweeper(work, deps.clock, queueing, deps.monotonic)

    media = MediaClient(settings.media_socket)
    cards = CallCards(settings.media, work, deps.clock, queueing)
    offers = Offers(media)
    desk = AgentCalls(work, cards, media, offers, parts, queueing)
    callers = VisitorCalls(
        work,
        cards,
        media,
        offers,
        queueing,
        hours,
        parts,
        settings.chat.default_queue,
        settings.media,
        deps.vault,
    )
    followers = Followers(
        work, deps.clock, deps.jobs, desk, queueing, parts, desks, media, deps.monotonic
    )
    switch = Switch(work, deps.bus, media, followers, hints)

    recordings = RecordingService(
        work,
        deps.clock,
        deps.jobs,
        Objects(settings),
        settings.media_dir / "recordings",
        settings.recordings,
        hours,
    )
    routes = CallRoutes(desk, CallHistory(work, cards), recordings)

    async def media_state() -> State:
        return "ok" if media.connected else "degraded"

    module = Module(
        name="channels",
        privacy=RULES,
        routes=(
            *ChatRoutes(visitors, settings.chat.starts_per_minute).table(),
            *routes.table(),
            *ReplyRoutes(Replies(work)).table(),
        ),
        commands=(
            *ChatCommands(visitors, agents).table(),
            *CallCommands(desk, callers).table(),
        ),
        listeners=(Listener("voice.calls", FOLLOWED, followers.routed),),
        jobs=(
            Job(STORE_RECORDING, recordings.keep, attempts=8),
            Job(DELETE_OBJECT, recordings.delete_object),
        ),
        schedules=(
            Schedule("webchat.close_idle", "17 * * * *", sweeper.close_idle),
            Schedule("recordings.expire", "41 * * * *", recordings.expire),
        ),
        lifespans=(Lifespan("web", sweeper.running), Lifespan("web", switch.running)),
    )
    return Channels(module, visitors, VisitorAuthenticator(work), cards, media_state)
