"""Brings the schema to the newest version.

Alembic's own lock on its version row does not exist on SQLite, so the upgrade runs in one IMMEDIATE
transaction there: of two processes that start together one migrates and the other finds it done.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import DBAPIError

from server.storage.schema import metadata

_SCRIPTS = Path(__file__).parent / "migrations"


class CannotMigrate(Exception):
    """Why the database cannot be brought to the newest schema, in one sentence for the operator."""


class SchemaTooNew(CannotMigrate):
    """The database was made by a newer version of the program; an older one must not touch it."""


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    config.attributes["metadata"] = metadata
    return config


def newest_revision() -> str:
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def migrate(url: URL) -> list[str]:
    """Upgrade to the newest revision; returns the revisions that were applied, oldest first.

    Raises CannotMigrate. Synchronous: it runs before the server does.
    """
    engine = create_engine(_synchronous(url))
    if url.get_backend_name() == "sqlite":
        _begin_immediately(engine)
    try:
        _reach(engine, url)
        with engine.begin() as connection:
            return _upgrade(connection)
    finally:
        engine.dispose()


def _reach(engine: Engine, url: URL) -> None:
    try:
        engine.connect().close()
    except DBAPIError as problem:
        place, reason = url.render_as_string(hide_password=True), " ".join(str(problem.orig).split())
        raise CannotMigrate(f"the database {place} cannot be used ({reason})") from None


def _upgrade(connection: Connection) -> list[str]:
    script = ScriptDirectory.from_config(_config())
    current = MigrationContext.configure(connection).get_current_revision()
    if current == script.get_current_head():
        return []
    if current is not None and current not in {revision.revision for revision in script.walk_revisions()}:
        raise SchemaTooNew(f"the database is of a newer version of Peihu ({current}); upgrade the program")
    ahead = [revision.revision for revision in script.iterate_revisions("head", current or "base")]
    command.upgrade(_config(connection), "head")
    return ahead[::-1]


def _synchronous(url: URL) -> URL:
    driver = {"sqlite": "sqlite", "mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql"}
    return url.set(drivername=driver[url.get_backend_name()])


def _begin_immediately(engine) -> None:  # type: ignore[no-untyped-def]
    @event.listens_for(engine, "connect")
    def on_connect(connection, _record) -> None:  # type: ignore[no-untyped-def]
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")

    @event.listens_for(engine, "begin")
    def on_begin(connection) -> None:  # type: ignore[no-untyped-def]
        connection.exec_driver_sql("BEGIN IMMEDIATE")
