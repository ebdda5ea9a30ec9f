"""Wakes the sandbox's courier at the expected moments."""

import asyncio
import heapq
import time


class Wakeups:
    """Moments of this process; what another instance expects is found by the sweep."""

    def __init__(self) -> None:
        self._moments: list[float] = []
        self._earlier = asyncio.Event()

    def after(self, delay_s: float) -> None:
        """Something will be due so many seconds from now."""
        heapq.heappush(self._moments, time.monotonic() + delay_s)
        self._earlier.set()

    async def wait(self, *, at_most_s: float) -> None:
        """Return at the next moment, or after `at_most_s`."""
        end = time.monotonic() + at_most_s
        while True:
            self._earlier.clear()
            moment = min(self._moments[0], end) if self._moments else end
            pause_s = moment - time.monotonic()
            if pause_s <= 0:
                break
            try:
                async with asyncio.timeout(pause_s):
                    await self._earlier.wait()
            except TimeoutError:
                break
        while self._moments and self._moments[0] <= time.monotonic():
            heapq.heappop(self._moments)
