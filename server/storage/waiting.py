"""Who waits for SQLite's one writer, in order of arrival.

Whoever has waited too long is told so and is gone before its body began. One timer serves all of them, since
all wait equally long.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from server.core.errors import Unavailable
from server.storage.transaction import Transaction

Body = Callable[[Transaction], Awaitable[Any]]

_WAITING_AT_MOST = 2_000  # beyond it a new one would not be served within its deadline anyway


@dataclass(slots=True, eq=False)
class Waiting:
    """A body and who waits for it; what became of it is told when the commit is done."""

    body: Body
    outcome: asyncio.Future[Any]
    too_late_at: float
    tx: Transaction | None = None
    result: Any = None
    error: Exception | None = None

    def settle(self) -> None:
        """The commit is done: effects first, in order of the bodies, so that they leave in commit order."""
        if self.error is not None:
            self.fail(self.error)
            return
        assert self.tx is not None
        self.tx.committed()
        if not self.outcome.done():
            self.outcome.set_result(self.result)

    def fail(self, error: Exception) -> None:
        """Nothing was committed, or nobody knows; whoever was refused hears its own reason."""
        if not self.outcome.done():
            self.outcome.set_exception(self.error or error)


class WaitingLine:
    """Bounded in length and in time."""

    def __init__(self, *, wait_s: float) -> None:
        self._wait_s = wait_s
        self._waiting: deque[Waiting] = deque()
        self._arrived = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    def put(self, body: Body) -> asyncio.Future[Any]:
        """What will become of the body. Raises Unavailable when too many wait already."""
        if len(self._waiting) >= _WAITING_AT_MOST:
            raise Unavailable()
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[Any] = loop.create_future()
        self._waiting.append(Waiting(body, outcome, loop.time() + self._wait_s))
        if self._timer is None:
            self._timer = loop.call_later(self._wait_s, self._give_up)
        self._arrived.set()
        return outcome

    async def take(self, most: int) -> list[Waiting]:
        """Those who have waited longest; waits until there is somebody."""
        group: list[Waiting] = []
        while not group:
            while not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
            while self._waiting and len(group) < most:
                one = self._waiting.popleft()
                if not one.outcome.done():
                    group.append(one)
        return group

    def _give_up(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        for one in self._waiting:
            if one.too_late_at > loop.time():
                self._timer = loop.call_at(one.too_late_at, self._give_up)
                return
            if not one.outcome.done():
                one.outcome.set_exception(Unavailable())

    def close(self) -> None:
        """Stop the timer; nobody is told any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
