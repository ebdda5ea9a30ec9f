"""MySQL and MariaDB: two bounded pools, every wait bounded.

Writers see what is committed when a statement begins; a reader sees one snapshot. Each pool has its own connections,
so that reading never waits behind writers that wait for a lock.
"""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from server.core.errors import Unavailable
from server.storage.mysql_connection import TimedConnection, bounded
from server.storage.mysql_session import connecting, session_statements
from server.storage.mysql_statements import MysqlStatements
from server.storage.sealed import FieldKeys, use_keys
from server.storage.transaction import Transaction

Result = TypeVar("Result")
Commit = Callable[[TimedConnection], Awaitable[None]]

_RECYCLE_S = 1_800  # well below the 8 h after which servers close what is idle
_DEAD_AT_MOST = 4  # connections found dead at rest by one caller, a second each
_WAITING_AT_MOST = 2_000  # beyond it a new one would not be served within its deadline anyway


@dataclass(frozen=True, slots=True)
class MysqlOptions:
    """What a process allows itself; `tls` with the authority that vouches for the server, None: plain text."""

    writers: int = 16
    statement_timeout_s: float = 5.0
    tls: ssl.SSLContext | None = None


class MysqlStore:
    """Runs bodies in transactions; what it raises is sorted by `retries`."""

    def __init__(
        self, url: URL, *, keys: FieldKeys, readers: int, acquire_timeout_s: float, options: MysqlOptions
    ) -> None:
        self._keys = keys
        self._acquire_timeout_s = acquire_timeout_s
        self._statement_timeout_s = options.statement_timeout_s
        self._tls = options.tls
        self._waiting = 0
        self._writers = self._open(url, size=options.writers, reads_only=False)
        self._readers = self._open(url, size=readers, reads_only=True)
        self._statements = MysqlStatements(self._writers.dialect)

    def _open(self, url: URL, *, size: int, reads_only: bool) -> AsyncEngine:
        session = session_statements(reads_only=reads_only, statement_timeout_s=self._statement_timeout_s)
        connect = connecting(session=session, within_s=self._acquire_timeout_s, tls=self._tls)
        # Nothing is reset on return: every transaction is ended by us, and another round trip would end none.
        engine = create_async_engine(
            url, pool_size=size, max_overflow=0, pool_timeout=self._acquire_timeout_s, pool_recycle=_RECYCLE_S,
            pool_use_lifo=True, pool_reset_on_return=None, connect_args={"async_creator_fn": connect},
        )  # fmt: skip
        use_keys(engine.dialect, self._keys)
        return engine

    async def write(self, body: Callable[[Transaction], Awaitable[Result]], *, commit: Commit) -> Result:
        """One transaction, once. Raises CommitUnknown, Unavailable, and what SQLAlchemy and the body raise."""
        async with self._connected(self._writers) as connection:
            tx = Transaction(connection, self._keys, has_rivals=True)
            try:
                result = await body(tx)
                await tx.write_gathered()
                await commit(connection)
            except BaseException:
                await connection.rollback()
                raise
            tx.committed()
            return result

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Transaction]:
        """A transaction that only reads."""
        async with self._connected(self._readers) as connection:
            yield Transaction(connection, self._keys)

    @asynccontextmanager
    async def _connected(self, engine: AsyncEngine) -> AsyncIterator[TimedConnection]:
        connection = await self._acquire(engine)
        try:
            yield connection
        finally:
            await connection.close()

    async def _acquire(self, engine: AsyncEngine) -> TimedConnection:
        """A connection that is not known to be dead. Raises Unavailable, and what SQLAlchemy raises."""
        if self._waiting >= _WAITING_AT_MOST:
            raise Unavailable()
        self._waiting += 1
        try:
            for _ in range(_DEAD_AT_MOST):
                opened = await bounded(_connection_of(engine), within_s=self._acquire_timeout_s)
                connection = TimedConnection(
                    opened, statements=self._statements, within_s=self._statement_timeout_s
                )
                if await connection.is_well():
                    return connection
            raise Unavailable()
        except TimeoutError:
            raise Unavailable() from None
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        await self._writers.dispose()
        await self._readers.dispose()


async def _connection_of(engine: AsyncEngine) -> AsyncConnection:
    return await engine.connect()
