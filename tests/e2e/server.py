"""The real program as a process of its own, started and stopped.

One world is planted a session; every module gets a copy of it, so that modules neither wait nor meet.
"""
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.services.once import once_a_run
from tests.services.warm import Program, finish, launch

ROOT = Path(__file__).resolve().parents[2]
ADMIN_PASSWORD = "an administrator's"
STOPS_WITHIN_S = 15.0  # contract.md §1: SIGTERM drains, then the exit code is 0
_STARTS_WITHIN_S = 90.0  # planting the demo world on a machine that is busy with other things
_ADDRESS = re.compile(r"is running at http://127\.0\.0\.1:(\d+)")
# Load comes from one address and one person in these tests; the limits have tests of their own.
_ROOMY = {"PEIHU_WS__RPC_PER_S": "100000", "PEIHU_WS__CONNECTIONS_PER_USER": "1000"}

T = TypeVar("T")


def until(probe: Callable[[], T], *, within_s: float = 10.0, what: str = "it") -> T:
    """The first truthy result of `probe`; fails the test when none came in time."""
    deadline, pause = time.monotonic() + within_s, threading.Event()
    while not (found := probe()):
        assert time.monotonic() < deadline, f"{what} did not happen within {within_s:g} s"
        pause.wait(0.05)
    return found


@dataclass
class Served:
    """A running server: where it listens, where it keeps its data and what it has printed."""

    process: Program
    port: int
    data_dir: Path
    log_file: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def printed(self) -> str:
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def stop(self) -> None:
        """SIGTERM; it must leave by itself with exit code 0."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            pytest.fail(f"the server did not stop within {STOPS_WITHIN_S:g} s of SIGTERM:\n{self.printed()[-2_000:]}")
        assert code == 0, f"exit code {code}:\n{self.printed()[-2_000:]}"


def environment(data_dir: Path, settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """The caller's environment without any PEIHU_ of its own, plus these settings."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PEIHU_")}
    return plain | {"PEIHU_DATA_DIR": str(data_dir)} | dict(settings or {})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def spawn(data_dir: Path, *, port: int = 0, settings: Mapping[str, str] | None = None, root: Path = ROOT) -> Served:
    """`run.py serve` in its own process; returns when it greets."""
    log_file = data_dir.parent / f"{data_dir.name}.log"
    before = len(log_file.read_text(encoding="utf-8")) if log_file.exists() else 0
    with log_file.open("ab") as log:
        process = launch(
            ("run.py", "serve", "--port", str(port)), environment=environment(data_dir, settings), output=log, root=root
        )
    served = Served(process, port, data_dir, log_file)

    def greeted() -> Any:
        assert process.poll() is None, f"the server ended with {process.poll()}:\n{served.printed()[-4_000:]}"
        return _ADDRESS.findall(served.printed()[before:])

    try:
        served.port = int(until(greeted, within_s=_STARTS_WITHIN_S, what="the greeting")[-1])
    except BaseException:
        process.kill()
        process.wait()
        raise
    return served


def make_administrator(data_dir: Path, phone: str) -> None:
    """`run.py admin create` beside a running server."""
    command = ["admin", "create", "--username", "值班", "--phone", phone, "--password", ADMIN_PASSWORD]
    done = run(*command, data_dir=data_dir)
    assert done.returncode == 0, done.stderr


def run(*arguments: str, data_dir: Path, settings: Mapping[str, str] | None = None, root: Path = ROOT) -> Any:
    """One verb of run.py to its end; `returncode`, `stdout` and `stderr` as text."""
    return finish(
        ("run.py", *arguments), environment=environment(data_dir, settings), timeout_s=_STARTS_WITHIN_S, root=root
    )


@contextmanager
def serving(
    data_dir: Path, *, settings: Mapping[str, str] | None = None, root: Path = ROOT
) -> Iterator[Served]:
    """A server for a block; stopped properly even when the block fails."""
    served = spawn(data_dir, settings=_ROOMY | dict(settings or {}), root=root)
    try:
        yield served
    finally:
        if served.process.poll() is None:
            served.stop()


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the demo world, made by a first start and left by a clean stop."""
    return once_a_run(tmp_path_factory, "planted", lambda folder: spawn(folder / "var").stop()) / "var"


@pytest.fixture(scope="module")
def world(planted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the planted world for one module."""
    data_dir = tmp_path_factory.mktemp("world") / "var"
    shutil.copytree(planted, data_dir)
    return data_dir


@pytest.fixture(scope="module")
def served(world: Path) -> Iterator[Served]:
    """The server of one module, in the demo world."""
    with serving(world) as running:
        yield running
