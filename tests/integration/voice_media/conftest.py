from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from uuid import UUID

import pytest
import pytest_asyncio

from tests.integration.voice_media.media import Media, Web
from tests.integration.voice_media.party import Party

Call = Callable[..., Awaitable[Party]]


@pytest.fixture(scope="session")
def media() -> Iterator[Media]:
    """One for all tests that do it no harm."""
    process = Media()
    try:
        yield process.start()
    finally:
        process.end()


@pytest_asyncio.fixture
async def web(media: Media) -> AsyncIterator[Web]:
    """A connection that knows nothing of the tests before."""
    connection = Web(media.socket)
    for known in (await connection.connect()).calls:
        await connection.end(known.call_id)
    await connection.forget()
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def call(web: Web) -> AsyncIterator[Call]:
    """Connects a party that says a frequency; all hang up in the end."""
    parties: list[Party] = []

    async def connect(hz: float, leg_id: UUID | None = None) -> Party:
        parties.append(Party(web, hz, leg_id))
        return await parties[-1].call()

    yield connect
    for party in parties:
        await party.hang_up()
