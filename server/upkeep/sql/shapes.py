"""What tables look like in a store, whatever version made it.

Rows travel as the drivers give them, so sealed columns stay sealed. Only what databases write differently has one
form in between: an instant is "2026-11-22 09:00:00.000" in UTC, a day "2026-11-22"; yes and no are 1 and 0.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, MetaData, Table, inspect
from sqlalchemy.engine import Connection
from sqlalchemy.types import Date, DateTime, NullType

from server.storage.schema import metadata

PLAIN, INSTANT, DAY = "", "instant", "day"
_INSTANT_CHARACTERS = 23

# Who runs now and with which secrets is no part of what is kept.
NOT_KEPT = frozenset({"alembic_version", "lease", "cluster_secret", "instance_figure", "peihu_restoring"})

Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class TableShape:
    """A table's name and its columns with their kinds, in the table's order."""

    name: str
    columns: tuple[tuple[str, str], ...]

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.columns]

    def bare(self) -> Table:
        """The table for statements, without types: nothing is converted on the way."""
        return Table(self.name, MetaData(), *[Column(name, NullType()) for name in self.names])

    def common(self, dialect: str) -> Callable[[Row], list[Any]]:
        """What turns a driver's row into the form in between."""
        instants = self._instants(dialect)

        def convert(row: Row) -> list[Any]:
            values = list(row)
            for place in instants:
                if values[place] is not None:
                    values[place] = values[place][:_INSTANT_CHARACTERS]
            return values

        return convert

    def own(self, dialect: str) -> Callable[[Row], list[Any]]:
        """And back: SQLite's instants have six digits of a second."""
        instants = self._instants(dialect)

        def convert(row: Row) -> list[Any]:
            values = list(row)
            for place in instants:
                if values[place] is not None:
                    values[place] += "000"
            return values

        return convert

    def _instants(self, dialect: str) -> list[int]:
        if dialect != "sqlite":
            return []
        return [place for place, (_, kind) in enumerate(self.columns) if kind == INSTANT]


def shapes_in(connection: Connection, *, besides: Collection[str] = NOT_KEPT) -> list[TableShape]:
    """All tables of a store, those first that others refer to."""
    found = MetaData()
    found.reflect(connection)
    return [
        TableShape(table.name, tuple((column.name, _kind(column)) for column in table.columns))
        for table in found.sorted_tables
        if table.name not in besides
    ]


def tables_in(connection: Connection) -> list[str]:
    """The names of our tables that are there, in order."""
    there = set(inspect(connection).get_table_names())
    connection.rollback()
    return sorted(set(metadata.tables) & there)


def _kind(column: Column[Any]) -> str:
    if isinstance(column.type, DateTime):
        return INSTANT
    return DAY if isinstance(column.type, Date) else PLAIN
