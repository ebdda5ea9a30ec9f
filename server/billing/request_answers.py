"""Refunds that administrators asked for, as they are listed."""

from datetime import datetime
from typing import Any

from server.billing import store_requests
from server.billing.commands_desk import ListRefundRequests
from server.core.call import Call
from server.core.clock import shanghai_text
from server.core.cursor import Pages
from server.storage.sql import Database

_PAGES = Pages("refund_requests", requested_at=datetime, request_id=str)
STATE_TEXTS = {"waiting": "待另一位管理员确认", "approved": "已同意", "rejected": "已驳回"}
BEARER_TEXTS = {"shared": "陪护人员与平台共担", "platform": "平台承担"}


class RefundRequests:
    """Reads only."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def list_requests(self, call: Call, query: ListRefundRequests) -> dict[str, Any]:
        """{"items", "next_cursor"}, the latest first. Raises Refused `invalid`."""
        after = _PAGES.after(query.cursor)
        async with self._database.read() as tx:
            rows = await store_requests.requests_page(tx, state=query.state, after=after, limit=query.limit + 1)
        shown, cursor = _PAGES.cut(rows, query.limit)
        return {"items": [request_answer(row) for row in shown], "next_cursor": cursor}


def request_answer(row: Any) -> dict[str, Any]:
    plain = ("request_id", "order_id", "amount_fen", "borne_by", "reason", "state")
    return {name: row[name] for name in plain} | {
        "borne_by_text": BEARER_TEXTS[row["borne_by"]],
        "state_text": STATE_TEXTS[row["state"]],
        "requested_by": row["requested_by"],
        "requested_by_name": row["requested_by_name"],
        "requested_at": shanghai_text(row["requested_at"]),
        "decided_by": row["decided_by"],
        "decided_by_name": row["decided_by_name"],
        "decided_at": shanghai_text(row["decided_at"]),
        "decision_reason": row["decision_reason"],
        "refund_id": row["refund_id"],
    }
