"""Builds tables and indexes anew, without holes.

SQLite: VACUUM, while nobody else has the file open; it needs as much room again as the file has. MySQL: OPTIMIZE, which
InnoDB does as a rebuild beside the traffic; it waits a moment for the table's definition at its beginning and end, and
gives up rather than let everybody wait behind it for a long reader (a backup is one).
"""

from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection

from server.core.progress import Progress
from server.upkeep.sql.occupants import require_alone
from server.upkeep.sql.opening import SqlStore, plainly
from server.upkeep.sql.shapes import tables_in
from server.upkeep.tending.statistics import told

_LOCK_WITHIN_S = 3


def require_compactable(connection: Connection, store: SqlStore) -> None:
    """Raises NotFree."""
    if store.is_sqlite:
        require_alone(connection, store)


def compact(connection: Connection, store: SqlStore, progress: Progress) -> dict[str, Any]:
    """{"tables", "complaints"}, on SQLite also the file's size before and after. Raises NotFree and the drivers'."""
    require_compactable(connection, store)
    if store.is_sqlite:
        return _vacuum(connection, store.path, progress)
    tables = tables_in(connection)
    progress.begin("rebuilding", len(tables))
    connection.exec_driver_sql(f"SET SESSION lock_wait_timeout={_LOCK_WITHIN_S}")
    complaints = []
    for name in tables:
        complaints += told(connection, f"OPTIMIZE NO_WRITE_TO_BINLOG TABLE `{name}`")
        progress.advance(1)
    return {"tables": len(tables), "complaints": complaints}


def _vacuum(connection: Connection, path: Path, progress: Progress) -> dict[str, Any]:
    before = path.stat().st_size
    progress.begin("rebuilding", 1)
    plainly(connection, "VACUUM")
    plainly(connection, "PRAGMA wal_checkpoint(TRUNCATE)")
    progress.advance(1)
    sizes = {"bytes_before": before, "bytes_after": path.stat().st_size}
    return {"tables": len(tables_in(connection)), "complaints": []} | sizes
