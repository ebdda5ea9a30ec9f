"""One handler for every endpoint, and its order of checks.

Method, login, role, rate, body, fields, idempotency key, use case. Whoever may not ask is told so before
a byte of the body is kept, and learns nothing from what the body would have been answered.
"""
import hmac
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tornado.httputil import HTTPHeaders
from tornado.web import HTTPError

from server.core.call import Actor, Call
from server.core.errors import Refused
from server.handlers.http.base import EdgeHandler
from server.handlers.http.edge import GUEST, SERVICE, Edge
from server.handlers.http.strictness import bearer_token, is_loopback


@dataclass(frozen=True, slots=True)
class Received:
    """A whole request, undecoded; `path_values` are the `{names}` of the path."""

    headers: HTTPHeaders
    query: str
    body: bytes
    path_values: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """What the handler needs to know of an operation, an upload or a download.

    `read(received, call)` gives the input of `run(call, input)` and may set `call.keyed`; it raises Refused.
    `show(handler, data)` finishes with the result; None means the envelope.
    """

    method: str
    path: str
    name: str
    roles: frozenset[str]
    body_limit_bytes: int
    read: Callable[[Received, Call], Any]
    run: Callable[[Call, Any], Awaitable[Any]]
    show: Callable[[EdgeHandler, Any], None] | None = None
    status: int = 200
    body_timeout_s: float | None = None
    loopback_only: bool = False


class EndpointHandler(EdgeHandler):
    """Serves the endpoints of one path, one a method."""

    endpoints: Mapping[str, Endpoint]
    call: Call

    def initialize(self, *, edge: Edge, endpoints: Mapping[str, Endpoint], **_: Any) -> None:
        super().initialize(edge=edge)
        self.endpoints = endpoints
        self.methods = tuple(endpoints)
        self.spent_s = 0.0  # waiting for others; how long the body was on its way is the caller's own affair
        self.route = next(iter(endpoints.values())).path

    def body_limit_bytes(self) -> int:
        endpoint = self.endpoints.get(str(self.request.method))
        return endpoint.body_limit_bytes if endpoint else 0

    async def admit(self) -> None:
        endpoint = self.endpoints[str(self.request.method)]
        if endpoint.loopback_only and not is_loopback(self.remote_address):
            raise HTTPError(404)
        if endpoint.body_timeout_s is not None:
            self.request.connection.set_body_timeout(endpoint.body_timeout_s)
        self.call = Call(
            actor=await self._actor(endpoint.roles),
            request_id=self.request_id,
            remote_address=self.remote_address,
            success_status=endpoint.status,
        )
        if self.edge.limit is not None:
            await self._asked(self.edge.limit(endpoint.name, self.call))

    async def _actor(self, roles: frozenset[str]) -> Actor | None:
        if not roles:
            return None
        if roles == SERVICE:
            return self._require_service()
        token = bearer_token(self.request.headers)
        if token is None:
            if GUEST <= roles:
                return None
            raise Refused("unauthorized")
        actor = await self._asked(self.edge.authenticate(token))
        if actor.user_type not in roles:
            raise Refused("forbidden")
        return actor

    async def _asked(self, work: Awaitable[Any]) -> Any:
        """What must be known before the use case; all of it shares one deadline with it. Raises Unavailable."""
        began_at = time.monotonic()
        try:
            return await self.edge.use_cases.within_deadline(work, spent_s=self.spent_s)
        finally:
            self.spent_s += time.monotonic() - began_at

    def _require_service(self) -> Actor:
        given = self.request.headers.get("X-Service-Key", "")
        known = self.edge.service_key
        if not known or not hmac.compare_digest(given.encode(), known.encode()):
            raise Refused("unauthorized")
        return Actor(user_id="service", user_type="service", login_id="")  # so that its keys have an owner

    async def serve(self, **path_values: str) -> None:
        endpoint = self.endpoints[str(self.request.method)]
        received = Received(self.request.headers, self.request.query, self.received, path_values)
        command = endpoint.read(received, self.call)
        work = endpoint.run(self.call, command)
        try:
            data = await self.edge.use_cases.run(
                endpoint.name, work, request_id=self.request_id, spent_s=self.spent_s
            )
        except Refused:
            if self.call.answer is None:
                raise
        if self.call.answer is not None:
            self.repeat(self.call.answer)
        elif endpoint.show is not None:
            endpoint.show(self, data)
        else:
            self.answer("ok", data, status=endpoint.status)
