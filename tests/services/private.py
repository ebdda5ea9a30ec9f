"""A server process of our own: a scratch folder, a free port, an end whatever happens."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

_STARTS_WITHIN_S = 60.0
_STOPS_WITHIN_S = 15.0
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)  # opened before any fork
SCRATCH = "PEIHU_TEST_SCRATCH"  # names the folder of a whole run, which goes even when the run is killed


class DidNotStart(Exception):
    """A server that ended or kept silent; the text is the end of its log."""


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class PrivateServer:
    """One process; `kill`, `pause` and `resume` make faults, `start` again continues on the same data."""

    def __init__(self, name: str) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix=f"peihu-{name}-", dir=os.environ.get(SCRATCH)))
        self.port = free_port()
        self._name = name
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.directory / "server.log"

    def launch(self, command: Sequence[str], *, is_ready: Callable[[], bool]) -> None:
        """Start and wait until it answers. Raises DidNotStart."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd=self.directory,
                preexec_fn=die_with_parent,
            )  # fmt: skip
        deadline = time.monotonic() + _STARTS_WITHIN_S
        while time.monotonic() < deadline and self._process.poll() is None:
            if is_ready():
                return
            time.sleep(0.05)
        tail = self.log.read_text(errors="replace")[-2_000:]
        self.stop()
        raise DidNotStart(f"{self._name} did not start; {self.log} ends with:\n{tail}")

    def signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def pause(self) -> None:
        """Returns when all its threads stand still; until then it may still answer."""
        self.signal(signal.SIGSTOP)
        if self._process is not None and self._process.poll() is None:
            os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WNOWAIT)

    def resume(self) -> None:
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """As a power cut does."""
        self.signal(signal.SIGKILL)
        self._await_end()

    def stop(self) -> None:
        """In good order; repeated calls do nothing."""
        self.resume()
        self.signal(signal.SIGTERM)
        self._await_end()

    def _await_end(self) -> None:
        if self._process is None:
            return
        try:
            self._process.wait(_STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def remove(self) -> None:
        """Stop it and forget its data."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


def die_with_parent() -> None:
    """As `preexec_fn` on Linux: whoever started the process and is killed takes it along."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
