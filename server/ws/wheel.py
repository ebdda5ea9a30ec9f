"""One timer for all connections."""

import asyncio
from typing import Protocol

_TICK_S = 0.25


class Timed(Protocol):
    """Something with one next deadline at a time."""

    def tick(self, now: float) -> float | None:
        """The deadline has come; returns the next one on the loop's clock, or None. Must not raise."""


class Wheel:
    """Deadlines in slots of a quarter second; setting and removing one costs two dictionary moves."""

    def __init__(self) -> None:
        self._slots: dict[int, dict[Timed, None]] = {}
        self._slot_of: dict[Timed, int] = {}
        self._turned_to = 0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._turned_to = _slot(asyncio.get_running_loop().time())
        self._arm()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def set(self, item: Timed, at: float) -> None:
        """Call `item.tick` at `at` or within a quarter second after; replaces its earlier deadline."""
        self.remove(item)
        slot = max(_slot(at), self._turned_to) + 1
        self._slots.setdefault(slot, {})[item] = None
        self._slot_of[item] = slot

    def remove(self, item: Timed) -> None:
        slot = self._slot_of.pop(item, None)
        if slot is not None:
            items = self._slots[slot]
            del items[item]
            if not items:
                del self._slots[slot]

    def turn(self, now: float) -> None:
        """Tick everything whose deadline has come, also after the loop stood still for a while."""
        upto = _slot(now)
        for slot in range(self._turned_to + 1, upto + 1):
            for item in tuple(self._slots.get(slot, ())):
                if self._slot_of.get(item) == slot:  # not removed by one that ticked before it
                    self.remove(item)
                    self._turned_to = slot
                    following = item.tick(now)
                    if following is not None:
                        self.set(item, following)
        self._turned_to = max(self._turned_to, upto)

    def _arm(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_TICK_S, self._fire)

    def _fire(self) -> None:
        self._arm()
        self.turn(asyncio.get_running_loop().time())


def _slot(at: float) -> int:
    return int(at / _TICK_S)
