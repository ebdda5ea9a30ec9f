"""One server of each kind for a whole run of the tests."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from tests.services.mongo import Mongo
from tests.services.mysql import brand, sql_server
from tests.services.private import SCRATCH, DidNotStart, PrivateServer
from tests.services.programs import Missing, can_install, find_library, find_program, install
from tests.services.redis import Redis

# Nothing here outlives the run. What a crash leaves is tested on servers that a test starts for itself.
_HASTY = (
    "--innodb-flush-log-at-trx-commit=2", "--innodb-doublewrite=OFF", "--innodb-flush-method=nosync",
    "--max-connections=500",
)  # fmt: skip
_KINDS: dict[str, tuple[str, Callable[[], PrivateServer]]] = {
    "PEIHU_TEST_MYSQL_URL": (brand(), lambda: sql_server(options=_HASTY)),
    "PEIHU_TEST_REDIS_URL": ("Redis", Redis),
    "PEIHU_TEST_MONGO_URL": ("MongoDB's protocol", Mongo),
}
# What else tests need beside Python, and Debian's package of it.
_PROGRAMS = {
    "mariadbd": "mariadb-server", "mariadb-dump": "mariadb-client", "redis-server": "redis-server",
    "nginx": "nginx-light", "openssl": "openssl", "ip": "iproute2",
}  # fmt: skip
_LIBRARIES = {"faketime/libfaketimeMT.so.1": "libfaketime"}
# Waits until nobody holds the other end of its input, and removes the folder: also after a kill of whoever did.
_BROOM = 'cat >/dev/null; for turn in $(seq 60); do rm -rf -- "$0" && exit; sleep 0.5; done'
_ANSWERS_WITHIN_S = 5.0
_ORDINARY_PORTS = {"mysql+aiomysql": 3306, "redis": 6379, "rediss": 6379, "mongodb": 27017}


class CannotHave(Exception):
    """A server that everything needs and that is not to be had; the text says why and what to do."""


class SharedServers:
    """Starts what the developer did not name, in a folder that vanishes with this process whatever happens.

    `say` gets pieces of lines that tell what is going on; the first run may install packages.
    """

    def __init__(self, *, say: Callable[[str], None]) -> None:
        self._say = say
        self._servers: list[PrivateServer] = []
        self._scratch: Path | None = None
        self._broom: subprocess.Popen[bytes] | None = None

    def start(self) -> dict[str, str]:
        """The environment for the tests. Raises CannotHave; `remove` has to follow in any case."""
        self._scratch = Path(tempfile.mkdtemp(prefix="peihu-test-"))
        self._broom = subprocess.Popen(
            ["sh", "-c", _BROOM, str(self._scratch)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        os.environ[SCRATCH] = str(self._scratch)
        try:
            self._install()
            return dict(self._started())
        except (Missing, DidNotStart) as problem:
            self._say("\n")
            raise CannotHave(str(problem)) from None

    def _install(self) -> None:
        lacking = {package for name, package in _PROGRAMS.items() if find_program(name) is None}
        lacking |= {package for name, package in _LIBRARIES.items() if find_library(name) is None}
        if lacking and can_install():
            self._say(f"installing {', '.join(sorted(lacking))} (a minute, only now) … ")
            install(*sorted(lacking))
            self._say("done\n")

    def _started(self) -> Iterator[tuple[str, str]]:
        for variable, (name, make) in _KINDS.items():
            given = os.environ.get(variable)
            if given:
                _require_somebody_at(given, variable)
                self._say(f"{name}: yours, as {variable} says\n")
                yield variable, given
                continue
            self._say(f"{name}: starting … ")
            began_at = time.monotonic()
            server = make()
            self._servers.append(server)
            server.start()
            self._say(f"port {server.port}, {time.monotonic() - began_at:.1f} s\n")
            yield variable, server.url

    def remove(self) -> None:
        """Stop them and forget their data; repeated calls do nothing."""
        while self._servers:
            self._servers.pop().remove()
        if self._scratch is not None and self._broom is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            os.environ.pop(SCRATCH, None)
            self._broom.communicate()
            self._scratch = None


def _require_somebody_at(url: str, variable: str) -> None:
    """Or a thousand tests would say it. Raises CannotHave."""
    try:
        place = urlsplit(url)
        where = place.hostname, place.port or _ORDINARY_PORTS[place.scheme]
        socket.create_connection(where, timeout=_ANSWERS_WITHIN_S).close()
    except KeyError:
        raise CannotHave(f"{variable} begins with none of {', '.join(_ORDINARY_PORTS)}") from None
    except (OSError, ValueError) as problem:
        raise CannotHave(f"{variable}: nobody answers there ({problem})") from None
