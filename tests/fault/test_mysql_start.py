"""A MySQL that cannot be used is told at start: one sentence, what to do, and no password in it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from config.load import load_settings
from server.outside import CannotOpen, bring_up_to_date, database_url, open_database
from server.storage.migrate import CannotMigrate
from tests.cluster.nginx import make_certificate
from tests.fault.cluster import Breakable
from tests.fault.schemas import drop_schema, new_schema
from tests.services.demand import everything_must_run, leave_out
from tests.services.mariadb import PASSWORD
from tests.services.mysql import sql_server
from tests.services.private import free_port
from tests.services.stores import connected

pytestmark = pytest.mark.services

_ROOT = Path(__file__).parents[2]
_GIVEN_UP_WITHIN_S = 15.0


@pytest.fixture
def mysql_url(mariadb):
    """An empty database of the test's own."""
    url = new_schema(mariadb.server)
    yield url
    drop_schema(mariadb.server, url)


@pytest.fixture
def settings(tmp_path):
    def make(url, **database):
        names = {f"PEIHU_DATABASE__{name.upper()}": str(value) for name, value in database.items()}
        environment = {"PEIHU_DATA_DIR": str(tmp_path), "PEIHU_DATABASE_URL": str(url), **names}
        return load_settings(None, environment)

    return make


def _with_password(url):
    return url.render_as_string(hide_password=False)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nonsense", "is not a URL"),
        ("mysql+aiomysql://u:secret@host:port/peihu", "is not a URL"),
        ("mysql://u:secret@host/peihu", "mysql cannot be opened; expected mysql+aiomysql://"),
        ("mysql+pymysql://u:secret@host/peihu", "expected mysql+aiomysql://"),
        ("postgresql://u:secret@host/peihu", "expected mysql+aiomysql://"),
        ("mysql+aiomysql://u:secret@host", "has no database"),
        ("mysql+aiomysql://host/peihu", "has no username"),
        ("mysql+aiomysql://u:secret@host/peihu?ssl_ca=x&local_infile=1", "leave out ?local_infile&ssl_ca"),
        ("mysql+aiomysql://u:secret@host/peihu?charset=latin1", "leave out ?charset"),
    ],
)
def test_a_url_that_cannot_be_meant(settings, url, says):
    with pytest.raises(CannotOpen) as told:
        database_url(settings(url))
    assert says in str(told.value)
    assert "secret" not in str(told.value)


def test_what_the_server_says_no_to(settings, mysql_url):
    wrong = {
        "wrong user name or password": mysql_url.set(password="not the secret"),
        "CREATE DATABASE nowhere": mysql_url.set(database="nowhere"),
        "cannot be reached at 127.0.0.1": mysql_url.set(port=free_port()),
        "cannot be reached at no.such.host.invalid": mysql_url.set(host="no.such.host.invalid"),
        "characters that the server's login does not take": mysql_url.set(password="密码"),
    }
    for says, url in wrong.items():
        with pytest.raises(CannotMigrate) as told:
            bring_up_to_date(settings(_with_password(url)))
        assert says in str(told.value)
        assert str(url.password) not in str(told.value) and PASSWORD not in str(told.value)


def test_an_account_without_rights_is_told_what_to_grant(settings, mariadb, mysql_url):
    with connected(make_url(mariadb.server.url)) as connection, connection.cursor() as cursor:
        cursor.execute("DROP USER IF EXISTS 'guest'@'127.0.0.1'")
        cursor.execute("CREATE USER 'guest'@'127.0.0.1' IDENTIFIED BY 'p'")
    url = mysql_url.set(username="guest", password="p")
    with pytest.raises(CannotMigrate, match="grant it all rights on"):
        bring_up_to_date(settings(_with_password(url)))


def test_a_server_that_takes_the_connection_and_keeps_silent_is_given_up(settings, mariadb, mysql_url):
    mariadb.pause()
    began_at = time.monotonic()
    try:
        with pytest.raises(CannotMigrate, match="cannot be reached"):
            bring_up_to_date(settings(_with_password(mysql_url)))
    finally:
        mariadb.resume()
    assert time.monotonic() - began_at < _GIVEN_UP_WITHIN_S


