"""One WebSocket after its handshake."""

import logging
import zlib
from collections.abc import Awaitable
from types import TracebackType
from typing import Any

from server.ws.connection import Connection
from server.ws.live import LiveChannels
from server.ws.stream import let_handler_go, read_frames

_log = logging.getLogger(__name__)


class WebSocket:
    """Implements `Transport`, and what Tornado's protocol object asks of a handler.

    It stands in for the handler, so that this and the request with its headers do not live as long as the socket.
    """

    __slots__ = ("stream", "_protocol", "_live", "_guest")

    def __init__(self, protocol: Any, *, live: LiveChannels) -> None:
        self.stream = protocol.stream
        self._protocol = protocol
        self._live = live
        self._guest: Connection | None = None

    def begin(self, guest: Connection) -> None:
        """Read from now on, in a task that needs no handler."""
        self._guest = guest
        let_handler_go(self._protocol, self)
        self._live.tasks.start("socket", self._read(guest))

    async def _read(self, guest: Connection) -> None:
        try:
            await read_frames(self._protocol)
        except zlib.error:  # Tornado lets it pass and leaves the socket open
            self.abort()
        finally:
            self._live.closed(guest)

    def close(self, code: int, reason: str) -> None:
        """See `Transport`."""
        self._protocol.close(code, reason)

    def abort(self) -> None:
        """See `Transport`."""
        self.stream.close()

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        return None if self._guest is None else self._guest.receive(message)

    def on_ping(self, data: bytes) -> None:
        """Tornado has answered it."""

    def on_pong(self, data: bytes) -> None:
        """The protocol has its own."""

    def on_ws_connection_close(self, close_code: int | None = None, close_reason: str | None = None) -> None:
        """Told by whoever reads; the end of `_read` is what counts."""

    def log_exception(
        self, typ: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> None:
        _log.error("a live message failed", exc_info=value)
