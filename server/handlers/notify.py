"""The payment providers' door, and who knocks in the sandbox."""

from collections.abc import Mapping
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.web import HTTPError, URLSpec

from server.billing.notifications import PaymentNotifications
from server.core.tasks import unless_given_up
from server.handlers.http.base import EdgeHandler
from server.handlers.http.edge import Edge

NOTIFY_PATH = "/api/payment/notify/"  # + the provider's name
_NOTIFY_BYTES = 65_536  # a real notification has 2 KiB; the rest is somebody trying
_POST_TIMEOUT_S = 5.0  # what WeChat Pay grants for an answer


class NotifyHandler(EdgeHandler):
    """Takes a provider's notification: raw bytes in, the provider's own word out."""

    methods = ("POST",)
    route = NOTIFY_PATH + "{provider}"
    notifications: PaymentNotifications

    def initialize(self, *, edge: Edge, notifications: PaymentNotifications, **_: Any) -> None:
        super().initialize(edge=edge)
        self.notifications = notifications

    def body_limit_bytes(self) -> int:
        return _NOTIFY_BYTES

    async def admit(self) -> None:
        if self.request.query:
            raise HTTPError(404)  # our notify URLs have none, so this is not one

    async def serve(self, **path_values: str) -> None:
        work = self.notifications.receive(path_values["provider"], self.request.headers, self.received)
        answer = await self.edge.use_cases.run("payment.notify", work, request_id=self.request_id)
        if answer.status == 200:
            self.finish_with(answer.body, "application/json; charset=utf-8")
        else:
            raise HTTPError(answer.status)


def notify_routes(notifications: PaymentNotifications, edge: Edge) -> list[URLSpec]:
    """POST /api/payment/notify/<provider>."""
    pattern = NOTIFY_PATH + "(?P<provider>[a-z]{1,16})"
    return [URLSpec(pattern, NotifyHandler, {"edge": edge, "notifications": notifications})]


async def post_over_http(url: str, headers: Mapping[str, str], body: bytes) -> int:
    """POST JSON bytes and return the HTTP status; 0 when nobody answered. The sandbox's courier uses it."""
    request = HTTPRequest(
        url,
        method="POST",
        headers={**headers, "Content-Type": "application/json"},
        body=body,
        connect_timeout=_POST_TIMEOUT_S,
        request_timeout=_POST_TIMEOUT_S,
        follow_redirects=False,
    )
    try:
        response = await unless_given_up(AsyncHTTPClient().fetch(request, raise_error=False))
    except (OSError, HTTPClientError):
        return 0
    return 0 if response.code == 599 else response.code
