"""Bytes without a row: what a process that died left behind.

Bytes are kept before the transaction that adds their row; a death in between leaves them to nobody. After an hour
no such transaction can be under way any more.
"""

from collections.abc import Sequence

from sqlalchemy import func, select

from server.core.clock import server_now
from server.storage.files.port import FileStore
from server.storage.sql import Database
from server.storage.tables.roster import stored_file


class Orphans:
    """Finds and removes them; many instances may do so at once."""

    def __init__(self, *, store: FileStore, database: Database) -> None:
        self._store = store
        self._database = database

    async def remove(self, *, older_than_s: float) -> int:
        """The number removed. Raises Unavailable."""
        removed = 0
        async for keys in self._store.aged(older_than_s=older_than_s):
            for key in await self._without_a_row(keys):
                await self._store.delete(key)
                removed += 1
        return removed

    async def lost(self) -> int:
        """The opposite: how many rows name bytes that are not there. Raises Unavailable."""
        before, there = server_now(), 0
        ours = stored_file.c.created_at < before
        async for keys in self._store.aged(older_than_s=0.0):
            async with self._database.read() as tx:
                there += await tx.value(select(func.count()).where(stored_file.c.store_key.in_(keys), ours))
        async with self._database.read() as tx:
            rows: int = await tx.value(select(func.count()).select_from(stored_file).where(ours))
        return max(rows - there, 0)

    async def _without_a_row(self, keys: Sequence[str]) -> list[str]:
        async with self._database.read() as tx:
            rows = await tx.all(select(stored_file.c.store_key).where(stored_file.c.store_key.in_(keys)))
        known = {row["store_key"] for row in rows}
        return [key for key in keys if key not in known]
