"""Serving until a signal: listen, greet, drain.

SIGTERM and SIGINT drain: no new connections, running requests finish, sockets close with 3001, what is in
hand of the outbox leaves; at most `http.drain_within_s`.
"""

import asyncio
import errno
import signal
import socket

from rich.console import Console
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from config.load import BadConfiguration
from config.settings import Settings
from server.app import Peihu, build_app
from server.chores import plant_demo_world
from server.demo.world import DEMO_PASSWORD
from server.logs import set_up_logs
from server.outside import CannotOpen, database_url
from server.storage.migrate import CannotMigrate, migrate, newest_revision

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_ON_ITS_WAY_S = 0.2  # what was sent before the client could know is read and answered


class CannotServe(Exception):
    """Why the server does not start and what to do, in one sentence."""


async def serve_until_signal(settings: Settings, *, console: Console) -> None:
    """Bring the schema up to date, start everything, serve, drain. Raises CannotServe."""
    sockets = _bind(settings)
    port = sockets[0].getsockname()[1]
    try:
        await prepare_store(settings)
        peihu = build_app(settings, base_url=f"http://127.0.0.1:{port}")
    except (CannotOpen, BadConfiguration, CannotMigrate) as problem:
        raise CannotServe(str(problem)) from None
    set_up_logs(settings)
    await plant_if_new(peihu, settings, console=console)
    stopping = _stop_on_signals()
    await peihu.start()
    server = HTTPServer(peihu.web, **peihu.server_options)
    server.add_sockets(sockets)
    _greet(peihu, settings, port, console=console)
    await stopping.wait()
    console.print("stopping: finishing what runs …")
    await drain(server, peihu, within_s=settings.http.drain_within_s)
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)  # our own handler ends a little before the process does


async def drain(server: HTTPServer, peihu: Peihu, *, within_s: float) -> None:
    """Stop in order; whatever hangs is cut off when the time is over."""
    server.stop()
    server.conn_params.no_keep_alive = True  # who still asks on an open connection is told to take another
    try:
        async with asyncio.timeout(within_s):
            await asyncio.sleep(_ON_ITS_WAY_S)
            await peihu.answer_what_runs()
            await server.close_all_connections()  # before the database closes under a late request
            await peihu.stop()
    except TimeoutError:
        pass


async def prepare_store(settings: Settings) -> None:
    """The newest schema."""
    await asyncio.to_thread(migrate, database_url(settings))


async def plant_if_new(peihu: Peihu, settings: Settings, *, console: Console) -> None:
    """In the sandbox the demo world on first use; also when an earlier first start was cut short."""
    if settings.is_sandbox and not settings.database_url and await peihu.is_unused():
        console.print("first start: planting the demo world …")
        await plant_demo_world(peihu)


async def check_startable(settings: Settings) -> list[str]:
    """What `run.py check` says. Raises CannotServe."""
    try:
        url = database_url(settings)
        peihu = build_app(settings, base_url=f"http://127.0.0.1:{settings.port}")
    except (CannotOpen, CannotMigrate) as problem:
        raise CannotServe(str(problem)) from None
    lines = [f"environment: {settings.environment}", f"data directory: {settings.data_dir.absolute()}"]
    lines += [f"database: {url.render_as_string(hide_password=True)}", f"newest schema: {newest_revision()}"]
    lines += [f"missing: {line}" for line in peihu.missing]
    await peihu.close()
    return lines


def _bind(settings: Settings) -> list[socket.socket]:
    try:
        return bind_sockets(settings.port, settings.host)
    except OSError as problem:
        if problem.errno == errno.EADDRINUSE:
            raise CannotServe(
                f"port {settings.port} is in use. Stop the other program, or choose another port: "
                f"python3 run.py serve --port {settings.port + 1}"
            ) from None
        raise CannotServe(f"cannot listen on {settings.host}:{settings.port} ({problem.strerror})") from None


def _stop_on_signals() -> asyncio.Event:
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


def _greet(peihu: Peihu, settings: Settings, port: int, *, console: Console) -> None:
    url = f"http://{settings.host}:{port}"
    console.print(f"\nPeihu 陪护 is running at [bold]{url}[/bold]  (API: {url}/api/docs)", highlight=False)
    for line in peihu.missing:
        console.print(f"missing: {line}", style="yellow")
    if settings.is_sandbox:
        console.print(f"Open {url} in two windows and log in with one tap: once as a family, once as a caregiver.")
        console.print(f"All demo accounts: {url}/sandbox/accounts (password {DEMO_PASSWORD})", highlight=False)
        console.print("Or watch the whole story by itself:  python3 run.py story", highlight=False)
    console.print("Stop with Ctrl-C.\n")
