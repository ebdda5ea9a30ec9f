"""What calls an administrator, and what has solved itself."""

from server.billing.facts import PaymentAlarm, RefundDecided, RefundRequested, RefundSucceeded
from server.booking.facts import OrderStuck
from server.core.facts import Facts
from server.core.money import yuan_text
from server.oversight.alarms import Alarms
from server.storage.transaction import Transaction

_OF_A_REFUND = ("refund_stuck", "refund_refused", "refund_failed")


class AlarmNews:
    """In-transaction reactions of the alarms."""

    def __init__(self, *, alarms: Alarms) -> None:
        self._alarms = alarms

    def listen(self, facts: Facts) -> None:
        facts.on(OrderStuck, self._order_stuck)
        facts.on(PaymentAlarm, self._payment_alarm)
        facts.on(RefundSucceeded, self._refund_succeeded)
        facts.on(RefundRequested, self._refund_requested)
        facts.on(RefundDecided, self._refund_decided)

    async def _order_stuck(self, tx: Transaction, fact: OrderStuck) -> None:
        once_key = f"{fact.kind}/{fact.order_id}"
        await self._alarms.raise_alarm(
            tx, kind=fact.kind, order_id=fact.order_id, text=fact.text, once_key=once_key
        )

    async def _payment_alarm(self, tx: Transaction, fact: PaymentAlarm) -> None:
        await self._alarms.raise_alarm(
            tx, kind=fact.kind, order_id=fact.order_id, text=fact.text, once_key=fact.once_key
        )

    async def _refund_succeeded(self, tx: Transaction, fact: RefundSucceeded) -> None:
        await self._alarms.solve(tx, [f"{kind}/{fact.refund_id}" for kind in _OF_A_REFUND])

    async def _refund_requested(self, tx: Transaction, fact: RefundRequested) -> None:
        text = f"{yuan_text(fact.amount_fen)}退款待另一位管理员确认"
        await self._alarms.raise_alarm(
            tx,
            kind="refund_waiting",
            order_id=fact.order_id,
            text=text,
            once_key=f"refund_waiting/{fact.request_id}",
        )

    async def _refund_decided(self, tx: Transaction, fact: RefundDecided) -> None:
        await self._alarms.solve(tx, [f"refund_waiting/{fact.request_id}"])
