"""`serve --processes N`: the supervisor and our processes."""

import asyncio
import signal
import socket
import sys
from pathlib import Path

from rich.console import Console
from tornado.netutil import bind_sockets

from config.settings import Settings
from server.startable import bind, require_reachable
from server.supervising import Supervisor, answers_ready
from server.worker import Place, ignore_signals, stop_on_signals

_RUN = Path(__file__).resolve().parent.parent / "run.py"
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}


async def serve_in_processes(settings: Settings, *, given: list[str], console: Console) -> int:
    """Serve until a signal; the exit code. `given` are arguments for each process. Raises CannotServe."""
    require_reachable(settings)
    reserved = _reserve(settings)
    port, admin_ports = reserved.getsockname()[1], _admin_ports(settings)
    host = _ANY_ADDRESS.get(settings.http.admin_host, settings.http.admin_host)

    def command(slot: int, pipe: int) -> list[str]:
        place = {"port": port, "slot": slot, "admin-port": admin_ports[slot], "parent-pipe": pipe}
        return [sys.executable, str(_RUN), "worker", *given, *(f"--{name}={value}" for name, value in place.items())]

    supervisor = Supervisor(
        command=command,
        is_ready=lambda slot: answers_ready(host, admin_ports[slot]),
        processes=settings.processes,
        drain_within_s=settings.http.drain_within_s,
        say=lambda line: console.print(line, highlight=False),
        stopping=stop_on_signals(),
    )
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, supervisor.roll)
    console.print(f"Peihu 陪护 at http://{settings.host}:{port}; probes: {host}, ports {admin_ports}", highlight=False)
    code = await supervisor.run()
    ignore_signals()
    reserved.close()
    return code


def _reserve(settings: Settings) -> socket.socket:
    """The port, bound and never listened on: ours as long as we live, whichever process comes and goes."""
    if settings.port:
        for one in bind(settings, Place()):  # not shared, to see that nobody else is there
            one.close()
    family, kind, protocol, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
    reserved = socket.socket(family, kind, protocol)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    reserved.bind(address)
    return reserved


def _admin_ports(settings: Settings) -> list[int]:
    """A port for the probes of each process: those that settings name, or any that are free."""
    if settings.http.admin_port:
        return [settings.http.admin_port + slot for slot in range(settings.processes)]
    probes = [bind_sockets(0, settings.http.admin_host)[0] for _ in range(settings.processes)]
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports
