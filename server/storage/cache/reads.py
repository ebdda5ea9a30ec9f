"""Reads that are done once for all who ask alike."""

from collections.abc import Awaitable, Callable
from typing import Any

from server.core.shared_reads import SharedReads
from server.storage.cache.port import Cache


class CachedReads:
    """Tells what is kept under a name, or reads and keeps it.

    Who asks for a name that is being read waits for that read: it began when the name's mark was out already, so it
    shows that state or a newer one.
    """

    def __init__(self, *, cache: Cache) -> None:
        self._cache = cache
        self._shared = SharedReads()

    async def ask(self, name: str, read: Callable[[], Awaitable[Any]]) -> Any:
        """The value of `read()`, which must be a JSON value and is not to be changed. Raises what `read` raises."""
        return await self._shared.ask(name, lambda: self._found_or_read(name, read))

    async def _found_or_read(self, name: str, read: Callable[[], Awaitable[Any]]) -> Any:
        found = await self._cache.find(name)
        if found is not None:
            return found
        value = await read()
        await self._cache.keep(name, value)
        return value
