"""A restore into MySQL: marked while it is half full.

MySQL commits each change of its schema by itself, so nothing can be put in place at once. While the mark is there
nothing of ours serves the database or backs it up; a restore that was killed is run again. Whoever wants to keep what
was there restores into another, empty database and names that one in the settings.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.engine import Connection

from server.storage.migrate import RESTORING, known_revisions, migrate
from server.storage.schema import metadata
from server.upkeep.sql.loading import Loader
from server.upkeep.sql.occupants import NotFree, own_id, require_alone, require_empty
from server.upkeep.sql.opening import SqlStore


class MysqlTarget:
    """`set_aside` is nothing here: a damaged database does not open at all."""

    set_aside = None

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._mine: set[int] = set()  # connections of this restore
        self.building = store

    @contextmanager
    def alone(self) -> Iterator[None]:
        with self._store.connected() as connection:
            name = "peihu.restore." + hashlib.sha256(str(self._store.url.database).encode()).hexdigest()[:32]
            if connection.scalar(text("SELECT GET_LOCK(:name, 0)"), {"name": name}) != 1:
                raise NotFree(f"another restore into {self._store.place} is under way")
            connection.commit()
            self._mine.add(own_id(connection))
            yield  # the lock is let go of with the connection

    def require_free(self, *, replace: bool) -> None:
        with self._store.connected() as connection:
            require_alone(connection, self._store, besides=self._mine)
            self._require_known(connection)
            if not replace:
                require_empty(connection, self._store.place)

    def _require_known(self, connection: Connection) -> None:
        """What a newer version added would stay there, full of its rows. Raises NotFree."""
        revision = MigrationContext.configure(connection).get_current_revision()
        if revision is not None and revision not in known_revisions():
            name = self._store.url.database
            raise NotFree(
                f"{self._store.place} is of a newer version of Peihu ({revision}): restore into another database, or "
                f"empty this one first with DROP DATABASE {name} and CREATE DATABASE {name} CHARACTER SET utf8mb4"
            )

    @contextmanager
    def loading(self, revision: str) -> Iterator[Loader]:
        with self._store.connected() as connection:
            _mark(connection)
            _drop(connection)
        migrate(self._store.url, tls=self._store.tls, to=revision, restoring=True)
        with self._store.connected() as connection:
            loader = Loader(connection)
            yield loader
            loader.finish()

    def go_live(self) -> None:
        with self._store.connected() as connection:
            connection.execute(text(f"DROP TABLE {RESTORING}"))

    def abandon(self) -> None:
        """The mark stays: what is there is of no use until a restore comes to its end."""


def _mark(connection: Connection) -> None:
    connection.execute(text(f"CREATE TABLE IF NOT EXISTS {RESTORING} (since VARCHAR(40) NOT NULL PRIMARY KEY)"))
    connection.execute(text(f"INSERT INTO {RESTORING} VALUES (:now)"), {"now": datetime.now(UTC).isoformat()})
    connection.commit()


def _drop(connection: Connection) -> None:
    """Our tables, and none that is somebody else's."""
    ours = (set(metadata.tables) | {"alembic_version"}) & set(inspect(connection).get_table_names())
    quote = connection.dialect.identifier_preparer.quote_identifier
    connection.execute(text("SET SESSION foreign_key_checks=0"))
    for name in sorted(ours):
        connection.exec_driver_sql(f"DROP TABLE {quote(name)}")
    connection.commit()
