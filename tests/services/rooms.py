"""The part of a shared server that a test process has for itself."""

import os
import time
from urllib.parse import urlsplit

import pytest
from pymongo import MongoClient
from sqlalchemy.engine import URL, make_url

from server.core.ids import new_id
from tests.services.both_brands import insist
from tests.services.demand import everything_must_run, leave_out
from tests.services.redis_groups import RedisCluster, WatchedRedis
from tests.services.stores import connections_to, drop_database, end_connections, new_database

_GOES_WITHIN_S = 5.0  # a server takes a moment to see that somebody has gone
_made: list[URL] = []
_NUMBERED = 15  # databases of a Redis that nobody changed, but for the first: that is everybody's


def shared_server(variable: str, name: str) -> str:
    """Its address: that of `run.py test --services`, or the developer's own; without one the test is left out."""
    url = os.environ.get(variable)
    if not url:
        leave_out(f"needs {name}: python3 run.py test --services, or {variable}")
    return url


def worker() -> str:
    """Which of the processes that test side by side this one is."""
    return os.environ.get("PYTEST_XDIST_WORKER", "gw0")


@pytest.fixture(scope="session")
def mysql_database():
    """A migrated database of this process; whoever uses it empties it first."""
    server = make_url(shared_server("PEIHU_TEST_MYSQL_URL", "MySQL or MariaDB"))
    insist()
    url = new_database(server, f"{worker()}_{os.getpid()}")
    _made.append(url)
    yield url
    _made.remove(url)
    drop_database(url)


@pytest.fixture(autouse=True)
def nobody_stays_connected():
    """A test that leaves a connection to MySQL fails, and not a later one that wants to be alone there."""
    yield
    for url in _made:
        give_up_at = time.monotonic() + _GOES_WITHIN_S
        while (there := connections_to(url)) and time.monotonic() < give_up_at:
            time.sleep(0.01)
        end_connections(url, [one[0] for one in there])  # the next test is not to suffer for it
        assert there == []


@pytest.fixture
def mongo_url():
    """An empty database of this test alone; it is dropped afterwards."""
    server = shared_server("PEIHU_TEST_MONGO_URL", "MongoDB")
    where, _, options = server.partition("?")
    name = f"peihu_test_{new_id()}"
    yield f"{where.rstrip('/')}/{name}" + (f"?{options}" if options else "")
    with MongoClient(server, timeoutMS=5_000) as client:
        client.drop_database(name)


@pytest.fixture
def redis_url():
    """A numbered database of this process; also what is published there is heard by nobody else."""
    url = urlsplit(shared_server("PEIHU_TEST_REDIS_URL", "Redis"))
    number = int(worker().removeprefix("gw")) % _NUMBERED + 1
    return url._replace(path=f"/{number}").geturl()


@pytest.fixture(scope="session")
def watched_redis():
    """A Redis under Sentinels that no test breaks."""
    yield from _started(WatchedRedis)


@pytest.fixture(scope="session")
def redis_cluster():
    """A Redis Cluster that no test breaks."""
    yield from _started(RedisCluster)


def _started(kind):
    if not everything_must_run():
        leave_out("needs servers of its own: python3 run.py test --services")
    group = kind()
    try:
        group.start()
        yield group
    finally:
        group.remove()
