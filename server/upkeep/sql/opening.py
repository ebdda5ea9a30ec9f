"""Opens a whole store: one connection, no deadline."""

import sqlite3
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql
from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import DBAPIError

from server.storage.migrate import open_engine
from server.storage.mysql_troubles import require_known_server, what_is_wrong

_WAIT_S = 30  # for SQLite's one writer
_TROUBLES = (DBAPIError, sqlite3.Error, pymysql.Error)  # the latter two where we use a driver's own cursor
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class StoreTrouble(Exception):
    """What is wrong with a store, in one sentence for the operator; `is_damaged`: SQLite cannot read its file."""

    def __init__(self, sentence: str, *, is_damaged: bool = False) -> None:
        super().__init__(sentence)
        self.is_damaged = is_damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlStore:
    """Where a SQL store is."""

    url: URL
    tls: ssl.SSLContext | None = None

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @property
    def path(self) -> Path:
        """SQLite's file."""
        return Path(self.url.database or "")

    @property
    def place(self) -> str:
        """For people; without the password."""
        return self.url.render_as_string(hide_password=True)

    def exists(self) -> bool:
        return not self.is_sqlite or self.path.exists()

    def beside(self, path: Path) -> "SqlStore":
        """A SQLite store in another file."""
        return SqlStore(url=self.url.set(database=str(path)))

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """One connection on which nothing is begun. Raises StoreTrouble."""
        engine = self._engine()
        try:
            with self._reached(engine) as connection:
                yield connection
        except _TROUBLES as problem:
            raise self._trouble(problem) from problem
        finally:
            engine.dispose()

    def _engine(self) -> Engine:
        if not self.is_sqlite:
            return open_engine(self.url, tls=self.tls)
        engine = create_engine(self.url.set(drivername="sqlite"), connect_args={"timeout": _WAIT_S})
        event.listen(engine, "connect", _begin_nothing)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        return engine

    def _reached(self, engine: Engine) -> Connection:
        try:
            connection = engine.connect()
            if not self.is_sqlite:
                require_known_server(connection)
        except (*_TROUBLES, UnicodeError, ValueError, OSError) as problem:  # the driver leaves some as they are
            raise self._trouble(problem) from None
        return connection

    def _trouble(self, problem: Exception) -> StoreTrouble:
        code = getattr(getattr(problem, "orig", problem), "sqlite_errorcode", None) or 0
        sentence = f"the database {self.place} {what_is_wrong(problem, self.url)}"
        return StoreTrouble(sentence, is_damaged=code & 0xFF in _DAMAGED)  # the rest of a code says where


def _begin_nothing(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin by itself


def plainly(connection: Connection, words: str) -> list[Any]:
    """For SQLite: outside of any transaction, where PRAGMA and VACUUM must be. Raises sqlite3.Error."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver.execute(words).fetchall()
