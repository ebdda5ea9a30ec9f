"""A private Redis that keeps nothing over its end."""

import socket
from collections.abc import Sequence

from tests.services.private import PrivateServer
from tests.services.programs import program


class Redis(PrivateServer):
    """`options` are further words of its command line."""

    def __init__(self, *, options: Sequence[str] = ()) -> None:
        super().__init__("redis")
        self._options = options

    def start(self) -> None:
        """Raises Missing, DidNotStart."""
        command = [
            program("redis-server", "redis-server"), "--port", str(self.port), "--bind", "127.0.0.1",
            "--dir", str(self.directory), "--save", "", "--appendonly", "no", *self._options,
        ]  # fmt: skip
        self.launch(command, is_ready=self._answers)

    def _answers(self) -> bool:
        try:
            return self.ask("PING") == "PONG"
        except OSError:
            return False

    def ask(self, *words: str) -> str:
        """One command of words without blanks and the first line of its answer; errors begin with their kind."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(f"{' '.join(words)}\r\n".encode())
            return connection.makefile(encoding="utf-8").readline().strip()[1:]

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"
