"""The SQL database: engines, transactions, retries.

Only this file and `sqlite.py` know dialects. SQLite: one writer that commits in groups beside snapshot
readers in WAL mode. MySQL: READ COMMITTED, deadlocks and lock waits are retried whole. A body given to
`write` may therefore run more than once.
"""

import asyncio
import logging
import random
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from threading import Thread
from typing import Any, TypeVar

import aiosqlite
from sqlalchemy import event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from server.core.errors import Unavailable
from server.core.tasks import Tasks
from server.storage.sealed import FieldKeys, use_keys
from server.storage.sqlite import InlineConnection, SqliteWriter, prepare_connection
from server.storage.transaction import Transaction

Result = TypeVar("Result")
Body = Callable[[Transaction], Awaitable[Result]]

_log = logging.getLogger(__name__)
_ATTEMPTS = 4
_FULL_DISK_RETRY_S = 5
_SQLITE_TAKES_NOTHING = {
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}
# Lock wait, deadlock, snapshot isolation of MariaDB, and a savepoint that went away with a deadlock.
_MYSQL_TRANSIENT = {1205, 1213, 1020, 1305}


class Database:
    """Opens transactions; every wait is bounded and ends in `Unavailable`."""

    def __init__(self, url: str, *, keys: FieldKeys, readers: int, acquire_timeout_s: float) -> None:
        self.url: URL = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.keys = keys
        self._acquire_timeout_s = acquire_timeout_s
        self._readers = readers
        self._tasks = Tasks("database")
        self._sqlite: set[aiosqlite.Connection] = set()  # each is a thread
        self._engine = self._open_engine()
        self._writer: SqliteWriter | None = None
        if self.is_sqlite:
            self._writer = SqliteWriter(
                self.url,
                keys=keys,
                acquire_timeout_s=acquire_timeout_s,
                tasks=self._tasks,
                commit=lambda connection: self._commit(connection),
            )

    def _open_engine(self) -> AsyncEngine:
        options: dict[str, Any] = {"pool_size": self._readers, "max_overflow": 0}
        options["pool_timeout"] = self._acquire_timeout_s
        if self.is_sqlite:
            options["connect_args"] = {"timeout": self._acquire_timeout_s, "async_creator_fn": self._open_sqlite}
        else:
            options |= {"isolation_level": "READ COMMITTED", "pool_pre_ping": True, "pool_recycle": 1800}
        engine = create_async_engine(self.url, **options)
        use_keys(engine.dialect, self.keys)
        if self.is_sqlite:
            _read_snapshots(engine)
        return engine

    def _open_sqlite(self, *args: Any, **options: Any) -> aiosqlite.Connection:
        connection = aiosqlite.connect(*args, **options)
        connection.daemon = True
        self._sqlite = {known for known in self._sqlite if known.is_alive()} | {connection}
        return connection

    async def write(self, body: Body[Result]) -> Result:
        """Run `body(tx)` in one transaction and commit; returns what it returned.

        Raises what the body raises (everything is undone), or Unavailable when the database is busy or
        gone. Goes on to its end even when the caller is cancelled: a commit is never left half known.
        """
        result, error = await asyncio.shield(self._tasks.start("write", self._settled(body)))
        if error is not None:
            raise error
        return result

    async def _settled(self, body: Body[Result]) -> tuple[Any, Exception | None]:
        """What the body raises is an outcome for the caller to hear, not a task that failed."""
        try:
            return await self._write_retried(body), None
        except Exception as error:
            return None, error

    async def _write_retried(self, body: Body[Result]) -> Result:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await self._write_once(body)
            except (DBAPIError, PoolTimeout) as error:
                if _takes_nothing(error):
                    _log.warning("the store takes no writes: %s", error.orig)  # type: ignore[union-attr]
                    raise Unavailable(retry_after_s=_FULL_DISK_RETRY_S) from error
                if not _is_passing(error):
                    raise
                if attempt == _ATTEMPTS:
                    raise Unavailable() from error
                await asyncio.sleep(random.uniform(0.005, 0.05) * attempt)
        raise AssertionError("unreachable")

    async def _write_once(self, body: Body[Result]) -> Result:
        if self._writer is not None:
            return await self._writer.write(body)
        async with self._engine.connect() as connection:
            await connection.begin()
            tx = Transaction(connection, self.keys)
            try:
                result = await body(tx)
                await self._commit(connection)
            except BaseException:
                await connection.rollback()
                raise
            tx.committed()
            return result

    async def _commit(self, connection: AsyncConnection | InlineConnection) -> None:
        await connection.commit()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        """One consistent snapshot for reading. Raises Unavailable."""
        try:
            async with self._engine.connect() as connection:
                yield Transaction(connection, self.keys)
        except (OperationalError, InterfaceError, PoolTimeout) as error:
            if _is_passing(error):
                raise Unavailable() from error
            raise

    async def ping(self) -> None:
        """A trivial statement; raises Unavailable when the database does not answer."""
        async with self.read() as tx:
            await tx.value(text("SELECT 1"))

    async def close(self) -> None:
        await self._tasks.stop()
        if self._writer is not None:
            await self._writer.close()
        await self._engine.dispose()
        for connection in filter(Thread.is_alive, self._sqlite):  # a cancelled statement reports to this loop
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


def _takes_nothing(error: Exception) -> bool:
    """True when SQLite's disk is full or broken: nothing is written until somebody makes room."""
    original = getattr(error, "orig", None)
    return isinstance(original, sqlite3.Error) and (original.sqlite_errorcode & 0xFF) in _SQLITE_TAKES_NOTHING


def _is_passing(error: Exception) -> bool:
    """True for what may succeed when the whole transaction is tried again."""
    if isinstance(error, PoolTimeout):
        return True
    original = getattr(error, "orig", None)
    if getattr(error, "connection_invalidated", False):
        return True
    code = original.args[0] if original is not None and original.args else None
    return code in _MYSQL_TRANSIENT or "database is locked" in str(original)
