"""Applies what a provider reports of a trade.

The only place where a payment becomes paid. Status, ledger and facts change together in the caller's
transaction, once, whoever told us and however often.
"""

from server.billing import store
from server.billing.facts import PaymentSucceeded
from server.billing.ledger import Ledger
from server.billing.outcomes import Outcome, applied, mismatch, repeated, tell_status, unknown
from server.billing.records import Payment, PaymentStatus
from server.core.clock import BusinessClock
from server.core.facts import Facts
from server.payment.port import PaymentProvider, TradeReport, TradeState
from server.storage.transaction import Transaction


class TradeOutcomes:
    """Every method runs inside `tx`."""

    def __init__(self, *, ledger: Ledger, facts: Facts, clock: BusinessClock) -> None:
        self._ledger = ledger
        self._facts = facts
        self._clock = clock

    async def apply(self, tx: Transaction, provider: PaymentProvider, report: TradeReport) -> Outcome:
        """Apply a report of `provider`, told or asked for."""
        payment = await store.payment_by_id(tx, report.out_trade_no)
        if payment is None or payment.method != provider.name:
            return unknown("payment_unknown", report.out_trade_no, "收到未知支付单的通知")
        match report.state:
            case TradeState.PAID | TradeState.REFUNDED:
                return await self._pay(tx, provider, payment, report)
            case TradeState.DECLINED:
                reason = report.failure_code or "declined"
                ended = await self.end_payment(tx, payment, PaymentStatus.FAILED, failure_code=reason)
            case TradeState.CLOSED:
                ended = await self.end_payment(tx, payment, PaymentStatus.CLOSED)
            case _:
                ended = False
        return applied(payment) if ended else repeated(payment)

    async def _pay(
        self, tx: Transaction, provider: PaymentProvider, payment: Payment, report: TradeReport
    ) -> Outcome:
        if not _fits(provider, payment, report):
            return mismatch(payment, "支付通知与订单不符（金额、币种或商户），未入账")
        assert report.transaction_id is not None
        paid_at = self._clock.now()
        done = await store.mark_succeeded(
            tx,
            payment.payment_id,
            transaction_id=report.transaction_id,
            at=paid_at,
            provider_paid_at=report.success_at or "",
        )
        if done is None:
            return mismatch(payment, "同一渠道交易号对应两笔支付，未入账")
        if not done:
            return await self._paid_before(tx, payment, report.transaction_id)
        await self._ledger.post_payment(
            tx, payment.order_id, payment_id=payment.payment_id, amount_fen=payment.amount_fen
        )
        await tell_status(self._facts, tx, payment, PaymentStatus.SUCCEEDED)
        fact = PaymentSucceeded(
            payment_id=payment.payment_id,
            order_id=payment.order_id,
            user_id=payment.user_id,
            amount_fen=payment.amount_fen,
            method=payment.method,
            transaction_id=report.transaction_id,
            paid_at=paid_at,
        )
        await self._facts.record(tx, fact)
        return applied(payment)

    async def _paid_before(self, tx: Transaction, payment: Payment, transaction_id: str) -> Outcome:
        known = await store.payment_by_id(tx, payment.payment_id)
        if known is not None and known.transaction_id != transaction_id:
            return mismatch(payment, "同一支付单收到第二个渠道交易号，请人工核对", about=f"second/{payment.payment_id}")
        return repeated(payment)

    async def end_payment(
        self, tx: Transaction, payment: Payment, to: PaymentStatus, *, failure_code: str | None = None
    ) -> bool:
        """Move an attempt in progress to failed or closed; False when it is not in progress."""
        at = self._clock.now()
        ended = await store.mark_ended(tx, payment.payment_id, to, at=at, failure_code=failure_code)
        if ended:
            await tell_status(self._facts, tx, payment, to)
        return ended


def _fits(provider: PaymentProvider, payment: Payment, report: TradeReport) -> bool:
    """Whether it is our money: the signature only says who wrote it."""
    return (
        (report.amount_fen, report.currency) == (payment.amount_fen, payment.currency)
        and report.merchant_id == provider.merchant_id
        and report.app_id in provider.app_ids
    )
