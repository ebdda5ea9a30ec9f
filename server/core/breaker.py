"""Stops asking somebody outside who does not answer."""

import time
from collections.abc import Callable

from server.core.errors import Unavailable


class Breaker:
    """After so many failures in a row nobody is let through for a while; then one may try.

    Without it every caller would wait a whole deadline for a provider that is away, and what stands in
    line behind them would wait for all of those.
    """

    def __init__(
        self, *, failures: int = 3, pause_s: float = 5.0, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._failures_at_most = failures
        self._pause_s = pause_s
        self._now_s = now_s
        self._failures = 0
        self._closed_until_s = 0.0

    @property
    def is_open(self) -> bool:
        """True while nobody is let through."""
        return self._failures >= self._failures_at_most and self._now_s() < self._closed_until_s

    def enter(self) -> None:
        """Raises Unavailable while it is open; who enters after the pause is alone until the answer is there."""
        if self._failures < self._failures_at_most:
            return
        now_s = self._now_s()
        if now_s < self._closed_until_s:
            raise Unavailable(retry_after_s=max(1, round(self._closed_until_s - now_s)))
        self._closed_until_s = now_s + self._pause_s

    def answered(self) -> None:
        """There was an answer, be it a refusal."""
        self._failures = 0

    def failed(self) -> None:
        """There was none, or none that could be read."""
        self._failures += 1
        if self._failures >= self._failures_at_most:
            self._closed_until_s = self._now_s() + self._pause_s
