"""Asks providers about payments nobody told us about.

Notifications are not promised to arrive; the provider's own answer is the truth (reliability.md P11).
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from server.billing import store
from server.billing.records import Payment, PaymentStatus
from server.billing.trade_outcomes import TradeOutcomes
from server.core.clock import BusinessClock
from server.core.errors import Unavailable
from server.core.facts import Facts
from server.payment.port import AlreadyPaid, PaymentProvider, ProviderUnreachable, TradeReport, TradeState
from server.storage.sql import Database
from server.storage.transaction import Transaction

_log = logging.getLogger(__name__)
FIRST_CHECK_AFTER = timedelta(seconds=5)
_THEN_AFTER_S = (15, 30, 60)  # since the payment was opened
_LATER_PAUSE = timedelta(seconds=300)
_SHORTEST_PAUSE = timedelta(seconds=5)  # also when time has jumped
_NEVER_OPENED_AFTER = timedelta(seconds=60)  # longer than any call of the provider may take


class PaymentWatch:
    """Checks payments in progress, and ends those whose order is given up."""

    def __init__(
        self,
        *,
        database: Database,
        providers: Mapping[str, PaymentProvider],
        trades: TradeOutcomes,
        facts: Facts,
        clock: BusinessClock,
    ) -> None:
        self._database = database
        self._providers = providers
        self._trades = trades
        self._facts = facts
        self._clock = clock

    async def check_due(self) -> None:
        """A round of the job: ask about every payment whose time has come. Safe on many instances."""
        now = self._clock.now()
        async with self._database.read() as tx:
            due = await store.due_checks(tx, now)
        for payment in due:
            if await self._claim(payment):
                await self._check(payment)

    async def _claim(self, payment: Payment) -> bool:
        now = self._clock.now()
        following = _next_check(payment, now)
        return await self._database.write(
            lambda tx: store.claim_check(tx, payment, now=now, next_check_at=following)
        )

    async def _check(self, payment: Payment) -> None:
        if payment.method not in self._providers:
            _log.warning("no provider for a payment in progress", extra={"payment_id": payment.payment_id})
            return
        try:
            await self.ask(payment)
        except Unavailable:
            return  # asked again after the pause

    async def ask(self, payment: Payment) -> None:
        """Ask the provider how a payment stands and apply it. Raises Unavailable."""
        provider = self._provider(payment)
        try:
            report = await provider.query(payment.payment_id)
        except ProviderUnreachable:
            raise Unavailable() from None
        never_opened = self._clock.now() - payment.created_at > _NEVER_OPENED_AFTER
        if report.state is TradeState.MISSING and payment.voucher is None and never_opened:
            await self._database.write(lambda tx: self._trades.end_payment(tx, payment, PaymentStatus.CLOSED))
        else:
            await self._apply(provider, report)

    def _provider(self, payment: Payment) -> PaymentProvider:
        provider = self._providers.get(payment.method)
        if provider is None:
            raise Unavailable()
        return provider

    async def _apply(self, provider: PaymentProvider, report: TradeReport) -> None:
        async def body(tx: Transaction) -> None:
            outcome = await self._trades.apply(tx, provider, report)
            if outcome.alarm is not None:
                await self._facts.record(tx, outcome.alarm)

        await self._database.write(body)

    async def close_unpaid(self, order_id: str) -> str:
        """Before an unpaid order is cancelled: "paid" when money did arrive (it is recorded), else "closed".

        Closed at the provider first, so that nobody can pay for an order that is gone (domain.md T3).
        Raises Unavailable when the provider cannot say.
        """
        async with self._database.read() as tx:
            payments = await store.payments_of(tx, order_id)
        for payment in payments:
            if payment.status == PaymentStatus.PROCESSING.value:
                await self._close(payment)
        async with self._database.read() as tx:
            statuses = {payment.status for payment in await store.payments_of(tx, order_id)}
        return "paid" if PaymentStatus.SUCCEEDED.value in statuses else "closed"

    async def _close(self, payment: Payment) -> None:
        provider = self._provider(payment)
        try:
            await provider.close(payment.payment_id)
        except AlreadyPaid:
            await self.ask(payment)
            return
        except ProviderUnreachable:
            raise Unavailable() from None
        await self._database.write(lambda tx: self._trades.end_payment(tx, payment, PaymentStatus.CLOSED))


def _next_check(payment: Payment, now: datetime) -> datetime:
    """When to ask after the check that happens now."""
    if payment.checks >= len(_THEN_AFTER_S):
        return now + _LATER_PAUSE
    planned = payment.created_at + timedelta(seconds=_THEN_AFTER_S[payment.checks])
    return max(planned, now + _SHORTEST_PAUSE)
