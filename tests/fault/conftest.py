"""Planted stores, and servers on them that a test may break."""

import shutil
from contextlib import contextmanager

import pytest

from tests.fault.cluster import Breakable, Cluster, plant
from tests.fault.history import History
from tests.fault.proxy import Proxy
from tests.fault.schemas import drop_schema, dump, load, new_schema, shown
from tests.fault.server_process import ServerProcess, free_port
from tests.fault.settled import join
from tests.services.demand import everything_must_run, leave_out
from tests.services.mongo import Mongo
from tests.services.mysql import sql_server
from tests.services.once import once_a_run
from tests.services.redis import Redis


@pytest.fixture(autouse=True)
def long_patience(request, monkeypatch):
    """A test marked `slow` may take as long as the suite allows any test, or it itself, not a minute."""
    if request.node.get_closest_marker("slow"):
        own = request.node.get_closest_marker("timeout")
        monkeypatch.setattr(request.config.option, "async_test_timeout", (own.args[0] if own else 300.0) - 10.0)


@pytest.fixture(scope="session")
def planted_dir(tmp_path_factory):
    """A data directory with the newest schema, the sandbox's secrets and the demo world."""
    return once_a_run(tmp_path_factory, "planted_by_verb", lambda folder: plant({"PEIHU_DATA_DIR": str(folder)}))


@pytest.fixture
def server(planted_dir, tmp_path):
    """A server process that was not started yet, on a data directory of this test alone."""
    data_dir = tmp_path / "data"
    shutil.copytree(planted_dir, data_dir)
    server = ServerProcess(data_dir, port=free_port(), log=tmp_path / "server.log")
    yield server
    server.put_away()


@pytest.fixture
def alone(planted_dir, tmp_path):
    """One instance that has everything in itself, and what can befall it."""
    shutil.copytree(planted_dir, tmp_path / "data")
    cluster = Cluster(tmp_path / "data", instances=1, where=tmp_path / "data" / "peihu.db")
    yield cluster, ("kill",)
    cluster.put_away()


@pytest.fixture(scope="session")
def mariadb():
    """A database server of these tests alone: they kill it."""
    with _running(sql_server) as server:
        yield server


@contextmanager
def _running(kind):
    if not everything_must_run():
        leave_out("needs servers of its own to break: python3 run.py test --services")
    server = Breakable(kind())
    try:
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def planted_mariadb(mariadb, tmp_path_factory):
    """The demo world on MariaDB, made once: (its data directory, a dump of its database)."""

    def make(folder):
        url = new_schema(mariadb.server)
        plant({"PEIHU_DATA_DIR": str(folder / "data"), "PEIHU_DATABASE_URL": shown(url)})
        dump(url, folder / "dump.sql")
        drop_schema(mariadb.server, url)

    directory = once_a_run(tmp_path_factory, "planted_mariadb", make)
    return directory / "data", directory / "dump.sql"


@pytest.fixture
def mysql_url(mariadb, planted_mariadb, tmp_path):
    """A database of the test's own with the demo world, and its data directory in `tmp_path / "data"`."""
    directory, dumped = planted_mariadb
    shutil.copytree(directory, tmp_path / "data")
    url = new_schema(mariadb.server)
    load(url, dumped)
    yield url
    drop_schema(mariadb.server, url)


@pytest.fixture
def on_mariadb(mariadb, mysql_url, tmp_path):
    """One instance over MariaDB, which it reaches through a proxy that the test opens: (cluster, proxy)."""
    proxy = Proxy(mariadb.server.port, port=free_port())
    environment = {"PEIHU_DATABASE_URL": shown(mysql_url.set(port=proxy.port))}
    cluster = Cluster(
        tmp_path / "data", instances=1, where=shown(mysql_url), environment=environment, stores={"database": mariadb}
    )
    yield cluster, proxy
    cluster.put_away()


@pytest.fixture(scope="session")
def redis():
    """A Redis of these tests alone: they kill it."""
    with _running(Redis) as server:
        yield server


@pytest.fixture(scope="session")
def mongodb():
    """A MongoDB of these tests alone: they kill it."""
    with _running(Mongo) as server:
        yield server


@pytest.fixture
def clustered(mariadb, redis, mongodb, mysql_url, tmp_path):
    """Two instances over MariaDB, Redis and MongoDB, where events settle after a second; and what can befall them."""
    environment = {
        "PEIHU_DATABASE_URL": shown(mysql_url),
        "PEIHU_REDIS_URL": redis.server.url,
        "PEIHU_MONGO_URL": f"{mongodb.server.url}{mysql_url.database}",
        "PEIHU_MONGO__SETTLE_AFTER_H": "0.0003",
        "PEIHU_MONGO__SETTLE_BEYOND": "2",
    }
    join(shown(mysql_url))
    cluster = Cluster(
        tmp_path / "data",
        instances=2,
        where=shown(mysql_url),
        environment=environment,
        stores={"database": mariadb, "redis": redis, "mongo": mongodb},
    )
    yield cluster, ("kill", "redis-stop", "redis-pause", "db-restart", "mongo-kill", "drain")
    cluster.put_away()


@pytest.fixture(
    params=[pytest.param("alone", id="embedded"), pytest.param("clustered", marks=pytest.mark.services, id="clustered")]
)
def any_cluster(request):
    """A cluster that was not opened yet, and the faults that it can have."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def history(tmp_path):
    history = History(tmp_path / "history.jsonl")
    yield history
    history.close()
