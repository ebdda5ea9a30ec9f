"""Two caches, the nearer one asked first."""

from collections import Counter
from typing import Any

from server.storage.cache.port import Cache


class Layers:
    """Implements `Cache`: this process's memory before what all instances share.

    The memory needs no message from others to be right, because names do not change their meaning (see the port).
    """

    def __init__(self, *, near: Cache, far: Cache) -> None:
        self._near = near
        self._far = far

    @property
    def counts(self) -> Counter[str]:
        """Of both; a find that goes on to the far one counts there too."""
        return self._near.counts + self._far.counts

    async def find(self, name: str) -> Any:
        value = await self._near.find(name)
        if value is None:
            value = await self._far.find(name)
            if value is not None:
                await self._near.keep(name, value)
        return value

    async def keep(self, name: str, value: Any) -> None:
        await self._near.keep(name, value)
        await self._far.keep(name, value)
