"""One process among several that share a port.

The supervisor starts it, and a pipe tells it when the supervisor is gone, however that came about.
"""

import asyncio
import os
import signal
import socket
from dataclasses import dataclass

from tornado.netutil import bind_sockets

from config.settings import Settings

BACKLOG = 4_096  # a herd's: a connection that finds it full is tried again by the kernel after 1, 3 and 7 s
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a process stands: its number, the port for its probes, and the end of the supervisor's pipe."""

    slot: int | None = None  # None: it is alone
    admin_port: int = 0  # 0: no port of its own for probes
    parent_pipe: int | None = None

    @property
    def log_name(self) -> str:
        """Processes do not share a log file: each turns its own over."""
        return "peihu" if self.slot is None else f"peihu-{self.slot}"

    def public_sockets(self, settings: Settings) -> list[socket.socket]:
        """Listening on the public port, which the others of this machine share. Raises OSError."""
        return bind_sockets(settings.port, settings.host, backlog=BACKLOG, reuse_port=self.slot is not None)

    def admin_sockets(self, settings: Settings) -> list[socket.socket]:
        """Listening for probes, or none. Raises OSError."""
        return bind_sockets(self.admin_port, settings.http.admin_host) if self.admin_port else []

    def stop_on_orphanage(self, stopping: asyncio.Event) -> None:
        """Set the event when the supervisor's end of the pipe is closed."""
        if self.parent_pipe is None:
            return
        loop, pipe = asyncio.get_running_loop(), self.parent_pipe

        def on_end() -> None:
            loop.remove_reader(pipe)
            os.close(pipe)
            stopping.set()

        loop.add_reader(pipe, on_end)


def stop_on_signals() -> asyncio.Event:
    """An event that the first signal sets; further ones change nothing, up to the end of the process.

    Not the loop's own handlers: they end with the loop, and an impatient second Ctrl-C would then kill a
    process that has drained and is about to exit with 0.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(_number: int, _frame: object) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(stopping.set)

    for number in _SIGNALS:
        signal.signal(number, on_signal)
    return stopping


def ignore_signals() -> None:
    """Our own handler ends a little before the process does."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
