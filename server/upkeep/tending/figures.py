"""How much there is: rows and bytes."""

from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.engine import Connection

from server.core.progress import Progress
from server.upkeep.sql.opening import SqlStore, plainly
from server.upkeep.sql.shapes import shapes_in

_SIZES = text(
    "SELECT table_name AS name, data_length + index_length AS size FROM information_schema.tables"
    " WHERE table_schema = DATABASE()"
)


def tables_of(connection: Connection, store: SqlStore, progress: Progress) -> list[dict[str, Any]]:
    """For each table {"name", "rows", "bytes"}, the largest first; SQLite does not tell the bytes."""
    shapes = shapes_in(connection)
    sizes = {} if store.is_sqlite else {row.name: int(row.size or 0) for row in connection.execute(_SIZES)}
    progress.begin("counting", len(shapes))
    found = []
    for shape in shapes:
        rows = int(connection.scalar(select(func.count()).select_from(shape.bare())) or 0)
        found.append({"name": shape.name, "rows": rows, "bytes": sizes.get(shape.name)})
        progress.advance(1)
    connection.rollback()
    return sorted(found, key=lambda one: (-one["rows"], one["name"]))


def size_of(connection: Connection, store: SqlStore) -> dict[str, Any]:
    """{"bytes", "bytes_free": what was deleted and would be given back by --compact, where it is known}."""
    if not store.is_sqlite:
        total = sum(int(row.size or 0) for row in connection.execute(_SIZES))
        connection.rollback()
        return {"bytes": total, "bytes_free": None}
    names = ("page_size", "page_count", "freelist_count")
    page, pages, free = (plainly(connection, f"PRAGMA {name}")[0][0] for name in names)
    return {"bytes": page * pages, "bytes_free": page * free}
