"""Brings the schema to the newest version.

Of processes that start together one migrates and the others find it done. On SQLite the upgrade is one IMMEDIATE
transaction. MySQL commits each change of the schema by itself: there a named lock keeps the others out, and an upgrade
that was cut off is taken up where it ended (`resuming.py`). Others may serve meanwhile: what runs into their locks
begins anew.
"""

import hashlib
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, event, inspect, text
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import DBAPIError

from server.storage import resuming
from server.storage.mysql_session import connect_and_wait
from server.storage.mysql_troubles import require_known_server, what_is_wrong
from server.storage.retries import is_transient
from server.storage.schema import metadata

SCRIPTS = Path(__file__).parent / "migrations"
RESTORING = "peihu_restoring"  # a table that is there while a restore fills the database
_TURN_S = 120  # longer than any upgrade of an empty database; who waits in vain says so
_CONNECT_S = 10
_ATTEMPTS = 5


class CannotMigrate(Exception):
    """Why the database cannot be brought to the newest schema, in one sentence for the operator."""


class SchemaTooNew(CannotMigrate):
    """The database was made by a newer version of the program; an older one must not touch it."""


class HalfRestored(CannotMigrate):
    """A restore was cut off; what is there must not be served."""


def _config(connection: Connection | None = None, *, scripts: Path = SCRIPTS) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts))
    config.attributes["connection"] = connection
    config.attributes["metadata"] = metadata
    return config


def newest_revision() -> str:
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def known_revisions(*, scripts: Path = SCRIPTS) -> list[str]:
    """Every revision that this version of the program knows, the newest first."""
    return [one.revision for one in ScriptDirectory.from_config(_config(scripts=scripts)).walk_revisions()]


def migrate(
    url: URL, *, tls: ssl.SSLContext | None = None, to: str = "head", restoring: bool = False, scripts: Path = SCRIPTS
) -> list[str]:
    """Go to the newest revision, or to the named one, which may be an older one; the revisions on the way, in order.

    Raises CannotMigrate. Synchronous: it runs before the server does. `restoring`: the caller is the restore itself.
    """
    engine = open_engine(url, tls=tls)
    try:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with _reached(engine, url) as connection, _alone(connection, url):
                    _require_whole(connection, restoring=restoring)
                    return _go(connection, to, scripts=scripts)
            except DBAPIError as problem:
                if attempt == _ATTEMPTS or not is_transient(problem):
                    raise
            time.sleep(0.5 * attempt)
        raise AssertionError("unreachable")
    except DBAPIError as problem:
        place, reason = url.render_as_string(hide_password=True), what_is_wrong(problem, url)
        raise CannotMigrate(f"the database {place} could not be upgraded: it {reason}") from problem
    finally:
        engine.dispose()


def _require_whole(connection: Connection, *, restoring: bool) -> None:
    if not restoring and inspect(connection).has_table(RESTORING):
        raise HalfRestored("a restore of this database was cut off; run it again: run.py restore SRC --replace")


def open_engine(url: URL, *, tls: ssl.SSLContext | None = None) -> Engine:
    """A synchronous engine, for what happens to a whole store and not in a request."""
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url.set(drivername="sqlite"))
        _begin_immediately(engine)
        return engine
    options = url.translate_connect_args(username="user") | dict(url.query) | {"connect_timeout": _CONNECT_S}
    return create_engine(url.set(drivername="mysql+pymysql"), creator=lambda: connect_and_wait(**options, ssl=tls))


@contextmanager
def _reached(engine: Engine, url: URL) -> Iterator[Connection]:
    try:
        connection = engine.connect()
        if engine.name != "sqlite":
            require_known_server(connection)
    except (DBAPIError, UnicodeError, ValueError, OSError) as problem:  # the driver leaves some as they are
        place = url.render_as_string(hide_password=True)
        raise CannotMigrate(f"the database {place} {what_is_wrong(problem, url)}") from None
    with connection:
        yield connection


@contextmanager
def _alone(connection: Connection, url: URL) -> Iterator[None]:
    """Nobody else migrates this database meanwhile."""
    if connection.dialect.name == "sqlite":
        with connection.begin():
            yield
        return
    name = "peihu.migrate." + hashlib.sha256(str(url.database).encode()).hexdigest()[:32]
    with connection.begin():
        if connection.execute(text("SELECT GET_LOCK(:name, :turn)"), {"name": name, "turn": _TURN_S}).scalar() != 1:
            raise CannotMigrate(f"another process has been migrating the database for {_TURN_S} s; try again later")
    try:
        with connection.begin():
            yield
    finally:
        with suppress(DBAPIError):  # a connection that is gone has given it back
            connection.execute(text("SELECT RELEASE_LOCK(:name)"), {"name": name})


def _go(connection: Connection, to: str, *, scripts: Path) -> list[str]:
    script = ScriptDirectory.from_config(_config(scripts=scripts))
    current = MigrationContext.configure(connection).get_current_revision()
    target = script.get_current_head() if to == "head" else to
    known = known_revisions(scripts=scripts)
    if current == target:
        return []
    if target not in known:
        raise CannotMigrate(f"there is no schema {target}; known are {', '.join(known[::-1])}")
    if current is not None and current not in known:
        raise SchemaTooNew(f"the database is of a newer version of Peihu ({current}); upgrade the program")
    resuming.learn()
    config = _config(connection, scripts=scripts)
    if current is not None and known.index(target) > known.index(current):
        command.downgrade(config, target)
        return known[known.index(current) : known.index(target)]
    command.upgrade(config, target)
    return known[known.index(target) : known.index(current) if current is not None else len(known)][::-1]


def _begin_immediately(engine) -> None:  # type: ignore[no-untyped-def]
    @event.listens_for(engine, "connect")
    def on_connect(connection, _record) -> None:  # type: ignore[no-untyped-def]
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")

    @event.listens_for(engine, "begin")
    def on_begin(connection) -> None:  # type: ignore[no-untyped-def]
        connection.exec_driver_sql("BEGIN IMMEDIATE")
