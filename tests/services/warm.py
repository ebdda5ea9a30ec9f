"""Our program as a process of its own, in a build some three hundred times.

Three quarters of a start are imports. A parent of each worker does them once; every start is a fork of it, in which
`run.py` or `-m module` runs from its first line as if python had just begun. Cold start what the long form measures,
and what gets another environment for python or its libraries than the parent had.
"""

import atexit
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from tests.services.private import die_with_parent

ROOT = Path(__file__).resolve().parents[2]
_IMPORTED = ("server.verbs", "server.upkeep_verbs", "server.serving", "server.chores", "server.storage.migrate")
_OF_PYTHON = ("PYTHON", "LD_", "MALLOC_", "GLIBC_")
_WARMS_WITHIN_S = 60.0
_REQUEST_BYTES = 1 << 20


class WarmProgram:
    """As much of `subprocess.Popen` as tests use."""

    def __init__(self, told: socket.socket) -> None:
        self.returncode: int | None = None
        self._told = told
        told.settimeout(_WARMS_WITHIN_S)
        self.pid = int(told.recv(64))

    def poll(self) -> int | None:
        """Its exit code (minus a signal's number), None while it lives."""
        return self._outcome(0.0)

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired."""
        code = self._outcome(timeout)
        if code is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
        return code

    def _outcome(self, within_s: float | None) -> int | None:
        if self.returncode is None and select.select([self._told], [], [], within_s)[0]:
            self.returncode = int(self._told.recv(64) or -signal.SIGKILL)  # or: who kept it was killed with it
            self._told.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


Program = subprocess.Popen[bytes] | WarmProgram


def launch(
    arguments: Sequence[str], *, environment: Mapping[str, str], output: IO[Any], errors: IO[Any] | None = None,
    root: Path = ROOT,
) -> Program:
    """Python with these arguments in a project's folder; it ends with this process. Both outputs, if not apart."""
    errors = errors or output
    if root != ROOT or not _may_be_warm(environment):
        return subprocess.Popen(
            [sys.executable, *arguments], cwd=root, env=dict(environment), stdin=subprocess.DEVNULL, stdout=output,
            stderr=errors, preexec_fn=die_with_parent,
        )  # fmt: skip
    ours, theirs = _pair()
    with theirs:
        order = json.dumps([list(arguments), dict(environment)]).encode()
        socket.send_fds(_parent(), [order], [output.fileno(), errors.fileno(), theirs.fileno()])
    return WarmProgram(ours)


def finish(
    arguments: Sequence[str], *, environment: Mapping[str, str], timeout_s: float, root: Path = ROOT
) -> "subprocess.CompletedProcess[str]":
    """The same to its end; raises subprocess.TimeoutExpired, and it is over then."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        program = launch(arguments, environment=environment, output=output, errors=errors, root=root)
        try:
            code = program.wait(timeout_s)
        finally:
            program.kill()
        texts = []
        for file in (output, errors):
            file.seek(0)
            texts.append(file.read().decode())
    return subprocess.CompletedProcess(list(arguments), code, *texts)


def _may_be_warm(environment: Mapping[str, str]) -> bool:
    """Only Linux has sockets that keep an order whole and pass files along, and takes a child along with its parent."""
    if sys.platform != "linux" or os.environ.get("PEIHU_TEST_FAULTS") == "long":
        return False
    return _for_python(environment) == _for_python(os.environ)


def _for_python(environment: Mapping[str, str]) -> dict[str, str]:
    own = {name: text for name, text in environment.items() if name.startswith(_OF_PYTHON)}
    own.pop("PYTHONUNBUFFERED", None)
    return own


_kept: list[tuple[socket.socket, subprocess.Popen[bytes]]] = []


def _parent() -> socket.socket:
    """How to talk to it; the first call starts it."""
    if not _kept:
        ours, theirs = _pair()
        with theirs:
            own = {name: text for name, text in os.environ.items() if not name.startswith("PEIHU_")}
            parent = subprocess.Popen(
                [sys.executable, "-m", "tests.services.warm", str(theirs.fileno())], cwd=ROOT, env=own,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=[theirs.fileno()],
            )  # fmt: skip
        _kept.append((ours, parent))
        atexit.register(_end)
    return _kept[0][0]


def _pair() -> tuple[socket.socket, socket.socket]:
    """What is said in two pieces is heard in two, also by who listens late."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def _end() -> None:
    """It ends when nobody can ask it any more, and what still runs ends with it."""
    orders, parent = _kept.pop()
    orders.close()
    parent.wait()


def _be_parent(orders: socket.socket) -> tuple[list[str], dict[str, str]]:
    """Fork for each order. Returns in the programs alone, with what each is to run."""
    for name in _IMPORTED:
        __import__(name)
    gc.collect()
    gc.freeze()  # what is never freed need not be copied
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who keep the programs
    while True:
        order, files, *_ = socket.recv_fds(orders, _REQUEST_BYTES, 3)
        if not order:  # whoever gave them has ended
            sys.exit()
        output, errors, told = files
        if os.fork() == 0:
            orders.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            die_with_parent()
            _keep(told)
            os.dup2(output, 1)
            os.dup2(errors, 2)
            for one in files:
                os.close(one)
            arguments, environment = json.loads(order)
            return arguments, environment
        for one in files:
            os.close(one)


def _keep(told: int) -> None:
    """Returns in the program alone; its parent tells its pid and how it ended."""
    pid = os.fork()
    if pid == 0:
        die_with_parent()
        return
    os.write(told, str(pid).encode())
    _, status = os.waitpid(pid, 0)
    os.write(told, str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _become(arguments: list[str], environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    if environment.get("PYTHONUNBUFFERED"):
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(write_through=True)  # type: ignore[union-attr]
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    _become(*_be_parent(socket.socket(fileno=int(sys.argv[1]))))
