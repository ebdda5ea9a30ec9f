"""A planted data directory, made once and copied."""
import shutil
import subprocess
import sys

import pytest

from tests.fault.history import History
from tests.fault.server_process import ROOT, ServerProcess, free_port


@pytest.fixture(autouse=True)
def long_patience(request, monkeypatch):
    """A test marked `slow` may take as long as the suite allows any test, not a minute."""
    if request.node.get_closest_marker("slow"):
        monkeypatch.setattr(request.config.option, "async_test_timeout", 290.0)


@pytest.fixture(scope="session")
def planted_dir(tmp_path_factory):
    """A data directory with the newest schema, the sandbox's secrets and the demo world."""
    directory = tmp_path_factory.mktemp("planted")
    environment = {"PEIHU_DATA_DIR": str(directory), "PATH": ""}
    subprocess.run([sys.executable, "run.py", "demo"], cwd=ROOT, env=environment, check=True, capture_output=True)
    return directory


@pytest.fixture
def server(planted_dir, tmp_path):
    """A server process that was not started yet, on a data directory of this test alone."""
    data_dir = tmp_path / "data"
    shutil.copytree(planted_dir, data_dir)
    server = ServerProcess(data_dir, port=free_port(), log=tmp_path / "server.log")
    yield server
    server.put_away()


@pytest.fixture
def history(tmp_path):
    history = History(tmp_path / "history.jsonl")
    yield history
    history.close()
