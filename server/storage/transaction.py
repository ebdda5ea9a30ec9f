"""One open transaction, as use cases and stores see it.

What must happen once the change is visible is registered with `after_commit`; it is dropped with a
savepoint or a transaction that is rolled back.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.engine import RowMapping
from sqlalchemy.sql import Executable

from server.storage.sealed import FieldKeys

Row = RowMapping  # what reads return: values by column name; areas say `Row` and need no SQLAlchemy for it

Values = dict[str, Any]


class Transaction:
    """Thin words around a connection (`AsyncConnection` or what looks like one); made by `Database` only."""

    def __init__(self, connection: Any, keys: FieldKeys) -> None:
        self._connection = connection
        self._after_commit: list[Callable[[], None]] = []
        self.keys = keys

    async def run(self, statement: Executable, values: Values | list[Values] | None = None) -> int:
        """Execute a change and tell how many rows it touched; `values` as a list: one execution for each.

        Statements of hot paths are built once, with `bindparam`, and get their values here.
        """
        if values == []:
            return 0
        result = await self._connection.execute(statement, values)
        return result.rowcount

    async def insert_numbered(self, statement: Executable, values: Values | None = None) -> int:
        """Execute one INSERT and return the number the database gave the row."""
        result = await self._connection.execute(statement, values)
        return result.inserted_primary_key[0]

    async def one(self, statement: Executable, values: Values | None = None) -> RowMapping | None:
        """The first row, or None."""
        return (await self._connection.execute(statement, values)).mappings().first()

    async def all(self, statement: Executable, values: Values | None = None) -> list[RowMapping]:
        return list((await self._connection.execute(statement, values)).mappings())

    async def value(self, statement: Executable, values: Values | None = None) -> Any:
        """The first column of the first row, or None."""
        return (await self._connection.execute(statement, values)).scalar()

    def after_commit(self, act: Callable[[], None]) -> None:
        """`act()` runs once, in order, right after the commit; it must not block and not raise."""
        self._after_commit.append(act)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Everything inside is undone when it raises, the rest of the transaction stands."""
        registered = len(self._after_commit)
        try:
            async with self._connection.begin_nested():
                yield
        except BaseException:
            del self._after_commit[registered:]
            raise

    def committed(self) -> None:
        """Run what waited for the commit; called by `Database` alone."""
        for act in self._after_commit:
            act()
