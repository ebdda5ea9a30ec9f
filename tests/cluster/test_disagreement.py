"""Instances that do not agree, over MySQL and Redis: whoever is wrong is told what, the others serve on."""

import asyncio
import os
import subprocess
import sys
import uuid

import pytest
from sqlalchemy.engine import make_url

from config.load import load_settings
from server.keeping.schema import CannotGoBack, go_to
from server.outside import bring_up_to_date
from server.storage.migrate import SchemaTooNew, known_revisions, migrate
from tests.fault.live_client import Lost
from tests.fault.people import Site
from tests.fault.schemas import shown
from tests.fault.server_process import ROOT, ServerProcess, free_port, until
from tests.fault.test_clock_steps import Clock
from tests.services.demand import leave_out
from tests.services.programs import Missing
from tests.services.rooms import shared_server
from tests.services.stores import connected

pytestmark = [pytest.mark.slow, pytest.mark.services]

NEWEST, BEFORE = known_revisions()[:2]
_SECRETS = ("JWT_SECRET", "SERVICE_KEY", "FIELD_KEY")
_ENDS_WITHIN_S = 120.0  # who is refused is so after two seconds on a machine that is not busy


class Seconds(Clock):
    """A clock that is off by so much."""

    async def ahead(self, seconds):
        await self.say(f"{seconds:+d}")


@pytest.fixture
def url():
    """A database of the version before."""
    server = make_url(shared_server("PEIHU_TEST_MYSQL_URL", "MySQL or MariaDB"))
    url = server.set(database=f"peihu_test_disagree_{uuid.uuid4().hex[:12]}")
    _tell(server, f"CREATE DATABASE {url.database} CHARACTER SET utf8mb4")
    migrate(url, to=BEFORE)
    yield url
    _tell(server, f"DROP DATABASE {url.database}")


@pytest.fixture
def shared(url, redis_url):
    """What all instances have in their environment."""
    secrets = {f"PEIHU_{name}": f"{name} of all instances".ljust(40, "x") for name in _SECRETS}
    return secrets | {"PEIHU_DATABASE_URL": shown(url), "PEIHU_REDIS_URL": redis_url}


@pytest.fixture
def first(shared, tmp_path):
    """The instance that was there before."""
    first = _instance(tmp_path, "first", shared)
    yield first
    first.put_away()


@pytest.fixture
def clock(tmp_path):
    try:
        return Seconds(tmp_path / "clock")
    except Missing as missing:
        leave_out(str(missing))


@pytest.fixture
def late(shared, clock, tmp_path):
    """An instance with a clock of its own."""
    late = _instance(tmp_path, "late", shared | clock.environment)
    yield late
    late.put_away()


def _instance(tmp_path, name, environment):
    return ServerProcess(
        tmp_path / name, port=free_port(), log=tmp_path / f"{name}.log", environment=environment
    )


def _tell(url, statement):
    with connected(url) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def _serve(tmp_path, environment):
    """Exit code of an instance that is refused, and what it says, which is one line."""
    own = {name: text for name, text in os.environ.items() if not name.startswith("PEIHU_")}
    own |= environment | {"PEIHU_DATA_DIR": str(tmp_path / "second")}
    command = [sys.executable, "run.py", "serve", "--port", str(free_port())]
    ended = subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True, timeout=_ENDS_WITHIN_S)
    said = ended.stderr.strip()
    assert "\n" not in said, said
    return ended.returncode, said


async def _readiness(one):
    """Status, what fails, what is degraded."""
    site = Site(one.url)
    try:
        answer = await site.call("GET", "/readyz")
    finally:
        site.close()
    return answer.status, answer.data["failing"], answer.data["degraded"]


async def _comes_to(one, wanted):
    """Let every job look, as they do when business time jumps, and see."""
    site = Site(one.url)
    try:
        await site.call("POST", "/sandbox/clock", body={"advance_s": 1})
        return await _readiness(one) == wanted
    except Lost:
        return False  # not up yet
    finally:
        site.close()


async def test_another_secret_or_version_is_refused_while_the_first_instance_serves_on(first, shared, url, tmp_path):
    """The first one brings the schema up; a second one comes with other secrets, then after a newer version."""
    first.start()
    await first.ready(within_s=_ENDS_WITHIN_S)
    assert _tell(url, "SELECT version_num FROM alembic_version") == ((NEWEST,),)

    code, said = await asyncio.to_thread(_serve, tmp_path, shared | {f"PEIHU_{name}": "y" * 40 for name in _SECRETS})
    assert code == 2 and all(f"PEIHU_{name}" in said for name in _SECRETS)
    assert "not the secret of the other instances" in said

    settings = load_settings(None, shared | {"PEIHU_DATA_DIR": str(tmp_path / "third")})
    with pytest.raises(CannotGoBack, match="an instance is serving .*: stop all of them first"):
        go_to(settings, BEFORE, may_go_back=True)
    _tell(url, "UPDATE alembic_version SET version_num = '9001_next'")
    with pytest.raises(SchemaTooNew, match=r"of a newer version of Peihu \(9001_next\); upgrade the program"):
        bring_up_to_date(settings)
    _tell(url, f"UPDATE alembic_version SET version_num = '{NEWEST}'")

    assert await _readiness(first) == (200, [], [])


async def test_a_clock_that_is_off_takes_its_own_instance_out_of_service(first, late, clock):
    first.start()
    await first.ready(within_s=_ENDS_WITHIN_S)
    await clock.ahead(60)
    late.start()
    for ahead_s, wanted in ((60, (503, ["clock"], [])), (10, (200, [], ["clock"])), (0, (200, [], []))):
        await clock.ahead(ahead_s)
        await until(
            lambda wanted=wanted: _comes_to(late, wanted), within_s=_ENDS_WITHIN_S, what=f"{ahead_s} s: {wanted}"
        )
        assert await _readiness(first) == (200, [], [])
