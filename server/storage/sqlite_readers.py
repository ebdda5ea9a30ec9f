"""SQLite's readers: threads beside the one writer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from threading import Thread
from typing import Any

import aiosqlite
from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from server.storage.sealed import FieldKeys, use_keys
from server.storage.sqlite import prepare_connection
from server.storage.transaction import Transaction


class SqliteReaders:
    """A bounded pool of connections, each of which is a thread."""

    def __init__(self, url: URL, *, keys: FieldKeys, readers: int, acquire_timeout_s: float) -> None:
        self._keys = keys
        self._acquire_timeout_s = acquire_timeout_s
        self._connections: set[aiosqlite.Connection] = set()
        self._engine = create_async_engine(
            url, pool_size=readers, max_overflow=0, pool_timeout=acquire_timeout_s,
            connect_args={"timeout": acquire_timeout_s, "async_creator_fn": self._open},
        )  # fmt: skip
        use_keys(self._engine.dialect, keys)
        _read_snapshots(self._engine)

    def _open(self, *args: Any, **options: Any) -> aiosqlite.Connection:
        connection = aiosqlite.connect(*args, **options)
        connection.daemon = True
        self._connections = {known for known in self._connections if known.is_alive()} | {connection}
        return connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Transaction]:
        """A transaction that sees one state of the store. Raises what SQLAlchemy raises."""
        async with self._engine.connect() as connection:
            yield Transaction(connection, self._keys)

    async def close(self) -> None:
        await self._engine.dispose()
        for connection in filter(Thread.is_alive, self._connections):  # a cancelled statement reports to this loop
            with suppress(ValueError):  # aiosqlite: closed already
                await connection.close()
            await asyncio.to_thread(connection.join, self._acquire_timeout_s)


def _read_snapshots(engine: AsyncEngine) -> None:
    """Every read transaction of SQLite begins at once and sees one snapshot."""

    @event.listens_for(engine.sync_engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        prepare_connection(connection)

    @event.listens_for(engine.sync_engine, "begin")
    def on_begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")
