"""A restore into SQLite: a new file takes the old one's place.

Until that one rename the old file is as it was, so a restore that is killed has changed nothing. What it leaves is a
hidden draft, which the next one removes.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import Connection

from server.storage.migrate import migrate
from server.upkeep.sql.loading import Loader
from server.upkeep.sql.occupants import NotFree, require_alone, require_closed, require_empty
from server.upkeep.sql.opening import SqlStore, StoreTrouble, plainly

_BESIDE = ("-wal", "-shm", "-journal")  # what SQLite keeps beside its file


class SqliteTarget:
    """`set_aside` is where a damaged file that was in the way lies now."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._draft = store.path.with_name(f".{store.path.name}.restoring")
        self.building = store.beside(self._draft)
        self.set_aside: Path | None = None

    @contextmanager
    def alone(self) -> Iterator[None]:
        self._store.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = os.open(self._store.path.parent, os.O_RDONLY)
        try:
            if not _lock(folder):
                raise NotFree(f"another restore into {self._store.path.parent} is under way")
            yield
        finally:
            os.close(folder)

    def require_free(self, *, replace: bool) -> None:
        try:
            self._require_free(replace=replace)
        except StoreTrouble as problem:
            if not problem.is_damaged:
                raise
            if not replace:
                raise NotFree(f"{problem}; say --replace to set it aside and put the backup in its place") from None

    def _require_free(self, *, replace: bool) -> None:
        if not self._store.exists():
            return
        with self._store.connected() as connection:
            require_alone(connection, self._store)
            if not replace:
                require_empty(connection, self._store.place)

    @contextmanager
    def loading(self, revision: str) -> Iterator[Loader]:
        self.abandon()
        os.close(os.open(self._draft, os.O_CREAT | os.O_EXCL, 0o600))
        migrate(self.building.url, to=revision, restoring=True)
        with self.building.connected() as connection:
            for words in ("journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE", "cache_size=-65536"):
                plainly(connection, f"PRAGMA {words}")
            indexes = _without_indexes(connection)
            loader = Loader(connection)
            yield loader
            loader.finish()
            for statement in indexes:
                connection.exec_driver_sql(statement)
            connection.commit()
            _require_references(connection)

    def go_live(self) -> None:
        with self.building.connected() as connection:
            plainly(connection, "PRAGMA journal_mode=DELETE")
        _flush(self._draft)
        self._settle_old()
        os.replace(self._draft, self._store.path)
        _flush(self._store.path.parent)

    def _settle_old(self) -> None:
        """The old file's log must be gone, or SQLite would apply it to the new one. Raises NotFree."""
        if self._store.exists():
            try:
                with self._store.connected() as connection:
                    require_closed(connection, self._store.path)
                    plainly(connection, "PRAGMA journal_mode=DELETE")
            except StoreTrouble as problem:
                if not problem.is_damaged:
                    raise
                self._set_aside()
        for ending in _BESIDE:  # also those of a file that somebody removed without them
            _with(self._store.path, ending).unlink(missing_ok=True)

    def _set_aside(self) -> None:
        """Somebody may want to look for what is still in it."""
        number = 1
        while (aside := _with(self._store.path, f".damaged-{number}")).exists():
            number += 1
        for ending in _BESIDE:
            if _with(self._store.path, ending).exists():
                os.replace(_with(self._store.path, ending), _with(aside, ending))
        os.replace(self._store.path, aside)
        self.set_aside = aside

    def abandon(self) -> None:
        for ending in ("", *_BESIDE):
            _with(self._draft, ending).unlink(missing_ok=True)


def _lock(folder: int) -> bool:
    """Until it is closed, also by the death of this process; False: another one has it."""
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _with(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _without_indexes(connection: Connection) -> list[str]:
    """Drop what is quicker made at the end; the statements that make it again."""
    ours = "type = 'index' AND sql IS NOT NULL AND sql NOT LIKE 'CREATE UNIQUE%'"
    found = connection.execute(text(f"SELECT name, sql FROM sqlite_master WHERE {ours}")).fetchall()
    quote = connection.dialect.identifier_preparer.quote_identifier
    for name, _ in found:
        connection.exec_driver_sql(f"DROP INDEX {quote(name)}")
    return [statement for _, statement in found]


def _require_references(connection: Connection) -> None:
    """Raises NotFree when a row refers to one that is not there: the backup was made so."""
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(3)
    if broken:
        raise NotFree(f"rows of {broken[0][0]} refer to rows of {broken[0][2]} that the backup does not have")


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
