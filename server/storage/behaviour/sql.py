"""Behaviour events as rows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select

from server.storage.sql import Database
from server.storage.tables.system import behaviour_event
from server.storage.transaction import Transaction

KINDS = ("view", "login", "search")
_ADD = insert(behaviour_event)
_AT_ONCE = 500  # one short transaction each, so that nobody waits for it


class SqlBehaviourLog:
    """Implements `BehaviourLog`."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def add(self, tx: Transaction, rows: Sequence[dict[str, Any]]) -> None:
        await tx.run(_ADD, list(rows))

    async def forget_before(self, instant: datetime) -> int:
        column, gone = behaviour_event.c, 0
        old = (column.kind.in_(KINDS), column.entered_at < instant)  # every kind is named, so that the index is used
        while True:
            async with self._database.read() as tx:
                found = await tx.all(select(column.event_id).where(*old).limit(_AT_ONCE))
            if not found:
                return gone
            chosen = delete(behaviour_event).where(column.event_id.in_([row["event_id"] for row in found]))
            gone += await self._database.write(lambda tx, chosen=chosen: tx.run(chosen))
