"""The one place that looks inside Tornado.

`IOStream.write` copies, makes a Future and updates the event handler; for a push to a thousand readers
that is most of the work. While the stream's own buffer is empty the socket can be written directly.
tests/unit/ws/test_stream.py fails when a Tornado release changes what is used here.
"""

import socket
from typing import Any

from tornado.util import _websocket_mask

unmasked = _websocket_mask  # of a mask and a payload; in C where Tornado has it so


def send(stream: Any, data: bytes) -> int:
    """Send now what the socket takes and leave the rest to the stream.

    Returns the bytes still unsent. A socket that failed closes its stream, which ends the connection.
    """
    if stream.closed():
        return 0
    if not stream._write_buffer and type(stream.socket) is socket.socket:  # TLS sockets go the long way
        try:
            sent = stream.socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            stream.close()
            return 0
        if sent == len(data):
            return 0
        data = data[sent:]
    stream.write(data)
    return unsent(stream)


def unsent(stream: Any) -> int:
    """Bytes that wait for the socket."""
    return 0 if stream.closed() else len(stream._write_buffer)


async def drained(stream: Any) -> None:
    """Wait until everything written so far has left; returns at once when the stream closes."""
    if unsent(stream):
        try:
            await stream.write(b"")
        except OSError:  # Tornado's StreamClosedError is one
            return


def take_over(protocol: Any) -> tuple[socket.socket, bytes, bytes] | None:
    """Call in a handler's `open`: the socket, what was read of it too much, and what has not left yet.

    Tornado would read within the handler's `get`: five frames of coroutines, the request, its headers and a stream
    for every need would live as long as the socket, for most of what an idle connection costs. It is left with a
    stream that is closed and lets all of them go. None when the socket is closed already.
    """
    stream = protocol.stream
    protocol.client_terminated = True  # so that its reading ends before it begins
    if stream.closed():
        return None
    if stream._state is not None:
        stream.io_loop.remove_handler(stream.fileno())
        stream._state = None
    waiting = stream._write_buffer
    unsent = b""
    while waiting:
        with waiting.peek(len(waiting)) as part:
            unsent += part
            size = len(part)
        waiting.advance(size)
    taken, stream.socket = stream.socket, None
    stream._closed = True
    return taken, bytes(stream._read_buffer), unsent
