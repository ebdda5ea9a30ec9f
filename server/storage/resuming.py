"""Changes of MySQL's schema that can be begun again.

MySQL commits each of them by itself. A migration that died between two is run again from its beginning, and what is
there already is passed over.
"""

from typing import Any

from alembic.ddl.mysql import MySQLImpl
from sqlalchemy import Column, Constraint, ForeignKeyConstraint, Index, Table, inspect
from sqlalchemy.engine.reflection import Inspector

# Set here for all tables: keys, texts and what is compared with them are of one kind. Byte by byte, as on SQLite;
# a column that people search says otherwise itself.
_MANNERS = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def learn() -> None:
    """Importing this room has told alembic; called so that nobody removes the import."""
    assert ResumingMySQL.__dialect__ == "mysql"


class ResumingMySQL(MySQLImpl):
    """What alembic does on MySQL and MariaDB."""

    __dialect__ = "mysql"

    @property
    def _there(self) -> Inspector:
        assert self.connection is not None
        return inspect(self.connection)

    def create_table(self, table: Table, **options: Any) -> None:
        if not self._there.has_table(table.name):
            table.kwargs.update(_MANNERS)
            super().create_table(table, **options)

    def drop_table(self, table: Table, **options: Any) -> None:
        if self._there.has_table(table.name):
            super().drop_table(table, **options)

    def create_index(self, index: Index, **options: Any) -> None:
        if not self._has_index(index):
            super().create_index(index, **options)

    def drop_index(self, index: Index, **options: Any) -> None:
        if self._has_index(index):
            super().drop_index(index, **options)

    def _has_index(self, index: Index) -> bool:
        assert index.table is not None
        name = self.dialect.identifier_preparer.format_index(index).strip("`")  # long ones are cut
        return any(one["name"] == name for one in self._there.get_indexes(index.table.name))

    def drop_constraint(self, const: Constraint, **options: Any) -> None:
        if not isinstance(const, ForeignKeyConstraint) or self._has_key(const):
            super().drop_constraint(const, **options)

    def add_constraint(self, const: Constraint, **options: Any) -> None:
        if not isinstance(const, ForeignKeyConstraint) or not self._has_key(const):
            super().add_constraint(const, **options)

    def _has_key(self, const: ForeignKeyConstraint) -> bool:
        return any(one["name"] == const.name for one in self._there.get_foreign_keys(const.table.name))

    def add_column(self, table_name: str, column: Column[Any], **options: Any) -> None:
        if not self._has_column(table_name, column.name):
            super().add_column(table_name, column, **options)

    def drop_column(self, table_name: str, column: Column[Any], **options: Any) -> None:
        if self._has_column(table_name, column.name):
            super().drop_column(table_name, column, **options)

    def _has_column(self, table_name: str, name: str) -> bool:
        return any(one["name"] == name for one in self._there.get_columns(table_name))
