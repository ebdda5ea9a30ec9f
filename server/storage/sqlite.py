"""SQLite's one writer: what arrives together commits together.

Small statements run on the loop's own thread, because a hop to another thread costs more than they do;
what waits for the disk (COMMIT) and what is long (many rows) runs in the writer's thread. A group is one
transaction with a savepoint for each body, so that a refused body undoes only itself, and nobody is
answered before the commit.
"""

import asyncio
import contextlib
import random
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Connection, CursorResult
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.pool import StaticPool

from server.core.errors import Unavailable
from server.core.tasks import Tasks
from server.storage.prepared import Prepared, PreparedRows
from server.storage.sealed import FieldKeys, use_keys
from server.storage.transaction import Transaction

Body = Callable[[Transaction], Awaitable[Any]]
Commit = Callable[["InlineConnection"], Awaitable[None]]

_GROUP = 64  # a commit waits for the disk once for so many bodies at most
_WAITING_AT_MOST = 2_000  # beyond it a new one would not be served within its deadline anyway
_FEW_ROWS = 32  # more are executed in the thread


def prepare_connection(connection: Any) -> None:
    """What every connection to SQLite needs; `connection` is the driver's (or looks like it)."""
    connection.isolation_level = None  # the driver must not begin by itself
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # an acknowledged change survives a power cut
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA secure_delete=FAST")
    cursor.close()


class InlineConnection:
    """A synchronous connection with the asynchronous face that `Transaction` wants."""

    def __init__(self, connection: Connection, thread: ThreadPoolExecutor) -> None:
        self._connection = connection
        self._thread = thread
        self._driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
        self._prepared: dict[tuple[Any, tuple[str, ...]], Prepared] = {}
        self._depth = 0

    async def execute(self, statement: Any, values: Any = None) -> CursorResult[Any] | PreparedRows:
        if type(values) is dict:
            return self._run_prepared(statement, values)
        if isinstance(values, list) and len(values) > _FEW_ROWS:
            return await self.in_thread(self._connection.execute, statement, values)
        return self._connection.execute(statement, values)

    def _run_prepared(self, statement: Any, values: dict[str, Any]) -> PreparedRows:
        """Statements with values are built once (`Transaction.run`), so each is compiled once."""
        key = (statement, tuple(values))
        prepared = self._prepared.get(key)
        if prepared is None:
            prepared = self._prepared[key] = Prepared(statement, self._connection.dialect, tuple(values))
        try:
            return prepared.run(self._driver, values)
        except sqlite3.IntegrityError as error:
            raise IntegrityError(str(statement), values, error) from error
        except sqlite3.Error as error:
            raise OperationalError(str(statement), values, error) from error

    @asynccontextmanager
    async def begin_nested(self) -> AsyncIterator[None]:
        """A savepoint, without SQLAlchemy's own objects for it, which cost more than the statement."""
        self._depth += 1
        name = f"inner_{self._depth}"
        self.mark(f"SAVEPOINT {name}")
        try:
            yield
        except BaseException:
            self.undo(name)
            raise
        else:
            self.mark(f"RELEASE {name}")
        finally:
            self._depth -= 1

    def begin(self) -> None:
        """Take the write lock now. Raises OperationalError when another process has it."""
        self._connection.begin()

    async def commit(self) -> None:
        await self.in_thread(self._connection.commit)

    async def rollback(self) -> None:
        await self.in_thread(self._connection.rollback)

    @property
    def is_writing(self) -> bool:
        """False when SQLite has undone the whole transaction by itself: no room, a broken disk."""
        return self._driver.in_transaction

    def undo(self, savepoint: str) -> None:
        """Back to a savepoint and past it, if it is still there."""
        if self.is_writing:
            self.mark(f"ROLLBACK TO {savepoint}")
            self.mark(f"RELEASE {savepoint}")

    def mark(self, words: str) -> None:
        """A statement about savepoints, straight to the driver."""
        self._driver.execute(words)

    async def in_thread(self, work: Callable[..., Any], *given: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *given)


@dataclass(slots=True, eq=False)
class _Waiting:
    """A body and who waits for it; whoever has waited too long is gone before it began."""

    body: Body
    outcome: asyncio.Future[Any]
    too_late: asyncio.TimerHandle
    tx: Transaction | None = None
    result: Any = None
    error: Exception | None = None


