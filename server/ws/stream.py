"""The one place that looks inside Tornado.

`IOStream.write` copies, makes a Future and updates the event handler; for a push to a thousand readers
that is most of the work. While the stream's own buffer is empty the socket can be written directly.
tests/unit/ws/test_stream.py fails when a Tornado release changes what is used here.
"""

import socket
from typing import Any


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


def let_handler_go(protocol: Any, delegate: Any) -> None:
    """Call in a handler's `open`, then run `read_frames` as work of its own; `delegate` hears what comes.

    Tornado reads within the handler's `get`: five frames of coroutines, the request and its headers would live
    as long as the socket, for nearly half of what an idle connection costs.
    """
    protocol.handler = delegate
    protocol.client_terminated = True  # so that the handler's reading ends before it begins


async def read_frames(protocol: Any) -> None:
    """Until the socket is closed. Raises zlib.error for what is not compressed as it says."""
    protocol.client_terminated = False
    await protocol._receive_frame_loop()
