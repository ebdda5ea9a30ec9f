"""A real nginx with the repository's own configuration, on ports of its own, with a private CA's certificate."""

import os
import re
import socket
import ssl
import subprocess
from pathlib import Path

from tests.fault.server_process import ROOT, free_port, until
from tests.services.private import die_with_parent
from tests.services.programs import find_program

_CONFIGURATION = ROOT / "deploy" / "nginx.conf"
_CERTIFICATE_DAYS = "2"


class Nginx:
    """`api` and `ws` are ports of instances on this machine; `start` it, `stop` it whatever happens."""

    def __init__(self, directory: Path, *, api: list[int], ws: list[int]) -> None:
        self.directory = directory
        self.http_port, self.https_port = free_port(), free_port()
        self.url = f"https://localhost:{self.https_port}"
        self._process: subprocess.Popen[bytes] | None = None
        for name in ("cache", "tls"):
            (directory / name).mkdir(parents=True)
        self.authority = make_certificate(directory / "tls")
        self.configuration = directory / "nginx.conf"
        self.configuration.write_text(self._written(api=api, ws=ws), encoding="utf-8")

    def _written(self, *, api: list[int], ws: list[int]) -> str:
        """The configuration as it stands, with other places; each of them must be there to be changed."""
        text = _CONFIGURATION.read_text(encoding="utf-8")
        text = _replaced(text, r"listen \[::\]:[^;]+;", "")
        text = _replaced(text, r"listen 80;", f"listen 127.0.0.1:{self.http_port};")
        text = _replaced(text, r"listen 443 ssl http2;", f"listen 127.0.0.1:{self.https_port} ssl http2;")
        for place, here in (
            ("/var/run/nginx.pid", "nginx.pid"), ("/var/cache/nginx", "cache"), ("/etc/nginx/tls", "tls"),
            ("/dev/stdout", "access.log"),
        ):  # fmt: skip
            text = _replaced(text, re.escape(place), str(self.directory / here))
        for name, ports in (("peihu_api", api), ("peihu_ws", ws)):
            servers = "\n".join(f"        server 127.0.0.1:{port} max_fails=1 fail_timeout=2s;" for port in ports)
            block = rf"(upstream {name} \{{[^}}]*?)((?:        server peihu-\d:8000[^\n]*\n)+)"
            text = _replaced(text, block, rf"\g<1>{servers}\n")
        return text

    def _launch(self) -> None:
        with (self.directory / "nginx.log").open("ab") as log:
            self._process = subprocess.Popen(
                [program(), "-p", str(self.directory), "-c", str(self.configuration), "-g", _as_we_are()],
                stdout=log, stderr=subprocess.STDOUT, preexec_fn=die_with_parent,
            )  # fmt: skip

    async def start(self) -> None:
        self._launch()
        await until(self._listens, within_s=20.0, what=f"nginx does not listen, see {self.directory}/nginx.log")

    def _listens(self) -> bool:
        assert self._process is not None and self._process.poll() is None, (self.directory / "nginx.log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.https_port)) == 0

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait()

    def tls(self) -> ssl.SSLContext:
        """Trusts the test's own authority and nobody else."""
        return ssl.create_default_context(cafile=str(self.authority))


def program() -> str | None:
    """Where nginx is; None: nowhere."""
    return find_program("nginx")


def _as_we_are() -> str:
    """In the foreground, and when we are root its workers too, or they could not reach the test's folders."""
    return "daemon off; user root;" if os.geteuid() == 0 else "daemon off;"


def make_certificate(directory: Path) -> Path:
    """`fullchain.pem` and `key.pem` for localhost, signed by an authority made here; the authority's certificate."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)

    new_key = ("-newkey", "rsa:2048", "-nodes")
    openssl(
        "req", "-x509", *new_key, "-days", _CERTIFICATE_DAYS, "-subj", "/CN=An authority of this test",
        "-addext", "keyUsage=critical,keyCertSign", "-keyout", "authority.key", "-out", "authority.pem",
    )  # fmt: skip
    openssl("req", *new_key, "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "request.pem")
    (directory / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    openssl(
        "x509", "-req", "-in", "request.pem", "-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial",
        "-days", _CERTIFICATE_DAYS, "-extfile", "names", "-out", "server.pem",
    )  # fmt: skip
    chain = (directory / "server.pem").read_text() + (directory / "authority.pem").read_text()
    (directory / "fullchain.pem").write_text(chain)
    return directory / "authority.pem"


def _replaced(text: str, pattern: str, by: str) -> str:
    changed, times = re.subn(pattern, by, text)
    assert times, f"deploy/nginx.conf has no {pattern}"
    return changed
