"""Servers for a whole run: they end with it, and without them there is none."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fault.server_process import until
from tests.services.demand import everything_must_run, leave_out

_ROOT = Path(__file__).parents[2]
_GONE_WITHIN_S = 30.0
_HOLDER = """
import os, signal, sys
from tests.services.shared import SharedServers
signal.signal(signal.SIGINT, signal.default_int_handler)  # a run in the background was told not to mind it
servers = SharedServers(say=lambda piece: None)
print(servers.start()["PEIHU_TEST_REDIS_URL"], os.environ["PEIHU_TEST_SCRATCH"], flush=True)
signal.pause()
"""
_HARMLESS = {"test_nothing.py": "def test_nothing():\n    pass\n"}
_ASKS = """
import os, socket

def test_redis_listens():
    port = int(os.environ["PEIHU_TEST_REDIS_URL"].rpartition(":")[2].partition("/")[0])
    socket.create_connection(("127.0.0.1", port)).close()
"""


def environment(**more):
    """Without what the run around this test has been told."""
    own = {name: text for name, text in os.environ.items() if not name.startswith(("PEIHU_", "PYTEST_"))}
    return own | more


def pytest_runs(directory, files, *, plugins, options=(), **more):
    """Exit code and everything that a run of these test files prints."""
    for name, content in files.items():
        (directory / name).write_text(content, encoding="utf-8")
    words = [word for plugin in plugins for word in ("-p", plugin)]
    where = ["-c", os.devnull, "--rootdir", str(directory), "--import-mode=importlib", *options, str(directory)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, *where],
        env=environment(PYTHONPATH=str(_ROOT), **more), cwd=directory, capture_output=True, text=True,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def given():
    """The addresses of the run around this one, all but that of Redis: so no other server has to start."""
    if not everything_must_run():
        leave_out("starts servers: python3 run.py test --services")
    return {name: os.environ[name] for name in ("PEIHU_TEST_MYSQL_URL", "PEIHU_TEST_MONGO_URL")}


def _listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.services
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
async def test_servers_and_their_folder_go_with_whoever_started_them_however_it_ends(end, given):
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER], cwd=_ROOT, env=environment(**given), stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    ) as holder:  # fmt: skip
        url, folder = holder.stdout.readline().split()
        port = int(url.rpartition(":")[2].partition("/")[0])
        assert _listens(port) and Path(folder).is_dir()
        holder.send_signal(end)
    await until(lambda: not _listens(port), within_s=_GONE_WITHIN_S, what=f"{url} is still there")
    await until(lambda: not Path(folder).exists(), within_s=_GONE_WITHIN_S, what=f"{folder} is still there")


@pytest.mark.services
def test_a_run_has_its_servers_and_leaves_nothing(tmp_path, given):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    asked = {"PEIHU_TEST_SERVICES": "1", "TMPDIR": str(scratch)} | given
    code, said = pytest_runs(tmp_path, {"test_it.py": _ASKS}, plugins=["tests.services.plugin"], **asked)
    assert code == 0, said
    assert "Redis: starting … port" in said and "MariaDB: yours" in said
    assert [one.name for one in scratch.iterdir() if one.name.startswith("peihu")] == []


@pytest.mark.services
def test_a_server_that_is_not_to_be_had_ends_the_run_with_a_sentence(tmp_path, given):
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "redis-server").write_text("#!/bin/sh\necho 'it is not well'\nexit 1\n", encoding="ascii")
    (programs / "redis-server").chmod(0o755)
    asked = {"PEIHU_TEST_SERVICES": "1", "PATH": f"{programs}:{os.environ['PATH']}"} | given
    code, said = pytest_runs(tmp_path, _HARMLESS, plugins=["tests.services.plugin"], **asked)
    assert code == 1
    assert "redis did not start" in said and "it is not well" in said and "Traceback" not in said


@pytest.mark.services
@pytest.mark.parametrize(
    ("url", "why"),
    [("redis://127.0.0.1:1/0", "nobody answers"), ("redis://127.0.0.1:x/", "nobody answers"), ("http://a", "begins with none")],
)
def test_a_server_of_the_developers_that_is_not_there_ends_the_run_too(tmp_path, given, url, why):
    asked = {"PEIHU_TEST_SERVICES": "1", "PEIHU_TEST_REDIS_URL": url} | given
    code, said = pytest_runs(tmp_path, _HARMLESS, plugins=["tests.services.plugin"], **asked)
    assert code == 1 and "PEIHU_TEST_REDIS_URL" in said and why in said and "Traceback" not in said


def test_servers_are_not_started_unless_they_are_asked_for(tmp_path):
    code, said = pytest_runs(tmp_path, _HARMLESS, plugins=["tests.services.plugin"])
    assert code == 0 and "Redis" not in said
