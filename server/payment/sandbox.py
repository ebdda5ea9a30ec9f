"""Stands in for the real providers and behaves like them.

It answers only through the port and by signed notifications over HTTP; three of it (sandbox, wechat,
alipay) share one book, one key and one courier.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from server.core.clock import server_now
from server.core.ids import new_id
from server.payment.port import (
    AlreadyPaid,
    Notification,
    ProviderRefused,
    RefundReport,
    RefundState,
    TradeReport,
    TradeState,
)
from server.payment.sandbox_book import RefundOrder, SandboxBook, Trade
from server.payment.sandbox_letters import (
    APP_ID,
    MERCHANT_ID,
    SandboxKey,
    read_letter,
    refund_report,
    refund_values,
    trade_report,
    trade_values,
)
from server.payment.sandbox_till import SandboxHabits
from server.payment.sandbox_wakeups import Wakeups


class SandboxProvider:
    """Implements `port.PaymentProvider`."""

    acknowledgement = b'{"code":"SUCCESS","message":"OK"}'
    merchant_id = MERCHANT_ID
    app_ids = frozenset({APP_ID})

    def __init__(
        self,
        *,
        name: str,
        book: SandboxBook,
        key: SandboxKey,
        wakeups: Wakeups,
        habits: SandboxHabits,
        waits_for_payer: bool,
    ) -> None:
        self.name = name
        self._book = book
        self._key = key
        self._wakeups = wakeups
        self._habits = habits
        self._waits_for_payer = waits_for_payer

    async def prepay(
        self,
        *,
        out_trade_no: str,
        amount_fen: int,
        currency: str,
        description: str,
        channel: str | None,
        notify_url: str,
        payer: str | None,
    ) -> dict[str, Any]:
        """See the port. Raises ProviderRefused when the number stands for another amount or is closed."""
        now = server_now()
        approve_after = timedelta(seconds=self._habits.approve_after_s)
        asked = Trade(
            out_trade_no=out_trade_no,
            provider=self.name,
            transaction_id=f"4200{new_id()}",
            amount_fen=amount_fen,
            currency=currency,
            notify_url=notify_url,
            state="NOTPAY",
            refunded_fen=0,
            created_at=now,
            approve_at=None if self._waits_for_payer else now + approve_after,
            success_at=None,
        )
        trade = await self._book.add_trade(asked)
        if (trade.provider, trade.amount_fen, trade.currency) != (self.name, amount_fen, currency):
            raise ProviderRefused("INVALID_REQUEST")
        if trade.success_at is not None:
            raise AlreadyPaid()
        if trade.state != "NOTPAY":
            raise ProviderRefused("ORDER_CLOSED")
        if not self._waits_for_payer:
            self._wakeups.after(self._habits.approve_after_s)
        return {
            "provider": self.name,
            "sandbox": True,
            "prepay_id": f"sandbox-{out_trade_no}",
            "channel": channel,
            "description": description,
            "amount_fen": amount_fen,
            "approves_itself": not self._waits_for_payer,
        }

    async def verify_notification(self, headers: Mapping[str, str], raw_body: bytes) -> Notification:
        """See the port."""
        self._key.verify(headers, raw_body, now=server_now())
        return read_letter(raw_body)

    async def query(self, out_trade_no: str) -> TradeReport:
        """See the port."""
        trade = await self._mine(out_trade_no)
        if trade is None:
            return TradeReport(out_trade_no=out_trade_no, state=TradeState.MISSING)
        return trade_report(trade_values(trade))

    async def close(self, out_trade_no: str) -> None:
        """See the port."""
        trade = await self._mine(out_trade_no)
        if trade is None:
            return
        if await self._book.move_trade(trade, "CLOSED", from_states=("NOTPAY",), at=server_now(), letters=[]):
            return
        now_there = await self._mine(out_trade_no)
        if now_there is not None and now_there.success_at is not None:
            raise AlreadyPaid()

    async def refund(
        self, *, out_refund_no: str, out_trade_no: str, amount_fen: int, total_fen: int, notify_url: str
    ) -> RefundReport:
        """See the port; the notification goes where the trade's went."""
        trade = await self._mine(out_trade_no)
        if trade is None or trade.amount_fen != total_fen:
            raise ProviderRefused("PARAM_ERROR")
        asked = RefundOrder(
            out_refund_no=out_refund_no,
            out_trade_no=out_trade_no,
            amount_fen=amount_fen,
            state="PROCESSING",
            settle_at=server_now() + timedelta(seconds=self._habits.refund_after_s),
            success_at=None,
        )
        refund = await self._book.add_refund(asked)
        if refund is None:
            raise ProviderRefused("NOT_ENOUGH")
        if (refund.out_trade_no, refund.amount_fen) != (out_trade_no, amount_fen):
            raise ProviderRefused("INVALID_REQUEST")
        self._wakeups.after(self._habits.refund_after_s)
        return refund_report(refund_values(refund, trade))

    async def query_refund(self, out_refund_no: str) -> RefundReport:
        """See the port."""
        refund = await self._book.refund(out_refund_no)
        trade = await self._mine(refund.out_trade_no) if refund else None
        if refund is None or trade is None:
            return RefundReport(out_refund_no=out_refund_no, out_trade_no="", state=RefundState.MISSING)
        return refund_report(refund_values(refund, trade))

    async def _mine(self, out_trade_no: str) -> Trade | None:
        trade = await self._book.trade(out_trade_no)
        return trade if trade is not None and trade.provider == self.name else None
