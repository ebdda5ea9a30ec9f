"""Gives events positions and stores them with the commit.

Moving a channel's head row is the lock that makes positions follow commits without gaps. The first event of
a commit moves it; under that lock further ones only count on, also those of other bodies that share the
commit. An event for several channels moves their heads together. What is to be stored is written right
before the commit, in one go.
"""

import secrets
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, Update, and_, bindparam, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from server.core.clock import server_now
from server.core.strict_json import dumps
from server.storage.channel_log.port import Position
from server.storage.pubsub.port import ChannelMessage
from server.storage.tables.system import channel_event, channel_head
from server.storage.transaction import Transaction

# Puts messages into the outbox, in the transaction that stores their events.
Post = Callable[[Transaction, list[ChannelMessage]], Awaitable[None]]

_AT_ONCE = 16  # heads moved by one statement
_BY_NAME = ("FORCE INDEX (PRIMARY)", "mysql")  # a walk through a small table would wait for others' channels
_EPOCH_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"

_SAME_EVENT = select(channel_event.c.offset).where(
    channel_event.c.channel == bindparam("in_channel"), channel_event.c.event_key == bindparam("with_key")
)
_ADD_HEAD = insert(channel_head)
_ADD_EVENT = insert(channel_event)


def _is_one_of(count: int) -> ColumnElement[bool]:
    return channel_head.c.channel.in_([bindparam(f"channel_{number}") for number in range(count)])


def _named(channels: Sequence[str]) -> dict[str, str]:
    return {f"channel_{number}": channel for number, channel in enumerate(channels)}


@cache  # a statement is built once for each number of channels
def _move(count: int) -> Update:
    moved = {"top": channel_head.c.top + bindparam("by"), "moved_at": bindparam("now")}
    return update(channel_head).where(_is_one_of(count)).values(**moved)


@cache
def _same(count: int) -> Select[Any]:
    event = channel_event.c
    pairs = [
        and_(event.channel == bindparam(f"channel_{number}"), event.event_key == bindparam(f"key_{number}"))
        for number in range(count)
    ]
    return select(event.channel, event.offset).where(or_(*pairs))


@cache
def _lock(count: int) -> Select[Any]:
    head = channel_head.c
    heads = select(head.channel, head.epoch, head.top).where(_is_one_of(count))
    return heads.with_hint(channel_head, *_BY_NAME).with_for_update()


class Worded(NamedTuple):
    """An event as it is sent: its `id`, and all of it as JSON."""

    key: str
    text: str
    data: bytes

    @classmethod
    def of(cls, event: dict[str, Any]) -> "Worded":
        text = dumps(event)
        return cls(event["id"], text, text.encode())


@dataclass(frozen=True, slots=True)
class Appended:
    """An event with its position, not written yet."""

    message: ChannelMessage
    key: str
    text: str
    at: datetime

    def row(self) -> dict[str, Any]:
        message = self.message
        return {
            "channel": message.channel, "offset": message.offset, "event_key": self.key, "data": self.text,
            "size_bytes": len(message.data), "at": self.at,
        }  # fmt: skip


