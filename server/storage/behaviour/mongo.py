"""Behaviour events that move on to MongoDB.

They come in as rows, because the transaction that sees the consent must neither wait for MongoDB nor lose what it was
told: the table is their way in. Every few seconds they move: copied under their own ids, seen to be there, deleted.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Text, bindparam, delete, func, select, type_coerce

from server.storage.behaviour.documents import BehaviourDocuments
from server.storage.behaviour.sql import SqlBehaviourLog
from server.storage.sql import Database
from server.storage.tables.system import behaviour_event
from server.storage.transaction import Transaction

_AT_ONCE = 500
_A_ROUND = 10_000

_E = behaviour_event.c
_AS_SEALED = [type_coerce(_E.detail, Text).label("detail") if column is _E.detail else column for column in _E]
_WAITING = select(*_AS_SEALED).order_by(_E.event_id).limit(bindparam("at_most"))
_COUNT = select(func.count()).select_from(behaviour_event)


class MongoBehaviourLog:
    """Implements `BehaviourLog`; `move` is a job's round."""

    def __init__(self, *, database: Database, documents: BehaviourDocuments) -> None:
        self._database = database
        self._documents = documents
        self._rows = SqlBehaviourLog(database=database)
        self.moved = 0
        self.waiting = 0  # rows, when a round began last

    async def add(self, tx: Transaction, rows: Sequence[dict[str, Any]]) -> None:
        await self._rows.add(tx, rows)

    async def forget_before(self, instant: datetime) -> int:
        return await self._rows.forget_before(instant) + await self._documents.forget_before(instant)

    async def move(self) -> int:
        """How many went to MongoDB. Raises Unavailable."""
        async with self._database.read() as tx:
            self.waiting = await tx.value(_COUNT)
        moved = 0
        while moved < _A_ROUND and (count := await self._move_some()):
            moved += count
        self.moved += moved
        return moved

    async def _move_some(self) -> int:
        async with self._database.read() as tx:
            rows = await tx.all(_WAITING, {"at_most": _AT_ONCE})
        if rows:
            await self._documents.keep([_document(row) for row in rows])
            copied = delete(behaviour_event).where(_E.event_id.in_([row["event_id"] for row in rows]))
            await self._database.write(lambda tx: tx.run(copied))
        return len(rows)


def _document(row: Any) -> dict[str, Any]:
    values = dict(row)
    return {"_id": values.pop("event_id")} | values
