"""Our own server as anybody starts it: `run.py serve`.

Default settings except the limits below, which a load generator on one address with few accounts reaches.
"""

import sys
from pathlib import Path

from bench.ours.api import Api
from bench.process import Process

ROOT = Path(__file__).resolve().parents[2]
RUN = [sys.executable, "run.py"]
SETTINGS = {
    "PEIHU_WS__CONNECTIONS_PER_USER": "20000",
    "PEIHU_WS__HANDSHAKES_PER_S": "20000",
    "PEIHU_WS__RPC_PER_S": "100000",
}
COMMAND = "python3 run.py serve --port 0"
_STARTS_WITHIN_S = 180.0
_ADDRESS = r"is running at http://127\.0\.0\.1:(\d+)"


class Ours:
    """A running server, with a data directory of its own unless one is named."""

    name = "Peihu"

    def __init__(
        self, directory: Path, *, core: int, settings: dict[str, str] | None = None, data_dir: Path | None = None
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.data_dir = data_dir or directory / "data"
        self.settings = SETTINGS | (settings or {})
        self.process = Process(
            [*RUN, "serve", "--port", "0"], core=core, log_file=directory / "server.log", cwd=ROOT,
            settings=self.settings | {"PEIHU_DATA_DIR": str(self.data_dir)},
        )  # fmt: skip
        try:
            found = self.process.await_line(_ADDRESS, within_s=_STARTS_WITHIN_S)
        except BaseException:
            self.process.stop()
            raise
        self.port = int(found.group(1))

    def api(self) -> Api:
        return Api(self.port)

    def total(self, kind: str) -> float:
        """One of the server's own totals of its live channels, from /metrics."""
        return self.metric(f'peihu_ws_events_total{{kind="{kind}"}}') or 0.0

    def metric(self, name: str) -> float | None:
        """A figure of /metrics by its full name; None where the server has no such figure."""
        api = self.api()
        try:
            lines = api.text("/metrics").splitlines()
        finally:
            api.close()
        return next((float(line.rsplit(" ", 1)[1]) for line in lines if line.rsplit(" ", 1)[0] == name), None)

    def stop(self) -> None:
        self.process.stop()
