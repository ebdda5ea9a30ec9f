"""What is due: the questions a job asks of orders."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, exists, or_, select
from sqlalchemy.engine import RowMapping

from server.booking.offers.store import OfferStore, are_over
from server.booking.orders.store import OrderStore
from server.booking.rules.states import OrderState
from server.storage.tables.booking import t_order
from server.storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Due:
    """Orders and offers whose time has come, a bounded number of each."""

    unpaid: Sequence[RowMapping]
    hopeless: Sequence[RowMapping]
    never_started: Sequence[RowMapping]
    offers: Sequence[RowMapping]
    waves: Sequence[RowMapping]
    silent: Sequence[RowMapping]

    @property
    def count(self) -> int:
        kinds = (self.unpaid, self.hopeless, self.never_started, self.offers, self.waves, self.silent)
        return sum(map(len, kinds))


class DueOrders:
    """Finds what is due; each question has an index."""

    def __init__(self, *, orders: OrderStore, offers: OfferStore) -> None:
        self._orders = orders
        self._offers = offers

    async def is_anything(self, tx: Transaction, *, at: datetime) -> bool:
        """Whether `everything` would find something; made for a glance, because mostly there is nothing."""
        return bool(await tx.value(_ANYTHING, {"at": at}))

    async def everything(self, tx: Transaction, *, at: datetime) -> Due:
        due = {kind: await self._orders.due(tx, *conditions) for kind, conditions in _orders_due(at).items()}
        return Due(offers=await self._offers.due(tx, at=at), **due)


def _orders_due(at: Any) -> dict[str, tuple[ColumnElement[bool], ...]]:
    """By their names in `Due`; `at` is an instant or a parameter for one."""
    c, state = t_order.c, OrderState
    paid = c.status == state.PAID.value
    return {
        "unpaid": (c.status == state.PENDING_PAYMENT.value, c.pay_deadline_at <= at),
        "hopeless": (paid, c.search_until <= at),
        "never_started": (c.status == state.AWAITING_SERVICE.value, c.end_at <= at),
        "waves": (paid, c.next_wave_at <= at, c.search_until > at),
        "silent": (c.status == state.IN_SERVICE.value, c.confirm_due_at <= at),
    }


_AT = bindparam("at", type_=t_order.c.end_at.type)
_ANYTHING = select(or_(*(exists().where(*conditions) for conditions in (*_orders_due(_AT).values(), are_over(_AT)))))
