"""Where booking and billing meet."""

from server.billing.facts import PaymentSucceeded
from server.billing.ledger import Ledger
from server.billing.refunds import Refunds
from server.booking.facts import OrderCancelled, OrderCompleted
from server.booking.steps.paying import Paying
from server.core.facts import Facts
from server.storage.transaction import Transaction

_REFUND_KIND = {"late": "late_payment", "second": "second_payment"}


class Money:
    """In-transaction reactions; a payment for an order that is gone goes back at once (domain.md T5, T6)."""

    def __init__(self, *, paying: Paying, refunds: Refunds, ledger: Ledger) -> None:
        self._paying = paying
        self._refunds = refunds
        self._ledger = ledger

    def listen(self, facts: Facts) -> None:
        facts.on(PaymentSucceeded, self._payment_succeeded)
        facts.on(OrderCancelled, self._order_cancelled)
        facts.on(OrderCompleted, self._order_completed)

    async def _payment_succeeded(self, tx: Transaction, fact: PaymentSucceeded) -> None:
        outcome = await self._paying.mark_paid(tx, fact.order_id, method=fact.method, paid_at=fact.paid_at)
        if outcome != "paid":
            await self._refunds.request_refund(
                tx,
                order_id=fact.order_id,
                payment_id=fact.payment_id,
                amount_fen=fact.amount_fen,
                kind=_REFUND_KIND[outcome],
                reason="订单已取消，自动退款" if outcome == "late" else "重复支付，自动退款",
            )

    async def _order_cancelled(self, tx: Transaction, fact: OrderCancelled) -> None:
        if not fact.paid:
            return
        kind = "full" if fact.fee_fen == 0 else "partial"
        await self._refunds.request_refund(
            tx, order_id=fact.order_id, amount_fen=fact.refund_fen, kind=kind, reason=fact.reason or "订单取消"
        )
        if fact.caregiver_id is not None:
            await self._ledger.post_cancellation(
                tx,
                fact.order_id,
                caregiver_id=fact.caregiver_id,
                fee_fen=fact.fee_fen,
                caregiver_share_fen=fact.caregiver_share_fen,
            )

    async def _order_completed(self, tx: Transaction, fact: OrderCompleted) -> None:
        await self._ledger.post_completion(
            tx,
            fact.order_id,
            caregiver_id=fact.caregiver_id,
            gross_fen=fact.amount_fen,
            commission_fen=fact.commission_fen,
        )
