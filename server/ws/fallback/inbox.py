"""What one emulated connection says, in order."""

from collections import deque
from collections.abc import Awaitable
from typing import Protocol

from server.core.tasks import Tasks


class Listener(Protocol):
    """The connection, as its inbox sees it."""

    def receive(self, message: str | bytes) -> Awaitable[None] | None:
        """One message; the next must wait for what this returns."""


class Inbox:
    """One connection's messages in the order of their arrival, bounded in bytes.

    Each comes by a request of its own, which ends when it is put here. Has a task only while a message
    must wait for an earlier one.
    """

    __slots__ = ("_listener", "_tasks", "_most_bytes", "_waiting", "_waiting_bytes", "_busy")

    def __init__(self, listener: Listener, *, tasks: Tasks, most_bytes: int) -> None:
        self._listener = listener
        self._tasks = tasks
        self._most_bytes = most_bytes
        self._waiting: deque[str | bytes] = deque()
        self._waiting_bytes = 0
        self._busy = False

    def put(self, message: str | bytes) -> bool:
        """Hand it on now or after the earlier ones; False when too much waits already."""
        if self._busy:
            if self._waiting_bytes + len(message) > self._most_bytes:
                return False
            self._waiting.append(message)
            self._waiting_bytes += len(message)
            return True
        work = self._listener.receive(message)
        if work is not None:
            self._busy = True
            self._tasks.start("emulated", self._run(work))
        return True

    async def _run(self, work: Awaitable[None] | None) -> None:
        try:
            while True:
                if work is not None:
                    await work
                if not self._waiting:
                    return
                message = self._waiting.popleft()
                self._waiting_bytes -= len(message)
                work = self._listener.receive(message)
        finally:
            self._busy = False
