"""An HTTP answer that goes on until one side ends it.

Its body ends with the socket: no chunks, so that a frame is shared by all its readers as it is, and a
proxy that speaks HTTP/1.0 to us passes it on.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from server.ws.stream import send, unsent
from server.ws.wire.answers import DisconnectPush
from server.ws.wire.codec import Codec
from server.ws.wire.codes import Disconnect

_GOODBYE_S = 5.0  # as long as a WebSocket waits for the answer to its close frame


class EndlessAnswer:
    """Implements `Transport` for a stream that was taken over from Tornado after the request was read."""

    def __init__(self, stream: Any, *, codec: Codec) -> None:
        self.stream = stream
        self._codec = codec

    def watch(self, *, on_end: Callable[[], None]) -> None:
        """Call `on_end` once, when the socket is closed by whomever.

        The client has nothing more to say on this socket: bytes of it end the answer, as its end does.
        """
        self.stream.set_close_callback(on_end)
        self.stream.read_bytes(1).add_done_callback(self._heard)

    def _heard(self, reading: asyncio.Future[bytes]) -> None:
        if not reading.cancelled():
            reading.exception()  # taken, so that nobody reports it
        self.stream.close()

    def close(self, code: int, reason: str) -> None:
        """Say why, then end the answer when the peer has taken it, or is too slow for that."""
        send(self.stream, self._codec.encode_push(DisconnectPush(Disconnect(code, reason))))
        if unsent(self.stream):
            self.stream.write(b"").add_done_callback(self._heard)
            asyncio.get_running_loop().call_later(_GOODBYE_S, self.abort)
        else:
            self.abort()

    def abort(self) -> None:
        """Drop the socket without a word."""
        self.stream.close()
