"""The migrations on MySQL: the same schema, once, whoever starts first, and on from where one was cut off."""

import os
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.engine import make_url

from server.storage import mysql_session
from server.storage.migrate import SchemaTooNew, migrate, newest_revision, open_engine
from server.storage.schema import metadata
from tests.migration.described import differences
from tests.migration.next_version import NEXT, scripts_of_the_next_version
from tests.services.rooms import shared_server
from tests.services.stores import connected

pytestmark = pytest.mark.services

_BYTE_BY_BYTE = "utf8mb4_bin"
_SEARCHED = {("t_caregiver_info", "name"), ("t_caregiver_info", "bio")}
_MIGRATE = "import sys; from sqlalchemy.engine import make_url; from server.storage.migrate import migrate; "
_MIGRATE += "migrate(make_url(sys.argv[1]))"


@pytest.fixture
def url():
    """An empty database of the test's own, made as carelessly as somebody may make it."""
    server = make_url(shared_server("PEIHU_TEST_MYSQL_URL", "MySQL or MariaDB"))
    url = server.set(database=f"peihu_test_migration_{uuid.uuid4().hex[:12]}")
    _tell(server, f"CREATE DATABASE {url.database} CHARACTER SET latin1")
    yield url
    _tell(server, f"DROP DATABASE {url.database}")


def _tell(url, statement):
    with connected(url) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def _differences(url):
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            return differences(connection)
    finally:
        engine.dispose()


def test_an_empty_database_gets_the_described_schema(url):
    applied = migrate(url)
    assert applied[-1] == newest_revision()
    assert _differences(url) == []
    assert migrate(url) == []


def test_tables_are_transactional_and_compare_byte_by_byte_whatever_the_databases_own_charset(url):
    migrate(url)
    here = f"table_schema = '{url.database}'"
    engines = _tell(url, f"SELECT DISTINCT engine FROM information_schema.tables WHERE {here}")
    assert engines == (("InnoDB",),)
    columns = _tell(
        url,
        f"SELECT table_name, column_name, collation_name FROM information_schema.columns WHERE {here} "
        "AND collation_name IS NOT NULL AND table_name <> 'alembic_version'",
    )
    assert len(columns) > 100
    assert {(table, column) for table, column, collation in columns if collation != _BYTE_BY_BYTE} == _SEARCHED


def test_of_several_that_start_together_one_migrates(url):
    with ThreadPoolExecutor(4) as starters:
        applied = list(starters.map(migrate, [url] * 4))
    assert sorted(map(bool, applied)) == [False, False, False, True]
    assert _differences(url) == []


def test_a_migration_that_is_killed_half_way_is_taken_up_where_it_ended(url):
    """Killed at several places: the next one is always done, whatever the last one left."""
    text = url.render_as_string(hide_password=False)
    for tables in (3, 11, 25, 40):
        with subprocess.Popen([sys.executable, "-c", _MIGRATE, text], env=dict(os.environ)) as migrating:
            deadline = time.monotonic() + 60
            while len(_tell(url, "SHOW TABLES")) < tables:
                assert migrating.poll() is None and time.monotonic() < deadline, "it was over before it could be killed"
            migrating.kill()
    assert len(_tell(url, "SHOW TABLES")) < len(metadata.tables)
    assert migrate(url)[-1] == newest_revision()
    assert _differences(url) == []


def test_a_foreign_key_that_went_before_the_migration_died_is_passed_over(url):
    migrate(url, to="0013_claims")
    _tell(url, "ALTER TABLE offer DROP FOREIGN KEY fk_offer_caregiver_id")
    migrate(url)
    assert _differences(url) == []


def test_an_upgrade_that_runs_into_a_lock_of_somebody_who_serves_begins_anew(url, monkeypatch, tmp_path):
    """As in a roll: the version before is still at work."""
    monkeypatch.setattr(mysql_session, "_LOCK_WHILE_MIGRATING_S", 1)
    migrate(url)
    with connected(url) as serving, serving.cursor() as cursor, ThreadPoolExecutor(1) as upgrades:
        cursor.execute("BEGIN")
        cursor.execute("SELECT version_num FROM alembic_version FOR UPDATE")
        upgrade = upgrades.submit(migrate, url, scripts=scripts_of_the_next_version(tmp_path))
        time.sleep(2.5)  # the upgrade gives up waiting at least once
        assert not upgrade.done()
        cursor.execute("ROLLBACK")
        assert upgrade.result(timeout=60) == [NEXT]
    assert _tell(url, "SELECT version_num FROM alembic_version") == ((NEXT,),)
    assert _tell(url, "SHOW TABLES LIKE 'novelty'") == (("novelty",),)
    with pytest.raises(SchemaTooNew):
        migrate(url)  # the older program does not touch it


def test_all_the_way_back_and_up_again(url):
    migrate(url)
    migrate(url, to="0001_identity")
    assert len(_tell(url, "SHOW TABLES")) < 10
    migrate(url)
    assert _differences(url) == []
