"""How every HTTP answer looks, and how every body is received.

Invariant: whatever happens, the answer is the envelope of contract.md §2 and carries a request id of
our own. A request that is refused is still read to a bound and thrown away, because closing a socket with
unread bytes resets it and the client would never see why.
"""
import logging
import re
from collections.abc import Mapping
from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler, stream_request_body

from server.core.call import Answer
from server.core.errors import Refused, Unavailable
from server.core.ids import new_id
from server.core.strict_json import dumps
from server.handlers.http.edge import Edge
from server.handlers.http.sentences import SENTENCES, code_of_status, status_of
from server.handlers.http.strictness import caller_address
from server.handlers.http.use_cases import Failed

_log = logging.getLogger(__name__)
_DRAINED_BYTES = 16 * 1_048_576  # beyond the limit: read and thrown away, so that a 413 arrives
API_POLICY = "default-src 'none'; frame-ancestors 'none'"


def security_headers(handler: RequestHandler, *, content_policy: str) -> None:
    """What every answer says to browsers; Tornado's name and version are nobody's business."""
    handler.clear_header("Server")
    handler.set_header("X-Content-Type-Options", "nosniff")
    handler.set_header("Referrer-Policy", "no-referrer")
    handler.set_header("X-Frame-Options", "DENY")
    handler.set_header("Content-Security-Policy", content_policy)
    if handler.request.protocol == "https":
        handler.set_header("Strict-Transport-Security", "max-age=31536000")


def envelope(answer: Answer, *, beside: Mapping[str, Any] | None = None) -> bytes:
    """The body of an answer, with `beside` it; the same answer always gives the same bytes."""
    body: dict[str, Any] = {
        "code": answer.code,
        "message": answer.message or SENTENCES[answer.code],
        "data": answer.data,
    }
    if answer.errors:
        body["errors"] = answer.errors
    body["request_id"] = answer.request_id
    body.update(beside or {})
    return dumps(body).encode()


def _declared_bytes(content_length: str) -> int:
    return int(content_length) if re.fullmatch(r"[0-9]{1,18}", content_length) else 0


@stream_request_body
class EdgeHandler(RequestHandler):
    """Receives a bounded body, answers envelopes. Subclasses give `admit`, `serve`, `methods`."""

    methods: tuple[str, ...] = ()
    route = "unknown"  # the label in metrics
    edge: Edge
    request: HTTPServerRequest

    def initialize(self, *, edge: Edge, **_: Any) -> None:
        self.edge = edge
        self.request_id = new_id()
        self._early: Exception | None = None
        self._kept = bytearray()
        self._received_bytes = 0

    def set_default_headers(self) -> None:
        security_headers(self, content_policy=API_POLICY)
        self.set_header("Cache-Control", "no-store")

    @property
    def remote_address(self) -> str:
        """The caller's address, as far as it can be trusted."""
        return caller_address(
            self.request.remote_ip or "", self.request.headers, trusted_proxies=self.edge.trusted_proxies
        )

    def body_limit_bytes(self) -> int:
        return self.edge.body_bytes

    async def admit(self) -> None:
        """Checks that need no body; raises Refused or Unavailable."""

    async def serve(self, **path_values: str) -> None:
        """The work, with the whole body in `self.received`; raises Refused, Unavailable or Failed."""
        raise HTTPError(404)

    @property
    def received(self) -> bytes:
        return bytes(self._kept)

    async def prepare(self) -> None:
        self.set_header("X-Request-Id", self.request_id)
        limit = self.body_limit_bytes()
        declared_bytes = _declared_bytes(self.request.headers.get("Content-Length", ""))
        self.request.connection.set_max_body_size(max(limit + _DRAINED_BYTES, declared_bytes))
        try:
            if self.methods and self.request.method not in self.methods:
                raise HTTPError(405)
            await self.admit()
        except (Refused, Unavailable, HTTPError) as problem:
            self._early = problem
        if declared_bytes > limit + _DRAINED_BYTES:
            self._tell(self._early or Refused("too_large"))

    def data_received(self, chunk: bytes) -> None:
        self._received_bytes += len(chunk)
        if self._early is None and self._received_bytes <= self.body_limit_bytes():
            self._kept += chunk
        else:
            self._kept.clear()

    async def _serve(self, **path_values: str) -> None:
        try:
            if self._early is not None:
                raise self._early
            if self._received_bytes > self.body_limit_bytes():
                raise Refused("too_large")
            await self.serve(**path_values)
        except (Refused, Unavailable, Failed, HTTPError) as problem:
            self._tell(problem)

    get = post = put = patch = delete = head = options = _serve

    def _tell(self, problem: Exception) -> None:
        """Answer with what went wrong."""
        match problem:
            case Refused():
                errors = [{"field": e.field, "code": e.code, "message": e.message} for e in problem.errors]
                self._retry_after(problem.retry_after_s)
                self.answer(problem.code, problem.data, message=problem.message or "", errors=errors)
            case Unavailable():
                self._retry_after(problem.retry_after_s)
                self.answer("unavailable", None)
            case HTTPError():
                self.answer(code_of_status(problem.status_code), None)
            case _:
                self.answer("internal", None)

    def _retry_after(self, seconds: int | None) -> None:
        if seconds is not None:
            self.set_header("Retry-After", str(max(1, seconds)))

    def answer(
        self,
        code: str,
        data: Any,
        *,
        status: int | None = None,
        message: str = "",
        errors: list[dict[str, str]] | None = None,
    ) -> None:
        """Finish with an envelope of this request."""
        status = status_of(code) if status is None else status
        self.repeat(Answer(status, code, message, data, errors or [], self.request_id))

    def repeat(self, answer: Answer, *, beside: Mapping[str, Any] | None = None) -> None:
        """Finish with an answer as it stands, perhaps one that was given to an earlier request."""
        if answer.status == 405:
            self.set_header("Allow", ", ".join(self.methods))
        if answer.status == 401:
            self.set_header("WWW-Authenticate", "Bearer")
        if answer.status in (429, 503) and "Retry-After" not in self._headers:
            self._retry_after(1)
        self.finish_with(envelope(answer, beside=beside), "application/json; charset=utf-8", status=answer.status)

    def finish_with(self, content: bytes, content_type: str, *, status: int = 200) -> None:
        """Finish with these bytes."""
        self.set_status(status)
        self.set_header("Content-Type", content_type)
        self.set_header("X-Request-Id", self.request_id)
        self.finish(content)

    def write_error(self, status_code: int, **_: Any) -> None:
        """What Tornado refused by itself, and every bug, as an envelope."""
        self.answer(code_of_status(status_code), None, status=status_code)

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """One record for a bug; none for what the caller did wrong or for one who left."""
        if isinstance(value, (HTTPError, StreamClosedError)):
            return
        _log.error(
            "request failed", exc_info=(typ, value, tb), extra={"route": self.route, "request_id": self.request_id}
        )

    def compute_etag(self) -> None:
        return None  # answers are personal and never cached

    def on_finish(self) -> None:
        method = self.request.method if self.request.method in self.SUPPORTED_METHODS else "other"
        self.edge.metrics.answered(
            str(method), self.route, status=self.get_status(), seconds=self.request.request_time()
        )


class UnknownPath(EdgeHandler):
    """404 in the envelope for a path that nobody declared."""
