"""Removes what has outlived its purpose."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, literal, not_, select

from server.core.clock import server_now
from server.storage.sql import Database
from server.storage.tables.booking import t_order
from server.storage.tables.system import channel_event, channel_head, idempotency_key
from server.storage.transaction import Transaction

_USER_EVENTS, _ORDER_EVENTS = 2_000, 20_000
_USER_EVENTS_FOR = timedelta(days=7)
_ORDER_EVENTS_FOR = timedelta(days=30)
_POSITIONS_FOR = timedelta(days=90)
_KEYS_FOR = timedelta(days=7)
_ROWS_AT_ONCE = 500


class Retention:
    """One round removes a bounded number of rows of each kind."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def run_once(self) -> int:
        """How many rows went. Raises Unavailable."""
        now = server_now()
        statements = [
            delete(idempotency_key).where(idempotency_key.c.created_at < now - _KEYS_FOR),
            delete(channel_head).where(channel_head.c.moved_at < now - _POSITIONS_FOR, not_(_has_events())),
        ]
        gone = await self._forget_events(now)
        for statement in statements:
            gone += await self._database.write(lambda tx, statement=statement: tx.run(statement))
        return gone

    async def _forget_events(self, now: datetime) -> int:
        """Old events of `user:` channels, and of `order:` channels of orders that are long over."""
        live = select(literal("order:") + t_order.c.order_id).where(t_order.c.status.not_in(("completed", "cancelled")))
        is_order = channel_event.c.channel.like("order:%")
        old = (
            and_(not_(is_order), _beyond(_USER_EVENTS)),
            and_(is_order, _beyond(_ORDER_EVENTS)),
            and_(not_(is_order), channel_event.c.at < now - _USER_EVENTS_FOR),
            and_(is_order, channel_event.c.at < now - _ORDER_EVENTS_FOR, channel_event.c.channel.not_in(live)),
        )
        gone = 0
        for condition in old:
            gone += await self._database.write(lambda tx, condition=condition: _delete_some(tx, condition))
        return gone


def _beyond(kept: int) -> Any:
    """Entries that lie further back than so many from the top of their channel."""
    top = select(channel_head.c.top).where(channel_head.c.channel == channel_event.c.channel).scalar_subquery()
    return channel_event.c.offset <= top - kept


def _has_events() -> Any:
    """A head goes last: a new epoch must not meet old offsets."""
    return select(channel_event.c.offset).where(channel_event.c.channel == channel_head.c.channel).exists()


async def _delete_some(tx: Transaction, condition: Any) -> int:
    columns = channel_event.c
    chosen = await tx.all(select(columns.channel, columns.offset).where(condition).limit(_ROWS_AT_ONCE))
    for row in chosen:
        here = (columns.channel == row["channel"], columns.offset == row["offset"])
        await tx.run(delete(channel_event).where(*here))
    return len(chosen)
