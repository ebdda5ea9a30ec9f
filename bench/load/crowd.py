"""Many clients in one loop: plain sockets and one epoll."""

import select
import socket
import struct
import time
from collections.abc import Callable, Sequence

from bench.load.client import CONNECTING, ENDED, READY, SHAKING, Client
from bench.load.dialects import Dialect, Rejected
from bench.load.frames import handshake, next_frame
from bench.load.tally import Tally

_BUFFER_BYTES = 1 << 18
_SMALLEST_PUBLICATION = 40  # pings, pongs and close frames are shorter
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: no goodbye


class Crowd:
    """All clients of one server. `on_end(client, why)` hears of closed sockets; without it they are an error."""

    def __init__(self, port: int, *, on_end: Callable[[Client, str], None] | None = None) -> None:
        self.port = port
        self.clients: dict[int, Client] = {}
        self.tally = Tally()
        self._on_end = on_end
        self._others: dict[int, Callable[[], None]] = {}
        self._epoll = select.epoll()
        self._buffer = bytearray(_BUFFER_BYTES)
        self._view = memoryview(self._buffer)

    def open(self, dialects: Sequence[Dialect], *, at_once: int = 64, within_s: float = 120.0) -> list[Client]:
        """Connect, greet, subscribe; returns when all are ready. Raises Rejected."""
        opened: list[Client] = []
        waiting: list[Client] = []
        deadline = time.monotonic() + within_s
        while len(opened) < len(dialects) or waiting:
            more = dialects[len(opened) : len(opened) + at_once - len(waiting)]
            started = [self.start(dialect) for dialect in more]
            opened += started
            self.turn(0.05)
            waiting = [client for client in (*waiting, *started) if client.state < READY]
            if time.monotonic() > deadline:
                raise Rejected(f"{len(waiting)} of {len(opened)} clients were not let in within {within_s:g} s")
        return opened

    def start(self, dialect: Dialect) -> Client:
        """Begin to connect."""
        sock = socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = Client(sock, dialect)
        self.clients[sock.fileno()] = client
        sock.connect_ex(("127.0.0.1", self.port))
        self._epoll.register(sock, select.EPOLLOUT)
        return client

    def watch(self, sock: socket.socket, on_readable: Callable[[], None]) -> None:
        """Another socket in the same loop."""
        self._others[sock.fileno()] = on_readable
        self._epoll.register(sock, select.EPOLLIN)

    def turn(self, timeout_s: float) -> None:
        """Handle what has arrived; waits up to `timeout_s` for the first of it."""
        clients, tally, buffer, size = self.clients, self.tally, self._buffer, self.tally.frame_bytes
        for fd, _ in self._epoll.poll(timeout_s):
            client = clients.get(fd)
            if client is None:
                self._others.get(fd, _nothing)()
                continue
            if client.state != READY or client.tail or client.listener is not None:
                self._receive(client)
                continue
            try:
                count = client.sock.recv_into(buffer)
            except BlockingIOError:
                continue
            except OSError as problem:
                self._end(client, str(problem))
                continue
            if size and count and not count % size and tally.are_alike(buffer, count):
                tally.add(client, count // size)
            else:
                self._take(client, count)

    def _receive(self, client: Client) -> None:
        if client.state == CONNECTING:
            self._shake(client)
            return
        kept = len(client.tail)
        self._buffer[:kept] = client.tail
        try:
            count = client.sock.recv_into(self._view[kept:])
        except BlockingIOError:
            return
        except OSError as problem:
            self._end(client, str(problem))
            return
        client.tail = b""
        if count and client.state == SHAKING:
            self._shaken(client, kept + count)
        else:
            self._take(client, kept + count if count else 0)

    def _shake(self, client: Client) -> None:
        error = client.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            self._end(client, f"connect: {error}")
            return
        client.state = SHAKING
        client.sock.send(handshake(client.dialect.path, f"127.0.0.1:{self.port}"))
        self._epoll.modify(client.sock, select.EPOLLIN)

    def _shaken(self, client: Client, end: int) -> None:
        head_end = self._buffer.find(b"\r\n\r\n", 0, end)
        if head_end < 0:
            client.tail = bytes(self._buffer[:end])
        elif not self._buffer.startswith(b"HTTP/1.1 101"):
            self._end(client, f"HTTP {bytes(self._buffer[9:12]).decode()}")
        else:
            client.greet()
            self._take(client, end, start=head_end + 4)

    def _take(self, client: Client, end: int, *, start: int = 0) -> None:
        """Walk the frames in the buffer; what is incomplete waits for the next read."""
        buffer = self._buffer
        if end == 0:
            self._end(client, "closed")
            return
        while (found := next_frame(buffer, start, end)) is not None:
            opcode, body, body_end = found
            if client.state == READY and client.listener is None and body_end - body >= _SMALLEST_PUBLICATION:
                count = client.dialect.publications(buffer, body, body_end)
                self.tally.add(client, count)
                if count == 1 and start == 0 and body_end == end:
                    self.tally.learn(buffer, end)
            else:
                ended = client.hear(opcode, bytes(buffer[body:body_end]))
                if ended is not None:
                    self._end(client, ended)
                if client.state == ENDED:
                    return
            start = body_end
        client.tail = bytes(buffer[start:end])

    def _end(self, client: Client, why: str) -> None:
        self.drop(client)
        if self._on_end is None:
            raise Rejected(f"a socket ended: {why}")
        self._on_end(client, why)

    def drop(self, client: Client, *, reset: bool = False) -> None:
        """Close one socket, with `reset` as a cable does that is pulled."""
        if client.state == ENDED:
            return
        client.state = ENDED
        del self.clients[client.sock.fileno()]
        if reset:
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        client.sock.close()  # which takes it out of the epoll as well

    def close(self) -> None:
        for client in tuple(self.clients.values()):
            self.drop(client, reset=True)
        self._epoll.close()


def _nothing() -> None:
    """For a socket that was closed earlier in the same turn."""
