"""What payment means to an order."""

from dataclasses import dataclass
from datetime import datetime

from server.booking.cancelling import Cancelling, CloseUnpaid
from server.booking.matching import Matching
from server.booking.standing import Standings
from server.booking.states import OrderState
from server.booking.store_orders import THE_SYSTEM, OrderStore
from server.core.clock import BusinessClock
from server.storage.sql import Database
from server.storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Payable:
    """An order as the cashier sees it; amounts in fen."""

    order_id: str
    status: str
    amount_fen: int
    pay_deadline_at: datetime
    relation: str  # "booker" | "viewer"


class Paying:
    """Tells billing what is to be paid, and takes the news that it was."""

    def __init__(
        self,
        *,
        database: Database,
        orders: OrderStore,
        matching: Matching,
        standings: Standings,
        clock: BusinessClock,
    ) -> None:
        self._database = database
        self._orders = orders
        self._matching = matching
        self._standings = standings
        self._clock = clock

    async def payable(self, tx: Transaction, order_id: str, user_id: str) -> Payable | None:
        """None for who may not know of the order; `relation` tells whether the account may pay."""
        standing = await self._standings.standing(tx, order_id, user_id, "patient")
        order = await self._orders.get(tx, order_id) if standing else None
        if standing is None or order is None:
            return None
        return Payable(
            order_id, order["status"], order["amount_fen"], order["pay_deadline_at"], relation=standing.relation
        )

    async def mark_paid(self, tx: Transaction, order_id: str, *, method: str, paid_at: datetime) -> str:
        """A payment has succeeded: "paid" (the search begins), "late" (cancelled before), "second"."""
        order = await self._orders.get(tx, order_id)
        assert order is not None
        if order["status"] == OrderState.PENDING_PAYMENT:
            now = self._clock.now()
            values = {"paid_at": paid_at, "pay_method": method}
            await self._orders.move(tx, order, "pay", actor=THE_SYSTEM, at=now, values=values)
            await self._matching.begin(tx, order_id, at=now)
            return "paid"
        return "late" if order["status"] == OrderState.CANCELLED else "second"


class UnpaidOrders:
    """Ends orders whose pay deadline has passed; the provider is asked and closed first (domain.md T3)."""

    def __init__(
        self,
        *,
        database: Database,
        orders: OrderStore,
        cancelling: Cancelling,
        close_unpaid: CloseUnpaid,
        clock: BusinessClock,
    ) -> None:
        self._database = database
        self._orders = orders
        self._cancelling = cancelling
        self._close_unpaid = close_unpaid
        self._clock = clock

    async def end(self, order_id: str) -> None:
        """Close at the provider, then here. Raises Unavailable when the provider cannot say."""
        if await self._close_unpaid(order_id) == "closed":
            await self._database.write(
                lambda tx: self._cancelling.cancel_by_time(tx, order_id, "pay_deadline", reason="超时未支付")
            )
