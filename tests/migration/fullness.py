"""Rows in every table, for what happens to tables whatever they are for."""

from typing import Any

from sqlalchemy import Boolean, Column, Date, DateTime, Float, Integer, MetaData, String, Table, func, select
from sqlalchemy.engine import Connection
from sqlalchemy.types import NullType, TypeDecorator

from server.storage.schema import metadata

# The first that fits.
_MADE_UP: tuple[tuple[type, Any], ...] = (
    (Boolean, 1), (Integer, 1), (Float, 1.5), (DateTime, "2026-01-02 03:04:05.678000"), (Date, "2026-01-02"), (String, "x")
)  # fmt: skip


def fill_empty_tables(connection: Connection) -> list[str]:
    """One made-up row in each that has none; their names. References are kept."""
    filled = []
    for table in metadata.sorted_tables:
        if not connection.scalar(select(func.count()).select_from(table)):
            connection.execute(_plain(table).insert(), _row(connection, table))
            filled.append(table.name)
    connection.commit()
    return filled


def _row(connection: Connection, table: Table) -> dict[str, Any]:
    row = {}
    for column in table.columns:
        references = list(column.foreign_keys)
        if references:
            row[column.name] = connection.scalar(select(references[0].column).limit(1))
        else:
            row[column.name] = _made_up(column.type)
    return row


def _made_up(kind: Any) -> Any:
    """Sealed columns hold text for whoever writes past the seal."""
    plain = kind.impl_instance if isinstance(kind, TypeDecorator) else kind
    return next(value for one, value in _MADE_UP if isinstance(plain, one))


def _plain(table: Table) -> Table:
    """The same columns without types of ours: what is written is written as it stands."""
    return Table(table.name, MetaData(), *[Column(column.name, NullType()) for column in table.columns])
