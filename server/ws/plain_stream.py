"""A socket without Tornado's stream around it.

An IOStream is made for any kind of reading: two deques, two buffers and thirty fields, idle or not. This has what
live channels use of it, under its names, because `stream.py` writes to either.
"""

import asyncio
import socket
from typing import Protocol

from server.ws.poller import READABLE, WRITABLE, Poller

_READ_BYTES = 16_384  # small enough that a full read of tiny frames holds the loop for milliseconds
_NOTHING = b""


class Owner(Protocol):
    """Whoever reads."""

    def readable(self) -> None:
        """Bytes or the end have come: call `receive`. Must not raise."""

    def ended(self) -> None:
        """The stream was closed, by whomever; called once, in a later turn than the closing."""


class PlainStream:
    """Give it `unsent` bytes that must leave first. `begin` watches the socket; until then nothing is read."""

    __slots__ = ("socket", "_write_buffer", "_poller", "_owner", "_events", "_emptied")

    def __init__(self, taken: socket.socket, *, poller: Poller, unsent: bytes = _NOTHING) -> None:
        self.socket: socket.socket | None = taken
        self._write_buffer: bytes | bytearray = bytearray(unsent) if unsent else _NOTHING
        self._poller = poller
        self._owner: Owner | None = None
        self._events = 0
        self._emptied: asyncio.Future[None] | None = None

    def begin(self, owner: Owner) -> None:
        """Watch the socket for `owner`."""
        if self.socket is not None:
            self._owner = owner
            self._events = READABLE | (WRITABLE if self._write_buffer else 0)
            self._poller.watch(self.socket.fileno(), self, events=self._events)

    def listen(self, *, again: bool) -> None:
        """Be told of bytes again, or let them wait in the kernel, which slows the peer down."""
        self._want(self._events | READABLE if again else self._events & ~READABLE)

    def _want(self, events: int) -> None:
        if self.socket is not None and events != self._events:
            self._events = events
            self._poller.change(self.socket.fileno(), events=events)

    def closed(self) -> bool:
        return self.socket is None

    def receive(self) -> bytes | None:
        """What has come, at most 16 KiB; None for nothing. The end and a failure close the stream."""
        if self.socket is None:
            return None
        try:
            data = self.socket.recv(_READ_BYTES)
        except BlockingIOError:
            return None
        except OSError:  # reset, or given up by the kernel: the peer is gone
            data = b""
        if not data:
            self.close()
            return None
        return data

    def write(self, data: bytes) -> asyncio.Future[None]:
        """Send behind what waits already; done when all has left or the stream is closed, never with an error."""
        if data and self.socket is not None:
            if self._write_buffer:
                self._write_buffer += data
            else:
                self._write_buffer = bytearray(data)
            self._flush()
        if self._emptied is None:
            self._emptied = asyncio.get_running_loop().create_future()
        emptied = self._emptied
        if not self._write_buffer:
            self._all_left()
        return emptied

    def _flush(self) -> None:
        if self.socket is None:
            return
        try:
            sent = self.socket.send(self._write_buffer)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        if sent == len(self._write_buffer):
            self._write_buffer = _NOTHING
            self._all_left()
        else:
            self._write_buffer = self._write_buffer[sent:]
        self._want(self._events | WRITABLE if self._write_buffer else self._events & ~WRITABLE)

    def _all_left(self) -> None:
        if self._emptied is not None and not self._emptied.done():
            self._emptied.set_result(None)
        self._emptied = None

    def ready(self, events: int) -> None:
        """See `Watched`."""
        if events & WRITABLE and self._write_buffer:
            self._flush()
        if events & ~WRITABLE:
            if events & READABLE or self._events & READABLE:
                if self._owner is not None:
                    self._owner.readable()
            else:
                self.close()  # cut off while nobody reads

    def finish(self) -> None:
        """Nothing more will be sent; the peer reads to the end and is heard until it closes."""
        if self.socket is None:
            return
        if self._write_buffer:
            self.close()  # it does not read anyway
            return
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.close()

    def close(self) -> None:
        """Repeated calls do nothing."""
        if self.socket is None:
            return
        closing, self.socket = self.socket, None
        self._poller.forget(closing.fileno())
        closing.close()
        self._write_buffer = _NOTHING
        self._all_left()
        owner, self._owner = self._owner, None
        if owner is not None:
            asyncio.get_running_loop().call_soon(owner.ended)
