"""What can come of a provider's report."""

from dataclasses import dataclass
from enum import StrEnum

from server.billing.facts import PaymentAlarm, PaymentStatusChanged
from server.billing.records import Payment, PaymentStatus
from server.core.facts import Facts
from server.storage.transaction import Transaction


class Verdict(StrEnum):
    """What was done about a report."""

    APPLIED = "applied"
    REPEATED = "repeated"  # known already, or nothing new in it
    UNKNOWN = "unknown"  # about a number we do not have (yet)
    MISMATCH = "mismatch"  # amount, currency, merchant or transaction do not fit: nothing was done


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A verdict and, where a person should look, why; whoever gets it raises the alarm."""

    verdict: Verdict
    payment_id: str | None = None
    alarm: PaymentAlarm | None = None


def repeated(payment: Payment) -> Outcome:
    return Outcome(verdict=Verdict.REPEATED, payment_id=payment.payment_id)


def applied(payment: Payment, *, alarm: PaymentAlarm | None = None) -> Outcome:
    return Outcome(verdict=Verdict.APPLIED, payment_id=payment.payment_id, alarm=alarm)


def unknown(kind: str, number: str, text: str) -> Outcome:
    return Outcome(verdict=Verdict.UNKNOWN, alarm=alarm_about(kind, None, text, once=number))


def mismatch(payment: Payment, text: str, *, about: str | None = None) -> Outcome:
    alarm = alarm_about("payment_mismatch", payment.order_id, text, once=about or payment.payment_id)
    return Outcome(verdict=Verdict.MISMATCH, payment_id=payment.payment_id, alarm=alarm)


def alarm_about(kind: str, order_id: str | None, text: str, *, once: str) -> PaymentAlarm:
    """An alarm that is raised once for `once`."""
    return PaymentAlarm(kind=kind, order_id=order_id, text=text, once_key=f"{kind}/{once}"[:128])


async def tell_status(facts: Facts, tx: Transaction, payment: Payment, status: PaymentStatus) -> None:
    """Record that a payment moved."""
    fact = PaymentStatusChanged(
        payment_id=payment.payment_id, order_id=payment.order_id, user_id=payment.user_id, status=status.value
    )
    await facts.record(tx, fact)
