"""Reads a store as it lies there, with nothing of the product.

`Where` is the path of an SQLite file or the URL of a MySQL database. One SQL for both: `?` and `:name` are
parameters, `offset` needs its table's name, times are texts as SQLite keeps them.
"""

import re
import sqlite3
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import pymysql
from pymysql.cursors import DictCursor
from sqlalchemy.engine import make_url

Where = Path | str
Row = dict[str, Any]


class Store(Protocol):
    """Rows as dicts."""

    def rows(self, sql: str, *values: Any) -> list[Row]: ...

    def named(self, sql: str, values: Row) -> list[Row]: ...

    def value(self, sql: str, *values: Any) -> Any:
        """The first column of the first row."""

    def begin(self) -> None:
        """From now on everything is read as it was at one moment."""

    def close(self) -> None: ...


class SqliteStore:
    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
        self._connection.row_factory = sqlite3.Row

    def rows(self, sql: str, *values: Any) -> list[Row]:
        return [dict(row) for row in self._connection.execute(sql, values)]

    def named(self, sql: str, values: Row) -> list[Row]:
        return [dict(row) for row in self._connection.execute(sql, values)]

    def value(self, sql: str, *values: Any) -> Any:
        return next(iter(self._connection.execute(sql, values).fetchone()))

    def begin(self) -> None:
        self._connection.execute("BEGIN")

    def close(self) -> None:
        self._connection.close()


class MysqlStore:
    """`||` joins texts here as it does everywhere else, and what was asked for is what is grouped."""

    def __init__(self, url: str) -> None:
        parts = make_url(url)
        self._connection = pymysql.connect(
            host=parts.host, port=parts.port or 3306, user=parts.username, password=parts.password or "",
            database=parts.database, autocommit=True, cursorclass=DictCursor, charset="utf8mb4", connect_timeout=5,
            read_timeout=30, init_command="SET SESSION sql_mode='PIPES_AS_CONCAT', time_zone='+00:00'",
        )  # fmt: skip

    def rows(self, sql: str, *values: Any) -> list[Row]:
        return self._run(sql.replace("?", "%s"), values)

    def named(self, sql: str, values: Row) -> list[Row]:
        return self._run(re.sub(r":([a-z_]+)", r"%(\1)s", sql), values)

    def _run(self, sql: str, values: Any) -> list[Row]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, values)
            return [{name: _plain(value) for name, value in row.items()} for row in cursor.fetchall()]

    def value(self, sql: str, *values: Any) -> Any:
        return next(iter(self.rows(sql, *values)[0].values()))

    def begin(self) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")

    def close(self) -> None:
        self._connection.close()


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value)
    return stored_text(value) if isinstance(value, datetime) else value


def stored_text(instant: datetime) -> str:
    """An instant as SQLite keeps it; naive ones are UTC."""
    utc = instant.astimezone(UTC) if instant.tzinfo else instant
    return utc.replace(tzinfo=None).isoformat(" ", "milliseconds") + "000"


def open_store(where: Where) -> Store:
    return SqliteStore(where) if isinstance(where, Path) else MysqlStore(where)


def order_ids(where: Where) -> frozenset[str]:
    """All orders of a store; taken before a test they are those that were planted and have no events."""
    store = open_store(where)
    try:
        return frozenset(row["order_id"] for row in store.rows("SELECT order_id FROM t_order"))
    finally:
        store.close()
