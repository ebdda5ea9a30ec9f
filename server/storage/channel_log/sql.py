"""The channel log in the SQL database.

The bus hears of the events of a commit through the outbox, right after it: one parcel for all of them.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.engine import RowMapping

from server.storage.channel_log.appending import Appender
from server.storage.channel_log.port import LoggedEvent, Position, Slice
from server.storage.outbox import Outbox
from server.storage.pubsub.port import Bus, ChannelMessage
from server.storage.sql import Database
from server.storage.tables.system import channel_event, channel_head
from server.storage.transaction import Transaction

EVENT_TOPIC = "event"
_WHOLE_SPAN_BYTES = 16 * 1024 * 1024  # far more than one commit appends to a channel

_HEAD = select(channel_head.c.epoch, channel_head.c.top, channel_head.c.settled).where(
    channel_head.c.channel == bindparam("in_channel")
)
_AFTER = (
    select(channel_event.c.offset, channel_event.c.data, channel_event.c.size_bytes)
    .where(channel_event.c.channel == bindparam("in_channel"), channel_event.c.offset > bindparam("after"))
    .order_by(channel_event.c.offset)
    .limit(bindparam("at_most"))
)
_PAGE = 100  # events read in one go: the bound in bytes is looked at between


class SqlChannelLog:
    """Implements `ChannelLog` and appends to it."""

    def __init__(self, *, database: Database, outbox: Outbox, bus: Bus) -> None:
        self._database = database
        self._outbox = outbox
        self._bus = bus
        self._appender = Appender(post=self._post)
        outbox.deliver(EVENT_TOPIC, self._publish)

    async def append(
        self, tx: Transaction, channel: str, event: dict[str, Any], *, at: datetime, is_new: bool = False
    ) -> Position:
        """Store an event `{"type","id","at","data"}`; its `id` is the key, a second time is the first's position.

        `is_new`: the id was made a moment ago, so nobody has to look for it. The event's row is written right
        before the commit; statements of this transaction do not see it.
        """
        return (await self._appender.append(tx, [channel], event, at=at, is_new=is_new))[0]

    async def append_to_all(
        self, tx: Transaction, channels: Sequence[str], event: dict[str, Any], *, at: datetime, is_new: bool = False
    ) -> list[Position]:
        """As `append`, for different channels whose heads are locked together."""
        return await self._appender.append(tx, channels, event, at=at, is_new=is_new)

    async def append_each(
        self, tx: Transaction, events: Sequence[tuple[str, dict[str, Any]]], *, at: datetime, is_new: bool = False
    ) -> None:
        """As `append`, for many (channel, event); the heads are locked together."""
        await self._appender.append_each(tx, events, at=at, is_new=is_new)

    async def _post(self, tx: Transaction, messages: list[ChannelMessage]) -> None:
        spans: dict[str, list[Any]] = {}
        for message in messages:
            spans.setdefault(message.channel, [message.channel, message.offset, message.offset])[2] = message.offset
        await self._outbox.put(tx, EVENT_TOPIC, {"spans": list(spans.values())}, enclosed=messages)

    async def _head(self, tx: Transaction, channel: str) -> tuple[Position, int]:
        row = await tx.one(_HEAD, {"in_channel": channel})
        return (Position("", 0), 0) if row is None else (Position(row["epoch"], row["top"]), row["settled"])

    async def _publish(self, payload: dict[str, Any], enclosed: list[ChannelMessage] | None) -> None:
        """`payload`: {"spans": [[channel, first offset, last offset]]}, what one commit has appended."""
        for message in enclosed or await self._stored(payload["spans"]):
            await self._bus.publish(message)

    async def _stored(self, spans: list[list[Any]]) -> list[ChannelMessage]:
        """What retention was faster with is left out; a reader sees that by the position."""
        messages: list[ChannelMessage] = []
        for channel, first, last in spans:
            known = await self.since(channel, first - 1, limit=last - first + 1, max_bytes=_WHOLE_SPAN_BYTES)
            messages += [
                ChannelMessage(channel, event.epoch, event.offset, event.data)
                for event in known.events
                if event.offset <= last
            ]
        return messages

    async def top(self, channel: str) -> Position:
        async with self._database.glance() as tx:
            top, _ = await self._head(tx, channel)
            return top

    async def tops(self, channels: Sequence[str]) -> dict[str, Position]:
        columns = (channel_head.c.channel, channel_head.c.epoch, channel_head.c.top)
        async with self._database.read() as tx:
            rows = await tx.all(select(*columns).where(channel_head.c.channel.in_(channels)))
        return {row["channel"]: Position(row["epoch"], row["top"]) for row in rows}

    async def since(self, channel: str, offset: int, *, limit: int, max_bytes: int) -> Slice:
        events: list[LoggedEvent] = []
        size, is_last = 0, False
        async with self._database.glance() as tx:
            top, settled = await self._head(tx, channel)
            while not is_last and len(events) < limit and size < max_bytes:
                page = min(_PAGE, limit - len(events))
                after = events[-1].offset if events else offset
                rows = await tx.all(_AFTER, {"in_channel": channel, "after": after, "at_most": page})
                is_last = len(rows) < page
                for row in rows:
                    size += row["size_bytes"]
                    if size <= max_bytes:
                        events.append(LoggedEvent(channel, top.epoch, row["offset"], row["data"].encode()))
        return Slice(tuple(events), top, settled)

    async def before(self, channel: str, offset: int | None, *, limit: int) -> Slice:
        wanted = select(channel_event).where(channel_event.c.channel == channel)
        if offset is not None:
            wanted = wanted.where(channel_event.c.offset < offset)
        async with self._database.read() as tx:
            top, settled = await self._head(tx, channel)
            rows = await tx.all(wanted.order_by(channel_event.c.offset.desc()).limit(limit))
        return Slice(_events(rows, top.epoch), top, settled)


def _events(rows: Sequence[RowMapping], epoch: str) -> tuple[LoggedEvent, ...]:
    return tuple(LoggedEvent(row["channel"], epoch, row["offset"], row["data"].encode()) for row in rows)
