"""Node with the packages of the official JavaScript client."""
import os
import shutil
import subprocess
from pathlib import Path

import pytest

JAVASCRIPT = Path(__file__).resolve().parent / "js"
_INSTALLS_WITHIN_S = 180


def _missing(reason: str) -> None:
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def node() -> str:
    """Node with the packages of package-lock.json, installed on first use."""
    found, npm = shutil.which("node"), shutil.which("npm")
    if found is None or npm is None:
        _missing("Node is not installed: apt install nodejs npm")
    lock, kept = JAVASCRIPT / "package-lock.json", JAVASCRIPT / "node_modules" / ".installed-lock"
    if not kept.exists() or kept.read_bytes() != lock.read_bytes():
        done = subprocess.run([npm, "ci", "--silent"], cwd=JAVASCRIPT, timeout=_INSTALLS_WITHIN_S, capture_output=True)
        if done.returncode != 0:
            _missing(f"the packages of tests/e2e/js cannot be installed: {done.stderr.decode()[-300:]}")
        kept.write_bytes(lock.read_bytes())
    return found
