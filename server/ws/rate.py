"""A token bucket."""


class Bucket:
    """Allows `per_s` a second on average, and `at_once` or as many as in a second. Time is given by the caller."""

    __slots__ = ("_per_s", "_full", "_left", "_at")

    def __init__(self, per_s: float, *, now: float, at_once: float | None = None) -> None:
        self._per_s = per_s
        self._full = max(per_s, 1.0) if at_once is None else at_once
        self._left = self._full
        self._at = now

    def take(self, now: float) -> float:
        """0 when allowed, else the seconds until it would be."""
        self._left = min(self._full, self._left + (now - self._at) * self._per_s)
        self._at = now
        if self._left >= 1:
            self._left -= 1
            return 0.0
        return (1 - self._left) / self._per_s
