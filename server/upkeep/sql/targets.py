"""Where a restore puts rows.

A store becomes live as a whole or not at all: `sqlite_target.py` and `mysql_target.py` say how.
"""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from server.upkeep.sql.loading import Loader
from server.upkeep.sql.mysql_target import MysqlTarget
from server.upkeep.sql.opening import SqlStore
from server.upkeep.sql.sqlite_target import SqliteTarget


class Target(Protocol):
    """Used in this order; until `go_live` nothing that is served has changed, or a mark says so."""

    @property
    def building(self) -> SqlStore:
        """The store that is being filled."""

    @property
    def set_aside(self) -> Path | None:
        """Where what could not be read, and was in the way, lies now."""

    def alone(self) -> AbstractContextManager[None]:
        """No other restore goes there meanwhile. Raises NotFree."""

    def require_free(self, *, replace: bool) -> None:
        """Raises NotFree when somebody serves it, or when it holds anything and must not be replaced."""

    def loading(self, revision: str) -> AbstractContextManager[Loader]:
        """Make the tables of that revision, empty, and fill them inside."""

    def go_live(self) -> None:
        """What was filled is the store from now on."""

    def abandon(self) -> None:
        """Take away what can be taken away after a failure."""


def target_for(store: SqlStore) -> Target:
    return SqliteTarget(store) if store.is_sqlite else MysqlTarget(store)
