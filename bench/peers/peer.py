"""The peers: installed when first needed, started like ours.

Nothing here is a requirement of the product. What cannot be had is named with the reason, never guessed.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.load.dialects import CentrifugeJson, Dialect, PlainJson, SocketIo
from bench.process import Process, free_port

HERE = Path(__file__).resolve().parent
MADE = HERE.parent / "var"  # ignored by git: what is installed and built
_INSTALLS_WITHIN_S = 600
_STARTS_WITHIN_S = 30.0
CALL = "chat.typing"


class Absent(Exception):
    """Why a peer cannot be had, in one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Peer:
    """How to get one, how to start it, what it speaks. `version` after `install`."""

    key: str
    name: str
    install: Callable[[], str]
    command: Callable[[int], list[str]]
    speaks: Callable[..., Dialect]
    settings: dict[str, str] = field(default_factory=dict)

    def receiver(self, user: str, *channels: str) -> Dialect:
        """A client that follows channels; the Centrifuge engine subscribes `user:` by itself."""
        if self.speaks is CentrifugeJson:
            return CentrifugeJson(user, channel=next((name for name in channels if not name.startswith("user:")), ""))
        return self.speaks(user, channels=channels)

    def sender(self, user: str) -> Dialect:
        return self.speaks(user, method=CALL)


class Running:
    """A started peer."""

    def __init__(self, peer: Peer, directory: Path, *, core: int) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.peer = peer
        self.name = peer.name
        self.port = free_port()
        self.process = Process(
            peer.command(self.port), core=core, log_file=directory / f"{peer.key}.log", cwd=HERE, settings=peer.settings
        )
        try:
            self.process.await_line("listening", within_s=_STARTS_WITHIN_S)
        except BaseException:
            self.process.stop()
            raise

    def stop(self) -> None:
        self.process.stop()


def _run(command: Sequence[str], *, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=_INSTALLS_WITHIN_S)
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no reason given"]
        raise Absent(f"{Path(command[0]).name} {command[1]} failed: {last[0]}")
    return done.stdout.strip()


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise Absent(f"{name} is not installed")
    return found


def node_package(name: str, place: Path = HERE / "node") -> str:
    """The version of a package, installed from the place's lock file when first needed. Raises Absent."""
    node = _program("node")
    if not (place / "node_modules" / ".package-lock.json").exists():
        _run([_program("npm"), "ci"], cwd=place)
    version = _run([node, "-p", f"require('{name}/package.json').version"], cwd=place)
    return f"{version} on Node.js {_run([node, '--version'], cwd=place).lstrip('v')}"


def _python_package() -> str:
    venv, wanted = MADE / "venv", (HERE / "python/requirements.txt").read_text()
    python, stamp = venv / "bin/python", venv / "installed.txt"
    if not stamp.exists() or stamp.read_text() != wanted:
        _run([sys.executable, "-m", "venv", str(venv)], cwd=HERE)
        _run([str(python), "-m", "pip", "install", "-q", "-r", "python/requirements.txt"], cwd=HERE)
        stamp.write_text(wanted)
    code = "import importlib.metadata as m; print(m.version('python-socketio'), 'on aiohttp', m.version('aiohttp'))"
    return _run([str(python), "-c", code], cwd=HERE)


def _go_program() -> str:
    go, place, built = _program("go"), HERE / "centrifuge", MADE / "centrifuge"
    MADE.mkdir(exist_ok=True)
    sources = max(path.stat().st_mtime for path in place.iterdir())
    if not built.exists() or built.stat().st_mtime < sources:
        _run([go, "build", "-o", str(built), "."], cwd=place)
    lines = (place / "go.mod").read_text().splitlines()
    version = next(line.split()[-1] for line in lines if "centrifugal/centrifuge v" in line)
    return f"{version.lstrip('v')} on {_run([go, 'version'], cwd=place).split()[2]}"


CENTRIFUGE = Peer(
    key="centrifuge", name="Centrifuge engine", install=_go_program, speaks=CentrifugeJson,
    command=lambda port: [str(MADE / "centrifuge"), str(port)], settings={"GOMAXPROCS": "1"},
)  # fmt: skip
NODE_WS = Peer(
    key="ws", name="Node ws", install=lambda: node_package("ws"), speaks=PlainJson,
    command=lambda port: [_program("node"), "node/ws.mjs", str(port)],
)  # fmt: skip
SOCKET_IO = Peer(
    key="socketio", name="Socket.IO", install=lambda: node_package("socket.io"), speaks=SocketIo,
    command=lambda port: [_program("node"), "node/socketio.mjs", str(port)],
)  # fmt: skip
PYTHON_SOCKETIO = Peer(
    key="python-socketio", name="python-socketio", install=_python_package, speaks=SocketIo,
    command=lambda port: [str(MADE / "venv/bin/python"), "python/socketio_server.py", str(port)],
)  # fmt: skip


def had(peers: Sequence[Peer]) -> tuple[dict[Peer, str], dict[str, str]]:
    """Versions of those that are there, and the reasons for those that are not."""
    versions: dict[Peer, str] = {}
    absent: dict[str, str] = {}
    for peer in peers:
        try:
            versions[peer] = peer.install()
        except (Absent, OSError, subprocess.TimeoutExpired) as problem:
            absent[peer.name] = str(problem)
    return versions, absent


__all__ = ["CENTRIFUGE", "NODE_WS", "PYTHON_SOCKETIO", "SOCKET_IO", "Absent", "Peer", "Running", "had", "node_package"]
