"""Orders that are over, as billing refunds them."""

from dataclasses import dataclass

from server.booking.orders.store import OrderStore
from server.storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class EndedOrder:
    """How an order stands; implements `billing.ports.Ended`."""

    status: str
    cancel_fee_fen: int


class EndedOrders:
    """Implements `billing.ports.EndedOrders`."""

    def __init__(self, *, orders: OrderStore) -> None:
        self._orders = orders

    async def ended(self, tx: Transaction, order_id: str) -> EndedOrder | None:
        row = await self._orders.lock(tx, order_id)
        return None if row is None else EndedOrder(row["status"], row["cancel_fee_fen"])

    async def lower_fee(self, tx: Transaction, order_id: str, *, by_fen: int) -> None:
        row = await self._orders.require(tx, order_id)
        await self._orders.note(tx, order_id, cancel_fee_fen=row["cancel_fee_fen"] - by_fen)
