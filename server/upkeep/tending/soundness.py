"""Whether the database itself is sound.

Pages, indexes, references, schema. Reads only. SQLite's check goes over the whole file, MySQL's over each table without
comparing its indexes row by row.
"""

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import Connection

from server.core.progress import Progress
from server.storage.schema import metadata
from server.upkeep.sql.opening import plainly
from server.upkeep.sql.shapes import tables_in
from server.upkeep.tending.statistics import told

_NAMED = 10


def complaints_of(connection: Connection, *, is_sqlite: bool, progress: Progress) -> list[str]:
    """What is wrong, some of it; empty: nothing is. Raises sqlite3.Error, DBAPIError."""
    found = _of_sqlite(connection, progress) if is_sqlite else _of_mysql(connection, progress)
    return found + differences(connection)


def _of_sqlite(connection: Connection, progress: Progress) -> list[str]:
    progress.begin("integrity", 2)
    pages = [str(row[0]) for row in plainly(connection, f"PRAGMA integrity_check({_NAMED})")]
    progress.advance(1)
    broken = plainly(connection, "PRAGMA foreign_key_check")[:_NAMED]
    progress.advance(1)
    lost = [f"{row[0]}: row {row[1]} refers to no {row[2]}" for row in broken]
    return [line for line in pages if line != "ok"] + lost


def _of_mysql(connection: Connection, progress: Progress) -> list[str]:
    tables, found = tables_in(connection), []
    progress.begin("integrity", len(tables))
    for name in tables:
        found += told(connection, f"CHECK TABLE `{name}` QUICK")
        progress.advance(1)
    return found[:_NAMED]


def differences(connection: Connection) -> list[str]:
    """What is not as the migrations make it: an index that somebody dropped, a column that somebody added."""
    context = MigrationContext.configure(connection, opts={"compare_type": False})
    found = [one for one in compare_metadata(context, metadata) if not _is_by_itself(one)]
    connection.rollback()
    return [f"the schema differs: {_words(one)}" for one in found[:_NAMED]]


def _is_by_itself(difference: Any) -> bool:
    """InnoDB makes an index for a reference where none of ours begins with its column."""
    return difference[0] == "remove_index" and str(difference[1].name).startswith("fk_")


def _words(difference: Any) -> str:
    if isinstance(difference, list):  # several changes of one column
        return "; ".join(_words(one) for one in difference)
    kind, *what = difference
    return " ".join([kind, *(str(getattr(one, "name", one)) for one in what if one is not None)])
