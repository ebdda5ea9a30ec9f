"""Compares this machine's clock with the database's.

Deadlines, tokens and claims are judged by the clocks of several machines. A few seconds are lived with
everywhere. From 5 s on something is wrong with this machine's time service: `/readyz` says `degraded`. Beyond
30 s what it does would be wrong: tokens that it makes look to others as if they came from the future, codes and
offers end early or late, and a claim of the outbox means nothing any more; the instance leaves the service.
"""

import logging
from collections.abc import Awaitable, Callable

WARN_FROM_S = 5.0
RED_FROM_S = 30.0
LOOK_EVERY_S = 10.0

_log = logging.getLogger(__name__)


class ClockWatch:
    """`ask()` tells by how many seconds this clock is ahead of the database's."""

    def __init__(self, *, ask: Callable[[], Awaitable[float]]) -> None:
        self._ask = ask
        self.skew_s = 0.0

    @property
    def is_off(self) -> bool:
        """Somebody should look."""
        return abs(self.skew_s) >= WARN_FROM_S

    @property
    def is_far_off(self) -> bool:
        """Nobody should be served."""
        return abs(self.skew_s) >= RED_FROM_S

    async def run_once(self) -> float:
        """The difference now, in seconds. Raises Unavailable; what was known stays."""
        was_off = self.is_off
        self.skew_s = await self._ask()
        if self.is_off and not was_off:
            _log.warning("the clock is off by %.1f s from the database's", self.skew_s)
        return self.skew_s
