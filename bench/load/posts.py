"""HTTP posts inside the loop of the crowd: one clock."""

import json
import socket
from collections import deque
from collections.abc import Callable
from typing import Any

from bench.load.crowd import Crowd
from bench.load.dialects import Rejected, compact

_BUFFER_BYTES = 1 << 16


class Posts:
    """A few kept connections; `on_answer(about, data)` for each post."""

    def __init__(self, crowd: Crowd, *, connections: int, on_answer: Callable[[Any, Any], None]) -> None:
        self._on_answer = on_answer
        self._free: deque[socket.socket] = deque()
        self._about: dict[socket.socket, Any] = {}
        self._crowd, self._port = crowd, crowd.port
        for _ in range(connections):
            self._open()

    def _open(self) -> None:
        sock = socket.create_connection(("127.0.0.1", self._port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        self._free.append(sock)
        self._crowd.watch(sock, lambda: self._read(sock))

    @property
    def running(self) -> int:
        return len(self._about)

    def send(self, path: str, body: Any, *, headers: str, about: Any) -> bool:
        """False when all connections are busy."""
        if not self._free:
            return False
        sock, raw = self._free.popleft(), compact(body)
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n{headers}Content-Length: {len(raw)}\r\n\r\n"
        sock.send(head.encode() + raw)
        self._about[sock] = about
        return True

    def _read(self, sock: socket.socket) -> None:
        """Answers are small and come in one piece."""
        raw = sock.recv(_BUFFER_BYTES)
        if not raw and sock in self._free:  # it was not used for long: servers close such
            self._free.remove(sock)
            sock.close()
            self._open()
            return
        head, _, body = raw.partition(b"\r\n\r\n")
        answer = json.loads(body) if body else {}
        if answer.get("code") != "ok":
            raise Rejected(f"a post was refused: {head[:40]!r} {body[:300]!r}")
        self._free.append(sock)
        self._on_answer(self._about.pop(sock), answer["data"])

    def close(self) -> None:
        for sock in (*self._free, *self._about):
            sock.close()
