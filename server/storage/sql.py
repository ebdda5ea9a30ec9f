"""The SQL database: engines, transactions, retries.

The only file that knows dialects. SQLite: one writer (an in-process queue, then BEGIN IMMEDIATE, so a
transaction that began can commit) beside snapshot readers in WAL mode. MySQL: READ COMMITTED, deadlocks
and lock waits are retried whole. A body given to `write` may therefore run more than once.
"""

import asyncio
import random
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

from server.core.errors import Refused, Unavailable
from server.core.tasks import Tasks
from server.storage.sealed import FieldKeys, use_keys
from server.storage.transaction import Transaction

Result = TypeVar("Result")
Body = Callable[[Transaction], Awaitable[Result]]

_ATTEMPTS = 4
# Lock wait, deadlock, snapshot isolation of MariaDB, and a savepoint that went away with a deadlock.
_MYSQL_TRANSIENT = {1205, 1213, 1020, 1305}


class Database:
    """Opens transactions; every wait is bounded and ends in `Unavailable`."""

    def __init__(self, url: str, *, keys: FieldKeys, readers: int, acquire_timeout_s: float) -> None:
        self.url: URL = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.keys = keys
        self._acquire_timeout_s = acquire_timeout_s
        self._writing = asyncio.Lock()
        self._tasks = Tasks("database")
        self._sqlite: set[aiosqlite.Connection] = set()  # each is a thread
        self._writer = self._open_engine(pool_size=1 if self.is_sqlite else readers, writes=True)
        self._reader = self._open_engine(pool_size=readers, writes=False) if self.is_sqlite else self._writer

    def _open_engine(self, *, pool_size: int, writes: bool) -> AsyncEngine:
        options: dict[str, Any] = {"pool_size": pool_size, "max_overflow": 0, "pool_timeout": self._acquire_timeout_s}
        if self.is_sqlite:
            options["connect_args"] = {"timeout": self._acquire_timeout_s, "async_creator_fn": self._open_sqlite}
        else:
            options |= {"isolation_level": "READ COMMITTED", "pool_pre_ping": True, "pool_recycle": 1800}
        engine = create_async_engine(self.url, **options)
        use_keys(engine.dialect, self.keys)
        if self.is_sqlite:
            _prepare_sqlite(engine, writes=writes)
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
        result, refusal = await asyncio.shield(self._tasks.start("write", self._settled(body)))
        if refusal is not None:
            raise refusal
        return result

    async def _settled(self, body: Body[Result]) -> tuple[Any, Refused | Unavailable | None]:
        """A refusal is an outcome for the caller to hear; only a bug is a task that failed."""
        try:
            return await self._write_retried(body), None
        except (Refused, Unavailable) as refusal:
            return None, refusal

    async def _write_retried(self, body: Body[Result]) -> Result:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await self._write_once(body)
            except (DBAPIError, PoolTimeout) as error:
                if not _is_passing(error):
                    raise
                if attempt == _ATTEMPTS:
                    raise Unavailable() from error
                await asyncio.sleep(random.uniform(0.005, 0.05) * attempt)
        raise AssertionError("unreachable")

    async def _write_once(self, body: Body[Result]) -> Result:
        async with self._turn_to_write(), self._writer.connect() as connection:
            await self._begin(connection)
            tx = Transaction(connection, self.keys)
            try:
                result = await body(tx)
                await self._commit(connection)
            except BaseException:
                await connection.rollback()
                raise
            tx.committed()  # before the next writer's turn, so that effects leave in commit order
            return result

    async def _begin(self, connection: AsyncConnection) -> None:
        """Begin; while another process writes to the same SQLite file, wait here and not in the driver.

        The driver waits inside the connection's mutex. When the garbage collector then frees an old cursor
        of that connection on the loop's thread, the loop waits with it: for ten seconds, as it turned out.
        """
        clock = asyncio.get_running_loop().time
        give_up_at = clock() + self._acquire_timeout_s
        while True:
            try:
                await connection.begin()
                return
            except OperationalError as error:
                if not (self.is_sqlite and _is_passing(error)):
                    raise
                if clock() >= give_up_at:
                    raise Unavailable() from error
            await asyncio.sleep(random.uniform(0.001, 0.01))

    async def _commit(self, connection: AsyncConnection) -> None:
        await connection.commit()

    @asynccontextmanager
    async def _turn_to_write(self) -> AsyncIterator[None]:
        if not self.is_sqlite:
            yield
            return
        try:
            async with asyncio.timeout(self._acquire_timeout_s):
                await self._writing.acquire()
        except TimeoutError:
            raise Unavailable() from None
        try:
            yield
        finally:
            self._writing.release()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        """One consistent snapshot for reading. Raises Unavailable."""
        try:
            async with self._reader.connect() as connection:
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
        await self._writer.dispose()
        if self._reader is not self._writer:
            await self._reader.dispose()
        for connection in filter(Thread.is_alive, self._sqlite):  # a cancelled statement reports to this loop
            with suppress(ValueError):  # aiosqlite: closed already
                await connection.close()
            await asyncio.to_thread(connection.join, self._acquire_timeout_s)


def _prepare_sqlite(engine: AsyncEngine, *, writes: bool) -> None:
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"

    @event.listens_for(engine.sync_engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin by itself
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")  # an acknowledged change survives a power cut
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA secure_delete=FAST")
        if writes:
            cursor.execute("PRAGMA busy_timeout=10")  # ms; `Database._begin` does the waiting
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def on_begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)


def _is_passing(error: Exception) -> bool:
    """True for what may succeed when the whole transaction is tried again."""
    if isinstance(error, PoolTimeout):
        return True
    original = getattr(error, "orig", None)
    if getattr(error, "connection_invalidated", False):
        return True
    code = original.args[0] if original is not None and original.args else None
    return code in _MYSQL_TRANSIENT or "database is locked" in str(original)
