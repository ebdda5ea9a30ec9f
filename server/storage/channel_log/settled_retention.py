"""Removes settled events that have outlived their purpose.

By the rules of `retention.py`, which does the same in SQL; and the positions of channels of which nothing is left.
"""

from datetime import datetime

from sqlalchemy import delete, select

from server.core.clock import server_now
from server.storage.channel_log.kept import ORDER_EVENTS_FOR, ORDERS, POSITIONS_FOR, USER_EVENTS_FOR
from server.storage.channel_log.settled import ORDERS as OF_ORDERS
from server.storage.channel_log.settled import OTHERS, SettledEvents
from server.storage.retention import LIVE_ORDERS, has_events
from server.storage.sql import Database
from server.storage.tables.booking import t_order
from server.storage.tables.system import channel_head

_AT_ONCE = 500


class SettledRetention:
    """Goes through everything that is old; runs once in the cluster."""

    def __init__(self, *, database: Database, settled: SettledEvents) -> None:
        self._database = database
        self._settled = settled

    async def run_once(self) -> int:
        """How many events and positions went. Raises Unavailable."""
        now = server_now()
        gone = await self._forget(OTHERS, before=now - USER_EVENTS_FOR)
        gone += await self._forget(OF_ORDERS, before=now - ORDER_EVENTS_FOR)
        return gone + await self._forget_positions(before=now - POSITIONS_FOR)

    async def _forget(self, family: str, *, before: datetime) -> int:
        gone, live = 0, set[str]()
        while aged := await self._settled.aged(family, before=before, besides=sorted(live), limit=_AT_ONCE):
            if family == OF_ORDERS:
                live |= await self._live_among(aged)
            gone += await self._settled.forget({name: offset for name, offset in aged.items() if name not in live})
        return gone

    async def _live_among(self, channels: dict[str, int]) -> set[str]:
        order_ids = [name.removeprefix(ORDERS) for name in channels]
        async with self._database.read() as tx:
            rows = await tx.all(select(t_order.c.order_id).where(t_order.c.order_id.in_(order_ids), LIVE_ORDERS))
        return {ORDERS + row["order_id"] for row in rows}

    async def _forget_positions(self, *, before: datetime) -> int:
        """A head goes last: a new epoch must not meet old offsets."""
        head = channel_head.c
        silent = (head.moved_at < before, ~has_events(), head.settled > 0)
        async with self._database.read() as tx:
            names = {row["channel"] for row in await tx.all(select(head.channel).where(*silent).limit(_AT_ONCE))}
        names -= await self._settled.channels_among(names)
        if not names:
            return 0
        empty = delete(channel_head).where(head.channel.in_(names), *silent)
        return await self._database.write(lambda tx: tx.run(empty))
