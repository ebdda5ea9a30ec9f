"""One moment of a SQL store, read while others write.

SQLite: one read transaction over the write-ahead log. MySQL: a transaction with a consistent snapshot. Rows come as a
stream: neither the driver nor we ever hold a table.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from typing import Any

from alembic.runtime.migration import MigrationContext
from pymysql.constants import FIELD_TYPE
from pymysql.converters import decoders
from pymysql.cursors import SSCursor
from sqlalchemy import func, inspect, select
from sqlalchemy.engine import Connection

from server.storage.migrate import RESTORING
from server.storage.tables.system import cluster_secret
from server.upkeep.sql.opening import SqlStore
from server.upkeep.sql.shapes import TableShape, shapes_in

BATCH = 500
_TEXTS = {FIELD_TYPE.DATETIME, FIELD_TYPE.TIMESTAMP, FIELD_TYPE.DATE}
_PATIENCE_S = 3_600  # a stream of rows stands still while we read files


class Snapshot:
    """All reads see the same moment."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._dialect = connection.dialect.name

    @property
    def revision(self) -> str | None:
        """The schema's revision; None for a database that nobody has migrated."""
        return MigrationContext.configure(self.connection).get_current_revision()

    @property
    def is_half_restored(self) -> bool:
        return inspect(self.connection).has_table(RESTORING)

    def fingerprint(self, secret: str) -> str | None:
        """Of the secret with which the instances on this store run; None before the first of them started."""
        if not inspect(self.connection).has_table(cluster_secret.name):
            return None
        columns = cluster_secret.c
        return self.connection.scalar(select(columns.fingerprint).where(columns.name == secret))

    def tables(self) -> list[TableShape]:
        return shapes_in(self.connection)

    def count(self, table: TableShape) -> int:
        return int(self.connection.scalar(select(func.count()).select_from(table.bare())) or 0)

    def rows(self, table: TableShape) -> Iterator[list[list[Any]]]:
        """All rows in the form in between, some hundred at once, in no order."""
        convert = table.common(self._dialect)
        with closing(self._stream()) as cursor:
            cursor.execute(str(select(*table.bare().columns).compile(dialect=self.connection.dialect)))
            while rows := cursor.fetchmany(BATCH):
                yield [convert(row) for row in rows]

    def _stream(self) -> Any:
        """The driver's own cursor, within our transaction: SQLAlchemy would make an object of each row."""
        driver = self.connection.connection.driver_connection
        assert driver is not None
        return driver.cursor() if self._dialect == "sqlite" else driver.cursor(SSCursor)


@contextmanager
def snapshot_of(store: SqlStore) -> Iterator[Snapshot]:
    """The store as it is now. Raises StoreTrouble."""
    with store.connected() as connection:
        if not store.is_sqlite:
            connection.exec_driver_sql(f"SET SESSION net_write_timeout={_PATIENCE_S}")
            connection.exec_driver_sql("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            _keep_texts(connection)
        with connection.begin() if store.is_sqlite else nullcontext():
            yield Snapshot(connection)


def _keep_texts(connection: Connection) -> None:
    """MySQL's driver gives instants and days as the server writes them, which is the form in between."""
    driver = connection.connection.driver_connection
    driver.decoders = {kind: made for kind, made in decoders.items() if kind not in _TEXTS}  # type: ignore[union-attr]
