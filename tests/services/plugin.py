"""What `run.py test --services` adds to pytest."""

import os

import pytest

from tests.services.demand import everything_must_run
from tests.services.shared import CannotHave, SharedServers


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session):
    """The servers, before workers are started: they inherit the addresses."""
    config = session.config
    is_worker = hasattr(config, "workerinput")
    if is_worker or config.option.collectonly or not everything_must_run():
        return
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    servers = SharedServers(say=lambda piece: terminal.write(piece, flush=True))
    config.add_cleanup(servers.remove)
    try:
        os.environ.update(servers.start())
    except CannotHave as problem:
        pytest.exit(str(problem), returncode=1)
