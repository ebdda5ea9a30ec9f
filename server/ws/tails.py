"""The recent events of channels that many come back to.

A thousand who were cut off at once missed the same few events; they are read from the log for the first of
them. A tail only answers when it ends exactly where its channel stands, and it is as bounded as the log is
patient: what it still has, the log still has.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from itertools import islice

from server.storage.channel_log.port import LoggedEvent, Position
from server.ws.wire.answers import Publication
from server.ws.wire.commands import Resume

_EVENTS, _BYTES = 300, 262_144  # a channel; far below what retention leaves (protocol.md §7)
_OVERHEAD_BYTES = 200  # of an event's objects


class _Tail:
    """Events without a gap, up to `last`."""

    __slots__ = ("epoch", "last", "events", "size_bytes", "grew_at")

    def __init__(self, epoch: str, last: int, grew_at: float) -> None:
        self.epoch = epoch
        self.last = last
        self.events: deque[Publication] = deque()
        self.size_bytes = 0
        self.grew_at = grew_at


class Tails:
    """One for all channels of an instance; those that grew longest ago are dropped first."""

    def __init__(
        self,
        *,
        most_events: int,  # what one recovery may hand out
        most_bytes: int,
        bytes_together: int = 8_388_608,
        trusted_for_s: float = 600.0,  # retention counts in days
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._events = min(_EVENTS, most_events)
        self._bytes_each = min(_BYTES, most_bytes)
        self._bytes_together = bytes_together
        self._trusted_for_s = trusted_for_s
        self._now = now
        self._tails: OrderedDict[str, _Tail] = OrderedDict()
        self.size_bytes = 0

    def missed(self, channel: str, position: Position, resume: Resume) -> tuple[Publication, ...] | None:
        """What came after `resume` up to the channel's present position; None: ask the log."""
        tail = self._tails.get(channel)
        if tail is None or (tail.epoch, tail.last) != (position.epoch, position.offset):
            return None
        if resume.epoch != tail.epoch or self._now() - tail.grew_at > self._trusted_for_s:
            return None
        skipped = resume.offset - (tail.last - len(tail.events))
        if skipped < 0 or resume.offset > tail.last:
            return None
        return tuple(islice(tail.events, skipped, None))

    def learn(self, channel: str, epoch: str, events: Sequence[LoggedEvent]) -> None:
        """Events just read from the log, without a gap; they replace what was known, unless that is more."""
        known = self._tails.get(channel)
        if not events or (known is not None and known.last >= events[-1].offset and len(known.events) >= len(events)):
            return
        self.forget(channel)
        self._tails[channel] = _Tail(epoch, events[0].offset - 1, self._now())
        for event in events:
            self._append(channel, event)

    def add(self, event: LoggedEvent, *, begin: bool) -> None:
        """The next event of a channel. `begin`: remember it also where nothing was asked for yet."""
        tail = self._tails.get(event.channel)
        if tail is not None and (tail.epoch, tail.last + 1) != (event.epoch, event.offset):
            self.forget(event.channel)
            tail = None
        if tail is None:
            if not begin:
                return
            self._tails[event.channel] = _Tail(event.epoch, event.offset - 1, self._now())
        self._append(event.channel, event)

    def _append(self, channel: str, event: LoggedEvent) -> None:
        tail = self._tails[channel]
        tail.events.append(Publication(event.offset, event.data))
        tail.last, tail.grew_at = event.offset, self._now()
        self._grow(tail, len(event.data) + _OVERHEAD_BYTES)
        while len(tail.events) > self._events or (tail.events and tail.size_bytes > self._bytes_each):
            self._grow(tail, -len(tail.events.popleft().data) - _OVERHEAD_BYTES)
        self._tails.move_to_end(channel)
        while self.size_bytes > self._bytes_together:
            self.forget(next(iter(self._tails)))

    def _grow(self, tail: _Tail, by_bytes: int) -> None:
        tail.size_bytes += by_bytes
        self.size_bytes += by_bytes

    def forget(self, channel: str) -> None:
        """Harmless when there is nothing."""
        tail = self._tails.pop(channel, None)
        if tail is not None:
            self.size_bytes -= tail.size_bytes
