"""Background work of one connection: bounded, in order."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from server.core.tasks import Tasks
from server.ws.effects import Slow
from server.ws.limits import Limits
from server.ws.rate import Bucket
from server.ws.wire.codes import ErrorCode, Errors
from server.ws.wire.commands import Rpc

Work = Callable[[Slow], Awaitable[None]]


class Lane:
    """One piece after the other; has a task only while there is work."""

    __slots__ = ("_name", "_work", "_tasks", "_waiting", "_running")

    def __init__(self, name: str, *, work: Work, tasks: Tasks) -> None:
        self._name = name
        self._work = work
        self._tasks = tasks
        self._waiting: deque[Slow] = deque()
        self._running: Slow | None = None

    def unanswered(self) -> list[int]:
        """The ids of commands waiting and running."""
        running = [] if self._running is None else [self._running.id]
        return running + [command.id for command in self._waiting]

    def put(self, command: Slow) -> None:
        if self._running is not None:
            self._waiting.append(command)
        else:
            self._running = command
            self._tasks.start(self._name, self._run(command))

    def drop_waiting(self) -> None:
        self._waiting.clear()

    async def _run(self, command: Slow) -> None:
        try:
            while True:
                await self._work(command)
                if not self._waiting:
                    return
                self._running = command = self._waiting.popleft()
        finally:
            self._running = None


class Calls:
    """Two lanes: calls keep their order among each other, and lookups do not wait for a slow call."""

    __slots__ = ("_calls", "_lookups", "_bucket", "_in_flight")

    def __init__(self, *, work: Work, tasks: Tasks, limits: Limits) -> None:
        self._calls = Lane("rpc", work=work, tasks=tasks)
        self._lookups = Lane("lookup", work=work, tasks=tasks)
        self._bucket = Bucket(limits.rpc_per_s, now=asyncio.get_running_loop().time())
        self._in_flight = limits.calls_in_flight

    def put(self, command: Slow) -> ErrorCode | None:
        """Start or queue a command, or say why not."""
        unanswered = self._calls.unanswered() + self._lookups.unanswered()
        if command.id in unanswered:
            return Errors.BAD_REQUEST  # its reply could not be told from the other's
        if len(unanswered) >= self._in_flight or self._bucket.take(asyncio.get_running_loop().time()):
            return Errors.TOO_MANY_REQUESTS
        (self._calls if isinstance(command, Rpc) else self._lookups).put(command)
        return None

    @property
    def is_busy(self) -> bool:
        return bool(self._calls.unanswered() or self._lookups.unanswered())

    def drop_waiting(self) -> None:
        """The connection is gone; what runs goes on to its end, because it may be committing."""
        self._calls.drop_waiting()
        self._lookups.drop_waiting()
