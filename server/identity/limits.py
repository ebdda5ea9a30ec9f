"""How fast one account and one address may ask.

Generous: people never notice, scripts do. Counted in memory an instance, because it protects the
instance; what must hold exactly (codes, failed logins) is counted in the database.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from server.core.call import Call
from server.core.errors import Refused
from server.identity.addresses import address_group, is_loopback

_SUBJECTS = 50_000  # remembered at once; some 10 MB


@dataclass(frozen=True, slots=True)
class Rate:
    """So many a second in the long run, `burst` at once."""

    per_s: float
    burst: int


class Pace:
    """A bucket for each subject, kept as the one instant at which it would be full again (GCRA)."""

    def __init__(self, rate: Rate, *, subjects: int = _SUBJECTS) -> None:
        self._interval_s = 1 / rate.per_s
        self._tolerance_s = rate.burst / rate.per_s
        self._subjects = subjects
        self._full_at: dict[str, float] = {}

    def wait_s(self, subject: str, *, now_s: float) -> float:
        """0 when it may go on (and is counted), else the seconds until it may."""
        full_at = max(now_s, self._full_at.get(subject, now_s)) + self._interval_s
        excess_s = full_at - now_s - self._tolerance_s
        if excess_s > 1e-9:
            return excess_s
        if subject not in self._full_at and len(self._full_at) >= self._subjects:
            self._forget(now_s=now_s)
        self._full_at[subject] = full_at
        return 0.0

    def _forget(self, *, now_s: float) -> None:
        """Drop full buckets, which say nothing; if that is too little, the oldest half."""
        self._full_at = {subject: at for subject, at in self._full_at.items() if at > now_s}
        if len(self._full_at) > self._subjects // 2:
            self._full_at = dict(list(self._full_at.items())[len(self._full_at) // 2 :])


class RequestLimits:
    """The HTTP edge's `limit`; `monotonic_s` tells seconds that never go back."""

    def __init__(
        self,
        *,
        per_user: Rate = Rate(50, 200),
        per_address: Rate = Rate(200, 800),  # a hospital's whole Wi-Fi is one address
        loopback_is_exempt: bool = False,  # the sandbox: load generators run beside the server
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._users = Pace(per_user)
        self._addresses = Pace(per_address)
        self._loopback_is_exempt = loopback_is_exempt
        self._monotonic_s = monotonic_s

    async def limit(self, _operation_name: str, call: Call) -> None:
        """Raises Refused `too_many_requests` with `retry_after_s`."""
        now_s = self._monotonic_s()
        wait_s = 0.0
        if call.actor is not None and call.actor.user_type != "service":  # which speaks for all users at once
            wait_s = self._users.wait_s(call.actor.user_id, now_s=now_s)
        if not wait_s and not (self._loopback_is_exempt and is_loopback(call.remote_address)):
            wait_s = self._addresses.wait_s(address_group(call.remote_address), now_s=now_s)
        if wait_s:
            raise Refused("too_many_requests", retry_after_s=max(1, ceil(wait_s)))
