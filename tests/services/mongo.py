"""A private server that speaks the protocol of MongoDB."""

import shutil
import sys
from pathlib import Path

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from tests.services.private import PrivateServer
from tests.services.programs import Missing

_STAND_IN = "nx-27017"  # SQLite behind MongoDB's protocol; what it cannot do is in docs/adr/0007-motor.md
_ASKED_WITHIN_MS = 500


class Mongo(PrivateServer):
    """Keeps its data over a kill."""

    def __init__(self) -> None:
        super().__init__("mongo")
        self._data = self.directory / "data"

    def start(self) -> None:
        """Raises Missing, DidNotStart."""
        self._data.mkdir(exist_ok=True)
        self.launch(self._command(), is_ready=self._answers)

    def _command(self) -> list[str]:
        mongod = shutil.which("mongod")
        if mongod is not None:
            return [
                mongod, "--dbpath", str(self._data), "--port", str(self.port), "--bind_ip", "127.0.0.1",
                "--unixSocketPrefix", str(self.directory), "--wiredTigerCacheSizeGB", "0.25",
            ]  # fmt: skip
        pid_file = self.directory / "server.pid"
        pid_file.unlink(missing_ok=True)  # of one that was killed; it would not start while that number is in use
        return [
            _stand_in(), "--host", "127.0.0.1", "-p", str(self.port), "--data-dir", str(self._data),
            "--pid-file", str(pid_file), "--log-file", str(self.directory / "requests.log"),
        ]  # fmt: skip

    def _answers(self) -> bool:
        client: MongoClient[dict[str, object]] = MongoClient(
            self.url, serverSelectionTimeoutMS=_ASKED_WITHIN_MS, timeoutMS=_ASKED_WITHIN_MS
        )
        try:
            client.admin.command("ping")
        except PyMongoError:
            return False
        finally:
            client.close()
        return True

    @property
    def url(self) -> str:
        """Of the server; a database's name follows the slash."""
        return f"mongodb://127.0.0.1:{self.port}/"


def _stand_in() -> str:
    """Beside the Python that runs the tests. Raises Missing."""
    found = Path(sys.executable).with_name(_STAND_IN)
    if not found.exists():
        raise Missing(f"neither mongod nor {_STAND_IN} is installed: pip install -r requirements-dev.txt")
    return str(found)
