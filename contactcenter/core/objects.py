"""Files that are kept: one small port over obstore, on a local folder or any object store.

Keys are relative paths. What is stored is never changed: a new version is a new key.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from config.settings import Settings
from contactcenter.core.errors import NotFound

PART: Final = 256 * 1024

if TYPE_CHECKING:
    from obstore.store import ObjectStore


class Objects:
    """The store that OBJECT_STORE_URL names; without one, a folder under DATA_DIR."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.app.object_store_url
        self._folder = settings.app.data_dir / "objects"

    async def put(self, key: str, file: Path) -> None:
        """Store a file's content; storing it again changes nothing."""
        from obstore import put_async

        await put_async(self._store, key, file)

    async def read(self, key: str, start: int, end: int) -> bytes:
        """Bytes from `start` to before `end`. NotFound when there is no such object."""
        from obstore import get_range_async

        try:
            return bytes(await get_range_async(self._store, key, start=start, end=end))
        except FileNotFoundError as error:
            raise NotFound from error

    async def parts(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """The same, PART bytes at a time, each read when it is asked for."""
        for at in range(start, end, PART):
            yield await self.read(key, at, min(at + PART, end))

    async def delete(self, key: str) -> None:
        """Remove an object; one that is not there is removed already."""
        from obstore import delete_async

        with contextlib.suppress(FileNotFoundError):
            await delete_async(self._store, key)

    @cached_property
    def _store(self) -> ObjectStore:
        from obstore.store import LocalStore, from_url

        if self._url:
            return from_url(self._url)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return LocalStore(self._folder)
