"""Paces in the memory of the process."""

import time
from collections.abc import Callable, Sequence

from server.storage.pacing.port import Bucket

_BUCKETS = 100_000  # remembered at once; some 20 MB


class InProcessPace:
    """Implements `Pace`: a bucket is the one instant at which it would be full again (GCRA)."""

    def __init__(self, *, most_buckets: int = _BUCKETS, now_s: Callable[[], float] = time.monotonic) -> None:
        self._most_buckets = most_buckets
        self._now_s = now_s
        self._full_at: dict[str, float] = {}

    async def wait_s(self, buckets: Sequence[Bucket]) -> float:
        """Works without awaiting anything."""
        now_s = self._now_s()
        full_at = {one.name: max(now_s, self._full_at.get(one.name, now_s)) + 1 / one.rate.per_s for one in buckets}
        excess_s = max(full_at[one.name] - now_s - one.rate.burst / one.rate.per_s for one in buckets)
        if excess_s > 1e-9:
            return excess_s
        for name, at in full_at.items():
            if name not in self._full_at and len(self._full_at) >= self._most_buckets:
                self._forget(now_s=now_s)
            self._full_at[name] = at
        return 0.0

    def _forget(self, *, now_s: float) -> None:
        """Drop full buckets, which say nothing; if that is too little, the oldest half."""
        self._full_at = {name: at for name, at in self._full_at.items() if at > now_s}
        if len(self._full_at) > self._most_buckets // 2:
            self._full_at = dict(list(self._full_at.items())[len(self._full_at) // 2 :])
