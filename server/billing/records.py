"""Payments and refunds as the area sees them, and their words.

The transition tables are what store and tests read: a payment's status only ever moves along them.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class PaymentStatus(StrEnum):
    """How a payment stands with us."""

    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CLOSED = "closed"
    REFUNDED = "refunded"


# Money that comes late still came: what we gave up can succeed, what succeeded is never given up.
PAYMENT_MOVES: dict[PaymentStatus, frozenset[PaymentStatus]] = {
    PaymentStatus.PROCESSING: frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.FAILED, PaymentStatus.CLOSED}),
    PaymentStatus.FAILED: frozenset({PaymentStatus.SUCCEEDED}),
    PaymentStatus.CLOSED: frozenset({PaymentStatus.SUCCEEDED}),
    PaymentStatus.SUCCEEDED: frozenset({PaymentStatus.REFUNDED}),
    PaymentStatus.REFUNDED: frozenset(),
}


def payment_sources(to: PaymentStatus) -> list[str]:
    """The statuses from which a payment may move to `to`."""
    return [source.value for source, targets in PAYMENT_MOVES.items() if to in targets]


class RefundStatus(StrEnum):
    """How a refund stands with us."""

    REQUESTED = "requested"  # our decision, committed before anybody is asked
    PROCESSING = "processing"  # accepted by the provider
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # the provider gave up: a person must see to it


REFUND_MOVES: dict[RefundStatus, frozenset[RefundStatus]] = {
    RefundStatus.REQUESTED: frozenset({RefundStatus.PROCESSING, RefundStatus.SUCCEEDED, RefundStatus.FAILED}),
    RefundStatus.PROCESSING: frozenset({RefundStatus.SUCCEEDED, RefundStatus.FAILED}),
    RefundStatus.FAILED: frozenset({RefundStatus.SUCCEEDED}),
    RefundStatus.SUCCEEDED: frozenset(),
}


def refund_sources(to: RefundStatus) -> list[str]:
    """The statuses from which a refund may move to `to`."""
    return [source.value for source, targets in REFUND_MOVES.items() if to in targets]


PAYMENT_STATUS_TEXTS = {
    "processing": "支付中",
    "succeeded": "支付成功",
    "failed": "支付失败",
    "closed": "已关闭",
    "refunded": "已退款",
}
METHOD_TEXTS = {"wechat": "微信支付", "alipay": "支付宝", "sandbox": "沙箱支付"}
REFUND_STATUS_TEXTS = {"processing": "退款中", "succeeded": "已退款", "failed": "退款异常，处理中"}
SETTLEMENT_STATUS_TEXTS = {"frozen": "待结算", "available": "已结算", "paid": "已打款", "held": "暂缓结算"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """One attempt to pay an order; amounts in fen."""

    payment_id: str
    order_id: str
    user_id: str
    method: str
    channel: str | None
    amount_fen: int
    currency: str
    status: str
    voucher: dict[str, Any] | None  # None until the provider has opened the trade
    transaction_id: str | None
    failure_code: str | None
    refunded_fen: int
    created_at: datetime
    paid_at: datetime | None
    checks: int
    next_check_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money that is to go back; its id is the number at the provider, for ever the same."""

    refund_id: str
    payment_id: str
    order_id: str
    amount_fen: int
    kind: str  # "full", "partial", "late_payment", "second_payment"
    status: str
    attempts: int
    next_try_at: datetime | None
