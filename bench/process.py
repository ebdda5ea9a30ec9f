"""A server as a process of its own, pinned to one core."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_STOPS_WITHIN_S = 20.0
_POLL_S = 0.05


class DidNotStart(Exception):
    """A server that ended or kept silent; the text is the end of what it printed."""


class Process:
    """Started by the constructor's `command`; `stop` it whatever happens."""

    def __init__(
        self, command: Sequence[str], *, core: int, log_file: Path, cwd: Path, settings: Mapping[str, str] | None = None
    ) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PEIHU_")}
        self._log_file = log_file
        with log_file.open("wb") as log:
            self._process = subprocess.Popen(
                command, cwd=cwd, env=environment | dict(settings or {}), stdout=log, stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL, preexec_fn=lambda: os.sched_setaffinity(0, {core}),
            )  # fmt: skip

    @property
    def pid(self) -> int:
        return self._process.pid

    def printed(self) -> str:
        return self._log_file.read_text(encoding="utf-8", errors="replace")

    def await_line(self, pattern: str, *, within_s: float) -> re.Match[str]:
        """The first match in what it prints. Raises DidNotStart."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            found = re.search(pattern, self.printed())
            if found:
                return found
            if self._process.poll() is not None:
                break
            time.sleep(_POLL_S)
        raise DidNotStart(self.printed()[-2_000:] or "it printed nothing")

    def cpu_s(self) -> float:
        """Seconds of processor time so far, all threads, user and system."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S

    def resident_bytes(self) -> int:
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * _PAGE_BYTES

    def stop(self) -> None:
        """SIGTERM, and SIGKILL for who does not listen; repeated calls do nothing."""
        if self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
