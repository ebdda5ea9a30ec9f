"""Tornado's side of the live channels."""

from typing import Any

from tornado.websocket import WebSocketHandler as TornadoHandler
from tornado.websocket import WebSocketProtocol

from server.core.strict_json import dumps
from server.ws.live import LiveChannels
from server.ws.peer import notice_dead_peers
from server.ws.plain_stream import PlainStream
from server.ws.reframed import agreed_compression
from server.ws.stream import take_over
from server.ws.websocket import WebSocket
from server.ws.wire.codec import Codec

_TOKENS_DO_NOT_BELONG_IN_URLS = ("token", "access_token")
_NAMES_OF_THE_ENCODING = ("format", "cf_protocol")


class WebSocketHandler(TornadoHandler):
    """The handshake of one socket. Add it as `(r"/connection/websocket", WebSocketHandler, {"live": live})`."""

    _live: LiveChannels
    _compresses = False

    def initialize(self, *, live: LiveChannels) -> None:
        self._live = live

    @property
    def ping_interval(self) -> float | None:
        return None  # the protocol has its own pings, seen by scripts and counted as signs of life

    @property
    def max_message_size(self) -> int:
        return self._live.limits.frame_bytes

    async def prepare(self) -> None:
        if any(name in self.request.query_arguments for name in _TOKENS_DO_NOT_BELONG_IN_URLS):
            self._refuse(400, "malformed", "请勿在地址中携带令牌")
            return
        retry_after_s = await self._live.welcome()
        if retry_after_s is not None:
            self._live.counts["handshakes_refused"] += 1
            self.set_header("Retry-After", str(retry_after_s))
            self._refuse(429, "too_many_requests", "连接过于频繁，请稍后再试")
        elif self.request.connection.stream.closed():
            self._live.counts["handshakes_given_up"] += 1
            self.finish()

    def get_websocket_protocol(self) -> WebSocketProtocol | None:
        """With compression on, agree to what we keep: Tornado agrees to any offer, and always to contexts."""
        agreed = None
        if self._live.deflated:
            agreed = agreed_compression(self.request.headers.get("Sec-WebSocket-Extensions", ""))
        self._compresses = agreed is not None
        protocol = super().get_websocket_protocol()
        if protocol is not None and agreed is not None:
            protocol._parse_extensions_header = lambda _headers: [("permessage-deflate", agreed)]
        return protocol

    def get_compression_options(self) -> dict[str, Any] | None:
        """For what comes in; what goes out past Tornado is compressed by the codec, once for all receivers."""
        return {} if self._compresses else None

    def _refuse(self, status: int, code: str, message: str) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json; charset=UTF-8")
        self.finish(dumps({"code": code, "message": message, "data": None, "request_id": ""}))

    def check_origin(self, origin: str) -> bool:
        """Asked only for other origins than our own: those that settings name, and no others."""
        return origin.lower() in self._live.allowed_origins

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return next((name for name in subprotocols if name in self._live.codecs), None)

    def open(self, *_args: Any, **_kwargs: Any) -> None:
        if self.ws_connection is None:
            return
        self.set_nodelay(True)
        taken = take_over(self.ws_connection)
        if taken is None:
            return
        peer, unread, unsent = taken
        notice_dead_peers(peer)
        stream = PlainStream(peer, poller=self._live.poller, unsent=unsent)
        socket = WebSocket(stream, live=self._live, inflates=self._compresses)
        address = self._live.address_of(self.request.remote_ip or "", self.request.headers)
        guest = self._live.open(socket, codec=self._codec(), remote_address=address)
        socket.begin(guest, unread=unread)

    def _codec(self) -> Codec:
        """The agreed sub-protocol's; else the one that the address names, as older clients do; else JSON."""
        codecs = self._live.deflated if self._compresses else self._live.codecs
        if self.selected_subprotocol:
            return codecs[self.selected_subprotocol]
        if any(b"protobuf" in self.request.query_arguments.get(name, ()) for name in _NAMES_OF_THE_ENCODING):
            return codecs["centrifuge-protobuf"]
        return next(iter(codecs.values()))
