"""Fills an empty store with rows, in order of the tables.

On MySQL each batch is a transaction of its own, so that neither locks nor the undo log grow with the size of a backup;
a half-filled store is marked as such (`mysql_target.py`). On SQLite one transaction fills a file that nobody opens yet.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy.engine import Connection

from server.upkeep.archive.problems import BadArchive
from server.upkeep.sql.shapes import TableShape, shapes_in

_ROWS_A_COMMIT = 5_000


class Loader:
    """`table`, then `rows` as often as there are some, table after table; `finish` at last."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._dialect = connection.dialect.name
        self._known = {shape.name: shape for shape in shapes_in(connection)}
        self._statement = ""
        self._convert: Any = list
        self._uncommitted = 0

    def table(self, shape: TableShape) -> None:
        """From now on rows are of this table. Raises BadArchive when the store has no such table."""
        known = self._known.get(shape.name)
        if known is None or set(known.names) != set(shape.names):
            raise BadArchive(f"the table {shape.name} of the backup is not one of its schema")
        quote = self._connection.dialect.identifier_preparer.quote_identifier
        columns = ", ".join(quote(name) for name in shape.names)
        places = ", ".join("?" if self._dialect == "sqlite" else "%s" for _ in shape.names)
        self._statement = f"INSERT INTO {quote(shape.name)} ({columns}) VALUES ({places})"
        self._convert = shape.own(self._dialect)

    def rows(self, rows: Iterable[Any]) -> None:
        given = [tuple(self._convert(row)) for row in rows]
        self._connection.exec_driver_sql(self._statement, given)
        self._uncommitted += len(given)
        if self._dialect != "sqlite" and self._uncommitted >= _ROWS_A_COMMIT:
            self._connection.commit()
            self._uncommitted = 0

    def finish(self) -> None:
        self._connection.commit()
