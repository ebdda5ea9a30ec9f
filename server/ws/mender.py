"""Fills gaps of channels from the log.

Only what the log cannot mend reaches clients, as "insufficient state": they subscribe again and are
told honestly whether they could be recovered.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping

from server.core.errors import Unavailable
from server.core.shared_reads import SharedReads
from server.core.tasks import Tasks
from server.storage.channel_log.port import ChannelLog, Position, Slice
from server.ws.channel import Channel
from server.ws.limits import Limits
from server.ws.recovery import reached
from server.ws.tails import Tails
from server.ws.wire.commands import Resume

_log = logging.getLogger(__name__)
_PAUSES_WHEN_BEHIND_S = (0.05, 0.2, 0.5, 1.0)  # the log is briefly behind the bus
_PAUSE_WHEN_AWAY_S = 1.0
_CHANNELS_PER_CHECK = 500


class Mender:
    """At most one mending a channel; meanwhile the hub only notes what the bus spoke of."""

    def __init__(
        self, *, log: ChannelLog, tails: Tails, tasks: Tasks, limits: Limits, counts: Counter[str]
    ) -> None:
        self._channel_log = log
        self._tails = tails
        self._reads = SharedReads()
        self._tasks = tasks
        self._limits = limits
        self._counts = counts

    async def read(self, name: str, resume: Resume | None) -> Slice:
        """The log after a position, or only its top; equal reads at one moment are one. Raises Unavailable."""
        offset = None if resume is None else resume.offset
        return await self._reads.ask((name, offset), lambda: self._read(name, offset))

    async def _read(self, name: str, offset: int | None) -> Slice:
        self._counts["log_reads"] += 1
        if offset is None:
            return Slice((), await self._channel_log.top(name))
        limits = self._limits
        return await self._channel_log.since(
            name, offset, limit=limits.recovery_entries, max_bytes=limits.recovery_bytes
        )

    def start(self, channel: Channel) -> None:
        """Mend the channel unless that is under way."""
        if not channel.mending:
            channel.mending = True
            self._counts["gaps"] += 1
            self._tasks.start("mend", self._mend(channel))

    def start_if_behind(self, channel: Channel) -> None:
        if channel.position is not None and channel.seen > channel.position.offset:
            self.start(channel)

    async def check(self, channels: Mapping[str, Channel]) -> None:
        """Compare positions with the log's and start what is behind. Raises Unavailable."""
        names = [name for name, channel in channels.items() if channel.position is not None]
        for start in range(0, len(names), _CHANNELS_PER_CHECK):
            tops = await self._channel_log.tops(names[start : start + _CHANNELS_PER_CHECK])
            for name, top in tops.items():
                channel = channels.get(name)
                if channel is not None and (_is_behind(channel.position, top) or other_epoch(channel.position, top)):
                    channel.seen = max(channel.seen, top.offset)
                    self.start(channel)

    def give_up(self, channel: Channel) -> None:
        """Those inside must subscribe again; whoever joins next reads the log."""
        self._counts["insufficient_state"] += 1
        _log.info("a channel could not be mended from the log", extra={"channel": channel.name})
        self._tails.forget(channel.name)
        channel.position = None
        channel.seen = 0
        for seat in channel.entered_seats():
            seat.occupant.lost_track(channel.name)

    async def _mend(self, channel: Channel) -> None:
        try:
            mended = await self._deliver_missing(channel)
        finally:
            channel.mending = False
        if not mended:
            self.give_up(channel)

    async def _deliver_missing(self, channel: Channel) -> bool:
        """Deliver from the log until nothing newer is known; False when the log cannot mend it."""
        pauses = iter(_PAUSES_WHEN_BEHIND_S)
        while channel.seats and (before := channel.position) is not None:
            try:
                known = await self.read(channel.name, Resume(before.offset, before.epoch))
            except Unavailable:
                await asyncio.sleep(_PAUSE_WHEN_AWAY_S)
                continue
            if channel.position is not before:
                return True  # begun anew meanwhile
            if other_epoch(before, known.top) or not self._deliver(channel, before.offset, known):
                return False
            if channel.position.offset >= max(channel.seen, reached(known)):
                return True
            if channel.position is before:
                pause = next(pauses, None)
                if pause is None:
                    return False
                await asyncio.sleep(pause)
        return True

    def _deliver(self, channel: Channel, offset: int, known: Slice) -> bool:
        for event in known.events:
            offset += 1
            if event.offset != offset:
                return False
            self._counts["deliveries"] += channel.deliver(event)
            self._tails.add(event, begin=False)
        return bool(known.events) or known.top.offset <= offset


def other_epoch(position: Position | None, top: Position) -> bool:
    """Whether the log's channel is another one than the one that was delivered so far."""
    return position is not None and position.epoch not in ("", top.epoch)


def _is_behind(position: Position | None, top: Position) -> bool:
    return position is not None and position.offset < top.offset
