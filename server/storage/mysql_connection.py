"""A connection to MySQL on which every step has a deadline.

The driver knows no read timeout. Whoever runs into ours loses the connection with it: a statement that may still run
on the other side must not share a transaction with the next.
"""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, TypeVar

import pymysql
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncConnection

from server.core.errors import Unavailable
from server.storage.mysql_statements import MysqlStatements, PastSqlAlchemy
from server.storage.retries import CommitUnknown, is_lost, is_transient

Result = TypeVar("Result")

_PING_S = 1.0  # a server that is well answers in a thousandth of it
_RESTED_AT = "rested_at_s"
# A connection that rested so long may have been cut by something in between without a word to us. Within it the first
# statement finds out by itself, at no cost.
_RESTED_S = 15.0


async def bounded(step: Awaitable[Result], *, within_s: float) -> Result:
    """What the step gives. Raises TimeoutError, and what SQLAlchemy raises.

    A driver that is cancelled closes its connection; SQLAlchemy's next word to it then fails, and that failure took
    the place of the cancellation.
    """
    try:
        async with asyncio.timeout(within_s):
            return await step
    except DBAPIError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError from error
        raise


class TimedConnection:
    """What `Transaction` wants of a connection; begun by its first statement.

    Raises Unavailable when a step takes too long, and what SQLAlchemy raises.
    """

    def __init__(self, connection: AsyncConnection, *, statements: MysqlStatements, within_s: float) -> None:
        self._connection = connection
        self._statements = statements
        self._past = PastSqlAlchemy(connection, statements)
        self._within_s = within_s
        self._is_begun = False
        self._savepoints = 0  # that are open at the moment

    async def execute(self, statement: Any, values: Any = None) -> Any:
        prepared = self._statements.find(statement, values) if values else None

        def step() -> Awaitable[Any]:
            if prepared is not None:
                return self._past.run(prepared, values)
            return self._connection.execute(statement, values)

        return await self.first(step)

    async def first(self, step: Callable[[], Awaitable[Result]]) -> Result:
        """Take a step; should it be the first and the connection have died at rest, take it on another one.

        Only the first: later ones would be without what was done before. Nobody can say whether a lost statement
        was done, but without a commit it is undone.
        """
        if self._is_begun:
            self._require_whole()
            return await self._within(step())
        self._is_begun = True
        try:
            return await self._within(step())
        except DBAPIError as error:
            if not is_lost(error):
                raise
        await self.rollback()
        self._is_begun = True
        return await self._within(step())

    def _require_whole(self) -> None:
        """Whoever passes over a lost connection must not go on, or commit, without what was done on it."""
        if self._connection.invalidated:
            raise Unavailable()

    def begin_nested(self) -> "_Savepoint":
        return _Savepoint(self)

    async def mark(self) -> int:
        """Set a savepoint; the level at which `undo` finds it."""
        self._savepoints += 1
        await self.first(lambda: self._past.say(f"SAVEPOINT level_{self._savepoints}"))
        return self._savepoints

    async def undo(self, level: int) -> None:
        """Back to a savepoint. With the connection all of the transaction went already."""
        self._savepoints = level - 1
        if not self._connection.closed and not self._connection.invalidated:
            await self._within(self._past.say(f"ROLLBACK TO SAVEPOINT level_{level}"))

    def keep(self, level: int) -> None:
        """What was done since stands. Nobody is told: the next savepoint of this level takes the place of this one."""
        self._savepoints = level - 1

    async def commit(self) -> None:
        """Raises CommitUnknown when nobody can say whether it was done."""
        if self._is_begun:
            self._require_whole()
        try:
            await self._within(self._end("COMMIT", self._connection.commit))
        except Unavailable:
            raise CommitUnknown() from None
        except DBAPIError as error:
            if is_lost(error):
                raise CommitUnknown() from error
            raise
        self._is_begun = False

    async def _end(self, words: str, by_sqlalchemy: Callable[[], Awaitable[None]]) -> None:
        """End the transaction; SQLAlchemy knows of one only if it executed something in it."""
        sync = self._connection.sync_connection
        if sync is not None and sync.get_transaction() is not None:
            await by_sqlalchemy()
        elif self._is_begun and not self._connection.invalidated:
            await self._past.say(words)

    async def rollback(self) -> None:
        """What is lost or thrown away is undone by the server."""
        try:
            await self._within(self._end("ROLLBACK", self._connection.rollback))
        except (Unavailable, DBAPIError, InvalidRequestError):
            await self._throw_away()
        self._is_begun = False

    async def close(self) -> None:
        """Undo what was not committed and give the connection back."""
        if self._is_begun:
            await self.rollback()
        if not self._connection.invalidated and not self._connection.closed:
            self._connection.sync_connection.info[_RESTED_AT] = _now_s()  # type: ignore[union-attr]
        try:
            await self._within(self._connection.close())
        except (Unavailable, DBAPIError, InvalidRequestError):
            await self._throw_away()

    async def is_well(self) -> bool:
        """False, and given back, when it has rested long and no longer answers."""
        info = self._connection.sync_connection.info  # type: ignore[union-attr]
        if _now_s() - info.get(_RESTED_AT, _now_s()) < _RESTED_S:
            return True
        answers = False
        try:
            async with asyncio.timeout(_PING_S):
                raw = await self._connection.get_raw_connection()
                await raw.driver_connection.ping(reconnect=False)  # type: ignore[union-attr]
                answers = True
        except (TimeoutError, pymysql.err.Error, OSError, RuntimeError):  # the last one: a transport that is closed
            pass
        finally:
            if not answers:
                await self._throw_away()
                await self._connection.close()
        return answers

    async def _within(self, step: Awaitable[Result]) -> Result:
        try:
            return await bounded(step, within_s=self._within_s)
        except TimeoutError:
            await self._throw_away()
            raise Unavailable() from None

    async def _throw_away(self) -> None:
        if not self._connection.closed and not self._connection.invalidated:
            await self._connection.invalidate()


class _Savepoint:
    """`async with`, each end within the connection's deadline."""

    __slots__ = ("_timed", "_level")

    def __init__(self, timed: TimedConnection) -> None:
        self._timed = timed
        self._level = 0

    async def __aenter__(self) -> None:
        self._level = await self._timed.mark()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and not is_transient(error):
            await self._timed.undo(self._level)
        else:  # a deadlock has undone the whole transaction, savepoints included
            self._timed.keep(self._level)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
