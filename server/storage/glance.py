"""Short reads of SQLite without a thread.

A look-up by an index takes some 20 µs; to have it done by another thread takes 50 times that. What connecting
asks for (a login, a channel's head, who may follow an order) is read here: on the loop's own thread, on a
connection of its own, by statements that are built once. Nothing long has a place here, because everybody waits.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError

from server.storage.prepared import PreparedRows, prepared
from server.storage.sealed import FieldKeys, use_keys
from server.storage.transaction import Transaction

_BUSY_S = 0.02  # readers only ever wait for a file that is being opened or closed


class GlancingConnection:
    """What `Transaction` wants of a connection, for statements with values only."""

    def __init__(self, url: URL, keys: FieldKeys) -> None:
        self._dialect = url.set(drivername="sqlite").get_dialect()()
        use_keys(self._dialect, keys)
        self.driver = sqlite3.connect(
            str(url.database), timeout=_BUSY_S, isolation_level=None, check_same_thread=False
        )
        self.driver.execute("PRAGMA query_only=ON")

    async def execute(self, statement: Any, values: Any = None) -> PreparedRows:
        if type(values) is not dict:
            raise TypeError("a glance is for statements that are built once and given their values")
        return prepared(statement, self._dialect, tuple(values)).run(self.driver, values)


class Glances:
    """Opens the connection when it is first wanted; one snapshot at a time."""

    def __init__(self, url: URL, *, keys: FieldKeys) -> None:
        self._url = url
        self._keys = keys
        self._connection: GlancingConnection | None = None
        self.is_busy = False  # somebody waits for something else between two statements: others go another way

    @contextmanager
    def snapshot(self) -> Iterator[Transaction]:
        """A read transaction, while not `is_busy`. Raises OperationalError as SQLAlchemy does."""
        self.is_busy = True
        try:
            connection = self._open()
            connection.driver.execute("BEGIN")
            try:
                yield Transaction(connection, self._keys)
            finally:
                connection.driver.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise OperationalError("a glance", None, error) from error
        finally:
            self.is_busy = False

    def _open(self) -> GlancingConnection:
        if self._connection is None:
            self._connection = GlancingConnection(self._url, self._keys)
        return self._connection

    def close(self) -> None:
        """A second time does nothing; a later glance opens it again."""
        if self._connection is not None:
            self._connection.driver.close()
            self._connection = None
