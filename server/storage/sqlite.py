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
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Connection, CursorResult
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.pool import StaticPool

from server.core.errors import Unavailable
from server.core.tasks import Tasks
from server.storage.prepared import PreparedRows, prepared
from server.storage.sealed import FieldKeys, use_keys
from server.storage.transaction import Together, Transaction
from server.storage.waiting import Body, Waiting, WaitingLine

Commit = Callable[["InlineConnection"], Awaitable[None]]

_GROUP = 64  # a commit waits for the disk once for so many bodies at most
_FEW_ROWS = 64  # more are executed in the thread
_BEGIN = "BEGIN IMMEDIATE"
_TURN_S = 0.002  # bodies run one after the other for so long before others have a turn


def prepare_connection(connection: Any) -> None:
    """What every connection to SQLite needs; `connection` is the driver's (or looks like it)."""
    connection.isolation_level = None  # the driver must not begin by itself
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # an acknowledged change survives a power cut
    cursor.execute("PRAGMA wal_autocheckpoint=4000")  # 16 MB: under load a page is copied once for many changes
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA secure_delete=FAST")
    cursor.close()


class InlineConnection:
    """A synchronous connection with the asynchronous face that `Transaction` wants."""

    def __init__(self, connection: Connection, thread: ThreadPoolExecutor) -> None:
        self._connection = connection
        self._thread = thread
        self._driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
        self.depth = 0

    async def execute(self, statement: Any, values: Any = None) -> CursorResult[Any] | PreparedRows:
        if type(values) is dict:
            return self._run_prepared(statement, values)
        if isinstance(values, list):
            if len(values) > _FEW_ROWS:
                return await self.in_thread(self._run_prepared, statement, values)
            return self._run_prepared(statement, values)
        return self._connection.execute(statement, values)

    def _run_prepared(self, statement: Any, values: Any) -> PreparedRows:
        """Statements with values are built once (`Transaction.run`), so each is compiled once."""
        names = tuple(values) if type(values) is dict else tuple(values[0])
        whole = prepared(statement, self._connection.dialect, names)
        try:
            return whole.run(self._driver, values)
        except sqlite3.IntegrityError as error:
            raise IntegrityError(str(statement), values, error) from error
        except sqlite3.Error as error:
            raise OperationalError(str(statement), values, error) from error

    def begin_nested(self) -> "_Inner":
        """A savepoint, without SQLAlchemy's own objects for it, which cost more than the statement."""
        return _Inner(self)

    def begin(self) -> None:
        """Take the write lock now. Raises OperationalError when another process has it.

        Past SQLAlchemy, which would make objects for it; it joins in with the first statement that it executes.
        """
        try:
            self._driver.execute(_BEGIN)
        except sqlite3.Error as error:
            raise OperationalError(_BEGIN, {}, error) from error

    async def commit(self) -> None:
        await self.in_thread(self._commit)

    async def rollback(self) -> None:
        await self.in_thread(self._rollback)

    def _commit(self) -> None:
        if self._connection.get_transaction() is not None:
            self._connection.commit()
            return
        try:
            self._driver.commit()
        except sqlite3.Error as error:
            raise OperationalError("COMMIT", {}, error) from error

    def _rollback(self) -> None:
        """Both: after a commit that failed SQLAlchemy keeps a transaction that it takes for invalid."""
        self._connection.rollback()
        self._driver.rollback()

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


class _Inner:
    """`async with`: a savepoint under a name of its own."""

    __slots__ = ("_connection", "_name")

    def __init__(self, connection: InlineConnection) -> None:
        self._connection = connection
        self._name = ""

    async def __aenter__(self) -> None:
        self._connection.depth += 1
        self._name = f"inner_{self._connection.depth}"
        self._connection.mark(f"SAVEPOINT {self._name}")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.depth -= 1
        if error is None:
            self._connection.mark(f"RELEASE {self._name}")
        else:
            self._connection.undo(self._name)


class SqliteWriter:
    """Takes bodies, runs them in order of arrival, group by group."""

    def __init__(self, url: URL, *, keys: FieldKeys, acquire_timeout_s: float, tasks: Tasks, commit: Commit) -> None:
        self._keys = keys
        self._acquire_timeout_s = acquire_timeout_s
        self._tasks = tasks
        self._commit = commit
        self._line = WaitingLine(wait_s=acquire_timeout_s)
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

    def put(self, body: Body) -> asyncio.Future[Any]:
        """What will be the body's result after the commit, or what it or the commit raised, or Unavailable.

        Whoever cancels it before the body has begun takes the body out. Raises Unavailable.
        """
        outcome = self._line.put(body)
        if self._running is None or self._running.done():
            self._running = self._tasks.forever("writer", self._work)
        return outcome

    async def _work(self) -> None:
        while True:
            group = await self._line.take(_GROUP)
            try:
                await self._write_group(group)
            finally:
                for one in group:  # also when this task is stopped half way
                    one.fail(Unavailable())

    async def _write_group(self, group: list[Waiting]) -> None:
        try:
            connection = await self._begun()
        except Exception as error:
            for one in group:
                one.fail(error)
            return
        try:
            closing = await self._run_all(connection, group)
            if closing is None:
                await connection.rollback()
            else:
                await self._commit(connection)
        except BaseException as error:
            with contextlib.suppress(Exception):
                await connection.rollback()
            if not isinstance(error, Exception):
                raise
            for one in group:
                one.fail(error)
            return
        for one in group:
            one.settle()
        if closing is not None:
            closing.committed()

    async def _run_all(self, connection: InlineConnection, group: list[Waiting]) -> Transaction | None:
        """Run the bodies and what they gathered; the transaction that wrote this, None when all have failed."""
        clock = asyncio.get_running_loop().time
        together = Together()
        turn_ends_at = clock() + _TURN_S
        for one in group:
            if clock() >= turn_ends_at:
                await asyncio.sleep(0)
                turn_ends_at = clock() + _TURN_S
            await self._run(connection, one, together=together, alone=len(group) == 1)
        if all(one.error is not None for one in group):
            return None
        closing = Transaction(connection, self._keys, together=together)
        await closing.write_gathered()
        return closing

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

    async def _run(
        self, connection: InlineConnection, one: Waiting, *, together: Together, alone: bool
    ) -> None:
        """Run a body; what it raises is kept for its caller and undoes nothing but itself."""
        one.tx = Transaction(connection, self._keys, together=together)
        mark = together.mark()
        if not alone:
            connection.mark("SAVEPOINT body")
        try:
            one.result = await one.body(one.tx)
        except Exception as error:
            one.error = error
            together.undo(mark)
            if not alone:
                connection.undo("body")
        else:
            if not alone:
                connection.mark("RELEASE body")
        if not connection.is_writing:  # the bodies before it are undone too, and a commit would say nothing
            raise one.error or Unavailable()

    async def close(self) -> None:
        """After its task has been stopped; a second time does nothing."""
        self._line.close()
        if self._connection is not None:
            self._connection = None
            await asyncio.get_running_loop().run_in_executor(self._thread, self._engine.dispose)
        self._thread.shutdown(wait=True)
