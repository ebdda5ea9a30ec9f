"""A private MariaDB."""

import os
import socket
import subprocess
from collections.abc import Sequence

import pymysql

from tests.services.private import DidNotStart, PrivateServer
from tests.services.programs import program

USER, PASSWORD = "peihu", "only for tests"
_SMALL = (
    "--innodb-buffer-pool-size=64M", "--loose-innodb-log-file-size=32M", "--innodb-flush-log-at-trx-commit=1",
    "--max-connections=300", "--skip-log-bin", "--skip-name-resolve", "--performance-schema=OFF",
)  # fmt: skip


class MariaDb(PrivateServer):
    """`url` is for SQLAlchemy; `options` are further words of its command line."""

    _own: tuple[str, ...] = ()

    def __init__(self, *, options: Sequence[str] = ()) -> None:
        super().__init__("mariadb")
        self._options = options
        self._data = self.directory / "data"
        self._socket = self.directory / "s.sock"
        self._as_user = ["--user=root"] if os.geteuid() == 0 else []

    def start(self) -> None:
        """Make the data directory the first time. Raises Missing, DidNotStart."""
        server = self._program()
        is_new = not self._data.exists()
        if is_new:
            self._initialize()
        command = [
            server, "--no-defaults", *self._as_user, f"--datadir={self._data}", f"--socket={self._socket}",
            f"--port={self.port}", "--bind-address=127.0.0.1", f"--tmpdir={self.directory}", *_SMALL, *self._own,
            *self._options,
        ]  # fmt: skip
        self.launch(command, is_ready=self._answers)
        if is_new:
            self._make_user()
            self.stop()  # a fresh data directory that is killed before its first clean end cannot be opened again
            self.launch(command, is_ready=self._answers)

    def _program(self) -> str:
        return program("mariadbd", "mariadb-server")

    def _initialize(self) -> None:
        self._make_data(
            [
                program("mariadb-install-db", "mariadb-server"), "--no-defaults", *self._as_user,
                f"--datadir={self._data}", "--auth-root-authentication-method=normal", "--skip-test-db",
                "--skip-name-resolve", f"--tmpdir={self.directory}",  # in /tmp two that begin at once meet
            ]
        )  # fmt: skip

    def _make_data(self, command: Sequence[str]) -> None:
        made = subprocess.run(command, capture_output=True, text=True)
        if made.returncode:
            raise DidNotStart(f"{command[0]} failed:\n{made.stdout[-1_000:]}{made.stderr[-1_000:]}")

    def _as_root(self) -> pymysql.Connection:  # type: ignore[type-arg]
        return pymysql.connect(unix_socket=str(self._socket), user="root", autocommit=True, connect_timeout=2)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:  # the driver forgets its own when nobody is there
            if probe.connect_ex(str(self._socket)) != 0:
                return False
        try:
            self._as_root().close()
        except pymysql.Error:
            return False
        return True

    def _make_user(self) -> None:
        with self._as_root() as root, root.cursor() as cursor:
            cursor.execute("CREATE USER %s@'127.0.0.1' IDENTIFIED BY %s", (USER, PASSWORD))
            cursor.execute("GRANT ALL ON *.* TO %s@'127.0.0.1' WITH GRANT OPTION", (USER,))

    @property
    def url(self) -> str:
        """Of the server; a database's name follows the slash."""
        return f"mysql+aiomysql://{USER}:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{self.port}/"
