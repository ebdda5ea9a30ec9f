"""A caregiver's income: when it is theirs, how it is shown."""

from typing import Any

from server.billing import queries, store_ledger
from server.billing.commands import ListIncome
from server.billing.ports import OrderCaptions
from server.billing.records import PAYMENT_STATUS_TEXTS, SETTLEMENT_STATUS_TEXTS
from server.core.call import Call
from server.core.clock import BusinessClock, shanghai_text
from server.core.days import span_of_days
from server.storage.sql import Database
from server.storage.transaction import Transaction

_AT_ONCE = 200


class Settlements:
    """Releases what is due and answers `caregiver/income`."""

    def __init__(self, *, database: Database, orders: OrderCaptions, clock: BusinessClock) -> None:
        self._database = database
        self._orders = orders
        self._clock = clock

    async def release_due(self) -> int:
        """A round of the job: frozen income whose day has come is settled. Returns how many rows."""
        now = self._clock.now()
        async with self._database.read() as tx:
            due = [row["order_id"] for row in await store_ledger.due_settlements(tx, now, limit=_AT_ONCE)]
        if not due:
            return 0

        async def body(tx: Transaction) -> int:
            return sum([await store_ledger.release_settlement(tx, order_id, at=now) for order_id in due])

        return await self._database.write(body)

    async def list_income(self, call: Call, query: ListIncome) -> dict[str, Any]:
        """{"items", "next_cursor", "totals"}: items newest first, totals over the whole range, in fen."""
        since, until = span_of_days(query.from_day, query.to_day, field="to")
        span = queries.Span(since=since, until=until)
        async with self._database.read() as tx:
            rows, next_cursor = await queries.income_page(
                tx, call.user.user_id, span, limit=query.limit, cursor=query.cursor
            )
            totals = await queries.income_totals(tx, call.user.user_id, span)
            captions = await self._orders.captions(tx, [row["order_id"] for row in rows])
        items = [_item(row, captions[row["order_id"]]) for row in rows]
        return {"items": items, "next_cursor": next_cursor, "totals": totals}


def _item(row: Any, caption: dict[str, Any]) -> dict[str, Any]:
    return {
        "order_id": row["order_id"],
        **caption,
        "gross_fen": row["gross_fen"],
        "commission_fen": row["commission_fen"],
        "adjustment_fen": row["adjustment_fen"],
        "net_fen": row["net_fen"],
        "pay_status": row["pay_status"],
        "pay_status_text": PAYMENT_STATUS_TEXTS.get(row["pay_status"]),
        "settlement_status": row["status"],
        "settlement_status_text": SETTLEMENT_STATUS_TEXTS[row["status"]],
        "earned_at": shanghai_text(row["earned_at"]),
        "settlement_due_at": shanghai_text(row["due_at"]),
        "settled_at": shanghai_text(row["settled_at"]),
    }
