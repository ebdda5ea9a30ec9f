"""Statements that aiomysql executes past SQLAlchemy.

As on SQLite (`prepared.py`). SQLAlchemy's rounds take longer than a small statement and its round trip together, and
an accept has two dozen of them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import aiomysql
import pymysql
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.prepared import KEPT, Prepared, prepared

Result = TypeVar("Result")
Values = dict[str, Any] | list[dict[str, Any]]


class MysqlStatements:
    """What a store has prepared, for all its connections. A statement that is met once is left to SQLAlchemy."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._met: set[tuple[Any, tuple[str, ...]]] = set()

    def find(self, statement: Any, values: Values) -> Prepared | None:
        """None: SQLAlchemy has to execute it."""
        names = tuple(values) if type(values) is dict else tuple(values[0])
        key = (statement, names)
        if key not in self._met:
            if len(self._met) >= KEPT:
                self._met.clear()
            self._met.add(key)
            return None
        whole = prepared(statement, self._dialect, names)
        return whole if whole.is_whole else None

    def told(self, problem: pymysql.Error, driver: aiomysql.Connection, words: str) -> DBAPIError:
        """As SQLAlchemy would tell it, without the values."""
        is_lost = self._dialect.is_disconnect(problem, driver, None)  # type: ignore[arg-type]
        error = DBAPIError.instance(
            words, None, problem, pymysql.Error, hide_parameters=True, connection_invalidated=is_lost,
            dialect=self._dialect,
        )  # fmt: skip
        assert isinstance(error, DBAPIError)
        return error


class DriverRows:
    """As much of SQLAlchemy's result as `Transaction` uses."""

    __slots__ = ("rowcount", "_number", "_rows", "_prepared")

    def __init__(self, cursor: aiomysql.Cursor, rows: list[tuple[Any, ...]], prepared: Prepared) -> None:
        self.rowcount: int = cursor.rowcount
        self._number: int | None = cursor.lastrowid
        self._rows = rows
        self._prepared = prepared

    @property
    def inserted_primary_key(self) -> tuple[int | None]:
        return (self._number,)

    def mappings(self) -> "DriverRows":
        return self

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return map(self._prepared.mapped, self._rows)

    def first(self) -> dict[str, Any] | None:
        return self._prepared.mapped(self._rows[0]) if self._rows else None

    def scalar(self) -> Any:
        row = self.first()
        return None if row is None else next(iter(row.values()))


class PastSqlAlchemy:
    """Steps on the driver of one connection; SQLAlchemy is told what became of it. They raise what it would."""

    __slots__ = ("_connection", "_statements")

    def __init__(self, connection: AsyncConnection, statements: MysqlStatements) -> None:
        self._connection = connection
        self._statements = statements

    async def run(self, prepared: Prepared, values: Values) -> DriverRows:
        """Execute with these values; a list is one execution for each."""
        return await self._at_driver(prepared.sql, lambda driver: _run(prepared, values, driver))

    async def say(self, words: str) -> None:
        """A statement without values and without rows."""
        await self._at_driver(words, lambda driver: driver.query(words))

    async def _at_driver(self, words: str, step: Callable[[aiomysql.Connection], Awaitable[Result]]) -> Result:
        sync = self._connection.sync_connection
        assert sync is not None
        if sync.invalidated:
            await self._connection.get_raw_connection()  # which makes a new one
        driver = sync.connection.driver_connection
        assert driver is not None
        try:
            return await step(driver)
        except pymysql.Error as problem:
            error = self._statements.told(problem, driver, words)
            if error.connection_invalidated:
                sync.invalidate(problem)
            raise error from problem
        except asyncio.CancelledError:  # the driver has closed itself
            sync.invalidate()
            raise


async def _run(prepared: Prepared, values: Values, driver: aiomysql.Connection) -> DriverRows:
    cursor = aiomysql.Cursor(driver)
    if type(values) is list:
        await cursor.executemany(prepared.sql, [prepared.given(row) for row in values])
    else:
        await cursor.execute(prepared.sql, prepared.given(values))  # type: ignore[arg-type]
    rows = await cursor.fetchall() if cursor.description is not None else []
    return DriverRows(cursor, rows, prepared)
