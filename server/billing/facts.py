"""What has happened to money.

Told inside the transaction of the change; the bridge moves orders and tells people.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PaymentSucceeded:
    """Money has arrived; once a payment. Whether the order still wants it the bridge finds out."""

    payment_id: str
    order_id: str
    user_id: str
    amount_fen: int
    method: str
    transaction_id: str
    paid_at: datetime


@dataclass(frozen=True, slots=True)
class PaymentStatusChanged:
    """A payment moved to `succeeded`, `failed`, `closed` or `refunded`."""

    payment_id: str
    order_id: str
    user_id: str
    status: str


@dataclass(frozen=True, slots=True)
class RefundSucceeded:
    """Money has gone back to who paid; once a refund."""

    refund_id: str
    order_id: str
    user_id: str
    amount_fen: int


@dataclass(frozen=True, slots=True)
class RefundRequested:
    """An administrator wants to give back so much that a second one must agree."""

    request_id: str
    order_id: str
    amount_fen: int


@dataclass(frozen=True, slots=True)
class RefundDecided:
    """A second administrator has agreed or not; told for requests that waited."""

    request_id: str
    order_id: str


@dataclass(frozen=True, slots=True)
class IncomeAdjusted:
    """A caregiver's income from an order changed by so much, mostly downwards."""

    refund_id: str
    order_id: str
    caregiver_id: str
    by_fen: int


@dataclass(frozen=True, slots=True)
class PaymentAlarm:
    """An administrator should look; `text` is Chinese. The same `once_key` is the same alarm."""

    kind: str
    order_id: str | None
    text: str
    once_key: str
