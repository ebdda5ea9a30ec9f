"""One client of a load: a socket and what it waits for."""

import socket
from collections.abc import Callable
from typing import Any

from bench.load.dialects import Dialect, Rejected
from bench.load.frames import CLOSE, PING, PONG, masked

CONNECTING, SHAKING, JOINING, READY, ENDED = range(5)


class Client:
    """`listener` gets every message once it is ready; without one it counts publications in `got`."""

    __slots__ = ("sock", "dialect", "state", "tail", "got", "called", "listener", "about")

    def __init__(self, sock: socket.socket, dialect: Dialect) -> None:
        self.sock = sock
        self.dialect = dialect
        self.state = CONNECTING
        self.tail = b""  # of a frame that has not arrived whole
        self.got = 0
        self.called = 0
        self.listener: Callable[[Client, bytes], None] | None = None
        self.about: Any = None

    def say(self, payload: bytes) -> None:
        """One message; the socket of a load generator always has room for it."""
        frame = masked(payload)
        if self.sock.send(frame) != len(frame):
            raise Rejected("the server stopped reading")

    def call(self, body: Any) -> int:
        """One call; its number."""
        self.called += 1
        self.say(self.dialect.call(self.called, body))
        return self.called

    def greet(self) -> None:
        """The socket is open."""
        self.state = JOINING
        for message in self.dialect.hello():
            self.say(message)

    def hear(self, opcode: int, payload: bytes) -> str | None:
        """One message; the reason when it ends the connection."""
        dialect = self.dialect
        if opcode == CLOSE:
            return f"{int.from_bytes(payload[:2])} {payload[2:].decode(errors='replace')}"
        if opcode == PING:
            self.sock.send(masked(payload, opcode=PONG))
        elif dialect.is_ping(payload):
            if dialect.pong is not None:
                self.say(dialect.pong)
        elif self.state == JOINING:
            self._join(payload)
        elif self.listener is not None:
            self.listener(self, payload)
        return None

    def _join(self, payload: bytes) -> None:
        if self.dialect.is_ready(payload):
            self.state = READY
        else:
            for message in self.dialect.after(payload):
                self.say(message)
