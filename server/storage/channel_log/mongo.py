"""The channel log where its settled part lies in MongoDB.

SQL says how far a channel is settled, in the snapshot from which the recent events come. So both parts meet without a
gap, and whoever asks for recent events never asks MongoDB.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import replace

from server.core.errors import Unavailable
from server.storage.channel_log.port import LoggedEvent, Position, Slice
from server.storage.channel_log.settled import SettledEvents
from server.storage.channel_log.sql import SqlChannelLog

_PATIENCE_S = 2.5  # of the 4 s in which a subscription must be answered


class MongoChannelLog:
    """Implements `ChannelLog`. While MongoDB is away slices that would reach into it are cut, and say so."""

    def __init__(self, *, recent: SqlChannelLog, settled: SettledEvents) -> None:
        self._recent = recent
        self._settled = settled

    async def top(self, channel: str) -> Position:
        return await self._recent.top(channel)

    async def tops(self, channels: Sequence[str]) -> dict[str, Position]:
        return await self._recent.tops(channels)

    async def since(self, channel: str, offset: int, *, limit: int, max_bytes: int) -> Slice:
        recent = await self._recent.since(channel, offset, limit=limit, max_bytes=max_bytes)
        first = recent.events[0].offset if recent.events else recent.top.offset + 1
        if offset >= recent.settled or first != recent.settled + 1:  # or retention was faster with what came between
            return recent
        older = await _patiently(
            self._settled.since(
                channel, recent.top.epoch, offset, upto=recent.settled, limit=limit, max_bytes=max_bytes
            )
        )
        if older is None:
            return replace(recent, is_cut=True)
        if not older or older[-1].offset != recent.settled:
            return replace(recent, events=tuple(older) or recent.events)
        room, size = limit - len(older), sum(len(one.data) for one in older)
        newer = []
        for one in recent.events[:room]:
            size += len(one.data)
            if size > max_bytes:
                break
            newer.append(one)
        return replace(recent, events=(*older, *newer))

    async def before(self, channel: str, offset: int | None, *, limit: int) -> Slice:
        recent = await self._recent.before(channel, offset, limit=limit)
        end = recent.top.offset + 1 if offset is None else min(offset, recent.top.offset + 1)
        upto = (recent.events[-1].offset if recent.events else end) - 1
        if len(recent.events) == limit or not 0 < upto <= recent.settled:
            return recent
        older = await _patiently(
            self._settled.before(channel, recent.top.epoch, upto=upto, limit=limit - len(recent.events))
        )
        if older is None:
            return replace(recent, is_cut=True)
        return replace(recent, events=(*recent.events, *older))


async def _patiently(reading: Awaitable[list[LoggedEvent]]) -> list[LoggedEvent] | None:
    """None when there is no answer in time."""
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return await reading
    except (Unavailable, TimeoutError):
        return None
