"""Fresh statistics for the planner, and a short log.

Safe beside a server. SQLite: a table at a time is looked at, some hundred rows of each index, in a write of its own of
some milliseconds; the log is put into the file as far as readers allow, and nobody is made to wait for it. MySQL:
ANALYZE locks nothing but the table's definition.
"""

from typing import Any

from sqlalchemy.engine import Connection

from server.core.progress import Progress
from server.upkeep.sql.opening import plainly
from server.upkeep.sql.shapes import tables_in

_ROWS_AN_INDEX = 1_000  # the whole of a large index would hold up the one writer for seconds
_PATIENCE_MS = 250  # while it waits for readers nobody can write


def refresh_statistics(connection: Connection, *, is_sqlite: bool, progress: Progress) -> dict[str, Any]:
    """{"tables": how many, "complaints": [what MySQL said besides "OK"]}. Raises sqlite3.Error, DBAPIError."""
    tables = tables_in(connection)
    progress.begin("statistics", len(tables))
    complaints = []
    if is_sqlite:
        plainly(connection, f"PRAGMA analysis_limit={_ROWS_AN_INDEX}")
    for name in tables:
        if is_sqlite:
            plainly(connection, f'ANALYZE "{name}"')
        else:
            complaints += told(connection, f"ANALYZE NO_WRITE_TO_BINLOG TABLE `{name}`")
        progress.advance(1)
    return {"tables": len(tables), "complaints": complaints}


def shorten_log(connection: Connection) -> dict[str, Any]:
    """SQLite: {"pages_left": of the log, that readers still need; 0: it is empty}."""
    plainly(connection, "PRAGMA wal_checkpoint(PASSIVE)")
    plainly(connection, f"PRAGMA busy_timeout={_PATIENCE_MS}")
    (_, in_log, moved) = plainly(connection, "PRAGMA wal_checkpoint(TRUNCATE)")[0]
    return {"pages_left": max(in_log - moved, 0)}


def told(connection: Connection, statement: str) -> list[str]:
    """What MySQL says of a table besides that all is well."""
    rows = connection.exec_driver_sql(statement).mappings().all()
    connection.rollback()
    return [f"{row['Table']}: {row['Msg_text']}" for row in rows if row["Msg_type"] not in ("status", "note", "info")]
