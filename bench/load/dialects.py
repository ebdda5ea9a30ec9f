"""What each server wants to hear, and what it says."""

import json
from typing import Any, Protocol


def compact(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


class Dialect(Protocol):
    """One client's side of a protocol; one object serves all clients that say the same."""

    path: str
    pong: bytes | None  # the answer to the server's own ping; None: it uses the frames of the transport

    def hello(self) -> list[bytes]:
        """What is sent once the socket is open."""

    def after(self, payload: bytes) -> list[bytes]:
        """What is sent upon a message before the client is ready."""

    def is_ready(self, payload: bytes) -> bool:
        """Whether this message says that everything asked for in `hello` is granted. Raises Rejected."""

    def is_ping(self, payload: bytes) -> bool: ...

    def call(self, number: int, body: Any) -> bytes:
        """A call with an acknowledgement, `number` counted by the client."""

    def publications(self, payload: bytes | bytearray, start: int, end: int) -> int:
        """How many publications a frame of a receiver holds."""

    def is_ack(self, payload: bytes) -> bool:
        """Whether a frame of a sender acknowledges a call. Raises Rejected."""


class Rejected(Exception):
    """The server said no to something that the bench may do: the run is worth nothing."""


class CentrifugeJson:
    """Ours and the Centrifuge engine's. A frame may hold several messages, one a line."""

    path = "/connection/websocket"
    pong = b"{}"

    def __init__(self, token: str, *, channel: str = "", method: str = "") -> None:
        self._token = token
        self._channel = channel
        self._method = method
        self._last_id = 2 if channel else 1

    def hello(self) -> list[bytes]:
        lines = [compact({"id": 1, "connect": {"token": self._token, "name": "bench"}})]
        if self._channel:
            lines.append(compact({"id": 2, "subscribe": {"channel": self._channel}}))
        return [b"\n".join(lines)]

    def after(self, payload: bytes) -> list[bytes]:
        return []

    def is_ready(self, payload: bytes) -> bool:
        ready = False
        for line in payload.split(b"\n"):
            reply = json.loads(line)
            if "error" in reply or "disconnect" in reply.get("push", {}):
                raise Rejected(line.decode())
            ready = ready or reply.get("id") == self._last_id
        return ready

    def is_ping(self, payload: bytes) -> bool:
        return payload == b"{}"

    def call(self, number: int, body: Any) -> bytes:
        return compact({"id": self._last_id + number, "rpc": {"method": self._method, "data": body}})

    def publications(self, payload: bytes | bytearray, start: int, end: int) -> int:
        return payload.count(b"\n", start, end) + 1

    def is_ack(self, payload: bytes) -> bool:
        if b'"error"' in payload:
            raise Rejected(payload.decode())
        return payload.startswith(b'{"id":')


class PlainJson:
    """The bare Node `ws` server of bench/peers."""

    path = "/"
    pong = None

    def __init__(self, user: str, *, channels: tuple[str, ...] = (), method: str = "") -> None:
        self._user = user
        self._channels = channels
        self._method = method

    def hello(self) -> list[bytes]:
        return [compact({"id": 1, "hello": {"user": self._user, "channels": self._channels}})]

    def after(self, payload: bytes) -> list[bytes]:
        return []

    def is_ready(self, payload: bytes) -> bool:
        return json.loads(payload).get("id") == 1

    def is_ping(self, payload: bytes) -> bool:
        return False

    def call(self, number: int, body: Any) -> bytes:
        return compact({"id": number + 1, "method": self._method, "data": body})

    def publications(self, payload: bytes | bytearray, start: int, end: int) -> int:
        return 1

    def is_ack(self, payload: bytes) -> bool:
        return payload.startswith(b'{"id":')


class SocketIo:
    """Socket.IO 5 over Engine.IO 4 on a WebSocket from the start; the same for Node and Python."""

    path = "/socket.io/?EIO=4&transport=websocket"
    pong = b"3"

    def __init__(self, user: str, *, channels: tuple[str, ...] = (), method: str = "") -> None:
        self._user = user
        self._channels = channels
        self._method = method

    def hello(self) -> list[bytes]:
        return [b"40"]

    def after(self, payload: bytes) -> list[bytes]:
        if not payload.startswith(b"40"):
            return []
        return [b"421" + compact(["hello", {"user": self._user, "channels": self._channels}])]

    def is_ready(self, payload: bytes) -> bool:
        return payload.startswith(b"431[")

    def is_ping(self, payload: bytes) -> bool:
        return payload == b"2"

    def call(self, number: int, body: Any) -> bytes:
        return b"42%d" % (number + 1) + compact([self._method, body])

    def publications(self, payload: bytes | bytearray, start: int, end: int) -> int:
        return 1

    def is_ack(self, payload: bytes) -> bool:
        return payload.startswith(b"43")
