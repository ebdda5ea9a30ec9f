"""Paces that all instances keep together, in Redis.

While Redis is away each instance goes by what it has seen itself. Names lie there as keyed hashes, because addresses
are among them.
"""

from collections.abc import Sequence
from itertools import chain

from server.core.errors import Unavailable
from server.storage.pacing.port import Bucket, Pace
from server.storage.redis.desk import RedisDesk
from server.storage.sealed import FieldKeys

# By Redis's own clock, in microseconds; nothing is counted unless every bucket has room. A bucket that says it is
# full later than any may (the clock went back) is taken to be just empty. What is full expires.
_SCRIPT = """
local t = redis.call('TIME')
local now, full, wait = t[1] * 1000000 + t[2], {}, 0
for i, key in ipairs(KEYS) do
  local interval, tolerance = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local at = tonumber(redis.call('GET', key) or '') or now
  full[i] = math.min(math.max(at, now), now + tolerance) + interval
  wait = math.max(wait, full[i] - now - tolerance)
end
if wait > 0 then return wait end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%.0f', full[i]), 'PX', math.ceil((full[i] - now) / 1000))
end
return 0
"""


class RedisPace:
    """Implements `Pace`; `beside` is this instance's own, which is asked first and refuses what it alone has seen.

    `one_by_one`: in a Cluster, where one script cannot see two buckets; then one that had room counts although the
    next one has none.
    """

    def __init__(
        self, *, desk: RedisDesk, keys: FieldKeys, beside: Pace, one_by_one: bool = False, prefix: str = "peihu:"
    ) -> None:
        self._desk = desk
        self._keys = keys
        self._beside = beside
        self._one_by_one = one_by_one
        self._prefix = prefix

    async def wait_s(self, buckets: Sequence[Bucket]) -> float:
        wait_s = await self._beside.wait_s(buckets)
        if wait_s:
            return wait_s
        together = [[one] for one in buckets] if self._one_by_one else [buckets]
        try:
            for some in together:
                wait_s = await self._asked(some)
                if wait_s:
                    break
        except Unavailable:
            return 0.0
        return wait_s

    async def _asked(self, buckets: Sequence[Bucket]) -> float:
        names = [f"{self._prefix}pace:{self._keys.lookup_hash(one.name, 'pace')[:32]}" for one in buckets]
        numbers = list(chain.from_iterable(_in_microseconds(one) for one in buckets))
        return await self._desk.ask(lambda redis: redis.eval(_SCRIPT, len(names), *names, *numbers)) / 1_000_000


def _in_microseconds(bucket: Bucket) -> tuple[int, int]:
    """The time that one takes, and how far ahead a whole burst may be."""
    interval_us = round(1_000_000 / bucket.rate.per_s)
    return interval_us, interval_us * bucket.rate.burst
