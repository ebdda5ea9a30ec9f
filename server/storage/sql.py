"""The SQL database: transactions, reads, retries.

SQLite has one writer that commits in groups beside snapshot readers (`sqlite.py`); MySQL has pools (`mysql.py`), and
what deadlocks or waits too long for a lock is run again whole. A body given to `write` may therefore run more than
once.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from server.core.errors import Unavailable
from server.core.tasks import Tasks, unless_given_up
from server.storage.fencing import fenced
from server.storage.glance import Glances
from server.storage.mysql import MysqlOptions, MysqlStore
from server.storage.mysql_connection import TimedConnection
from server.storage.retries import is_passing, retried
from server.storage.sealed import FieldKeys
from server.storage.sqlite import InlineConnection, SqliteWriter
from server.storage.sqlite_readers import SqliteReaders
from server.storage.transaction import Transaction

Result = TypeVar("Result")
Body = Callable[[Transaction], Awaitable[Result]]


class Database:
    """Opens transactions; every wait is bounded and ends in `Unavailable`."""

    def __init__(
        self, url: str, *, keys: FieldKeys, readers: int, acquire_timeout_s: float, mysql: MysqlOptions | None = None
    ) -> None:
        self.url: URL = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.keys = keys
        self._tasks = Tasks("database")
        self._writer: SqliteWriter | None = None
        self._glances: Glances | None = None
        self._pool: SqliteReaders | MysqlStore
        if self.is_sqlite:
            self._pool = SqliteReaders(self.url, keys=keys, readers=readers, acquire_timeout_s=acquire_timeout_s)
            self._glances = Glances(self.url, keys=keys)
            self._writer = SqliteWriter(
                self.url,
                keys=keys,
                acquire_timeout_s=acquire_timeout_s,
                tasks=self._tasks,
                commit=lambda connection: self._commit(connection),
            )
        else:
            self._pool = MysqlStore(
                self.url, keys=keys, readers=readers, acquire_timeout_s=acquire_timeout_s,
                options=mysql or MysqlOptions(),
            )

    async def write(self, body: Body[Result]) -> Result:
        """Run `body(tx)` in one transaction and commit; returns what it returned.

        Raises what the body raises (everything is undone), or Unavailable when the database is busy or
        gone. Goes on to its end even when the caller is cancelled: a commit is never left half known.
        """
        body = fenced(body)
        met = None
        if self._writer is not None:  # which has a task of its own
            try:
                return await unless_given_up(self._writer.put(body))
            except (DBAPIError, PoolTimeout) as error:
                met = error
        work = self._settled(lambda: self._write_once(body), met)
        result, error = await asyncio.shield(self._tasks.start("write", work))
        if error is not None:
            raise error
        return result

    async def _settled(
        self, once: Callable[[], Awaitable[Result]], met: Exception | None
    ) -> tuple[Any, Exception | None]:
        """What the body raises is an outcome for the caller to hear, not a task that failed."""
        try:
            return await retried(once, met=met), None
        except Exception as error:
            return None, error

    async def _write_once(self, body: Body[Result]) -> Result:
        if self._writer is not None:
            return await self._writer.put(body)
        assert isinstance(self._pool, MysqlStore)
        return await self._pool.write(body, commit=lambda connection: self._commit(connection))

    async def _commit(self, connection: TimedConnection | InlineConnection) -> None:
        await connection.commit()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        """One consistent snapshot for reading. Raises Unavailable."""
        with _passing_is_unavailable():
            async with self._pool.snapshot() as tx:
                yield tx

    @asynccontextmanager
    async def glance(self) -> AsyncIterator[Transaction]:
        """As `read`, for a few look-ups by an index, with statements that are built once (`Transaction.run`).

        SQLite answers them on the spot. Await nothing else inside: others then have to go the long way.
        """
        if self._glances is None or self._glances.is_busy:
            async with self.read() as tx:
                yield tx
            return
        with _passing_is_unavailable(), self._glances.snapshot() as tx:
            yield tx

    async def ping(self) -> None:
        """A trivial statement; raises Unavailable when the database does not answer."""
        async with self.read() as tx:
            await tx.value(text("SELECT 1"))

    async def close(self) -> None:
        await self._tasks.stop()
        if self._writer is not None:
            await self._writer.close()
        if self._glances is not None:
            self._glances.close()
        await self._pool.close()


@contextmanager
def _passing_is_unavailable() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        if is_passing(error):
            raise Unavailable() from error
        raise
