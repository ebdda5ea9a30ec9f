"""What is due: the questions a job asks of orders."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import RowMapping

from server.booking.states import OrderState
from server.booking.store_offers import OfferStore
from server.booking.store_orders import OrderStore
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

    async def everything(self, tx: Transaction, *, at: datetime) -> Due:
        c, state = t_order.c, OrderState
        paid = c.status == state.PAID.value
        waiting = c.status == state.PENDING_PAYMENT.value
        accepted = c.status == state.AWAITING_SERVICE.value
        return Due(
            unpaid=await self._orders.due(tx, waiting, c.pay_deadline_at <= at),
            hopeless=await self._orders.due(tx, paid, c.search_until <= at),
            never_started=await self._orders.due(tx, accepted, c.end_at <= at),
            offers=await self._offers.due(tx, at=at),
            waves=await self._orders.due(tx, paid, c.next_wave_at <= at, c.search_until > at),
            silent=await self._orders.due(tx, c.status == state.IN_SERVICE.value, c.confirm_due_at <= at),
        )
