"""Moves settled events from SQL to MongoDB.

An event is settled when it is old and not among the newest of its channel. Copied, seen to be there, then deleted in the
transaction that moves the channel's border: whoever dies in between leaves a copy that nobody reads, and the next round
writes it again. Events move in order of their offsets, so each store holds one piece of a channel.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from sqlalchemy import Text, bindparam, delete, select, type_coerce, update

from server.core.clock import server_now
from server.storage.channel_log.kept import most_events
from server.storage.channel_log.settled import SettledEvents, document_of
from server.storage.sql import Database
from server.storage.tables.system import channel_event, channel_head
from server.storage.transaction import Row, Transaction

_HEADS_AT_ONCE = 100
_EVENTS_AT_ONCE = 500
_EVENTS_A_ROUND = 5_000  # the next round goes on where this one ended

_H, _E = channel_head.c, channel_event.c
_HEADS = (
    select(_H.channel, _H.epoch, _H.top, _H.settled)
    .where(_H.channel > bindparam("after"), _H.top - _H.settled > bindparam("beyond"))
    .order_by(_H.channel)
    .limit(_HEADS_AT_ONCE)
)
_EVENTS = (
    select(_E.channel, _E.offset, _E.event_key, type_coerce(_E.data, Text).label("data"), _E.size_bytes, _E.at)
    .where(_E.channel == bindparam("of"), _E.offset > bindparam("settled"), _E.offset <= bindparam("last"))
    .order_by(_E.offset)
    .limit(bindparam("at_most"))
)
_MOVE_BORDER = (
    update(channel_head)
    .where(_H.channel == bindparam("of"), _H.epoch == bindparam("in_epoch"), _H.settled == bindparam("seen"))
    .values(settled=bindparam("to"))
)
_DELETE = delete(channel_event).where(_E.channel == bindparam("of"), _E.offset <= bindparam("last"))


@dataclass(frozen=True, slots=True)
class _Span:
    """What moves of one channel: its rows, in order, and its head as it was seen."""

    head: Row
    rows: list[Row]

    @property
    def last(self) -> int:
        return int(self.rows[-1]["offset"])


class Settling:
    """One round moves a bounded number of events. `now` is the time by which events tell theirs."""

    def __init__(
        self, *, database: Database, settled: SettledEvents, after: timedelta, beyond: int,
        now: Callable[[], datetime] = server_now,
    ) -> None:  # fmt: skip
        self._database = database
        self._now = now
        self._settled = settled
        self._after = after
        self._beyond = beyond
        self._next = ""  # the last channel that was looked at
        self.moved = 0

    async def run_once(self) -> int:
        """How many events moved. Raises Unavailable."""
        before, moved = self._now() - self._after, 0
        while moved < _EVENTS_A_ROUND:
            spans, last = await self._some(before)
            if spans:
                moved += await self._move(spans)
            self._next = last
            if not last:
                break
        return moved

    async def _some(self, before: datetime) -> tuple[list[_Span], str]:
        """Some hundred events of the next channels, and the last channel that was looked at, "" at the end of all."""
        spans, room, last = [], _EVENTS_AT_ONCE, self._next
        async with self._database.read() as tx:
            heads = await tx.all(_HEADS, {"after": last, "beyond": self._beyond})
            for head in heads:
                rows = await self._of(tx, head, before, at_most=room)
                if rows:
                    spans.append(_Span(head, rows))
                    room -= len(rows)
                if room == 0:
                    return spans, last  # the channel may have more of them: it comes first again
                last = head["channel"]
        return spans, last if len(heads) == _HEADS_AT_ONCE else ""

    async def _of(self, tx: Transaction, head: Row, before: datetime, *, at_most: int) -> list[Row]:
        """The settled events of a channel, up to the first that is not, or that is missing."""
        where = {"of": head["channel"], "settled": head["settled"], "last": head["top"] - self._beyond}
        rows = await tx.all(_EVENTS, where | {"at_most": at_most})
        first = rows[0]["offset"] if rows else 0
        return [row for _, row in takewhile(lambda one: _settles(one, first, before), enumerate(rows))]

    async def _move(self, spans: list[_Span]) -> int:
        await self._settled.keep([one for span in spans for one in _documents(span)])
        torn = {one.head["channel"]: one.rows[0]["offset"] - 1 for one in spans if _begins_behind_a_gap(one)}
        await self._settled.forget(torn)
        taken = await self._database.write(lambda tx: self._take_over(tx, spans))
        await self._settled.forget(_too_many(taken))
        count = sum(len(one.rows) for one in taken)
        self.moved += count
        return count

    async def _take_over(self, tx: Transaction, spans: list[_Span]) -> list[_Span]:
        """From here on they are in MongoDB; those of a channel that changed meanwhile wait for the next round."""
        taken = []
        for span in sorted(spans, key=lambda one: str(one.head["channel"])):
            head, channel = span.head, span.head["channel"]
            seen = {"of": channel, "in_epoch": head["epoch"], "seen": head["settled"], "to": span.last}
            if await tx.run(_MOVE_BORDER, seen) == 1:
                await tx.run(_DELETE, {"of": channel, "last": span.last})
                taken.append(span)
        return taken


def _settles(numbered: tuple[int, Row], first: int, before: datetime) -> bool:
    number, row = numbered
    return bool(row["offset"] == first + number and row["at"] < before)


def _documents(span: _Span) -> Iterable[dict[str, Any]]:
    return (document_of(row, epoch=span.head["epoch"]) for row in span.rows)


def _begins_behind_a_gap(span: _Span) -> bool:
    """Retention was faster with what came between: nobody can read on from before it."""
    return bool(span.head["settled"] and span.rows[0]["offset"] != span.head["settled"] + 1)


def _too_many(spans: list[_Span]) -> dict[str, int]:
    """What lies further back than retention allows, by channel."""
    upto = {one.head["channel"]: one.head["top"] - most_events(one.head["channel"]) for one in spans}
    return {channel: offset for channel, offset in upto.items() if offset > 0}
