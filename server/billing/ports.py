"""What billing must know of an order."""

from datetime import datetime
from typing import Protocol

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


class Orders(Protocol):
    """Reads orders inside the caller's transaction."""

    async def payable(self, tx: Transaction, order_id: str, user_id: str) -> Payable | None:
        """None when there is no such order or the account may not know about it."""
