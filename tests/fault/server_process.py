"""A real server process that a test may kill."""
import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

from tornado.httpclient import AsyncHTTPClient, HTTPClientError

from tests.services.warm import Program, launch

ROOT = Path(__file__).resolve().parents[2]
SERVE = ("run.py", "serve")


class ServerProcess:
    """One life after another on one data directory and one port; all print into one log."""

    def __init__(self, data_dir: Path, *, port: int, log: Path, environment: dict[str, str] | None = None) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.data_dir = data_dir
        self.log = log
        self.start_times_s: list[float] = []
        self._port = port
        own = {name: text for name, text in os.environ.items() if not name.startswith("PEIHU_")}
        self._environment = own | {"PEIHU_DATA_DIR": str(data_dir), "PYTHONUNBUFFERED": "1"} | (environment or {})
        self._process: Program | None = None
        self._started_at = 0.0

    @property
    def store(self) -> Path:
        return self.data_dir / "peihu.db"

    def start(self, program: tuple[str, ...] = SERVE) -> None:
        """Begin a life; `program` are python's arguments, the port is added."""
        self._started_at = time.monotonic()
        with self.log.open("ab") as log:
            self._process = launch((*program, "--port", str(self._port)), environment=self._environment, output=log)

    async def ready(self, *, within_s: float = 30.0) -> float:
        """Wait until /readyz says 200; the seconds since the start of the process."""
        http = AsyncHTTPClient(force_instance=True)
        try:
            await until(lambda: self._is_ready(http), within_s=within_s, what=f"no readiness, see {self.log}")
        finally:
            http.close()
        took_s = time.monotonic() - self._started_at
        self.start_times_s.append(took_s)
        return took_s

    async def _is_ready(self, http: AsyncHTTPClient) -> bool:
        assert self.exit_code is None, f"the server ended with {self.exit_code}: {self.tail()}"
        try:
            answer = await http.fetch(f"{self.url}/readyz", raise_error=False, request_timeout=2.0)
        except (OSError, HTTPClientError):
            return False
        return answer.code == 200

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it lives; minus the signal's number when it was killed."""
        assert self._process is not None
        return self._process.poll()

    def kill(self) -> None:
        """kill -9, and wait until the kernel has cleared up."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def ended(self, *, within_s: float) -> int:
        """Wait for the end of the process; its exit code."""
        await until(lambda: self.exit_code is not None, within_s=within_s, what="the server lives on")
        assert self.exit_code is not None
        return self.exit_code

    def printed(self) -> str:
        """Everything that any of its lives said, on the terminal and in the log file."""
        files = [self.log, *sorted(self.data_dir.glob("logs/*.log*"))]
        return "\n".join(file.read_text(encoding="utf-8", errors="replace") for file in files)

    def tail(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-2_000:]

    def put_away(self) -> None:
        """Whatever happened: nothing of it lives on after the test."""
        if self._process is not None and self._process.poll() is None:
            self.kill()


async def until(condition: Callable[[], object], *, within_s: float, what: str) -> None:
    """Poll until the condition (a value or an awaitable of one) is true; AssertionError after the deadline."""
    deadline = time.monotonic() + within_s
    while True:
        found = condition()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return
        assert time.monotonic() < deadline, f"not within {within_s:g} s: {what}"
        await asyncio.sleep(0.01)


async def pass_by(seconds: float) -> None:
    """Let that much time go by: what is watched happens in it."""
    end = time.monotonic() + seconds
    await until(lambda: time.monotonic() >= end, within_s=seconds + 5, what="the clock")


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
