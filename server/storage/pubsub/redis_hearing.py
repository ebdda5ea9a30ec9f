"""The connection by which an instance hears one Redis server."""

import asyncio
import math
from collections.abc import Callable, Iterable
from typing import Any

from redis.exceptions import RedisError

from server.core.tasks import Tasks
from server.storage.pubsub.subscriptions import Subscriptions, Unexpected, Words
from server.storage.redis.desk import LOST

_IN_A_ROW = 100  # read before others have a turn
_CONNECTED_WITHIN_S = 2.0
_SENT_WITHIN_S = 2.0
_CONFIRMED_WITHIN_S = 0.5  # then the follower goes on; the answer, when it comes, counts as a gap
_TORN = (AttributeError, RuntimeError)  # redis-py's own, when reading and writing find one connection ended


class Hearing:
    """One connection, used once: `listen` until it raises one of LOST, then `close`.

    What is wished for in one turn of the loop goes out together.
    """

    def __init__(
        self, connection: Any, *, words: Words, together: Callable[[bytes], bytes], tasks: Tasks, patience_s: float,
        on_message: Callable[[bytes], None], on_late: Callable[[], None],
    ) -> None:  # fmt: skip
        self._connection = connection
        self._words = words
        self._tasks = tasks
        self._patience_s = patience_s
        self._on_message = on_message
        self._on_late = on_late
        self._on_open: Callable[[], None] | None = None
        self._subscriptions = Subscriptions(words=words, together=together)
        self._changed = asyncio.Event()
        self._is_slow = self._is_over = False
        self._patience: asyncio.Timeout | None = None
        self._sending: asyncio.Task[Any] | None = None

    async def listen(self, topics: Callable[[], Iterable[bytes]], *, on_open: Callable[[], None]) -> None:
        """Connect, subscribe and hear; `on_open` is called when Redis has confirmed all of `topics()`.

        Raises TimeoutError when nothing has proved for `patience_s` that we hear (`is_alive`).
        """
        async with asyncio.timeout(_CONNECTED_WITHIN_S):
            await self._connection.connect()
        self._subscriptions.begin(topics())
        self._on_open = on_open
        self._changed.set()
        async with asyncio.timeout(self._patience_s) as self._patience:
            self._sending = self._tasks.start("subscribe", self._send())
            read = 0
            while True:
                self._take(await self._answer())
                if (read := read + 1) % _IN_A_ROW == 0:
                    await asyncio.sleep(0)

    def is_alive(self) -> None:
        """What has just been heard proves it; before everything is confirmed only confirmations do."""
        if self._subscriptions.is_open:
            self._be_patient(self._patience_s)

    def doubt(self, *, within_s: float) -> None:
        """A sign of life is on its way; it comes so soon or not at all."""
        if self._subscriptions.is_open:
            self._be_patient(within_s)

    def _be_patient(self, for_s: float) -> None:
        if self._patience is not None:
            self._patience.reschedule(asyncio.get_running_loop().time() + for_s)

    async def subscribe(self, topic: bytes) -> bool:
        """True when Redis has confirmed it. False: not in time, or the connection is over; messages may be missed."""
        if self._is_over:
            return False
        confirmed = self._subscriptions.subscribe(topic)
        self._changed.set()
        try:
            async with asyncio.timeout(0 if self._is_slow else _CONFIRMED_WITHIN_S):
                return await confirmed
        except TimeoutError:
            self._is_slow = True  # nobody else waits until it answers
            self._subscriptions.went_on(topic)
            return False

    def unsubscribe(self, topic: bytes) -> None:
        if not self._is_over:
            self._subscriptions.unsubscribe(topic)
            self._changed.set()

    async def _answer(self) -> Any:
        try:
            return await self._connection.read_response(timeout=math.inf)
        except _TORN as problem:
            raise ConnectionError("torn while it was read from") from problem

    async def _send(self) -> None:
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                for command in self._subscriptions.commands():
                    if not self._connection.is_connected:
                        return  # redis-py would connect anew, and nobody would know that something was missed
                    async with asyncio.timeout(_SENT_WITHIN_S):
                        await self._connection.send_command(*command)
                    await asyncio.sleep(0)
        except (*LOST, *_TORN):
            self._connection.abort()  # and the reader notices

    def _take(self, answer: Any) -> None:
        if not isinstance(answer, list) or len(answer) != 3:
            raise RedisError("no answer of a subscription")
        kind, topic, what = answer
        if kind == self._words.message:
            self._on_message(what)
        else:
            self._confirm(kind, topic)

    def _confirm(self, kind: bytes, topic: bytes) -> None:
        try:
            is_late = self._subscriptions.answered(kind, topic)
        except Unexpected:
            raise RedisError("Redis has ended a subscription") from None
        self._is_slow = False
        if is_late:
            self._on_late()
        if self._on_open is not None:
            self._be_patient(self._patience_s)
            if self._subscriptions.is_open:
                opened, self._on_open = self._on_open, None
                opened()

    async def close(self) -> None:
        """Whoever still waits is told that nothing was confirmed."""
        self._is_over = True
        if self._sending is not None:
            self._sending.cancel()
        self._subscriptions.end()
        await self._connection.disconnect(nowait=True)
