"""MySQL's own server in place of MariaDB, where somebody has one: Debian's stable releases have no package of it."""

import os
from collections.abc import Sequence

from tests.services.mariadb import MariaDb

INSTEAD = "PEIHU_TEST_MYSQLD"  # the path of mysqld


class MySql(MariaDb):
    """MySQL 8.0 or newer; everything else is as with MariaDB."""

    _own = ("--mysqlx=OFF", "--secure-file-priv=NULL")

    def __init__(self, *, options: Sequence[str] = ()) -> None:
        """Without a certificate of ours no TLS, which MariaDB has to be told to offer and MySQL not to."""
        offers_tls = any(option.startswith("--ssl-cert=") for option in options)
        super().__init__(options=options if offers_tls else (*options, "--tls-version="))

    def _program(self) -> str:
        return os.environ[INSTEAD]

    def _initialize(self) -> None:
        self._make_data(
            [self._program(), "--no-defaults", *self._as_user, f"--datadir={self._data}", "--initialize-insecure",
             *self._own]
        )  # fmt: skip


def brand() -> str:
    """What this run is about."""
    return "MySQL" if os.environ.get(INSTEAD) else "MariaDB"


def sql_server(*, options: Sequence[str] = ()) -> MariaDb:
    """A server of that brand."""
    return MySql(options=options) if brand() == "MySQL" else MariaDb(options=options)
