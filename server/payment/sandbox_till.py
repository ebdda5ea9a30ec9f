"""Where the sandbox's payers say yes or no.

Every decision is written together with the notification about it, so that neither is lost in a crash.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from server.core.clock import server_now
from server.core.errors import Refused
from server.core.ids import new_id
from server.payment.sandbox_book import Letter, RefundOrder, SandboxBook, Trade
from server.payment.sandbox_letters import letter_body, refund_values, trade_values
from server.payment.sandbox_wakeups import Wakeups


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxHabits:
    """How the provider behaves; the bad habits of real ones on demand."""

    approve_after_s: float = 0.2  # what approves itself (contract.md §9)
    refund_after_s: float = 0.2  # from accepting a refund to the money being back
    notify_copies: int = 1  # the same message so many times
    notify_delay_s: float = 0.0


class SandboxTill:
    """Approves and declines trades, settles refunds, posts the letters about it."""

    def __init__(self, *, book: SandboxBook, wakeups: Wakeups, habits: SandboxHabits) -> None:
        self._book = book
        self._wakeups = wakeups
        self._habits = habits

    async def tap(self, out_trade_no: str, result: str) -> None:
        """The payer's tap: "approve" or "decline". The same tap again sends the notification again.

        A closed trade can still be approved: the payer was faster than the close. Raises Refused
        `not_found`, `wrong_state`.
        """
        trade = await self._book.trade(out_trade_no)
        if trade is None:
            raise Refused("not_found")
        done = await (self._approve(trade) if result == "approve" else self._decline(trade))
        if not done:
            await self._repeat(out_trade_no, "SUCCESS" if result == "approve" else "PAYERROR")

    async def _approve(self, trade: Trade) -> bool:
        now = server_now()
        paid = replace(trade, state="SUCCESS", success_at=now)
        letters = self._letters(trade, letter_body("TRANSACTION.SUCCESS", trade_values(paid), at=now), at=now)
        return await self._move(trade, "SUCCESS", letters, from_states=("NOTPAY", "CLOSED"), at=now)

    async def _decline(self, trade: Trade) -> bool:
        now = server_now()
        declined = replace(trade, state="PAYERROR")
        letters = self._letters(trade, letter_body("TRANSACTION.PAYERROR", trade_values(declined), at=now), at=now)
        return await self._move(trade, "PAYERROR", letters, from_states=("NOTPAY",), at=now)

    async def _move(
        self, trade: Trade, to_state: str, letters: list[Letter], *, from_states: tuple[str, ...], at: datetime
    ) -> bool:
        moved = await self._book.move_trade(trade, to_state, from_states=from_states, at=at, letters=letters)
        self._wake_courier()
        return moved

    async def _repeat(self, out_trade_no: str, state: str) -> None:
        trade = await self._book.trade(out_trade_no)
        if trade is None or trade.state != state:
            raise Refused("wrong_state")
        now = server_now()
        body = letter_body(f"TRANSACTION.{state}", trade_values(trade), at=now)
        await self._book.post(self._letters(trade, body, at=now))
        self._wake_courier()

    def _letters(self, trade: Trade, body: str, *, at: datetime) -> list[Letter]:
        due_at = at + timedelta(seconds=self._habits.notify_delay_s)
        return [
            Letter(
                letter_id=new_id(),
                provider=trade.provider,
                url=trade.notify_url,
                body=body,
                created_at=at,
                due_at=due_at,
            )
            for _ in range(self._habits.notify_copies)
        ]

    def _wake_courier(self) -> None:
        """Only after the commit: a courier that comes earlier finds nothing and sleeps on."""
        self._wakeups.after(self._habits.notify_delay_s)

    async def settle_due(self) -> None:
        """Approve what approves itself and finish refunds, as far as their time has come."""
        now = server_now()
        for trade in await self._book.trades_to_approve(now):
            await self._approve(trade)
        for refund in await self._book.refunds_to_settle(now):
            await self._settle(refund, now)

    async def _settle(self, refund: RefundOrder, now: datetime) -> None:
        trade = await self._book.trade(refund.out_trade_no)
        assert trade is not None
        body = letter_body("REFUND.SUCCESS", refund_values(replace(refund, state="SUCCESS"), trade), at=now)
        await self._book.settle_refund(refund, at=now, letters=self._letters(trade, body, at=now))
        self._wake_courier()
