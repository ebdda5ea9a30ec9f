"""Private Redis servers that also speak TLS."""

from collections.abc import Sequence
from pathlib import Path

from tests.services.private import free_port
from tests.services.redis import Redis
from tests.services.redis_groups import Node, Sentinel


def tls_words(files: Path, port: int, *, asks_for_certificate: bool) -> list[str]:
    """`files` has what `make_certificate` makes."""
    return [
        "--tls-port", str(port), "--tls-cert-file", str(files / "fullchain.pem"), "--tls-key-file", str(files / "key.pem"),
        "--tls-ca-cert-file", str(files / "authority.pem"), "--tls-auth-clients", "yes" if asks_for_certificate else "no",
    ]  # fmt: skip


class TlsRedis(Redis):
    """On `tls_port`; the plain port is for who looks after it."""

    def __init__(self, files: Path, *, asks_for_certificate: bool = False, options: Sequence[str] = ()) -> None:
        self.tls_port = free_port()
        words = tls_words(files, self.tls_port, asks_for_certificate=asks_for_certificate)
        super().__init__(options=[*words, *options])


class TlsNode(Node):
    """A Cluster of one node."""

    def __init__(self, files: Path) -> None:
        self.tls_port = free_port()
        words = tls_words(files, self.tls_port, asks_for_certificate=False)
        super().__init__(options=[*words, "--tls-cluster", "yes"])

    def start(self) -> None:
        super().start()
        self.ask("CLUSTER", "ADDSLOTSRANGE", "0", "16383")


class TlsSentinel(Sentinel):
    """Sends those who ask to the TLS port of a primary."""

    def __init__(self, files: Path, primary: TlsRedis) -> None:
        super().__init__(primary_port=primary.tls_port, quorum=1)
        self.tls_port = free_port()
        words = tls_words(files, self.tls_port, asks_for_certificate=False)
        lines = [f"{name.lstrip('-')} {value}" for name, value in zip(words[::2], words[1::2], strict=True)]
        with self.configuration.open("a", encoding="ascii") as file:
            file.write("\n".join([*lines, "tls-replication yes\n"]))
