"""Applies what a provider reports of a refund.

Like trades: once, in the caller's transaction, with its posting and its facts.
"""

from server.billing import store, store_refunds
from server.billing.facts import RefundSucceeded
from server.billing.ledger import Ledger
from server.billing.outcomes import Outcome, alarm_about, applied, mismatch, repeated, tell_status, unknown
from server.billing.records import Payment, PaymentStatus, Refund, RefundStatus
from server.core.clock import BusinessClock
from server.core.facts import Facts
from server.payment.port import PaymentProvider, RefundReport, RefundState
from server.storage.transaction import Transaction


class RefundOutcomes:
    """Every method runs inside `tx`."""

    def __init__(self, *, ledger: Ledger, facts: Facts, clock: BusinessClock) -> None:
        self._ledger = ledger
        self._facts = facts
        self._clock = clock

    async def apply(self, tx: Transaction, provider: PaymentProvider, report: RefundReport) -> Outcome:
        """Apply a report of `provider`, told or asked for."""
        refund = await store_refunds.refund_by_id(tx, report.out_refund_no)
        payment = await store.payment_by_id(tx, refund.payment_id) if refund else None
        if refund is None or payment is None or payment.method != provider.name:
            # Perhaps made by hand at the provider, before we heard of the payment: ask about the trade.
            await store.check_soon(tx, report.out_trade_no, at=self._clock.now())
            return unknown("refund_unknown", report.out_refund_no, "收到未知退款单的通知")
        if not _fits(provider, payment, refund, report):
            return mismatch(payment, "退款通知与退款单不符（金额或商户），请人工核对", about=refund.refund_id)
        match report.state:
            case RefundState.SUCCEEDED:
                return await self._succeed(tx, payment, refund)
            case RefundState.FAILED:
                return await self._fail(tx, payment, refund, failure_code=report.failure_code or "abnormal")
            case _:
                return repeated(payment)

    async def _succeed(self, tx: Transaction, payment: Payment, refund: Refund) -> Outcome:
        values = {"succeeded_at": self._clock.now(), "next_try_at": None, "failure_code": None}
        if not await store_refunds.move_refund(tx, refund.refund_id, RefundStatus.SUCCEEDED, values=values):
            return repeated(payment)
        await self._ledger.post_refund_done(
            tx, refund.order_id, refund_id=refund.refund_id, amount_fen=refund.amount_fen
        )
        if await store.count_returned(tx, payment.payment_id, refund.amount_fen):
            await tell_status(self._facts, tx, payment, PaymentStatus.REFUNDED)
        fact = RefundSucceeded(
            refund_id=refund.refund_id,
            order_id=refund.order_id,
            user_id=payment.user_id,
            amount_fen=refund.amount_fen,
        )
        await self._facts.record(tx, fact)
        return applied(payment)

    async def _fail(self, tx: Transaction, payment: Payment, refund: Refund, *, failure_code: str) -> Outcome:
        values = {"next_try_at": None, "failure_code": failure_code}
        if not await store_refunds.move_refund(tx, refund.refund_id, RefundStatus.FAILED, values=values):
            return repeated(payment)
        alarm = alarm_about("refund_failed", refund.order_id, "渠道退款异常，需人工处理", once=refund.refund_id)
        return applied(payment, alarm=alarm)


def _fits(provider: PaymentProvider, payment: Payment, refund: Refund, report: RefundReport) -> bool:
    return (
        report.out_trade_no == payment.payment_id
        and (report.amount_fen, report.total_fen) == (refund.amount_fen, payment.amount_fen)
        and report.merchant_id == provider.merchant_id
    )
