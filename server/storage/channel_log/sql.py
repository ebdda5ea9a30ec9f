"""The channel log in the SQL database.

Appending moves the channel's head row by compare-and-set: that row is the lock that makes positions follow
commits without gaps. The bus hears of an event through the outbox, right after the commit.
"""

import json
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import IntegrityError

from server.core.clock import server_now
from server.storage.channel_log.port import LoggedEvent, Position, Slice
from server.storage.outbox import Outbox
from server.storage.pubsub.port import Bus, ChannelMessage
from server.storage.sql import Database
from server.storage.tables.system import channel_event, channel_head
from server.storage.transaction import Transaction

EVENT_TOPIC = "event"
_EPOCH_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"

_HEAD = select(channel_head.c.epoch, channel_head.c.top).where(channel_head.c.channel == bindparam("in_channel"))
_PLACE = select(
    channel_head.c.epoch,
    channel_head.c.top,
    select(channel_event.c.offset)
    .where(
        channel_event.c.channel == bindparam("in_channel"),
        channel_event.c.event_key == bindparam("with_key"),
    )
    .scalar_subquery()
    .label("known"),
).where(channel_head.c.channel == bindparam("in_channel"))
_MOVE_HEAD = (
    update(channel_head)
    .where(channel_head.c.channel == bindparam("in_channel"), channel_head.c.top == bindparam("seen_top"))
    .values(top=channel_head.c.top + 1, moved_at=bindparam("now"))
)
_ADD_EVENT = insert(channel_event)


def _new_epoch() -> str:
    return "".join(secrets.choice(_EPOCH_ALPHABET) for _ in range(8))


class SqlChannelLog:
    """Implements `ChannelLog` and appends to it."""

    def __init__(self, *, database: Database, outbox: Outbox, bus: Bus) -> None:
        self._database = database
        self._outbox = outbox
        self._bus = bus
        outbox.deliver(EVENT_TOPIC, self._publish)

    async def append(self, tx: Transaction, channel: str, event: dict[str, Any], *, at: datetime) -> Position:
        """Store an event `{"type","id","at","data"}`; its `id` is the key, a second time is the first's position."""
        while True:
            place = await tx.one(_PLACE, {"in_channel": channel, "with_key": event["id"]})
            if place is not None and place["known"] is not None:
                return Position(place["epoch"], place["known"])
            position = await self._move_head(tx, channel, place)
            if position is not None:
                break
        data = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
        raw = data.encode()
        row = {"channel": channel, "offset": position.offset, "event_key": event["id"], "data": data}
        await tx.run(_ADD_EVENT, row | {"size_bytes": len(raw), "at": at})
        await self._outbox.put(
            tx,
            EVENT_TOPIC,
            {"channel": channel, "offset": position.offset},
            enclosed=ChannelMessage(channel, position.epoch, position.offset, raw),
        )
        return position

    async def _move_head(self, tx: Transaction, channel: str, place: RowMapping | None) -> Position | None:
        """Take the next offset; None when another writer took it between the two statements."""
        now = server_now()
        if place is not None:
            seen = {"in_channel": channel, "seen_top": place["top"], "now": now}
            moved = await tx.run(_MOVE_HEAD, seen) == 1
            return Position(place["epoch"], place["top"] + 1) if moved else None
        first = {"channel": channel, "epoch": _new_epoch(), "top": 1, "moved_at": now}
        try:
            async with tx.savepoint():
                await tx.run(insert(channel_head).values(**first))
        except IntegrityError:  # the channel's first event, twice at once
            return None
        return Position(first["epoch"], 1)

    async def _head(self, tx: Transaction, channel: str) -> Position:
        row = await tx.one(_HEAD, {"in_channel": channel})
        return Position("", 0) if row is None else Position(row["epoch"], row["top"])

    async def _publish(self, payload: dict[str, Any], enclosed: ChannelMessage | None) -> None:
        message = enclosed or await self._stored(payload["channel"], payload["offset"])
        if message is not None:  # else retention was faster, and a reader sees it by the position
            await self._bus.publish(message)

    async def _stored(self, channel: str, offset: int) -> ChannelMessage | None:
        here = (channel_event.c.channel == channel, channel_event.c.offset == offset)
        async with self._database.read() as tx:
            head = await self._head(tx, channel)
            data = await tx.value(select(channel_event.c.data).where(*here))
        return None if data is None else ChannelMessage(channel, head.epoch, offset, data.encode())

    async def top(self, channel: str) -> Position:
        async with self._database.read() as tx:
            return await self._head(tx, channel)

    async def tops(self, channels: Sequence[str]) -> dict[str, Position]:
        columns = (channel_head.c.channel, channel_head.c.epoch, channel_head.c.top)
        async with self._database.read() as tx:
            rows = await tx.all(select(*columns).where(channel_head.c.channel.in_(channels)))
        return {row["channel"]: Position(row["epoch"], row["top"]) for row in rows}

    async def since(self, channel: str, offset: int, *, limit: int, max_bytes: int) -> Slice:
        wanted = select(channel_event).where(channel_event.c.channel == channel, channel_event.c.offset > offset)
        async with self._database.read() as tx:
            head = await self._head(tx, channel)
            rows = await tx.all(wanted.order_by(channel_event.c.offset).limit(limit))
        return Slice(_events(rows, head.epoch, max_bytes), head)

    async def before(self, channel: str, offset: int | None, *, limit: int) -> Slice:
        wanted = select(channel_event).where(channel_event.c.channel == channel)
        if offset is not None:
            wanted = wanted.where(channel_event.c.offset < offset)
        async with self._database.read() as tx:
            head = await self._head(tx, channel)
            rows = await tx.all(wanted.order_by(channel_event.c.offset.desc()).limit(limit))
        return Slice(_events(rows, head.epoch, None), head)


def _events(rows: Sequence[RowMapping], epoch: str, max_bytes: int | None) -> tuple[LoggedEvent, ...]:
    events, size = [], 0
    for row in rows:
        size += row["size_bytes"]
        if max_bytes is not None and size > max_bytes:
            break
        events.append(LoggedEvent(row["channel"], epoch, row["offset"], row["data"].encode()))
    return tuple(events)
