"""The migrations make exactly the schema that the code describes."""

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from server.storage.migrate import SchemaTooNew, migrate, newest_revision
from tests.migration.described import differences


@pytest.fixture
def url(tmp_path):
    return make_url(f"sqlite+aiosqlite:///{tmp_path / 'peihu.db'}")


def test_migrating_an_empty_database_gives_the_described_schema(url):
    applied = migrate(url)
    assert applied[-1] == newest_revision()
    engine = create_engine(url.set(drivername="sqlite"))
    with engine.connect() as connection:
        assert differences(connection) == []
    engine.dispose()


def test_migrating_twice_changes_nothing(url):
    migrate(url)
    assert migrate(url) == []


def test_a_database_of_a_newer_program_is_refused(url):
    migrate(url)
    engine = create_engine(url.set(drivername="sqlite"))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999_from_the_future'"))
    engine.dispose()
    with pytest.raises(SchemaTooNew):
        migrate(url)
