"""What routing hands to the roof."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Never

from contactcenter.core.module import Deps, Lifespan, Module
from routing.book import QueueBook
from routing.calls import CallParts
from routing.core.model import Constants
from routing.desk import DeskService
from routing.leader import Router
from routing.listeners import listeners
from routing.ports import Adviser
from routing.privacy_rules import RULES
from routing.queues.routes import SetupRoutes
from routing.queues.service import SetupService
from routing.requests import Requests
from routing.routes import RoutingRoutes
from routing.service import PresenceService, QueueService
from routing.sockets import DeskCommands
from routing.supervision import SupervisionService

DEMO_QUEUES: Final = frozenset({"SA", "SH", "PR", "CO", "SV", "RE"})
"""The demo centre's own; they stay open while it runs, whatever the hour."""


class Unforeseen:
    """A centre without a forecast: nothing is expected of any half hour."""

    def expected(self, day_start: datetime, day_end: datetime) -> tuple[Never, ...]:  # noqa: ARG002
        return ()


@dataclass(frozen=True, slots=True)
class Routing:
    """The room, and what others' ports are tied to."""

    module: Module
    queues: QueueService
    presence: PresenceService
    duty: Requests
    desk: DeskService
    calls: CallParts
    forecast: Unforeseen


def build(
    deps: Deps, constants: Constants | None = None, adviser: Adviser | None = None
) -> Routing:
    constants = constants or Constants()
    zone = deps.settings.app.zone
    book = QueueBook(zone)
    requests = Requests(deps.work, deps.bus)
    queues = QueueService(
        book,
        constants,
        always_open=DEMO_QUEUES if deps.settings.demo.enabled else (),
        adviser=adviser,
        unchosen=(deps.settings.chat.default_queue,),
    )
    presence = PresenceService(deps.work)
    desk = DeskService(deps.work, book, requests, constants)
    supervision = SupervisionService(deps.work, deps.clock, book, queues, desk, requests, constants)
    router = Router(
        work=deps.work,
        bus=deps.bus,
        clock=deps.clock,
        book=book,
        presence=presence,
        zone=zone,
        constants=constants,
        settings=deps.settings,
        monotonic=deps.monotonic,
    )
    module = Module(
        name="routing",
        privacy=RULES,
        routes=(
            *RoutingRoutes(supervision).table(),
            *SetupRoutes(SetupService(deps.work, zone)).table(),
        ),
        commands=DeskCommands(desk).table(),
        listeners=listeners(presence, queues.readvising()),
        lifespans=(Lifespan("web", requests.listening), Lifespan("router", router.running)),
    )
    return Routing(
        module,
        queues,
        presence,
        requests,
        desk,
        CallParts(deps.work, book, requests, desk),
        Unforeseen(),
    )
