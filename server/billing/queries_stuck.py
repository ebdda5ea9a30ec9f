"""Refunds that do not arrive, for an alarm."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select

from config.policy import AlarmRules
from server.billing.records import RefundStatus
from server.core.money import yuan_text
from server.storage.tables.billing import refund
from server.storage.transaction import Transaction

_AT_ONCE = 100
_refund = refund.c
_UNFINISHED = (RefundStatus.REQUESTED.value, RefundStatus.PROCESSING.value)


@dataclass(frozen=True, slots=True)
class Slow:
    """A refund in trouble, for `jobs.alarms`; the refund is the subject."""

    subject: str
    order_id: str
    text: str


class SlowRefunds:
    """Decided long ago and still not with the family; `rules()` are the numbers in force."""

    kind = "refund_stuck"

    def __init__(self, *, rules: Callable[[], AlarmRules]) -> None:
        self._rules = rules

    async def begun(self, tx: Transaction, *, at: datetime, besides: Collection[str]) -> Iterable[Slow]:
        """The oldest first, a hundred at most."""
        wanted = select(_refund.refund_id, _refund.order_id, _refund.amount_fen)
        here = (*self._condition(at), _refund.refund_id.not_in(besides))
        rows = await tx.all(wanted.where(*here).order_by(_refund.created_at).limit(_AT_ONCE))
        after_min = self._rules().refund_slow_min
        return [Slow(row["refund_id"], row["order_id"], _words(row["amount_fen"], after_min)) for row in rows]

    async def still(self, tx: Transaction, *, at: datetime, among: Collection[str]) -> set[str]:
        here = (*self._condition(at), _refund.refund_id.in_(among))
        return {row["refund_id"] for row in await tx.all(select(_refund.refund_id).where(*here))}

    def _condition(self, at: datetime) -> tuple[ColumnElement[bool], ...]:
        late = at - timedelta(minutes=self._rules().refund_slow_min)
        return _refund.status.in_(_UNFINISHED), _refund.created_at <= late


def _words(amount_fen: int, after_min: int) -> str:
    return f"{yuan_text(amount_fen)}退款超过{after_min}分钟仍未完成"
