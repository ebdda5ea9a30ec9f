"""What billing must know of an order."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Protocol

from server.storage.transaction import Transaction


class Payable(Protocol):
    """An order as the cashier sees it, frozen in the caller's transaction."""

    @property
    def order_id(self) -> str: ...

    @property
    def status(self) -> str:
        """`pending_payment` when it may be paid."""

    @property
    def amount_fen(self) -> int: ...

    @property
    def pay_deadline_at(self) -> datetime: ...

    @property
    def relation(self) -> str:
        """"booker", who alone may pay, or "viewer"."""


class Ended(Protocol):
    """An order that may be over, locked by the caller's transaction."""

    @property
    def status(self) -> str:
        """`completed` or `cancelled` when it is over."""

    @property
    def cancel_fee_fen(self) -> int:
        """What was kept when it was cancelled."""


class EndedOrders(Protocol):
    """What billing does with orders that are over."""

    async def ended(self, tx: Transaction, order_id: str) -> Ended | None:
        """Lock and read; None when there is no such order."""

    async def lower_fee(self, tx: Transaction, order_id: str, *, by_fen: int) -> None:
        """A part of the fee of a cancelled order goes back after all."""


class OrderCaptions(Protocol):
    """Tells which visit an amount is about."""

    async def captions(self, tx: Transaction, order_ids: Collection[str]) -> dict[str, dict[str, Any]]:
        """{"service_type", "service_type_text", "start_at"} of each of the orders."""


class Orders(Protocol):
    """Reads orders inside the caller's transaction."""

    async def payable(self, tx: Transaction, order_id: str, user_id: str) -> Payable | None:
        """None when there is no such order or the account may not know about it."""
