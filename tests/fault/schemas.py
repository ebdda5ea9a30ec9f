"""Databases of one test each on a MySQL server, from one dump."""

import os
import subprocess
import uuid
from pathlib import Path

from sqlalchemy.engine import URL, make_url

from tests.services.mariadb import MariaDb
from tests.services.programs import program
from tests.services.stores import connected

_PACKAGE = "mariadb-client"


def new_schema(server: MariaDb) -> URL:
    """An empty database."""
    url = make_url(server.url).set(database=f"fault_{uuid.uuid4().hex[:12]}")
    _do(server, f"CREATE DATABASE {url.database} CHARACTER SET utf8mb4")
    return url


def drop_schema(server: MariaDb, url: URL) -> None:
    _do(server, f"DROP DATABASE {url.database}")


def shown(url: URL) -> str:
    """With its password."""
    return url.render_as_string(hide_password=False)


def dump(url: URL, to: Path) -> None:
    with to.open("wb") as file:
        subprocess.run(_client("mariadb-dump", url), env=_environment(url), stdout=file, check=True)


def load(url: URL, dumped: Path) -> None:
    with dumped.open("rb") as file:
        subprocess.run(_client("mariadb", url), env=_environment(url), stdin=file, check=True)


def _client(name: str, url: URL) -> list[str]:
    where = ["--no-defaults", f"--host={url.host}", f"--port={url.port}", f"--user={url.username}"]
    return [program(name, _PACKAGE), *where, str(url.database)]


def _environment(url: URL) -> dict[str, str]:
    return os.environ | {"MYSQL_PWD": str(url.password)}


def _do(server: MariaDb, statement: str) -> None:
    with connected(make_url(server.url)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
