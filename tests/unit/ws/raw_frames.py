"""A client that says frames no library would say."""

import asyncio
import socket
import struct
from contextlib import suppress

from tests.unit.ws.test_handshake import UPGRADE
from tests.wires import WIRES

JSON = WIRES[0]
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
WAITS_S = 8.0


def frame(opcode, payload=b"", *, is_last=True, is_masked=True, reserved=0, length=None):
    """One frame as a client sends it; `length` are the bytes after the first one, to lie about it."""
    length = _length(len(payload)) if length is None else length
    head = bytes((0x80 * is_last | reserved << 4 | opcode,))
    mask = b"\x01\x02\x03\x04" if is_masked else b""
    body = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload)) if is_masked else payload
    return head + bytes((length[0] | 0x80 * is_masked,)) + length[1:] + mask + body


def _length(size):
    if size < 126:
        return bytes((size,))
    return b"\x7e" + struct.pack("!H", size) if size < 65_536 else b"\x7f" + struct.pack("!Q", size)


class RawSocket:
    """One WebSocket below every library; `close` is what the server's close frame held, None without one.

    A bare socket, because a stream forgets what it has read when a reset follows.
    """

    def __init__(self, peer, wire):
        self.wire = wire
        self.close = None
        self._peer = peer
        self._unread = b""
        self._told = []

    @classmethod
    async def open(cls, here, wire=JSON):
        peer = socket.create_connection(("127.0.0.1", here.port))
        peer.setblocking(False)
        self = cls(peer, wire)
        names = UPGRADE | {"Host": f"127.0.0.1:{here.port}", "Sec-WebSocket-Protocol": wire.codec.subprotocol}
        head = "".join(f"{name}: {value}\r\n" for name, value in names.items())
        await self.send(f"GET /connection/websocket HTTP/1.1\r\n{head}\r\n".encode())
        while b"\r\n\r\n" not in self._unread:
            assert await self._read_more()
        head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        assert b" 101 " in head, head
        return self

    async def send(self, *frames):
        with suppress(ConnectionError):  # it may be cut off in the middle
            async with asyncio.timeout(WAITS_S):
                await asyncio.get_running_loop().sock_sendall(self._peer, b"".join(frames))

    async def say(self, *commands):
        said = self.wire.say(*commands)
        is_text = isinstance(said, str)
        await self.send(frame(TEXT if is_text else BINARY, said.encode() if is_text else said))

    async def connect(self, token="alice"):
        await self.say({"id": 1, "connect": {"token": token}})
        assert "connect" in await self.heard()
        return self

    async def _read_more(self):
        try:
            async with asyncio.timeout(WAITS_S):
                found = await asyncio.get_running_loop().sock_recv(self._peer, 65_536)
        except ConnectionError:
            return False
        self._unread += found
        return bool(found)

    async def _take(self, count):
        while len(self._unread) < count:
            if not await self._read_more():
                return None
        taken, self._unread = self._unread[:count], self._unread[count:]
        return taken

    async def next_frame(self):
        """Opcode and payload; None at the end. Servers send whole frames without a mask."""
        head = await self._take(2)
        if head is None:
            return None
        assert head[0] & 0x80 and not head[1] & 0x80
        size = head[1]
        if size >= 126:
            size = int.from_bytes(await self._take({126: 2, 127: 8}[size]))
        return head[0] & 15, await self._take(size)

    async def heard(self):
        """The next reply or push; the opcode of another frame; None at the end."""
        if not self._told:
            found = await self.next_frame()
            if found is None:
                return None
            opcode, payload = found
            if opcode == CLOSE:
                self.close = (int.from_bytes(payload[:2]), payload[2:].decode()) if payload else ()
            if opcode not in (TEXT, BINARY):
                return opcode
            self._told = self.wire.hear(payload.decode() if opcode == TEXT else payload)
        return self._told.pop(0)

    async def ended(self):
        """Code and reason of the close frame once the server has dropped the socket; None without a close frame."""
        while await self.heard() is not None:
            if self.close is not None:
                await self.send(frame(CLOSE, b"\x03\xe8"))
        return self.close

    async def answers(self):
        """Whether the connection still does what it is told."""
        await self.say({"id": 4_000_000_000, "ping": {}})
        while (found := await self.heard()) is not None:
            if found == {"id": 4_000_000_000, "ping": {}}:
                return True
        return False

    def drop(self):
        self._peer.close()
