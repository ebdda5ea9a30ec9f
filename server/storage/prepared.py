"""Statements that a driver executes past SQLAlchemy.

A statement built once and given its values as a dict is compiled once; from then on only its column types
and the driver are in the way. What it costs was most of what sending a chat message cost.
"""

import sqlite3
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from sqlalchemy.engine import Dialect

Change = Callable[[Any], Any]

KEPT = 2_000  # many times what the program has; one that is built anew for each request must not fill the memory


class Prepared:
    """SQL text for a driver, and what turns values into its own and back.

    `is_whole` is False for a list of values whose length is known only at its execution (IN): not for a driver alone.
    """

    def __init__(self, statement: Any, dialect: Dialect, names: tuple[str, ...]) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=names if statement.is_insert else None)
        self.sql = str(compiled)
        self.is_whole = not compiled.post_compile_params
        self._places: list[tuple[str, Any, Change | None]] = []
        for name in compiled.positiontup or ():
            parameter = compiled.binds[name]
            into = parameter.type.dialect_impl(dialect).bind_processor(dialect)
            self._places.append((parameter.key, compiled.params.get(name), into))
        self._columns: list[tuple[str, Change | None]] = []
        if statement.is_select:
            for column in statement.selected_columns:
                out_of = column.type.dialect_impl(dialect).result_processor(dialect, None)
                self._columns.append((column.key, out_of))

    def run(self, connection: sqlite3.Connection, values: dict[str, Any] | list[dict[str, Any]]) -> "PreparedRows":
        """Execute with these values; a list is one execution for each. Raises the driver's own errors."""
        if type(values) is list:
            rows = [self.given(row) for row in values]
            return PreparedRows(connection.executemany(self.sql, rows), self)
        return PreparedRows(connection.execute(self.sql, self.given(values)), self)

    def given(self, values: dict[str, Any]) -> list[Any]:
        """In the driver's order and kinds."""
        given = []
        for name, constant, into in self._places:
            value = values.get(name, constant)
            given.append(into(value) if into is not None else value)
        return given

    def mapped(self, row: tuple[Any, ...]) -> dict[str, Any]:
        """A row of the driver's, by column names."""
        return {
            name: value if out_of is None else out_of(value)
            for (name, out_of), value in zip(self._columns, row, strict=True)
        }


@lru_cache(maxsize=KEPT)
def prepared(statement: Any, dialect: Dialect, names: tuple[str, ...]) -> Prepared:
    """The statement for the driver behind `dialect`, compiled once; `names` are those of the values it is given."""
    return Prepared(statement, dialect, names)


class PreparedRows:
    """As much of SQLAlchemy's result as `Transaction` uses."""

    def __init__(self, cursor: sqlite3.Cursor, prepared: Prepared) -> None:
        self._cursor = cursor
        self._prepared = prepared

    @property
    def rowcount(self) -> int:
        return self._cursor.rowcount

    @property
    def inserted_primary_key(self) -> tuple[int | None]:
        return (self._cursor.lastrowid,)

    def mappings(self) -> "PreparedRows":
        return self

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self._prepared.mapped(row) for row in self._cursor)

    def first(self) -> dict[str, Any] | None:
        row = self._cursor.fetchone()
        self._cursor.close()
        return None if row is None else self._prepared.mapped(row)

    def scalar(self) -> Any:
        row = self.first()
        return None if row is None else next(iter(row.values()))
