"""Gives money back: decided here, done by the provider.

The refund's number is committed before the provider is asked and never changes, so that any crash or
timeout is followed by the same question, which refunds once (reliability.md P12, F8).
"""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from server.billing import store, store_refunds
from server.billing.ledger import Ledger
from server.billing.outcomes import alarm_about
from server.billing.records import Payment, Refund, RefundStatus
from server.billing.refund_outcomes import RefundOutcomes
from server.core.clock import BusinessClock
from server.core.errors import Refused
from server.core.facts import Facts
from server.core.ids import new_id
from server.payment.port import PaymentProvider, ProviderRefused, ProviderUnreachable, RefundReport, RefundState
from server.storage.outbox import Outbox
from server.storage.sql import Database
from server.storage.transaction import Transaction

TOPIC = "refund"
_log = logging.getLogger(__name__)
_AT_MOST = 50  # partial refunds of one payment, WeChat Pay's limit
_PAUSES_S = (5, 15, 60, 300, 600)  # the last one repeats; at least a minute between serious retries
_REASON_LENGTH = 200


class Refunds:
    """`deliver` is registered at the outbox for TOPIC, `check_due` is a job."""

    def __init__(
        self,
        *,
        database: Database,
        outbox: Outbox,
        providers: Mapping[str, PaymentProvider],
        outcomes: RefundOutcomes,
        ledger: Ledger,
        facts: Facts,
        clock: BusinessClock,
        notify_url: Callable[[str], str],
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._providers = providers
        self._outcomes = outcomes
        self._ledger = ledger
        self._facts = facts
        self._clock = clock
        self._notify_url = notify_url

    async def request_refund(
        self,
        tx: Transaction,
        *,
        order_id: str,
        amount_fen: int,
        kind: str,
        reason: str,
        payment_id: str | None = None,
    ) -> str | None:
        """Decide on a refund within the caller's change; returns its id, None when nothing is to go back.

        `kind`: "full", "partial", "late_payment", "second_payment". Without `payment_id` it is the payment
        that paid the order. Raises Refused `wrong_state` when more would go back than was paid.
        """
        paid = [payment for payment in await store.payments_of(tx, order_id) if payment.paid_at is not None]
        if payment_id is not None:
            paid = [payment for payment in paid if payment.payment_id == payment_id]
        if amount_fen <= 0 or not paid:
            return None
        payment = await self._reserve(tx, paid, amount_fen)
        refund_id, now = new_id(), self._clock.now()
        row = {
            "refund_id": refund_id,
            "payment_id": payment.payment_id,
            "order_id": order_id,
            "amount_fen": amount_fen,
            "kind": kind,
            "reason": reason[:_REASON_LENGTH],
            "created_at": now,
            "next_try_at": now + timedelta(seconds=_PAUSES_S[0]),  # by the job, should the parcel be late
        }
        await store_refunds.add_refund(tx, row)
        await self._ledger.post_refund_due(tx, order_id, refund_id=refund_id, amount_fen=amount_fen)
        await self._outbox.put(tx, TOPIC, {"refund_id": refund_id})
        return refund_id

    async def kind_of(self, tx: Transaction, order_id: str, amount_fen: int) -> str:
        """ "full" or "partial", as things stand now; `request_refund` decides.

        Raises Refused `wrong_state` when no payment of the order has so much left.
        """
        paid = [one for one in await store.payments_of(tx, order_id) if one.paid_at is not None]
        if amount_fen > max((one.amount_fen - one.refunded_fen for one in paid), default=0):
            raise Refused("wrong_state", "退款金额超过可退金额")
        return "full" if any((one.amount_fen, one.refunded_fen) == (amount_fen, 0) for one in paid) else "partial"

    async def _reserve(self, tx: Transaction, paid: list[Payment], amount_fen: int) -> Payment:
        for payment in sorted(paid, key=lambda payment: (payment.paid_at, payment.payment_id)):
            if await store.reserve_refund(tx, payment.payment_id, amount_fen, at_most=_AT_MOST):
                return payment
        raise Refused("wrong_state", "退款金额超过可退金额")

    async def deliver(self, payload: dict[str, Any], _enclosed: Any) -> None:
        """Ask the provider for a refund that was just decided; may run twice."""
        async with self._database.read() as tx:
            refund = await store_refunds.refund_by_id(tx, payload["refund_id"])
        if refund is not None and refund.status == RefundStatus.REQUESTED.value:
            await self._try(refund)

    async def check_due(self) -> None:
        """A round of the job: ask again, or ask how it stands. Safe on many instances."""
        async with self._database.read() as tx:
            due = await store_refunds.due_refunds(tx, self._clock.now())
        for refund in due:
            await self._try(refund)

    async def _try(self, refund: Refund) -> None:
        pause_s = _PAUSES_S[min(refund.attempts, len(_PAUSES_S) - 1)]
        following = self._clock.now() + timedelta(seconds=pause_s)
        claimed = await self._database.write(
            lambda tx: store_refunds.claim_try(tx, refund, next_try_at=following)
        )
        if not claimed:
            return
        async with self._database.read() as tx:
            payment = await store.payment_by_id(tx, refund.payment_id)
        assert payment is not None
        provider = self._providers.get(payment.method)
        if provider is None:
            _log.warning("no provider for a refund", extra={"refund_id": refund.refund_id})
            return
        try:
            report = await self.ask(provider, payment, refund)
        except ProviderUnreachable:
            return  # unknown: the same number again after the pause
        except ProviderRefused as refusal:
            code = refusal.code
            await self._database.write(lambda tx: self._note_refusal(tx, refund, code))
            return
        await self._database.write(lambda tx: self._record(tx, provider, refund, report))

    async def ask(self, provider: PaymentProvider, payment: Payment, refund: Refund) -> RefundReport:
        """The outside call of a try: how an accepted refund stands, else the request, always by one number."""
        if refund.status == RefundStatus.PROCESSING.value:
            report = await provider.query_refund(refund.refund_id)
            if report.state is not RefundState.MISSING:
                return report
        return await provider.refund(
            out_refund_no=refund.refund_id,
            out_trade_no=payment.payment_id,
            amount_fen=refund.amount_fen,
            total_fen=payment.amount_fen,
            notify_url=self._notify_url(provider.name),
        )

    async def _record(
        self, tx: Transaction, provider: PaymentProvider, refund: Refund, report: RefundReport
    ) -> None:
        await store_refunds.move_refund(tx, refund.refund_id, RefundStatus.PROCESSING)
        outcome = await self._outcomes.apply(tx, provider, report)
        if outcome.alarm is not None:
            await self._facts.record(tx, outcome.alarm)

    async def _note_refusal(self, tx: Transaction, refund: Refund, code: str) -> None:
        await store_refunds.note_failure(tx, refund.refund_id, code)
        text = f"渠道拒绝退款（{code}），将以同一退款单号重试"
        await self._facts.record(tx, alarm_about("refund_refused", refund.order_id, text, once=refund.refund_id))
