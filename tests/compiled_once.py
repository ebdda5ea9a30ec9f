"""What was compiled for one test's store serves the next one's.

A test has stores of its own, and SQLAlchemy compiles for each anew: a third of the time of most tests. Two of the same
kind and keys compile alike, so they share. The program itself has one store and compiles each statement once.
"""

from typing import Any

from sqlalchemy.dialects.mysql.aiomysql import MySQLDialect_aiomysql
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Engine
from sqlalchemy.util import LRUCache, immutabledict

_KEPT = 4_000


def _kind(dialect: Any) -> tuple[Any, ...]:
    """Everything on which the words of a statement depend, and the keys of its sealed columns."""
    keys = getattr(dialect, "peihu_keys", None)
    secrets = None if keys is None else (keys.key_id, *keys._ciphers)
    return type(dialect), dialect.server_version_info, getattr(dialect, "is_mariadb", None), secrets


def pytest_configure() -> None:
    for one in (MySQLDialect_aiomysql, SQLiteDialect_aiosqlite, SQLiteDialect_pysqlite):
        one.__hash__ = lambda dialect: hash(type(dialect))
        one.__eq__ = lambda dialect, other: dialect is other or _kind(dialect) == _kind(other)
    Engine._execution_options = immutabledict({"compiled_cache": LRUCache(_KEPT)})
