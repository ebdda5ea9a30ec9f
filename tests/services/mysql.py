"""MySQL's own server in place of MariaDB, where somebody has one: Debian has no package of it."""

import os
from collections.abc import Sequence

from tests.services.mariadb import MariaDb

INSTEAD = "PEIHU_TEST_MYSQLD"  # the path of mysqld


class MySql(MariaDb):
    """MySQL 8.0 or newer; everything else is as with MariaDB."""

    _own = ("--mysqlx=OFF", "--secure-file-priv=NULL")

    def _program(self) -> str:
        return os.environ[INSTEAD]

    def _initialize(self) -> None:
        self._make_data(
            [self._program(), "--no-defaults", *self._as_user, f"--datadir={self._data}", "--initialize-insecure",
             *self._own]
        )  # fmt: skip


def sql_server(*, options: Sequence[str] = ()) -> MariaDb:
    """The brand that this run is about."""
    return MySql(options=options) if os.environ.get(INSTEAD) else MariaDb(options=options)
