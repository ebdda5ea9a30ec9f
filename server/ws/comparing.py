"""When channels are compared with the log."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress

from server.core.errors import Unavailable
from server.core.tasks import Tasks

_REST_S = 0.5  # instances that come back together each say that they lost something


class Comparing:
    """Every so often, and at once when the bus may have lost something: a lost last message shows no gap."""

    def __init__(self, *, compare: Callable[[], Awaitable[None]], every_s: float, counts: Counter[str]) -> None:
        self._compare = compare
        self._every_s = every_s
        self._counts = counts
        self._soon = asyncio.Event()

    def start(self, tasks: Tasks) -> None:
        tasks.forever("check positions", self._run)

    def soon(self) -> None:
        """Now, or right after the comparison that is under way: it may have read before the loss."""
        self._soon.set()

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every_s):
                    await self._soon.wait()
            self._soon.clear()
            try:
                await self._compare()
            except Unavailable:
                self._counts["position_checks_failed"] += 1
            await asyncio.sleep(_REST_S)
