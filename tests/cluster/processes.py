"""`run.py serve --processes N` as a test drives it."""

import re
import signal
import subprocess
import sys
from pathlib import Path

from tests.fault.server_process import ROOT, ServerProcess, until

_SERVES_WITHIN_S = 60.0


class ProcessFamily(ServerProcess):
    """The parent and its processes; the log is the parent's terminal, where processes write warnings too."""

    def __init__(
        self, data_dir: Path, *, port: int, log: Path, redis_url: str, processes: int, database_url: str = ""
    ) -> None:
        environment = {"PEIHU_REDIS_URL": redis_url, "PEIHU_PROCESSES": str(processes)}
        if database_url:
            environment["PEIHU_DATABASE_URL"] = database_url
        super().__init__(data_dir, port=port, log=log, environment=environment)

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Another verb beside them, with the same settings."""
        command = [sys.executable, "run.py", *words]
        return subprocess.run(command, cwd=ROOT, env=self._environment, capture_output=True, text=True)

    async def serves(self) -> None:
        """Wait until all of them are ready."""
        await self.said("processes serve")

    async def said(self, words: str, *, times: int = 1) -> None:
        def enough() -> bool:
            assert self.exit_code is None, self.tail()
            return self.log.read_text(encoding="utf-8", errors="replace").count(words) >= times

        await until(enough, within_s=_SERVES_WITHIN_S, what=f"{words!r} {times} times in {self.log}")

    @property
    def children(self) -> list[int]:
        """Their pids, the oldest first."""
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    @property
    def admin_ports(self) -> list[int]:
        """Where each of them is asked."""
        told = re.search(r"ports \[([\d, ]+)\]", self.log.read_text(encoding="utf-8"))
        assert told is not None
        return [int(port) for port in told[1].split(",")]

    async def roll(self, *, times: int) -> None:
        """Replace all of them for the n-th time."""
        self.signal(signal.SIGHUP)
        await self.said("rolled\n", times=times)
