"""One WebSocket after its handshake."""

import asyncio
import logging
import struct
from collections.abc import Awaitable

from server.ws.connection import Connection
from server.ws.frames_in import BINARY, CLOSE, PING, TEXT, BrokenFrame, Frame, Frames, TooLarge
from server.ws.live import LiveChannels
from server.ws.plain_stream import PlainStream
from server.ws.stream import send
from server.ws.wire.frames import control_frame

_log = logging.getLogger(__name__)
_GOODBYE_S = 5.0  # for the peer to answer a close frame, as with Tornado
_PONG = 0xA


class WebSocket:
    """Implements `Transport` and `Owner`: reads frames, answers pings and closes by RFC 6455.

    It has a task only while the connection must wait for an answer of somebody else.
    """

    __slots__ = ("stream", "_frames", "_live", "_guest", "_is_busy", "_said_goodbye")

    def __init__(self, stream: PlainStream, *, live: LiveChannels, inflates: bool) -> None:
        self.stream = stream
        self._frames: Frames | None = Frames(most_bytes=live.limits.frame_bytes, inflates=inflates)
        self._live = live
        self._guest: Connection | None = None
        self._is_busy = False
        self._said_goodbye = False

    def begin(self, guest: Connection, *, unread: bytes) -> None:
        """Read from now on; `unread` came with the handshake."""
        self._guest = guest
        self.stream.begin(self)
        if unread:
            self._feed(unread)

    def readable(self) -> None:
        """See `Owner`."""
        if self._is_busy:
            self.stream.listen(again=False)
            return
        data = self.stream.receive()
        if data is not None:
            self._feed(data)

    def _feed(self, data: bytes) -> None:
        if self._frames is None:
            return  # what follows a broken frame or a goodbye
        self._frames.feed(data)
        self._hear()

    def _hear(self) -> None:
        try:
            self._hear_all()
        except BrokenFrame:
            self.abort()
        except TooLarge:
            self._refuse(1009, "message too big")
        except Exception:
            _log.exception("a live message failed")
            self.abort()

    def _hear_all(self) -> None:
        while self._frames is not None and (frame := self._frames.next()) is not None:
            work = self._take(frame)
            if work is not None:
                self._is_busy = True
                self._live.tasks.start("command", self._wait(work))
                return

    async def _wait(self, work: Awaitable[None]) -> None:
        await work
        self._is_busy = False
        self.stream.listen(again=True)
        self._hear()

    def _take(self, frame: Frame) -> Awaitable[None] | None:
        opcode, payload = frame
        if opcode in (TEXT, BINARY):
            return None if self._guest is None else self._guest.receive(payload)
        if opcode == PING and self._guest is not None:
            self._live.paces.note(self._guest)
            self._guest.outbound.put(control_frame(_PONG, bytes(payload)))
        elif opcode == CLOSE:
            self._answer_close(bytes(payload))
        return None

    def _answer_close(self, payload: bytes) -> None:
        """Echo the code, if any, and be gone."""
        self._frames = None
        try:
            payload[2:].decode("utf-8")
        except UnicodeDecodeError:
            self.abort()
            return
        if self._guest is not None:
            self._guest.outbound.close()
        self._say_goodbye(payload[:2] if len(payload) >= 2 else b"")
        self.stream.close()

    def _refuse(self, code: int, reason: str) -> None:
        """Say why and hear nothing more; the socket stays until the peer has read it.

        Closed at once, the rest of what it sends would be answered with a reset, which may overtake the reason.
        """
        self._frames = None
        if self._guest is not None:
            self._guest.gone()
        self.close(code, reason)
        self.stream.finish()

    def close(self, code: int, reason: str) -> None:
        """See `Transport`."""
        if not self._said_goodbye and not self.stream.closed():
            asyncio.get_running_loop().call_later(_GOODBYE_S, self.abort)
            self._say_goodbye(struct.pack("!H", code) + reason.encode("utf-8"))

    def _say_goodbye(self, payload: bytes) -> None:
        if not self._said_goodbye:
            self._said_goodbye = True
            send(self.stream, control_frame(CLOSE, payload))

    def abort(self) -> None:
        """See `Transport`."""
        self.stream.close()

    def ended(self) -> None:
        """See `Owner`."""
        guest, self._guest = self._guest, None
        if guest is not None:
            self._live.closed(guest)
