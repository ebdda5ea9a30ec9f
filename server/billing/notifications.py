"""Takes providers' notifications: verified, applied once.

The answers follow reliability.md §4D: 401 for what the provider did not sign, 400 for what does not fit,
200 for everything known, and a failure of ours so that the provider sends it again.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from server.billing import store
from server.billing.outcomes import Outcome, Verdict
from server.billing.refund_outcomes import RefundOutcomes
from server.billing.trade_outcomes import TradeOutcomes
from server.core.clock import server_now
from server.core.facts import Facts
from server.payment.port import (
    BadNotification,
    BadSignature,
    Notification,
    PaymentProvider,
    RefundReport,
    UnknownKey,
)
from server.storage.sql import Database
from server.storage.transaction import Transaction

_SETTLED = (Verdict.APPLIED.value, Verdict.REPEATED.value)
_STATUS_OF_VERDICT = {
    Verdict.APPLIED: 200,
    Verdict.REPEATED: 200,
    Verdict.UNKNOWN: 500,  # the row may not be visible yet: send it again
    Verdict.MISMATCH: 400,
}


@dataclass(frozen=True, slots=True)
class NotifyAnswer:
    """The HTTP status for the provider; `body` is its own word for "taken", empty otherwise."""

    status: int
    body: bytes = b""


class PaymentNotifications:
    """One entrance for all providers; `answered` counts by provider and reason."""

    def __init__(
        self,
        *,
        database: Database,
        providers: Mapping[str, PaymentProvider],
        trades: TradeOutcomes,
        refunds: RefundOutcomes,
        facts: Facts,
    ) -> None:
        self._database = database
        self._providers = providers
        self._trades = trades
        self._refunds = refunds
        self._facts = facts
        self.answered: Counter[tuple[str, str]] = Counter()

    async def receive(self, provider_name: str, headers: Mapping[str, str], raw_body: bytes) -> NotifyAnswer:
        """What to answer to a notification as it came over the wire; raises Unavailable."""
        provider = self._providers.get(provider_name)
        if provider is None:
            return NotifyAnswer(404)
        try:
            notification = await provider.verify_notification(headers, raw_body)
        except BadSignature:
            return self._refuse(provider, "bad_signature", 401)
        except UnknownKey:
            return self._refuse(provider, "unknown_key", 500)
        except BadNotification:
            return self._refuse(provider, "bad_content", 400)
        verdict = await self._known(provider, notification)
        if verdict is None:
            verdict = await self._database.write(lambda tx: self._take(tx, provider, notification))
        self.answered[provider.name, verdict.value] += 1
        status = _STATUS_OF_VERDICT[verdict]
        return NotifyAnswer(status, provider.acknowledgement if status == 200 else b"")

    def _refuse(self, provider: PaymentProvider, reason: str, status: int) -> NotifyAnswer:
        self.answered[provider.name, reason] += 1
        return NotifyAnswer(status)

    async def _known(self, provider: PaymentProvider, notification: Notification) -> Verdict | None:
        """A duplicate is answered without a turn to write: there may be a hundred at once."""
        async with self._database.read() as tx:
            outcome = await store.notification_outcome(tx, provider.name, notification.notification_id)
        return Verdict.REPEATED if outcome in _SETTLED else None

    async def _take(self, tx: Transaction, provider: PaymentProvider, notification: Notification) -> Verdict:
        number = notification.notification_id
        before = await store.notification_outcome(tx, provider.name, number)
        if before in _SETTLED:
            return Verdict.REPEATED
        outcome = await self._apply(tx, provider, notification)
        if outcome.alarm is not None and before != outcome.verdict.value:
            await self._facts.record(tx, outcome.alarm)
        await store.note_notification(
            tx,
            provider.name,
            number,
            payment_id=outcome.payment_id,
            outcome=outcome.verdict.value,
            at=server_now(),
        )
        return outcome.verdict

    async def _apply(self, tx: Transaction, provider: PaymentProvider, notification: Notification) -> Outcome:
        report = notification.report
        if isinstance(report, RefundReport):
            return await self._refunds.apply(tx, provider, report)
        return await self._trades.apply(tx, provider, report)
