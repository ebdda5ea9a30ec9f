"""Node with the packages of the official JavaScript client."""
import fcntl
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.services.demand import leave_out

JAVASCRIPT = Path(__file__).resolve().parent / "js"
_INSTALLS_WITHIN_S = 180


@pytest.fixture(scope="module")
def node() -> str:
    """Node with the packages of package-lock.json, installed on first use."""
    found, npm = shutil.which("node"), shutil.which("npm")
    if found is None or npm is None:
        leave_out("Node is not installed: apt-get install nodejs npm")
    with (JAVASCRIPT / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # who tests beside us wants them too
        _install(npm, wanted=lock.read())
    return found


def _install(npm: str, *, wanted: bytes) -> None:
    kept = JAVASCRIPT / "node_modules" / ".installed-lock"
    if kept.exists() and kept.read_bytes() == wanted:
        return
    done = subprocess.run([npm, "ci", "--silent"], cwd=JAVASCRIPT, timeout=_INSTALLS_WITHIN_S, capture_output=True)
    if done.returncode != 0:
        leave_out(f"the packages of tests/e2e/js cannot be installed: {done.stderr.decode()[-300:]}")
    kept.write_bytes(wanted)
