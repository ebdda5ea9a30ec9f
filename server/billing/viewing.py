"""Shows how payments and refunds stand."""

from collections.abc import Iterable
from typing import Any

from server.billing import store, store_refunds
from server.billing.commands import PaymentById
from server.billing.records import (
    METHOD_TEXTS,
    PAYMENT_STATUS_TEXTS,
    REFUND_STATUS_TEXTS,
    Payment,
    Refund,
    RefundStatus,
)
from server.core.call import Call
from server.core.clock import shanghai_text
from server.core.errors import Refused
from server.storage.sql import Database
from server.storage.transaction import Transaction


class PaymentViews:
    """Reads only."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def payment_of(self, call: Call, query: PaymentById) -> dict[str, Any]:
        """{"payment_id", "order_id", "status", "status_text", "failure_code", "receipt"}.

        For who paid and for administrators. Raises Refused `not_found`.
        """
        async with self._database.read() as tx:
            payment = await store.payment_by_id(tx, query.payment_id)
        if payment is None or (call.user.user_type != "admin" and payment.user_id != call.user.user_id):
            raise Refused("not_found")
        return {
            "payment_id": payment.payment_id,
            "order_id": payment.order_id,
            "status": payment.status,
            "status_text": PAYMENT_STATUS_TEXTS[payment.status],
            "failure_code": payment.failure_code,
            "receipt": _receipt(payment),
        }

    async def refunds_of(self, tx: Transaction, order_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """The `refund` of each order that has one: {"status", "status_text", "amount_fen"}.

        What came back because an order was paid twice is not the order's.
        """
        by_order: dict[str, list[Refund]] = {}
        for refund in await store_refunds.refunds_of(tx, order_ids):
            if refund.kind != "second_payment":
                by_order.setdefault(refund.order_id, []).append(refund)
        return {order_id: _view(refunds) for order_id, refunds in by_order.items()}

    async def refund_of(self, tx: Transaction, order_id: str) -> dict[str, Any] | None:
        """The same for one order; None without a refund."""
        return (await self.refunds_of(tx, [order_id])).get(order_id)


def _receipt(payment: Payment) -> dict[str, Any] | None:
    if payment.paid_at is None:
        return None
    return {
        "payment_id": payment.payment_id,
        "transaction_id": payment.transaction_id,
        "method": payment.method,
        "method_text": METHOD_TEXTS[payment.method],
        "amount_fen": payment.amount_fen,
        "paid_at": shanghai_text(payment.paid_at),
    }


def _view(refunds: list[Refund]) -> dict[str, Any]:
    statuses = {refund.status for refund in refunds}
    if statuses == {RefundStatus.SUCCEEDED.value}:
        status = "succeeded"
    else:
        status = "failed" if RefundStatus.FAILED.value in statuses else "processing"
    amount_fen = sum(refund.amount_fen for refund in refunds)
    return {"status": status, "status_text": REFUND_STATUS_TEXTS[status], "amount_fen": amount_fen}
