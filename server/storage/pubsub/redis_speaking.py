"""What an instance says to one Redis server.

A publisher never waits: what is said stands in a bounded line, and what waits there leaves together. What Redis does
not take is dropped, because the log has it; then the others are told to compare with the log, as soon as they can be.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable

from server.core.errors import Unavailable
from server.storage.redis.desk import RedisDesk

_MOST_WAITING, _MOST_WAITING_BYTES = 20_000, 16 * 1024 * 1024
_AT_ONCE, _BYTES_AT_ONCE = 500, 256 * 1024
_GAP_EVERY_S = 1.0  # everybody compares all channels each time
Said = tuple[bytes, bytes]  # topic, envelope


class Speaking:
    """`say` and `beat` at any time; `run` for ever. `counts` is the bus's: lost.

    `on_heard_again` is called when a sign was taken after a time in which nothing was.

    `word` publishes. With each parcel goes a command that removes `nothing`, a key that never exists: a server that
    others have taken the lead from would publish to those who hear it alone, and does not remove.
    """

    def __init__(
        self, desk: RedisDesk, *, word: str, nothing: bytes, gap: Callable[[], Said], beat: Callable[[], Said],
        on_heard_again: Callable[[], None], counts: Counter[str], owes_gap: bool,
    ) -> None:  # fmt: skip
        self._desk = desk
        self._word = word
        self._nothing = nothing
        self._gap = gap
        self._beat = beat
        self._on_heard_again = on_heard_again
        self._counts = counts
        self._waiting: deque[Said] = deque()
        self._waiting_bytes = 0
        self._wakes = asyncio.Event()
        self._beat_is_due = False
        self._owes_gap = owes_gap
        self._gap_said_at_s = float("-inf")
        self.is_heard = False  # the last parcel was taken
        self.heard_at_s = float("-inf")

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_well(self) -> bool:
        return self.is_heard and not self._owes_gap

    @property
    def owes(self) -> bool:
        """Whether others miss something and do not know it."""
        return self._owes_gap or bool(self._waiting)

    def say(self, topic: bytes, envelope: bytes) -> None:
        if len(self._waiting) >= _MOST_WAITING or self._waiting_bytes + len(envelope) > _MOST_WAITING_BYTES:
            self._lose(1)
            return
        self._waiting.append((topic, envelope))
        self._waiting_bytes += len(envelope)
        self._wakes.set()

    def beat(self) -> None:
        self._beat_is_due = True
        self._wakes.set()

    async def run(self) -> None:
        while True:
            await self._wakes.wait()
            self._wakes.clear()
            await self.flush()

    async def flush(self) -> None:
        """Until nothing waits: Redis has taken it, or it is lost."""
        while self._waiting or self._beat_is_due:
            await self._leave(self._parcel())

    def _parcel(self) -> list[Said]:
        parcel: list[Said] = []
        size = 0
        while self._waiting and len(parcel) < _AT_ONCE and size < _BYTES_AT_ONCE:
            parcel.append(self._waiting.popleft())
            size += len(parcel[-1][1])
        self._waiting_bytes -= size
        return parcel

    async def _leave(self, parcel: list[Said]) -> None:
        signs, self._beat_is_due = [self._beat()] if self._beat_is_due else [], False
        if tells := self._owes_gap and time.monotonic() - self._gap_said_at_s >= _GAP_EVERY_S:
            signs.append(self._gap())
            self._owes_gap = False  # what is lost from here on owes the next one
        pipeline = self._desk.client.pipeline(transaction=False)
        for said in (*parcel, *signs):
            pipeline.execute_command(self._word, *said)
        pipeline.unlink(self._nothing)
        try:
            await self._desk.ask(lambda _redis: pipeline.execute())
        except Unavailable:
            self.is_heard = False
            self._owes_gap |= tells
            self._lose(len(parcel))
            return
        if not self.is_heard and signs:
            self._on_heard_again()
        self.is_heard, self.heard_at_s = True, time.monotonic()
        if tells:
            self._gap_said_at_s = self.heard_at_s

    def _lose(self, count: int) -> None:
        if count:
            self._counts["lost"] += count
            self._owes_gap = True