class SqliteWriter:
    """Takes bodies, runs them in order of arrival, group by group."""

    def __init__(self, url: URL, *, keys: FieldKeys, acquire_timeout_s: float, tasks: Tasks, commit: Commit) -> None:
        self._keys = keys
        self._acquire_timeout_s = acquire_timeout_s
        self._tasks = tasks
        self._commit = commit
        self._waiting: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._running: asyncio.Task[Any] | None = None
        self._connection: InlineConnection | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-writer")
        self._engine = create_engine(
            url.set(drivername="sqlite"),
            poolclass=StaticPool,
            connect_args={"timeout": 0, "check_same_thread": False},
        )
        use_keys(self._engine.dialect, keys)
        event.listen(self._engine, "connect", lambda connection, _record: prepare_connection(connection))
        event.listen(self._engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))

    async def write(self, body: Body) -> Any:
        """The body's result after the commit; raises what it raised, what the commit raised, or Unavailable."""
        if len(self._waiting) >= _WAITING_AT_MOST:
            raise Unavailable()
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[Any] = loop.create_future()
        too_late = loop.call_later(self._acquire_timeout_s, _give_up, outcome)
        self._waiting.append(_Waiting(body, outcome, too_late))
        if self._running is None or self._running.done():
            self._running = self._tasks.forever("writer", self._work)
        self._arrived.set()
        return await outcome

    async def _work(self) -> None:
        while True:
            if not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
            group = self._next_group()
            try:
                await self._write_group(group)
            finally:
                for one in group:  # also when this task is stopped half way
                    if not one.outcome.done():
                        one.outcome.set_exception(Unavailable())

    def _next_group(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        while self._waiting and len(group) < _GROUP:
            one = self._waiting.popleft()
            one.too_late.cancel()
            if not one.outcome.done():
                group.append(one)
        return group

    async def _write_group(self, group: list[_Waiting]) -> None:
        if not group:
            return
        try:
            connection = await self._begun()
        except Exception as error:
            _fail(group, error)
            return
        try:
            for number, one in enumerate(group):
                if number:
                    await asyncio.sleep(0)  # others have a turn between two bodies
                await self._run(connection, one, alone=len(group) == 1)
            if all(one.error is not None for one in group):
                await connection.rollback()
            else:
                await self._commit(connection)
        except BaseException as error:
            with contextlib.suppress(Exception):
                await connection.rollback()
            if not isinstance(error, Exception):
                raise
            _fail(group, error)
            return
        for one in group:
            _settle(one)

    async def _begun(self) -> InlineConnection:
        if self._connection is None:
            connecting = asyncio.get_running_loop().run_in_executor(self._thread, self._engine.connect)
            self._connection = InlineConnection(await connecting, self._thread)
        await self._take_lock(self._connection)
        return self._connection

    async def _take_lock(self, connection: InlineConnection) -> None:
        """While another process writes to the same file, wait here and not in the driver.

        The driver waits inside the connection's mutex. When the garbage collector then frees an old cursor
        of that connection on the loop's thread, the loop waits with it: for ten seconds, as it turned out.
        """
        clock = asyncio.get_running_loop().time
        give_up_at = clock() + self._acquire_timeout_s
        while True:
            try:
                connection.begin()
                return
            except OperationalError as error:
                if "locked" not in str(error.orig):
                    raise
                if clock() >= give_up_at:
                    raise Unavailable() from error
            await asyncio.sleep(random.uniform(0.001, 0.01))

    async def _run(self, connection: InlineConnection, one: _Waiting, *, alone: bool) -> None:
        """Run a body; what it raises is kept for its caller and undoes nothing but itself."""
        one.tx = Transaction(connection, self._keys)
        if not alone:
            connection.mark("SAVEPOINT body")
        try:
            one.result = await one.body(one.tx)
        except Exception as error:
            one.error = error
            if not alone:
                connection.undo("body")
        else:
            if not alone:
                connection.mark("RELEASE body")
        if not connection.is_writing:  # the bodies before it are undone too, and a commit would say nothing
            raise one.error or Unavailable()

    async def close(self) -> None:
        """After its task has been stopped; a second time does nothing."""
        if self._connection is not None:
            self._connection = None
            await asyncio.get_running_loop().run_in_executor(self._thread, self._engine.dispose)
        self._thread.shutdown(wait=True)


def _settle(one: _Waiting) -> None:
    if one.error is not None:
        if not one.outcome.done():
            one.outcome.set_exception(one.error)
        return
    assert one.tx is not None
    one.tx.committed()  # in order of the bodies, so that effects leave in commit order
    if not one.outcome.done():
        one.outcome.set_result(one.result)


def _fail(group: list[_Waiting], error: Exception) -> None:
    """Nothing of the group was committed, or nobody knows: each hears the same, unless it was refused itself."""
    for one in group:
        if not one.outcome.done():
            one.outcome.set_exception(one.error or error)


def _give_up(outcome: asyncio.Future[Any]) -> None:
    if not outcome.done():
        outcome.set_exception(Unavailable())