def test_the_verb_says_the_sentence_and_nothing_else(mysql_url, tmp_path):
    url = _with_password(mysql_url.set(database="nowhere"))
    environment = dict(os.environ) | {"PEIHU_DATA_DIR": str(tmp_path), "PEIHU_DATABASE_URL": url}
    words = "from server.verbs import app; app()"
    for verb in ("migrate", "serve"):
        done = subprocess.run(
            [sys.executable, "-c", words, verb], env=environment, cwd=_ROOT, capture_output=True, text=True, timeout=60
        )
        assert done.returncode != 0
        assert "CREATE DATABASE nowhere" in done.stderr
        assert "Traceback" not in done.stderr and PASSWORD not in done.stderr + done.stdout


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    if not everything_must_run():
        leave_out("needs a server of its own: python3 run.py test --services")
    directory = tmp_path_factory.mktemp("tls")
    return make_certificate(directory)


@pytest.fixture(scope="module")
def encrypted(authority):
    """A server with a certificate for localhost, and a database on it."""
    files = authority.parent
    server = Breakable(
        sql_server(options=[f"--ssl-cert={files / 'fullchain.pem'}", f"--ssl-key={files / 'key.pem'}"])
    )
    url = make_url(server.server.url).set(database="encrypted")
    with connected(make_url(server.server.url)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE encrypted")
        cursor.execute("CREATE USER 'careful'@'%' IDENTIFIED BY 'p' REQUIRE SSL")
        cursor.execute("GRANT ALL ON encrypted.* TO 'careful'@'%'")
    yield url.set(username="careful", password="p", host="localhost")
    server.remove()


async def _cipher(settings):
    database = open_database(settings)
    try:
        async with database.read() as tx:
            row = await tx.one(text("SHOW STATUS LIKE 'Ssl_cipher'"))
            return row["Value"]
    finally:
        await database.close()


async def test_with_its_authority_a_server_is_spoken_to_over_tls(settings, authority, encrypted):
    chosen = settings(_with_password(encrypted), tls_ca_file=authority)
    bring_up_to_date(chosen)
    assert await _cipher(chosen)


def test_a_server_that_wants_tls_is_told_so_when_none_is_set(settings, encrypted):
    with pytest.raises(CannotMigrate):
        bring_up_to_date(settings(_with_password(encrypted)))


def test_a_certificate_of_another_authority_is_not_trusted(settings, encrypted, tmp_path):
    stranger = make_certificate(tmp_path)
    with pytest.raises(CannotMigrate, match="over TLS"):
        bring_up_to_date(settings(_with_password(encrypted), tls_ca_file=stranger))


async def test_a_certificate_for_another_name_is_refused_unless_names_do_not_matter(settings, authority, encrypted):
    elsewhere = _with_password(encrypted.set(host="127.1"))
    with pytest.raises(CannotMigrate, match="over TLS"):
        bring_up_to_date(settings(elsewhere, tls_ca_file=authority))
    chosen = settings(elsewhere, tls_ca_file=authority, tls_verify_host=False)
    bring_up_to_date(chosen)
    assert await _cipher(chosen)


async def test_a_server_without_tls_is_told_nothing_when_tls_was_asked_for(settings, authority, mysql_url):
    chosen = settings(_with_password(mysql_url), tls_ca_file=authority)
    with pytest.raises(CannotMigrate, match="offers no TLS"):
        bring_up_to_date(chosen)
    with pytest.raises(Exception, match="unavailable"):
        await _cipher(chosen)


def test_a_file_that_is_no_authority_is_told_before_anybody_is_asked(settings, tmp_path):
    (tmp_path / "empty.pem").write_text("")
    for name in ("empty.pem", "nowhere.pem"):
        with pytest.raises(CannotOpen, match="tls_ca_file"):
            bring_up_to_date(settings("mysql+aiomysql://u:p@host/peihu", tls_ca_file=tmp_path / name))
