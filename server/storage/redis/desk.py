"""Asks Redis within a deadline, or says that it is away.

Whoever needs Redis (the bus, caches, limits, presence) has a desk of its own: a client with a bounded number of
connections, a deadline and a breaker. So one use that waits never makes another wait.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

from redis.exceptions import RedisClusterException, RedisError

from server.core.breaker import Breaker
from server.core.errors import Unavailable

_log = logging.getLogger(__name__)
_CLOSED_WITHIN_S = 1.0
# Whatever Redis did not do; full, read-only and loading are among them.
LOST = (RedisError, RedisClusterException, OSError, TimeoutError)
Answer = TypeVar("Answer")


class RedisDesk:
    """Made by `RedisLink.desk`. `counts`: asked, failed, refused (by the breaker), for the metrics.

    `renew` is done before the first question after a failure: what is connected may be a server that lost its part to
    another, and a Cluster's map may be old. redis-py does neither by itself when it may not retry.
    """

    def __init__(
        self, client: Any, *, name: str, within_s: float, connections: int, breaker: Breaker,
        renew: Callable[[], Awaitable[None]], close: Callable[[], Awaitable[None]],
    ) -> None:  # fmt: skip
        self.name = name
        self.client = client
        self.counts: Counter[str] = Counter()
        self._within_s = within_s
        self._turns = asyncio.Semaphore(connections)
        self._breaker = breaker
        self._renew = renew
        self._close = close
        self._is_stale = False
        self._away = False

    @property
    def is_away(self) -> bool:
        """True from an unanswered question to the next answer."""
        return self._away

    async def ask(self, work: Callable[[Any], Awaitable[Answer]]) -> Answer:
        """What `work(client)` gives, as in `await desk.ask(lambda redis: redis.get(key))`. Raises Unavailable.

        `client` is redis-py's asynchronous client and answers in bytes. The deadline is for all of the work, which may
        be several commands, a pipeline or a script. Nothing is sent twice: after Unavailable the work may have
        happened, or not, or in part. In a Cluster the keys of one command, script or transaction share a {tag};
        pipelines without a transaction may mix.
        """
        try:
            self._breaker.enter()
        except Unavailable:
            self.counts["refused"] += 1
            raise
        self.counts["asked"] += 1
        try:
            async with asyncio.timeout(self._within_s), self._turns:
                if self._is_stale:
                    await self._renew()
                    self._is_stale = False
                answer = await work(self.client)
        except LOST as problem:
            self._failed(problem)
            raise Unavailable() from None
        self._answered()
        return answer

    def _failed(self, problem: Exception) -> None:
        self._breaker.failed()
        self.counts["failed"] += 1
        self._is_stale = True
        if not self._away:
            self._away = True
            _log.info("Redis does not answer", extra={"use": self.name, "reason": type(problem).__name__})

    def _answered(self) -> None:
        self._breaker.answered()
        if self._away:
            self._away = False
            _log.info("Redis answers again", extra={"use": self.name})

    def connection(self) -> Any:
        """A connection beside the others, not connected yet, for who listens; it must be disconnected in the end."""
        return self.client.connection_pool.make_connection()

    async def close(self) -> None:
        with suppress(*LOST):
            async with asyncio.timeout(_CLOSED_WITHIN_S):
                await self._close()
