"""The list of accounts for administrators."""

from datetime import datetime
from typing import Any

from server.core.call import Call
from server.core.clock import shanghai_text
from server.core.cursor import Pages
from server.core.days import span_of_days
from server.identity import queries_directory as queries
from server.identity.commands_desk import ListUsers
from server.identity.words import QUALIFICATION_STATUS_TEXT, VERIFICATION_STATUS_TEXT, user_answer
from server.storage.sql import Database

_PAGES = Pages("users", registered_at=datetime, user_id=str)


class Directory:
    """Reads only. Phones are masked here; whoever knows a number finds its account."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def list_users(self, call: Call, query: ListUsers) -> dict[str, Any]:
        """Accounts, the newest first: {"items", "next_cursor"}. Raises Refused `invalid`."""
        after = _PAGES.after(query.cursor)
        async with self._database.read() as tx:
            rows = await queries.accounts_page(tx, _filter(query), after=after, limit=query.limit + 1)
            shown, cursor = _PAGES.cut(rows, query.limit)
            counts = await queries.counts_of(tx, [row["user_id"] for row in shown])
        return {"items": [_item(row, counts[row["user_id"]]) for row in shown], "next_cursor": cursor}


def _filter(query: ListUsers) -> queries.Filter:
    since, until = span_of_days(query.registered_from, query.registered_to, field="registered_to")
    return queries.Filter(
        user_type=query.user_type,
        verification_status=query.verification_status,
        banned=None if query.state is None else query.state == "banned",
        keyword=query.keyword,
        since=since,
        until=until,
    )


def _item(row: Any, counts: dict[str, int]) -> dict[str, Any]:
    return user_answer(row) | {
        "registered_at": shanghai_text(row["registered_at"]),
        "verification_status": row["verification_status"],
        "verification_status_text": VERIFICATION_STATUS_TEXT[row["verification_status"]],
        "banned_at": shanghai_text(row["banned_at"]),
        "ban_reason": row["ban_reason"],
        "warning_count": counts.get("warnings", 0),
        "order_count": counts.get("orders", 0),
        "patient_count": counts.get("patients", 0),
        "caregiver": _career(row) if row["user_type"] == "caregiver" else None,
    }


def _career(row: Any) -> dict[str, Any] | None:
    """None as long as there is no profile."""
    if row["caregiver_id"] is None:
        return None
    status = row["qualification_status"]
    return {
        "caregiver_id": row["caregiver_id"],
        "name": row["real_name"],
        "qualification_status": status,
        "qualification_status_text": QUALIFICATION_STATUS_TEXT[status],
        "completed_count": row["completed_count"],
        "rating": None if row["rating_milli"] is None else row["rating_milli"] / 1000,
        "listening": row["listening"],
    }
