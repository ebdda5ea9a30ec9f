"""What is made once for all the processes that test side by side."""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


def once_a_run(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that `make(folder)` fills in the process that asks first; the others wait, and nobody changes it."""
    shared = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    place = shared / name
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            half = shared / f"{name}.half"
            shutil.rmtree(half, ignore_errors=True)  # of one that failed
            half.mkdir()
            make(half)
            half.rename(place)
    return place
