"""What payment means to an order."""

from dataclasses import dataclass
from datetime import datetime

from server.booking.offers.matching import Matching
from server.booking.orders.standing import Standings
from server.booking.orders.store import THE_SYSTEM, OrderStore
from server.booking.rules.states import OrderState
from server.booking.steps.cancelling import CloseUnpaid
from server.booking.steps.endings import Endings
from server.core.clock import BusinessClock
from server.core.in_force import InForce
from server.roster.terms import Terms
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
        orders: OrderStore,
        matching: Matching,
        standings: Standings,
        terms: InForce[Terms],
        clock: BusinessClock,
    ) -> None:
        self._orders = orders
        self._matching = matching
        self._standings = standings
        self._terms = terms
        self._clock = clock

    async def payable(self, tx: Transaction, order_id: str, user_id: str) -> Payable | None:
        """None for who may not know of the order; `relation` tells whether the account may pay."""
        order = await self._orders.lock(tx, order_id)
        standing = await self._standings.standing(tx, order_id, user_id, "patient")
        if standing is None or order is None:
            return None
        return Payable(
            order_id, order["status"], order["amount_fen"], order["pay_deadline_at"], relation=standing.relation
        )

    async def settlement_days(self, tx: Transaction, order_id: str) -> int:
        """After how many Shanghai days the income from an order is due, by the terms of the order."""
        order = await self._orders.require(tx, order_id)
        return (await self._terms.of(tx, order["policy_version"])).policy.settlement.due_after_days

    async def mark_paid(self, tx: Transaction, order_id: str, *, method: str, paid_at: datetime) -> str:
        """A payment has succeeded: "paid" (the search begins), "late" (cancelled before), "second"."""
        order = await self._orders.lock(tx, order_id)
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
        endings: Endings,
        close_unpaid: CloseUnpaid,
    ) -> None:
        self._database = database
        self._endings = endings
        self._close_unpaid = close_unpaid

    async def end(self, order_id: str) -> None:
        """Close at the provider, then here. Raises Unavailable when the provider cannot say."""
        if await self._close_unpaid(order_id) == "closed":
            await self._database.write(
                lambda tx: self._endings.cancel_by_time(tx, order_id, "pay_deadline", reason="超时未支付")
            )
