"""Whether a schema is the one that the code describes."""

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.engine import Connection

from server.storage.schema import metadata


def differences(connection: Connection) -> list[Any]:
    """What would have to change, in alembic's words; empty: nothing."""
    context = MigrationContext.configure(connection, opts={"compare_type": False})
    return [one for one in compare_metadata(context, metadata) if not _is_index_of_a_foreign_key(one)]


def _is_index_of_a_foreign_key(difference: Any) -> bool:
    """InnoDB makes one where none of ours begins with the column."""
    return difference[0] == "remove_index" and difference[1].name.startswith("fk_")
