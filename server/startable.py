"""What must hold before anything is started."""

import errno
import socket

from config.settings import Settings
from server.worker import Place


class CannotServe(Exception):
    """Why the server does not start and what to do, in one sentence; `exit_code` 2: it contradicts the others."""

    def __init__(self, sentence: str, *, exit_code: int = 1) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


def require_reachable(settings: Settings) -> None:
    """Processes that share the work must hear of each other. Raises CannotServe."""
    if settings.is_whole:
        return
    what = f"{settings.processes} processes" if settings.processes > 1 else f"--roles {','.join(settings.roles)}"
    if not settings.redis_url:
        raise CannotServe(
            f"{what}: PEIHU_REDIS_URL is needed, because without Redis one process cannot reach the sockets of another"
        )
    if "api" not in settings.roles and not settings.http.public_url:
        raise CannotServe(f"{what}: PEIHU_HTTP__PUBLIC_URL is needed, because payment providers are answered elsewhere")


def bind(settings: Settings, place: Place) -> list[socket.socket]:
    """The public sockets. Raises CannotServe."""
    try:
        return place.public_sockets(settings)
    except OSError as problem:
        if problem.errno == errno.EADDRINUSE:
            raise CannotServe(
                f"port {settings.port} is in use. Stop the other program, or choose another port: "
                f"python3 run.py serve --port {settings.port + 1}"
            ) from None
        raise CannotServe(f"cannot listen on {settings.host}:{settings.port} ({problem.strerror})") from None
