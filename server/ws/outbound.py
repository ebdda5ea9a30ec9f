"""What leaves on one connection: one queue, one writer.

What is queued for a connection in one turn of the event loop leaves in one send at the end of it.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from server.ws.stream import drained, send, unsent

_LARGE_REPLY_BYTES = 65_536  # from here on the reader must take a reply before it gets the next
# Publications under way stand at different steps of the loop, and each step would send by itself: with 32
# in flight only 6 of them shared a send, with these hops nearly all. Where few receive the hops would only delay.
_GATHERING_HOPS = 12


class Gathers(Protocol):
    """A channel with many receivers, which joins what a turn brings once for all of them."""

    def spill(self) -> None:
        """Queue it for the receivers."""

    def spill_now(self) -> None:
        """Send it to the receivers."""


class Turn:
    """What has something to send at the end of this turn of the loop, or of the next few."""

    __slots__ = ("_dirty", "_gathering", "_hops")

    def __init__(self) -> None:
        self._dirty: list[Outbound] = []
        self._gathering: list[Gathers] = []
        self._hops = 0

    def add(self, outbound: "Outbound") -> None:
        """Called for the first message that a connection queues in a turn."""
        if not self._dirty and not self._gathering:
            asyncio.get_running_loop().call_soon(self._end)
        self._dirty.append(outbound)

    def gather(self, channel: Gathers) -> None:
        """Call `spill` of it when the publications that are under way have come."""
        if not self._gathering:
            self._hops = _GATHERING_HOPS
            if not self._dirty:
                asyncio.get_running_loop().call_soon(self._end)
        self._gathering.append(channel)

    def put_all(self, receivers: "Iterable[Outbound]", frame: bytes) -> None:
        """Queue one shared frame for many."""
        for outbound in receivers:
            outbound.put(frame)

    def _end(self) -> None:
        if self._gathering and self._hops:
            self._hops -= 1
            asyncio.get_running_loop().call_soon(self._end)
            return
        gathering, self._gathering = self._gathering, []
        if len(gathering) == 1:
            gathering[0].spill_now()
        else:  # somebody may be in several of them: still one send
            for channel in gathering:
                channel.spill()
        dirty, self._dirty = self._dirty, []
        try:
            while dirty:
                dirty.pop().flush()
        finally:
            for outbound in dirty:  # only after a bug: one connection's failure is not the others'
                self.add(outbound)


class Outbound:
    """One connection's frames. Over the bound `on_slow` is called once and everything is dropped."""

    __slots__ = ("queued", "_turn", "_stream", "_bound", "_granted", "_on_slow", "_closed")

    def __init__(self, stream: Any, *, turn: Turn, queue_bytes: int, on_slow: Callable[[], None]) -> None:
        self.queued: list[bytes] = []
        self._turn = turn
        self._stream = stream
        self._bound = queue_bytes
        self._granted = 0  # large replies that the client asked for do not count against it
        self._on_slow = on_slow
        self._closed = False

    def put(self, frame: bytes) -> None:
        """Queue one frame."""
        if not self.queued:
            self._turn.add(self)
        self.queued.append(frame)

    def put_reply(self, frame: bytes) -> None:
        """As `put`; a large one sets `has_large_reply`: `await drained()` before making the next."""
        self.put(frame)
        if len(frame) >= _LARGE_REPLY_BYTES:
            self._granted += len(frame)

    @property
    def has_large_reply(self) -> bool:
        return self._granted > 0

    def hold(self) -> None:
        """Keep what is put from now on behind the reply that `release` brings."""
        self.flush()
        self.queued.append(b"")  # its place; while it is there nothing leaves

    def release(self, frame: bytes) -> None:
        """The reply first, then what was put meanwhile."""
        held, self.queued = self.queued[1:] if self._is_held else self.queued, []
        self.put_reply(frame)
        self.queued += held

    def drop_held(self) -> None:
        """The reply will not come: forget what waited for it."""
        if self._is_held:
            self.queued.clear()

    @property
    def _is_held(self) -> bool:
        return bool(self.queued) and not self.queued[0]

    def flush(self) -> None:
        """Send what is queued; called by the turn, and before a close frame."""
        if self._closed:
            self.queued.clear()
            return
        if self._is_held:
            return
        data = self.queued[0] if len(self.queued) == 1 else b"".join(self.queued)
        self.queued.clear()
        self._send(data)

    def put_now(self, data: bytes) -> None:
        """As `put` and `flush`, for what shares a send with others already; behind what waits here."""
        if self.queued:
            self.queued.append(data)
        elif not self._closed:
            self._send(data)

    def _send(self, data: bytes) -> None:
        left = send(self._stream, data) if data else unsent(self._stream)
        if not left:
            self._granted = 0
        elif left > self._bound + self._granted:
            self._closed = True
            self._on_slow()

    async def drained(self) -> None:
        """Wait until the client has taken everything sent so far, or is gone."""
        self.flush()
        await drained(self._stream)
        self._granted = 0

    def close(self) -> None:
        """Send what is queued, unless it waits for a reply; later puts go nowhere."""
        self.drop_held()
        self.flush()
        self._closed = True
