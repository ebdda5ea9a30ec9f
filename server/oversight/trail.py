"""The audit as administrators read it."""

import json
from datetime import datetime
from typing import Any

from server.core.call import Call
from server.core.clock import shanghai_text
from server.core.cursor import Pages
from server.core.days import span_of_days
from server.core.errors import invalid
from server.core.ids import looks_like_id
from server.oversight import queries
from server.oversight.commands import ListAudit
from server.oversight.wording import ACTION_TEXTS, ACTOR_TEXTS
from server.storage.sql import Database
from server.storage.transaction import Transaction

_PAGES = Pages("audit", at=datetime, audit_id=str)


class AuditTrail:
    """Reads only: rows are written by who does the deed (storage/audit.py), never changed, never removed."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def list_audit(self, call: Call, query: ListAudit) -> dict[str, Any]:
        """{"items", "next_cursor"}, the latest first. Raises Refused `invalid`."""
        after = _PAGES.after(query.cursor)
        async with self._database.read() as tx:
            rows = await queries.audit_page(tx, _filter(query), after=after, limit=query.limit + 1)
        shown, cursor = _PAGES.cut(rows, query.limit)
        return {"items": [_item(row) for row in shown], "next_cursor": cursor}

    async def of_target(self, tx: Transaction, target: str, *, limit: int) -> list[dict[str, Any]]:
        """The latest rows about one thing, as the list shows them."""
        rows = await queries.audit_page(tx, queries.AuditFilter(target=target), after=None, limit=limit)
        return [_item(row) for row in rows]


def _filter(query: ListAudit) -> queries.AuditFilter:
    since, until = span_of_days(query.from_day, query.to_day, field="to")
    if query.actor_id is not None and not looks_like_id(query.actor_id):
        raise invalid("actor_id", "不是有效的账号编号")
    return queries.AuditFilter(
        actor_id=query.actor_id,
        actor_type=query.actor_type,
        action=query.action,
        target=query.target,
        since=since,
        until=until,
    )


def _item(row: Any) -> dict[str, Any]:
    return {
        "audit_id": row["audit_id"],
        "actor_id": row["actor_id"],
        "actor_name": row["actor_name"],
        "actor_type": row["actor_type"],
        "actor_type_text": ACTOR_TEXTS[row["actor_type"]],
        "action": row["action"],
        "action_text": ACTION_TEXTS.get(row["action"], row["action"]),
        "target": row["target"],
        "reason": row["reason"],
        "detail": None if row["detail"] is None else json.loads(row["detail"]),
        "remote_address": row["remote_address"],
        "request_id": row["request_id"],
        "at": shanghai_text(row["at"]),
    }
