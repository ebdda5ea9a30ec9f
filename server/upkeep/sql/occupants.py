"""Whether a store may be replaced."""

import sqlite3
from collections.abc import Collection
from pathlib import Path

from sqlalchemy import inspect, select, text
from sqlalchemy.engine import Connection

from server.storage.database_time import NOW
from server.storage.migrate import RESTORING
from server.storage.schema import metadata
from server.storage.tables.system import lease
from server.upkeep.sql.opening import SqlStore, plainly
from server.upkeep.sql.shapes import NOT_KEPT


class NotFree(Exception):
    """Why nothing may be restored there, in one sentence for the operator."""


def served_for_s(connection: Connection) -> float:
    """How long the leases of running instances still count, by the database's clock; 0: nobody holds any."""
    if not inspect(connection).has_table(lease.name):
        return 0.0
    now = connection.scalar(select(NOW))
    left = [(until - now).total_seconds() for until in connection.scalars(select(lease.c.until))]
    connection.rollback()
    return max(left, default=0.0)


def require_unserved(connection: Connection, place: str) -> None:
    """Raises NotFree."""
    left_s = served_for_s(connection)
    if left_s > 0:
        raise NotFree(
            f"an instance is serving {place}: stop all of them first"
            f" (one that was killed counts for {left_s:.0f} s more)"
        )


def require_closed(connection: Connection, path: Path) -> None:
    """SQLite: nobody else has the file open. Raises NotFree."""
    try:
        plainly(connection, "PRAGMA busy_timeout=0")
        plainly(connection, "PRAGMA locking_mode=EXCLUSIVE")  # refused while anybody else has it open
        plainly(connection, "BEGIN EXCLUSIVE")
        plainly(connection, "ROLLBACK")
        plainly(connection, "PRAGMA locking_mode=NORMAL")
    except sqlite3.OperationalError as problem:
        raise NotFree(f"another program has {path} open ({problem}); stop it and try again") from None


def require_alone(connection: Connection, store: SqlStore, *, besides: Collection[int] = ()) -> None:
    """Nobody serves the store or is connected to it, but `besides` (MySQL's ids of connections). Raises NotFree."""
    if store.is_sqlite:
        require_closed(connection, store.path)
    require_unserved(connection, store.place)
    if not store.is_sqlite:
        _require_quiet(connection, store, {*besides, own_id(connection)})


def own_id(connection: Connection) -> int:
    """MySQL's number of a connection."""
    return int(connection.scalar(text("SELECT CONNECTION_ID()")) or 0)


def _require_quiet(connection: Connection, store: SqlStore, ours: Collection[int]) -> None:
    """An instance without jobs holds no lease, but it is connected. Raises NotFree."""
    there = connection.execute(text("SHOW FULL PROCESSLIST")).mappings().all()
    connection.rollback()
    others = [row for row in there if row["db"] == store.url.database and row["Id"] not in ours]
    if others:
        who = ", ".join(sorted({f"{row['User']}@{row['Host']}" for row in others})[:3])
        raise NotFree(f"{store.place} has connections of others ({who}); end them and try again")


def require_empty(connection: Connection, place: str) -> None:
    """Raises NotFree."""
    there = set(inspect(connection).get_table_names())
    if RESTORING in there:
        raise NotFree(f"{place} is half full of a restore that was cut off; say --replace")
    full = [name for name in metadata.tables if name in there - NOT_KEPT and _has_rows(connection, name)]
    connection.rollback()
    if full:
        raise NotFree(f"{place} is not empty ({', '.join(full[:3])} …); say --replace to put the backup in its place")


def _has_rows(connection: Connection, table: str) -> bool:
    return connection.execute(select(text("1")).select_from(metadata.tables[table]).limit(1)).first() is not None
