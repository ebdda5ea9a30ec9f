"""Removes what has outlived its purpose."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, and_, delete, func, literal, not_, select

from server.core.clock import server_now
from server.storage.channel_log.kept import ORDER_EVENTS_FOR, ORDERS, POSITIONS_FOR, USER_EVENTS_FOR, most_events
from server.storage.sql import Database
from server.storage.tables.booking import t_order
from server.storage.tables.system import channel_event, channel_head, idempotency_key
from server.storage.transaction import Transaction

# Channels, and up to which offset their events go; empty: nothing is to go.
Find = Callable[[Transaction], Awaitable[dict[str, int]]]

_KEYS_FOR = timedelta(days=7)
ROWS_AT_ONCE = 500  # one short transaction each, so that nobody waits for it
_TIMES_A_ROUND = 100
LIVE_ORDERS = t_order.c.status.not_in(("completed", "cancelled"))


class Retention:
    """One round removes a bounded number of rows of each kind, in small transactions."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def run_once(self) -> int:
        """How many rows went. Raises Unavailable."""
        now = server_now()
        made_at = idempotency_key.c.created_at
        gone = await repeat(self._database, lambda tx: forget_oldest(tx, made_at, before=now - _KEYS_FOR))
        for find in (_crowded(""), _crowded(ORDERS), *map(_aged, _old_events(now))):
            gone += await self._forget_events(find)
        return gone + await repeat(self._database, lambda tx: _forget_positions(tx, before=now - POSITIONS_FOR))

    async def _forget_events(self, find: Find) -> int:
        """As `repeat`. Looking for them may take long among many: that is done beside the writers, not by one."""
        gone = 0
        for _ in range(_TIMES_A_ROUND):
            async with self._database.read() as tx:
                last = await find(tx)
            if not last:
                break
            gone += await self._database.write(lambda tx, last=last: _forget_up_to(tx, last))
        return gone


async def repeat(database: Database, forget_some: Callable[[Transaction], Awaitable[int]]) -> int:
    """Until a transaction finds nothing, or it was enough for this round. Raises Unavailable."""
    gone = 0
    for _ in range(_TIMES_A_ROUND):
        taken = await database.write(forget_some)
        gone += taken
        if not taken:
            break
    return gone


async def forget_oldest(tx: Transaction, at: Column[datetime], *, before: datetime) -> int:
    """The oldest rows by an instant that has an index; those of one instant go together."""
    last = await tx.value(select(at).where(at < before).order_by(at).offset(ROWS_AT_ONCE - 1).limit(1))
    return await tx.run(delete(at.table).where(at < before if last is None else at <= last))


async def _forget_positions(tx: Transaction, *, before: datetime) -> int:
    head = channel_head.c
    silent = (head.moved_at < before, head.settled == 0, not_(has_events()))
    rows = await tx.all(select(head.channel).where(*silent).limit(ROWS_AT_ONCE))
    if not rows:
        return 0
    return await tx.run(delete(channel_head).where(head.channel.in_([row["channel"] for row in rows]), *silent))


def _crowded(prefix: str) -> Find:
    """What lies further back than so many from the top; asked of the heads, of which few have seen so many."""
    kept, head = most_events(prefix), channel_head.c
    first = select(func.min(channel_event.c.offset)).where(channel_event.c.channel == head.channel).scalar_subquery()
    is_order = head.channel.like(f"{ORDERS}%")
    heads = select(head.channel, head.top, first.label("first")).where(
        is_order if prefix else not_(is_order), head.top > kept, first <= head.top - kept
    )

    async def find(tx: Transaction) -> dict[str, int]:
        last, room = {}, ROWS_AT_ONCE
        for row in await tx.all(heads.limit(ROWS_AT_ONCE)):
            if room <= 0:
                break
            last[row["channel"]] = min(row["top"] - kept, row["first"] + room - 1)
            room -= last[row["channel"]] - row["first"] + 1
        return last

    return find


def _aged(condition: Any) -> Find:
    """The oldest that meet a condition, in the order of the index."""
    columns = channel_event.c
    oldest = select(columns.channel, columns.offset).where(condition).order_by(columns.at, columns.channel, columns.offset)

    async def find(tx: Transaction) -> dict[str, int]:
        last: dict[str, int] = {}
        for row in await tx.all(oldest.limit(ROWS_AT_ONCE)):
            last[row["channel"]] = max(row["offset"], last.get(row["channel"], 0))
        return last

    return find


def _old_events(now: datetime) -> tuple[Any, ...]:
    """Old events of `user:` channels, and of `order:` channels of orders that are long over."""
    live = select(literal(ORDERS) + t_order.c.order_id).where(LIVE_ORDERS)
    is_order = channel_event.c.channel.like(f"{ORDERS}%")
    return (
        and_(not_(is_order), channel_event.c.at < now - USER_EVENTS_FOR),
        and_(is_order, channel_event.c.at < now - ORDER_EVENTS_FOR, channel_event.c.channel.not_in(live)),
    )


def has_events() -> Any:
    """A head goes last: a new epoch must not meet old offsets."""
    return select(channel_event.c.offset).where(channel_event.c.channel == channel_head.c.channel).exists()


async def _forget_up_to(tx: Transaction, last: dict[str, int]) -> int:
    """What is left of a channel has no gap: with an event goes everything before it."""
    columns, gone = channel_event.c, 0
    for channel, offset in sorted(last.items()):
        gone += await tx.run(delete(channel_event).where(columns.channel == channel, columns.offset <= offset))
    return gone
