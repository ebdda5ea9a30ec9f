"""Background work of one connection: bounded, in order."""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from typing import Protocol

from server.core.tasks import Tasks
from server.ws.desk import Desk
from server.ws.effects import Slow
from server.ws.limits import Limits
from server.ws.outbound import Outbound
from server.ws.rate import Bucket
from server.ws.session import Session, State
from server.ws.wire.answers import Reply
from server.ws.wire.codes import Errors
from server.ws.wire.commands import Rpc

_log = logging.getLogger(__name__)

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

    @property
    def is_busy(self) -> bool:
        return self._running is not None

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


class Caller(Protocol):
    """The connection, as its background work sees it."""

    session: Session
    outbound: Outbound
    remote_address: str

    def reply(self, reply: Reply) -> None:
        """Queue a reply."""


class Calls:
    """Two lanes: calls keep their order among each other, and lookups do not wait for a slow call."""

    __slots__ = ("_caller", "_desk", "_calls", "_lookups", "_bucket", "_in_flight", "_counts")

    def __init__(self, caller: Caller, *, desk: Desk, tasks: Tasks, limits: Limits, counts: Counter[str]) -> None:
        self._caller = caller
        self._desk = desk
        self._calls = Lane("rpc", work=self._answer, tasks=tasks)
        self._lookups = Lane("lookup", work=self._answer, tasks=tasks)
        self._bucket = Bucket(limits.rpc_per_s, now=asyncio.get_running_loop().time())
        self._in_flight = limits.calls_in_flight
        self._counts = counts

    def put(self, command: Slow) -> None:
        """Start or queue a command, or answer why not."""
        unanswered = self._calls.unanswered() + self._lookups.unanswered() if self.is_busy else ()
        if command.id in unanswered:  # its reply could not be told from the other's
            self._caller.reply(Reply(command.id, Errors.BAD_REQUEST))
        elif len(unanswered) >= self._in_flight or self._bucket.take(asyncio.get_running_loop().time()):
            self._caller.reply(Reply(command.id, Errors.TOO_MANY_REQUESTS))
        else:
            (self._calls if isinstance(command, Rpc) else self._lookups).put(command)

    async def _answer(self, command: Slow) -> None:
        caller = self._caller
        reply = await self._desk.reply(
            command,
            identity=caller.session.known_identity,
            follows=getattr(command, "channel", "") in caller.session.subscriptions,
            remote_address=caller.remote_address,
        )
        if caller.session.state is not State.CONNECTED:
            return
        try:
            caller.reply(reply)
        except (TypeError, ValueError):  # what the call returned is no JSON
            self._counts["bugs"] += 1
            _log.exception("an answer could not be encoded", extra={"command": type(command).__name__})
            caller.reply(Reply(command.id, Errors.INTERNAL))
        if caller.outbound.has_large_reply:
            await caller.outbound.drained()

    @property
    def is_busy(self) -> bool:
        return self._calls.is_busy or self._lookups.is_busy

    def drop_waiting(self) -> None:
        """The connection is gone; what runs goes on to its end, because it may be committing."""
        self._calls.drop_waiting()
        self._lookups.drop_waiting()
