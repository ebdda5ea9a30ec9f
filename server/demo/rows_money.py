"""What the demo's orders did to money, as rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from server.billing import ledger
from server.core.clock import SHANGHAI
from server.core.money import share_of
from server.demo.bookings import GeneratedOrder
from server.demo.rows import Row, demo_id
from server.storage.tables import billing

COMMISSION_BP = 2_000
_DUE_AFTER = timedelta(days=7)
_NOWHERE = "http://127.0.0.1:8000/api/payment/notify/"  # refunds are asked about, should nobody listen there


@dataclass(frozen=True, slots=True)
class OrderPeople:
    """The ids around an order."""

    user_id: str
    patient_id: str
    contact_phone: str
    caregiver_id: str


class MoneyRows:
    """Payment, refund, earning and their postings; every posting sums to zero."""

    def __init__(self, *, world: str, today: date) -> None:
        self._world = world
        self._today = datetime.combine(today, time(), SHANGHAI)

    def rows(self, order: GeneratedOrder, order_id: str, people: OrderPeople) -> Iterator[Row]:
        payment_id = demo_id(order.paid_at, self._world, "payment", order.index)
        cancelled = order.status == "cancelled"
        yield (
            billing.payment,
            {
                "payment_id": payment_id,
                "order_id": order_id,
                "user_id": people.user_id,
                "method": order.pay_method,
                "channel": "mini",
                "amount_fen": order.amount_fen,
                "status": "refunded" if cancelled else "succeeded",
                "transaction_id": f"demo{payment_id}",
                "refunded_fen": order.amount_fen if cancelled else 0,
                "refund_count": 1 if cancelled else 0,
                "returned_fen": order.amount_fen if cancelled else 0,
                "created_at": order.created_at,
                "paid_at": order.paid_at,
            },
        )
        paid = {ledger.PROVIDER_CASH: order.amount_fen, ledger.CUSTOMER_FUNDS: -order.amount_fen}
        yield from self._posting(order_id, f"payment/{payment_id}", paid, order.paid_at)
        yield self._trade(order, payment_id, refunded_fen=order.amount_fen if cancelled else 0)
        if order.status == "completed":
            yield from self._earning(order, order_id, people)
        elif cancelled:
            yield from self._refund(order, order_id, payment_id)

    def _trade(self, order: GeneratedOrder, payment_id: str, *, refunded_fen: int) -> Row:
        """What the sandbox's provider knows of it: money of any visit may still go back."""
        return billing.sandbox_trade, {
            "out_trade_no": payment_id, "provider": order.pay_method, "transaction_id": f"demo{payment_id}",
            "amount_fen": order.amount_fen, "currency": "CNY", "notify_url": _NOWHERE + order.pay_method,
            "state": "REFUND" if refunded_fen else "SUCCESS", "refunded_fen": refunded_fen,
            "created_at": order.created_at, "success_at": order.paid_at,
        }  # fmt: skip

    def _earning(self, order: GeneratedOrder, order_id: str, people: OrderPeople) -> Iterator[Row]:
        at = order.completed_at
        assert at is not None
        commission_fen = share_of(order.amount_fen, basis_points=COMMISSION_BP)
        net_fen = order.amount_fen - commission_fen
        entries = {
            ledger.CUSTOMER_FUNDS: order.amount_fen,
            ledger.CAREGIVER_PAYABLE: -net_fen,
            ledger.PLATFORM_COMMISSION: -commission_fen,
        }
        yield from self._posting(order_id, f"completion/{order_id}", entries, at)
        due_at = (at.astimezone(SHANGHAI) + _DUE_AFTER).replace(hour=0, minute=0, second=0, microsecond=0)
        yield (
            billing.settlement,
            {
                "order_id": order_id,
                "caregiver_id": people.caregiver_id,
                "gross_fen": order.amount_fen,
                "commission_fen": commission_fen,
                "net_fen": net_fen,
                "status": "available" if due_at <= self._today else "frozen",
                "earned_at": at,
                "due_at": due_at,
                "settled_at": due_at if due_at <= self._today else None,
            },
        )

    def _refund(self, order: GeneratedOrder, order_id: str, payment_id: str) -> Iterator[Row]:
        at = order.cancelled_at
        assert at is not None
        refund_id = demo_id(at, self._world, "refund", order.index)
        yield (
            billing.refund,
            {
                "refund_id": refund_id,
                "payment_id": payment_id,
                "order_id": order_id,
                "amount_fen": order.amount_fen,
                "kind": "full",
                "reason": order.cancel_reason or "",
                "status": "succeeded",
                "created_at": at,
                "succeeded_at": at,
                "attempts": 1,
            },
        )
        yield (
            billing.sandbox_refund,
            {
                "out_refund_no": refund_id,
                "out_trade_no": payment_id,
                "amount_fen": order.amount_fen,
                "state": "SUCCESS",
                "settle_at": at,
                "success_at": at,
            },
        )
        due = {ledger.CUSTOMER_FUNDS: order.amount_fen, ledger.REFUNDS_DUE: -order.amount_fen}
        done = {ledger.REFUNDS_DUE: order.amount_fen, ledger.PROVIDER_CASH: -order.amount_fen}
        yield from self._posting(order_id, f"refund_due/{refund_id}", due, at)
        yield from self._posting(order_id, f"refund/{refund_id}", done, at)

    def _posting(self, order_id: str, posting: str, entries: dict[str, int], at: datetime) -> Iterator[Row]:
        for account, amount_fen in entries.items():
            entry_id = demo_id(at, self._world, posting, account)
            row = {"entry_id": entry_id, "posting": posting, "order_id": order_id, "account": account}
            yield billing.ledger_entry, row | {"amount_fen": amount_fen, "at": at}
