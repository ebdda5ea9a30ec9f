"""What the sandbox's provider writes down, and where.

The provider is somebody else: its books are changed in transactions of their own, never in those of a
payment, so that everything a real provider can do to us (late, twice, never) happens here too.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """A trade in the words of WeChat Pay: NOTPAY, SUCCESS, PAYERROR, CLOSED, REFUND."""

    out_trade_no: str
    provider: str
    transaction_id: str
    amount_fen: int
    currency: str
    notify_url: str
    state: str
    refunded_fen: int
    created_at: datetime
    approve_at: datetime | None
    success_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundOrder:
    """A refund that was accepted: PROCESSING, then SUCCESS."""

    out_refund_no: str
    out_trade_no: str
    amount_fen: int
    state: str
    settle_at: datetime
    success_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A notification on its way; it is signed anew each time it is sent."""

    letter_id: str
    provider: str
    url: str
    body: str
    created_at: datetime
    due_at: datetime
    attempts: int = 0


class SandboxBook(Protocol):
    """The stored state; every method is one transaction of its own."""

    async def add_trade(self, trade: Trade) -> Trade:
        """Store it; the same number again returns what is stored already."""

    async def trade(self, out_trade_no: str) -> Trade | None: ...

    async def move_trade(
        self, trade: Trade, to_state: str, *, from_states: tuple[str, ...], at: datetime, letters: list[Letter]
    ) -> bool:
        """Change the state and post letters about it together; False when it was in none of `from_states`."""

    async def add_refund(self, refund: RefundOrder) -> RefundOrder | None:
        """Store it within what is left of the trade; None when that is not enough, or the trade unpaid."""

    async def refund(self, out_refund_no: str) -> RefundOrder | None: ...

    async def settle_refund(self, refund: RefundOrder, *, at: datetime, letters: list[Letter]) -> bool:
        """The money is back; False when it was already."""

    async def post(self, letters: list[Letter]) -> None: ...

    async def trades_to_approve(self, now: datetime) -> list[Trade]: ...

    async def refunds_to_settle(self, now: datetime) -> list[RefundOrder]: ...

    async def claim_letters(self, now: datetime, *, until: datetime) -> list[Letter]:
        """Letters that are due, put off until `until` so that only one instance sends each."""

    async def letter_sent(self, letter: Letter, *, at: datetime) -> None: ...

    async def letter_again(self, letter: Letter, *, at: datetime | None) -> None:
        """It was not taken: due again at `at`, or given up."""
