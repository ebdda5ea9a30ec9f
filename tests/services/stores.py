"""The same store on a server: a database that is emptied, and filled, for each test."""

from typing import Any

import pymysql
from sqlalchemy.engine import URL

from server.storage.migrate import migrate
from server.storage.schema import metadata

_NAME = "peihu_test_"
_NOT_EMPTY = " UNION ALL ".join(
    f"SELECT '{table}' FROM dual WHERE EXISTS (SELECT 1 FROM `{table}`)" for table in metadata.tables
)
Rows = dict[str, list[tuple[Any, ...]]]


def new_database(server: URL, name: str) -> URL:
    """An empty, migrated database; an older one of that name is dropped."""
    url = server.set(database=_NAME + name)
    drop_database(url)
    with connected(server) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE `{url.database}` CHARACTER SET utf8mb4")
    migrate(url)
    return url


def drop_database(url: URL) -> None:
    with connected(url.set(database="")) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS `{url.database}`")


def empty(url: URL, *, but: Rows | None = None) -> None:
    """Take every row out, and put `but` in, as `rows_of` gave them.

    Rows are deleted: to truncate some twenty tables of a few rows each took half a second.
    """
    with connected(url) as connection, connection.cursor() as cursor:
        cursor.execute("SET foreign_key_checks=0")
        connection.begin()
        cursor.execute(_NOT_EMPTY)
        for (table,) in cursor.fetchall():
            cursor.execute(f"DELETE FROM `{table}`")
        for table, rows in (but or {}).items():
            marks = ", ".join(["%s"] * len(rows[0]))
            cursor.executemany(f"INSERT INTO `{table}` VALUES ({marks})", rows)
        connection.commit()


def connections_to(url: URL) -> list[Any]:
    """What others have open there: ids, addresses and what each is doing."""
    with connected(url.set(database="")) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id, host, command, time, info FROM information_schema.processlist WHERE db=%s", (url.database,))
        return list(cursor.fetchall())


def end_connections(url: URL, ids: list[int]) -> None:
    with connected(url.set(database="")) as connection, connection.cursor() as cursor:
        for one in ids:
            cursor.execute(f"KILL CONNECTION {one}")


def rows_of(url: URL) -> Rows:
    """All values of all rows, as they are stored, by table."""
    with connected(url) as connection, connection.cursor() as cursor:
        found = {}
        for table in metadata.tables:
            cursor.execute(f"SELECT * FROM `{table}`")
            found[table] = list(cursor.fetchall())
    return {table: rows for table, rows in found.items() if rows}


def connected(url: URL) -> pymysql.Connection:  # type: ignore[type-arg]
    return pymysql.connect(
        host=url.host, port=url.port or 3306, user=url.username, password=url.password or "", database=url.database or None,
        autocommit=True,
    )  # fmt: skip
