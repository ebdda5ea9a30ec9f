"""Writes, signs and reads the sandbox's notifications.

Shaped after WeChat Pay v3: the signature covers timestamp, nonce and the bytes of the body, the header
names the key. Only the sealing of the inner resource is left out.
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from server.core.ids import new_id
from server.core.strict_json import BadJson, parse
from server.payment.port import (
    BadNotification,
    BadSignature,
    Notification,
    RefundReport,
    RefundState,
    TradeReport,
    TradeState,
    UnknownKey,
)
from server.payment.sandbox_book import RefundOrder, Trade

MERCHANT_ID = "sandbox-merchant"
APP_ID = "sandbox-app"
FRESH_FOR_S = 300  # WeChat Pay's rule: an older message is a replay
MAX_FEN = 2**31 - 1
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_NONCE = re.compile(r"[A-Za-z0-9]{8,64}")
_TRADE_STATES = {
    "SUCCESS": TradeState.PAID,
    "REFUND": TradeState.REFUNDED,
    "NOTPAY": TradeState.WAITING,
    "USERPAYING": TradeState.WAITING,
    "CLOSED": TradeState.CLOSED,
    "REVOKED": TradeState.CLOSED,
    "PAYERROR": TradeState.DECLINED,
}
_REFUND_STATES = {
    "PROCESSING": RefundState.PROCESSING,
    "SUCCESS": RefundState.SUCCEEDED,
    "CLOSED": RefundState.FAILED,
    "ABNORMAL": RefundState.FAILED,
}


class SandboxKey:
    """The provider's key pair, the same on every instance because it comes from one secret."""

    def __init__(self, secret: str) -> None:
        seed = hmac.new(secret.encode(), b"peihu/sandbox-payment", hashlib.sha256).digest()
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self._public = self._private.public_key()
        public = self._public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.serial = hashlib.sha256(public).hexdigest()[:16]

    def sign(self, body: bytes, *, at: datetime) -> dict[str, str]:
        """The headers that go with a body sent at this instant."""
        timestamp, nonce = str(int(at.timestamp())), secrets.token_hex(16)
        signature = self._private.sign(_signed(timestamp, nonce, body))
        return {
            "Sandbox-Timestamp": timestamp,
            "Sandbox-Nonce": nonce,
            "Sandbox-Serial": self.serial,
            "Sandbox-Signature": base64.b64encode(signature).decode(),
        }

    def verify(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> None:
        """Raises BadSignature or UnknownKey."""
        given = {name.lower(): value for name, value in headers.items()}
        timestamp = given.get("sandbox-timestamp", "")
        nonce = given.get("sandbox-nonce", "")
        if not _TIMESTAMP.fullmatch(timestamp) or not _NONCE.fullmatch(nonce):
            raise BadSignature("headers")
        if abs(int(timestamp) - now.timestamp()) > FRESH_FOR_S:
            raise BadSignature("age")
        signature = _decoded(given.get("sandbox-signature", ""))
        if given.get("sandbox-serial", "") != self.serial:
            raise UnknownKey()
        try:
            self._public.verify(signature, _signed(timestamp, nonce, body))
        except InvalidSignature:
            raise BadSignature("signature") from None


def _signed(timestamp: str, nonce: str, body: bytes) -> bytes:
    return f"{timestamp}\n{nonce}\n".encode() + body + b"\n"


def _decoded(signature: str) -> bytes:
    try:
        raw = base64.b64decode(signature, validate=True)
    except ValueError:
        raise BadSignature("signature") from None
    if len(raw) != 64:
        raise BadSignature("signature")
    return raw


def trade_values(trade: Trade) -> dict[str, Any]:
    """A trade as notifications and queries tell it."""
    values: dict[str, Any] = {
        "mchid": MERCHANT_ID,
        "appid": APP_ID,
        "out_trade_no": trade.out_trade_no,
        "trade_state": trade.state,
        "amount": {"total": trade.amount_fen, "currency": trade.currency},
    }
    if trade.state == "PAYERROR":
        values["failure_code"] = "PAYERROR"
    if trade.success_at is not None:
        values["transaction_id"] = trade.transaction_id
        values["success_time"] = trade.success_at.isoformat(timespec="seconds")
    return values


def refund_values(refund: RefundOrder, trade: Trade) -> dict[str, Any]:
    """A refund as notifications and queries tell it."""
    return {
        "mchid": MERCHANT_ID,
        "out_refund_no": refund.out_refund_no,
        "out_trade_no": refund.out_trade_no,
        "refund_status": refund.state,
        "amount": {"refund": refund.amount_fen, "total": trade.amount_fen, "currency": trade.currency},
    }


def letter_body(event_type: str, resource: dict[str, Any], *, at: datetime) -> str:
    """The body of a message with an id of its own; `event_type`: "TRANSACTION.SUCCESS" and the like."""
    created = at.isoformat(timespec="seconds")
    message = {"id": new_id(), "create_time": created, "event_type": event_type, "resource": resource}
    return json.dumps(message, ensure_ascii=False)


def read_letter(raw_body: bytes) -> Notification:
    """The message in a verified body. Raises BadNotification."""
    try:
        letter = parse(raw_body)
    except BadJson as error:
        raise BadNotification(error.reason) from None
    fields = _Fields(letter)
    notification_id = fields.text("id")
    kind, _, _event = fields.text("event_type").partition(".")
    resource = _Fields(fields.inner("resource"))
    if kind == "TRANSACTION":
        return Notification(notification_id, trade_report(resource.values))
    if kind == "REFUND":
        return Notification(notification_id, refund_report(resource.values))
    raise BadNotification("event_type")


def trade_report(values: dict[str, Any]) -> TradeReport:
    """A trade as notifications and queries describe it. Raises BadNotification."""
    fields = _Fields(values)
    state = _TRADE_STATES.get(fields.text("trade_state"))
    if state is None:
        raise BadNotification("trade_state")
    number = fields.text("out_trade_no")
    if state not in (TradeState.PAID, TradeState.REFUNDED):
        failure_code = fields.text("failure_code") if "failure_code" in values else None
        return TradeReport(out_trade_no=number, state=state, failure_code=failure_code)
    amount = _Fields(fields.inner("amount"))
    return TradeReport(
        out_trade_no=number,
        state=state,
        transaction_id=fields.text("transaction_id"),
        amount_fen=amount.fen("total"),
        currency=amount.text("currency"),
        merchant_id=fields.text("mchid"),
        app_id=fields.text("appid"),
        success_at=fields.text("success_time"),
    )


def refund_report(values: dict[str, Any]) -> RefundReport:
    """A refund as notifications and queries describe it. Raises BadNotification."""
    fields = _Fields(values)
    state = _REFUND_STATES.get(fields.text("refund_status"))
    if state is None:
        raise BadNotification("refund_status")
    amount = _Fields(fields.inner("amount"))
    return RefundReport(
        out_refund_no=fields.text("out_refund_no"),
        out_trade_no=fields.text("out_trade_no"),
        state=state,
        amount_fen=amount.fen("refund"),
        total_fen=amount.fen("total"),
        merchant_id=fields.text("mchid"),
    )


class _Fields:
    """Reads fields of one type only: "100", 100.0 and True are no amounts."""

    def __init__(self, values: object) -> None:
        if not isinstance(values, dict):
            raise BadNotification("not_an_object")
        self.values: dict[str, Any] = values

    def text(self, name: str) -> str:
        value = self.values.get(name)
        if not isinstance(value, str) or not 1 <= len(value) <= 64 or not value.isascii():
            raise BadNotification(name)
        return value

    def fen(self, name: str) -> int:
        value = self.values.get(name)
        if type(value) is not int or not 1 <= value <= MAX_FEN:
            raise BadNotification(name)
        return value

    def inner(self, name: str) -> object:
        return self.values.get(name)
