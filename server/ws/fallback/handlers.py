"""Tornado's side of the HTTP fallbacks.

For networks that break WebSockets: the server speaks on an answer that does not end, the client by requests
to `/emulation` that any instance takes (protocol.md §14). Only the JavaScript library uses them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tornado.web import RequestHandler

from server.core.errors import STATUS_OF_CODE, Refused, Unavailable
from server.core.ids import new_id
from server.core.strict_json import dumps
from server.ws.fallback.endless import EndlessAnswer
from server.ws.live import LiveChannels
from server.ws.peer import notice_dead_peers
from server.ws.reframed import Reframed, as_event, as_it_is, as_line
from server.ws.stream import send
from server.ws.wire.answers import Address
from server.ws.wire.codec import Codec
from server.ws.wire.commands import BadFrame
from server.ws.wire.emulation import read_json, read_protobuf

_SENTENCES = {
    "malformed": "请求格式有误，无法识别",
    "forbidden": "不允许从该来源访问",
    "not_found": "连接已不存在，请重新连接",
    "method_not_allowed": "该地址不支持这种请求方法",
    "too_large": "提交的内容过大",
    "unsupported_type": "不支持的内容类型",
    "too_many_requests": "连接过于频繁，请稍后再试",
    "unavailable": "服务暂时不可用，请稍后再试",
    "internal": "服务器开小差了，请稍后再试",
}
_CODE_OF_STATUS = {400: "malformed", 405: "method_not_allowed"}
_JSON, _PROTOBUF = "application/json", "application/octet-stream"
_PREFLIGHT_S = "600"
_ENVELOPE_BYTES = 1_024  # session, node and quotes around a message of full size


def fallback_routes(live: LiveChannels) -> list[tuple[Any, ...]]:
    """For the application's list of routes."""
    json, protobuf = live.codecs["centrifuge-json"], live.codecs["centrifuge-protobuf"]
    kinds = {
        _JSON: Kind(Reframed(json, as_line), "application/x-ndjson; charset=UTF-8"),
        _PROTOBUF: Kind(Reframed(protobuf, as_it_is), _PROTOBUF),
    }
    events = Kind(Reframed(json, as_event), "text/event-stream; charset=UTF-8")
    return [
        (r"/connection/http_stream", HttpStream, {"live": live, "kinds": kinds}),
        (r"/connection/sse", EventStream, {"live": live, "kind": events}),
        (r"/emulation", Emulation, {"live": live}),
    ]


@dataclass(frozen=True, slots=True)
class Kind:
    """How a stream speaks: one object a process, because receivers are grouped by its codec."""

    codec: Codec
    content_type: str


class FallbackHandler(RequestHandler):
    """Origins as for sockets, refusals in the envelope of contract.md §2."""

    live: LiveChannels

    def initialize(self, *, live: LiveChannels) -> None:
        self.live = live

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-store, no-cache, no-transform")

    def prepare(self) -> None:
        self.set_header("Vary", "Origin")
        if self._check_cross_origin(self._is_allowed) is not None:
            self.refuse("forbidden")
            return
        origin = self.request.headers.get("Origin", "")
        if self._is_allowed(origin):
            self.set_header("Access-Control-Allow-Origin", origin)

    def _is_allowed(self, origin: str) -> bool:
        return origin.lower() in self.live.allowed_origins

    def options(self) -> None:
        """What a browser asks before it lets a page of another origin send JSON."""
        self.set_header("Access-Control-Allow-Methods", "GET, POST")
        self.set_header("Access-Control-Allow-Headers", "Content-Type")
        self.set_header("Access-Control-Max-Age", _PREFLIGHT_S)
        self.set_status(204)
        self.finish()

    def message_type(self) -> str:
        """What the body is in, JSON or Protobuf. Raises Refused."""
        name = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if name not in (_JSON, _PROTOBUF):
            raise Refused("unsupported_type")
        return name

    def bounded_body(self, *, most_bytes: int) -> bytes:
        """Raises Refused."""
        if len(self.request.body) > most_bytes:
            raise Refused("too_large")
        return self.request.body

    def refuse(self, code: str, *, status: int | None = None, retry_after_s: int | None = None) -> None:
        """Finish with a refusal."""
        self.set_status(status or STATUS_OF_CODE[code])
        if retry_after_s is not None:
            self.set_header("Retry-After", str(retry_after_s))
        self.set_header("Content-Type", "application/json; charset=UTF-8")
        self.finish(dumps({"code": code, "message": _SENTENCES[code], "data": None, "request_id": new_id()}))

    def write_error(self, status_code: int, **_: Any) -> None:
        self.refuse(_CODE_OF_STATUS.get(status_code, "internal"), status=status_code)


