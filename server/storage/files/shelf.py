"""Uploaded files: bytes in the store, a row beside them.

Bytes are written before the transaction begins (it may run twice and must not wait for a disk) and
forgotten again when it is refused, so no row is without bytes and hardly any bytes are without a row.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import insert, select, update
from sqlalchemy.engine import RowMapping

from server.core.clock import server_now
from server.core.errors import Refused, Unavailable
from server.core.ids import looks_like_id, new_id
from server.storage.files.port import FileStore
from server.storage.tables.roster import stored_file
from server.storage.transaction import Transaction


class Encoded(Protocol):
    """What an encoder has made: harmless bytes of a type we wrote ourselves."""

    @property
    def content(self) -> bytes: ...

    @property
    def media_type(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Deposit:
    """Bytes that are kept already and wait for their row."""

    store_key: str
    media_type: str
    size_bytes: int
    sha256: str


class FileShelf:
    """Keeps files in two steps, `deposit` and `keep`, and gives them out again."""

    def __init__(self, *, store: FileStore) -> None:
        self._store = store

    @asynccontextmanager
    async def deposit(self, encoded: Sequence[Encoded]) -> AsyncIterator[list[Deposit]]:
        """Write the bytes, then run the block, which is the transaction; forget them when it is refused.

        After any other failure nobody knows whether the row was committed, so the bytes stay: some without
        a row are harmless, a row without bytes is not. Raises Unavailable.
        """
        written: list[Deposit] = []
        try:
            for one in encoded:
                written.append(await self._write(one))
        except Unavailable:
            await self._forget(written)
            raise
        try:
            yield written
        except Refused:
            await self._forget(written)
            raise

    async def _write(self, one: Encoded) -> Deposit:
        key = await self._store.put(one.content)
        return Deposit(key, one.media_type, len(one.content), hashlib.sha256(one.content).hexdigest())

    async def _forget(self, written: Sequence[Deposit]) -> None:
        for one in written:
            await self._store.delete(one.store_key)

    async def keep(self, tx: Transaction, *, user_id: str, purpose: str, encoded: Deposit) -> str:
        """Add the row and return its `file_id`."""
        file_id = new_id()
        await tx.run(
            insert(stored_file).values(
                file_id=file_id,
                user_id=user_id,
                purpose=purpose,
                store_key=encoded.store_key,
                media_type=encoded.media_type,
                size_bytes=encoded.size_bytes,
                sha256=encoded.sha256,
                created_at=server_now(),
            )
        )
        return file_id

    async def find(self, tx: Transaction, file_id: str) -> RowMapping | None:
        """The row of `stored_file`; who may see it is asked elsewhere."""
        if not looks_like_id(file_id):
            return None
        return await tx.one(select(stored_file).where(stored_file.c.file_id == file_id))

    async def show_in_order(self, tx: Transaction, file_id: str, *, user_id: str, purpose: str, order_id: str) -> bool:
        """Tie an account's own file to an order; False for another's, another purpose's or another order's."""
        here = (
            stored_file.c.file_id == file_id,
            stored_file.c.user_id == user_id,
            stored_file.c.purpose == purpose,
            stored_file.c.order_id.is_(None) | (stored_file.c.order_id == order_id),
        )
        return await tx.run(update(stored_file).where(*here).values(order_id=order_id)) == 1

    async def read(self, row: RowMapping) -> bytes:
        """The bytes of a found row. Raises MissingFile, Unavailable."""
        return await self._store.open(row["store_key"])
