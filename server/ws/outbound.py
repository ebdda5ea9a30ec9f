"""What leaves on one connection: one queue, one writer.

What is queued for a connection in one turn of the event loop leaves in one send at the end of it.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from server.ws.stream import drained, send, unsent

_LARGE_REPLY_BYTES = 65_536  # from here on the reader must take a reply before it gets the next
# Publications under way stand at different steps of the loop, and each step would flush by itself: with 32
# in flight only 6 of them shared a send, with these hops 24. Where few are waiting the hops would only delay.
_WIDE = 64
_GATHERING_HOPS = 12


class Turn:
    """The connections that have something to send at the end of this turn of the loop, or of the next few."""

    __slots__ = ("_dirty", "_hops")

    def __init__(self) -> None:
        self._dirty: list[Outbound] = []
        self._hops = 0

    def add(self, outbound: "Outbound") -> None:
        """Called for the first message that a connection queues in a turn."""
        if not self._dirty:
            self._hops = _GATHERING_HOPS
            asyncio.get_running_loop().call_soon(self._end)
        self._dirty.append(outbound)

    def put_all(self, receivers: "Iterable[Outbound]", frame: bytes) -> None:
        """Queue one shared frame for many: the hot path, so `Outbound.put` is written out here."""
        add = self.add
        for outbound in receivers:
            if not outbound.queued:
                add(outbound)
            outbound.queued.append(frame)

    def _end(self) -> None:
        if self._hops and len(self._dirty) >= _WIDE:
            self._hops -= 1
            asyncio.get_running_loop().call_soon(self._end)
            return
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
        self.queued.append(b"")  # its place; a queue that is not empty is never added to the turn

    def release(self, frame: bytes) -> None:
        """The reply first, then what was put meanwhile."""
        held, self.queued = self.queued[1:], []
        self.put_reply(frame)
        self.queued += held

    def drop_held(self) -> None:
        """The reply will not come: forget what waited for it."""
        if self.queued and not self.queued[0]:
            self.queued.clear()

    def flush(self) -> None:
        """Send what is queued; called by the turn, and before a close frame."""
        if self._closed:
            self.queued.clear()
            return
        data = self.queued[0] if len(self.queued) == 1 else b"".join(self.queued)
        self.queued.clear()
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