class Appender:
    """The writing side of the channel log in SQL."""

    def __init__(self, *, post: Post) -> None:
        self._post = post

    async def append(
        self, tx: Transaction, channels: Sequence[str], event: dict[str, Any], *, at: datetime, is_new: bool
    ) -> list[Position]:
        """See `SqlChannelLog.append_to_all`."""
        worded = Worded.of(event)
        positions = await self._append(tx, dict.fromkeys(channels, worded), at=at, is_new=is_new)
        return [positions[channel] for channel in channels]

    async def append_each(
        self, tx: Transaction, events: Sequence[tuple[str, dict[str, Any]]], *, at: datetime, is_new: bool
    ) -> None:
        """See `SqlChannelLog.append_each`."""
        rest = [(channel, Worded.of(event)) for channel, event in events]
        while rest:
            firsts: dict[str, Worded] = {}
            rest = [one for one in rest if firsts.setdefault(*one) is not one[1]]
            await self._append(tx, firsts, at=at, is_new=is_new)

    async def _append(
        self, tx: Transaction, events: dict[str, Worded], *, at: datetime, is_new: bool
    ) -> dict[str, Position]:
        """One event a channel."""
        unlocked = {channel: worded for channel, worded in events.items() if tx.known((self, channel)) is None}
        known = await self._lock_heads(tx, unlocked, is_new=is_new)
        positions = {}
        for channel, worded in events.items():
            before = known.get(channel)
            if before is None and channel not in unlocked and not is_new:
                before = await self._before(tx, channel, worded.key)
            positions[channel] = before or self._give(tx, channel, worded, at=at)
        return positions

    def _give(self, tx: Transaction, channel: str, worded: Worded, *, at: datetime) -> Position:
        """The next position of a channel whose head is locked."""
        head: Position = tx.known((self, channel))
        position = Position(head.epoch, head.offset + 1)
        tx.learn((self, channel), position)
        tx.learn((self, channel, worded.key), position)
        message = ChannelMessage(channel, position.epoch, position.offset, worded.data)
        tx.gather(self._write, Appended(message, worded.key, worded.text, at))
        return position

    async def _before(self, tx: Transaction, channel: str, key: str) -> Position | None:
        """Where the event stands already, in this commit or in the log."""
        known: Position | None = tx.known((self, channel, key))
        if known is not None:
            return known
        offset = await tx.value(_SAME_EVENT, {"in_channel": channel, "with_key": key})
        return None if offset is None else Position(tx.known((self, channel)).epoch, offset)

    async def _lock_heads(
        self, tx: Transaction, events: dict[str, Worded], *, is_new: bool
    ) -> dict[str, Position]:
        """Move heads and learn where they stood, except where the event stands already: its positions there."""
        known: dict[str, Position] = {}
        missing = sorted(events)
        while missing:
            names = missing[:_AT_ONCE]
            rows = await tx.all(_lock(len(names)), _named(names))
            heads = {row["channel"]: Position(row["epoch"], row["top"]) for row in rows}
            if heads and not is_new:
                known |= await self._standing(tx, heads, events)
            await self._move(tx, [name for name in heads if name not in known], by=1)
            for name in heads.keys() - known.keys():
                tx.learn((self, name), heads[name])
            begun = [name for name in names if name not in heads and await self._begin(tx, name)]
            missing = [name for name in missing if name not in heads and name not in begun]
        return known

    async def _standing(
        self, tx: Transaction, heads: dict[str, Position], events: dict[str, Worded]
    ) -> dict[str, Position]:
        """Where the event stands already. Asked under the heads' locks, so nobody adds it any more."""
        keys = {f"key_{number}": events[channel].key for number, channel in enumerate(heads)}
        rows = await tx.all(_same(len(heads)), _named(list(heads)) | keys)
        return {row["channel"]: Position(heads[row["channel"]].epoch, row["offset"]) for row in rows}

    async def _move(self, tx: Transaction, channels: Sequence[str], *, by: int) -> None:
        for start in range(0, len(channels), _AT_ONCE):
            names = channels[start : start + _AT_ONCE]
            await tx.run(_move(len(names)), _named(names) | {"by": by, "now": server_now()})

    async def _begin(self, tx: Transaction, channel: str) -> bool:
        """Make the channel's head; False when another writer just did, who is waited for."""
        epoch = "".join(secrets.choice(_EPOCH_ALPHABET) for _ in range(8))
        try:
            await tx.run(_ADD_HEAD, {"channel": channel, "epoch": epoch, "top": 1, "moved_at": server_now()})
        except IntegrityError:
            return False
        tx.learn((self, channel), Position(epoch, 0))
        return True

    async def _write(self, tx: Transaction, appended: list[Appended]) -> None:
        """Events of one channel stand in order of their offsets, since each was given under the head's lock."""
        first, last = {}, {}
        for one in appended:
            first.setdefault(one.message.channel, one.message.offset)
            last[one.message.channel] = one.message.offset
        further = defaultdict(list)  # the first event of each has moved its head
        for name, top in last.items():
            if top != first[name]:
                further[top - first[name]].append(name)
        for by, names in further.items():
            await self._move(tx, names, by=by)
        await tx.run(_ADD_EVENT, [one.row() for one in appended])
        await self._post(tx, [one.message for one in appended])
