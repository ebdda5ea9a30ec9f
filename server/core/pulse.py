"""Feels how long the event loop is away.

A timer that comes late was kept waiting by the turns of the loop before it: by how much it is late bounds the
longest of them from below, within the timer's own step.
"""

import asyncio

_STEP_S = 0.02  # 50 wake-ups a second cost half a thousandth of a core


class Pulse:
    """Started once a process; `take_longest_s` tells a figure for each scrape of the metrics."""

    def __init__(self) -> None:
        self._timer: asyncio.TimerHandle | None = None
        self._due_at = 0.0
        self._longest_s = 0.0

    def start(self) -> None:
        """Needs a running loop."""
        self._beat_later(asyncio.get_running_loop())

    def stop(self) -> None:
        """A second time does nothing."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def take_longest_s(self) -> float:
        """The longest turn since this was asked last, in seconds; what is under way counts from the next beat on."""
        longest_s, self._longest_s = self._longest_s, 0.0
        return longest_s

    def _beat_later(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due_at = loop.time() + _STEP_S
        self._timer = loop.call_at(self._due_at, self._beat, loop)

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        self._longest_s = max(self._longest_s, loop.time() - self._due_at)
        self._beat_later(loop)
