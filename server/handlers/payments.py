"""What clients and payment providers may ask about money."""

from collections.abc import Mapping
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.web import HTTPError, URLSpec

from server.billing.commands import ListIncome, PaymentById, PayOrder, TapSandboxPay
from server.billing.notifications import PaymentNotifications
from server.billing.payments import Payments
from server.billing.settlement import Settlements
from server.billing.viewing import PaymentViews
from server.core.call import Call
from server.core.operation import ANYONE, CAREGIVER, PATIENT, Operation
from server.handlers.base import EdgeHandler
from server.handlers.edge import Edge
from server.payment.sandbox_till import SandboxTill

NOTIFY_PATH = "/api/payment/notify/"  # + the provider's name
_NOTIFY_BYTES = 65_536  # a real notification has 2 KiB; the rest is somebody trying
_POST_TIMEOUT_S = 5.0  # what WeChat Pay grants for an answer


def payment_operations(payments: Payments, views: PaymentViews, settlements: Settlements) -> list[Operation]:
    """Paying, looking at a payment, and the caregiver's income."""
    return [
        Operation(
            "POST",
            "/api/order/pay",
            PayOrder,
            payments.pay,
            PATIENT,
            "支付订单",
            rpc=True,
            keyed="required",
            refusals=("wrong_state", "amount_mismatch", "payment_in_progress"),
        ),
        Operation(
            "GET",
            "/api/order/payment",
            PaymentById,
            views.payment_of,
            PATIENT | {"admin"},
            "查询支付结果与凭证",
        ),
        Operation("GET", "/api/caregiver/income", ListIncome, settlements.list_income, CAREGIVER, "我的收入"),
    ]


def sandbox_payment_operations(till: SandboxTill) -> list[Operation]:
    """The payer's tap; to be served with `loopback_only` and never in production."""

    async def tap(call: Call, command: TapSandboxPay) -> dict[str, Any]:
        await till.tap(command.payment_id, command.result)
        return {"payment_id": command.payment_id, "result": command.result}

    return [
        Operation(
            "POST",
            "/sandbox/pay",
            TapSandboxPay,
            tap,
            ANYONE,
            "沙箱:模拟付款人确认或拒绝支付",
            keyed="never",
            refusals=("wrong_state",),
        )
    ]


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
        response = await AsyncHTTPClient().fetch(request, raise_error=False)
    except (OSError, HTTPClientError):
        return 0
    return 0 if response.code == 599 else response.code
