"""How fast one account and one address may ask.

Generous: people never notice, scripts do. It protects the house and decides nothing: what must hold exactly
(codes, failed logins) is counted in the database.
"""

from math import ceil

from server.core.call import Call
from server.core.errors import Refused
from server.identity.addresses import address_group, is_loopback
from server.storage.pacing.port import Bucket, Pace, Rate


class RequestLimits:
    """The HTTP edge's `limit`."""

    def __init__(
        self,
        *,
        pace: Pace,
        per_user: Rate = Rate(50, 200),
        per_address: Rate = Rate(200, 800),  # a hospital's whole Wi-Fi is one address
        loopback_is_exempt: bool = False,  # the sandbox: load generators run beside the server
    ) -> None:
        self._pace = pace
        self._per_user = per_user
        self._per_address = per_address
        self._loopback_is_exempt = loopback_is_exempt

    async def limit(self, _operation_name: str, call: Call) -> None:
        """Raises Refused `too_many_requests` with `retry_after_s`."""
        buckets = []
        if call.actor is not None and call.actor.user_type != "service":  # which speaks for all users at once
            buckets.append(Bucket(f"user/{call.actor.user_id}", self._per_user))
        if not (self._loopback_is_exempt and is_loopback(call.remote_address)):
            buckets.append(Bucket(f"address/{address_group(call.remote_address)}", self._per_address))
        wait_s = await self._pace.wait_s(buckets) if buckets else 0.0
        if wait_s:
            raise Refused("too_many_requests", retry_after_s=max(1, ceil(wait_s)))