class StreamHandler(FallbackHandler):
    """Begins a connection whose first message came with the request."""

    def begin(self, message: str | bytes, kind: Kind) -> None:
        """Answer without end, or say when to come again."""
        live = self.live
        retry_after_s = live.busy_for_s()
        if retry_after_s is not None:
            live.counts["handshakes_refused"] += 1
            self.refuse("too_many_requests", retry_after_s=retry_after_s)
            return
        head = self._head(kind)
        remote_address = self.live.address_of(self.request.remote_ip or "", self.request.headers)
        stream = self.detach()
        if stream.closed():
            return
        stream.set_nodelay(True)
        notice_dead_peers(stream.socket)
        answer, address = EndlessAnswer(stream, codec=kind.codec), live.switchboard.address()
        send(stream, head)
        guest = live.open(answer, codec=kind.codec, remote_address=remote_address, address=address)
        answer.watch(on_end=lambda: live.closed(guest))
        live.switchboard.put(address.session, message)

    def _head(self, kind: Kind) -> bytes:
        """As bytes, because the frames after it go straight to the socket."""
        self.set_header("Content-Type", kind.content_type)
        self.set_header("X-Accel-Buffering", "no")
        self.set_header("Connection", "close")
        lines = (f"{name}: {value}\r\n" for name, value in self._headers.get_all())
        return f"HTTP/1.1 200 OK\r\n{''.join(lines)}\r\n".encode("latin-1")


class HttpStream(StreamHandler):
    """`POST /connection/http_stream`: the body is the first message, the answer all others, in JSON one a line."""

    def initialize(self, *, live: LiveChannels, kinds: Mapping[str, Kind]) -> None:
        super().initialize(live=live)
        self._kinds = kinds

    def post(self) -> None:
        try:
            name = self.message_type()
            body = self.bounded_body(most_bytes=self.live.limits.frame_bytes)
            message = _text(body) if name == _JSON else body
        except Refused as refusal:
            self.refuse(refusal.code)
        else:
            self.begin(message, self._kinds[name])


class EventStream(StreamHandler):
    """`GET /connection/sse?cf_connect=…`: the parameter is the first message, the answer an event stream.

    Browsers' EventSource can send nothing else, so the token stands in an address here: `http_stream` is better.
    """

    def initialize(self, *, live: LiveChannels, kind: Kind) -> None:
        super().initialize(live=live)
        self._kind = kind

    def get(self) -> None:
        messages = self.request.query_arguments.get("cf_connect", [])
        try:
            [message] = [message.decode("utf-8") for message in messages]
        except ValueError:  # none, several, or not UTF-8
            self.refuse("malformed")
        else:
            self.begin(message, self._kind)


class Emulation(FallbackHandler):
    """`POST /emulation` {"session", "node", "data"}: a message of a client that listens elsewhere; 204."""

    async def post(self) -> None:
        try:
            address, message = self._read()
            await self.live.switchboard.deliver(address, message)
        except Refused as refusal:
            self.refuse(refusal.code, retry_after_s=refusal.retry_after_s)
        except Unavailable as trouble:
            self.refuse("unavailable", retry_after_s=trouble.retry_after_s)
        else:
            self.live.counts["emulated_messages"] += 1
            self.clear_header("Content-Type")
            self.set_status(204)

    def _read(self) -> tuple[Address, str | bytes]:
        frame_bytes = self.live.limits.frame_bytes
        name = self.message_type()
        body = self.bounded_body(most_bytes=2 * frame_bytes + _ENVELOPE_BYTES)
        try:
            address, message = read_json(_text(body)) if name == _JSON else read_protobuf(body)
        except BadFrame:
            raise Refused("malformed") from None
        if len(message if isinstance(message, bytes) else message.encode()) > frame_bytes:
            raise Refused("too_large")
        return address, message


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("malformed") from None
