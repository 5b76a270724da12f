"""What simulated people can do: the services that real ones use, one unit of work each.

The same stage serves the live demo (every act a transaction) and the morning before it (many
acts in one transaction, on a virtual clock): the difference is the `WorkFactory` given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from contactcenter.core.access import ROLE_PERMISSIONS, Principal
from contactcenter.core.bus import Bus
from contactcenter.core.ids import new_id
from contactcenter.core.work import Work, WorkFactory
from contactcenter.demo import store
from contactcenter.events.routing import RoutingRequested
from contactcenter.interactions import service as hall
from contactcenter.interactions.model import Address, AddressKind, Channel, Conversation
from routing.book import QueueBook
from routing.core.model import Constants
from routing.desk import DeskService
from routing.requests import Requests
from routing.schemas import Close, RejectReservation, Transfer, WrapUp
from routing.service import PresenceService, QueueService

CUSTOMER = "demo"


class Stage:
    """Acts of simulated customers and agents. Raises what the services raise."""

    def __init__(self, work: WorkFactory, bus: Bus, zone: ZoneInfo) -> None:
        book, constants = QueueBook(zone), Constants()
        self.work = work
        self._queues = QueueService(book, constants)
        self._desk = DeskService(work, book, Requests(work, bus), constants)
        self._presence = PresenceService(work)

    # customers

    async def arrive(
        self,
        contact_id: UUID,
        *,
        channel: Channel,
        queue: str,
        script: dict[str, Any],
        text: str | None,
    ) -> UUID:
        """A customer calls or writes, and waits in the queue; the interaction's id."""
        async with self.work.begin("demo.arrive", CUSTOMER) as work:
            thread = await self._thread(work, contact_id, channel, queue)
            interaction = await hall.create_interaction(
                work, conversation=thread, metadata={store.MARK: script}
            )
            if text is not None:
                await hall.add_message(
                    work,
                    conversation_id=thread.id,
                    interaction_id=interaction.id,
                    sender="visitor",
                    body=text,
                )
            # Nobody is at the other end of a simulated call, so no person's softphone rings for
            # one: a person's desk takes web chats, a simulated desk that talks never does.
            shuns = ("chat",) if channel == "voice" else ()
            await self._queues.enqueue(
                work, interaction_id=interaction.id, queue=queue, shuns=shuns
            )
        return interaction.id

    async def stranger(self, number: str, channel: Channel) -> UUID:
        """Somebody of whom we know a number and no name."""
        kind: AddressKind = "whatsapp" if channel == "whatsapp" else "phone"
        async with self.work.begin("demo.stranger", CUSTOMER) as work:
            made = await hall.create_contact(
                work, name="", locale="es", addresses=(Address(kind, number),)
            )
        return made.id

    async def _thread(
        self, work: Work, contact_id: UUID, channel: Channel, queue: str
    ) -> Conversation:
        known = await store.open_thread(work.conn, contact_id, channel)
        if known is not None:
            thread = await hall.conversation(work.conn, known)
            assert thread is not None
            return thread
        return await hall.create_conversation(
            work, contact_id=contact_id, channel=channel, channel_address="demo", queue=queue
        )

    async def leave(self, interaction_id: UUID) -> bool:
        """The customer hangs up or goes; False when that was so already."""
        async with self.work.begin("demo.leave", CUSTOMER) as work:
            return await self._queues.customer_left(work, interaction_id)

    # agents

    async def accept(self, agent_id: UUID, reservation_id: UUID) -> None:
        await self._desk.accept(agent(agent_id), reservation_id)

    async def decline(self, agent_id: UUID, reservation_id: UUID) -> None:
        wanted = RejectReservation(reservation_id=reservation_id)
        await self._desk.reject(agent(agent_id), wanted)

    async def reply(self, agent_id: UUID, part: store.OpenPart, text: str) -> None:
        async with self.work.begin("demo.reply", agent(agent_id).actor) as work:
            await self._queues.agent_wrote(work, part.interaction_id, agent_id)
            await hall.add_message(
                work,
                conversation_id=part.conversation_id,
                interaction_id=part.interaction_id,
                sender="agent",
                body=text,
                agent_id=agent_id,
            )

    async def close(self, agent_id: UUID, interaction_id: UUID) -> None:
        await self._desk.close(agent(agent_id), Close(interaction_id=interaction_id))

    async def wrap_up(self, agent_id: UUID, interaction_id: UUID, disposition: str) -> None:
        wanted = WrapUp(interaction_id=interaction_id, disposition=disposition)
        await self._desk.wrap_up(agent(agent_id), wanted)

    async def take_longer(self, agent_id: UUID, interaction_id: UUID) -> None:
        """Take the wrap-up's one extension."""
        wanted = WrapUp(interaction_id=interaction_id, extend=True)
        await self._desk.wrap_up(agent(agent_id), wanted)

    async def send_back(self, agent_id: UUID, interaction_id: UUID, queue: str) -> None:
        """A real customer reached a simulated agent: back to the queue at once."""
        await self._desk.transfer(
            agent(agent_id), Transfer(interaction_id=interaction_id, queue=queue)
        )

    async def sit_down(self, agent_id: UUID, channels: Sequence[str]) -> None:
        await self._presence.connected(agent_id, channels)

    async def stay(self, agent_ids: Sequence[UUID]) -> None:
        await self._presence.heartbeat(dict.fromkeys(agent_ids, ()))

    async def wish(self, agent_id: UUID, status: str, reason: str | None = None) -> None:
        """Ask the router for a status; its answer is not waited for."""
        wish = {"status": status, "cause": "agent", "after_this": status == "away"}
        if reason is not None:
            wish["reason"] = reason
        async with self.work.begin("demo.wish", agent(agent_id).actor) as work:
            work.emit(
                RoutingRequested(request_id=new_id(), kind="status", agent_id=agent_id, wish=wish)
            )


def agent(agent_id: UUID) -> Principal:
    """Whom a simulated agent acts as."""
    return Principal(kind="user", agent_id=agent_id, permissions=ROLE_PERMISSIONS["agent"])
