"""What caregivers and administrators read about money."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.engine import RowMapping

from server.core.errors import invalid
from server.core.ids import looks_like_id
from server.storage.tables.billing import payment, settlement
from server.storage.tables.roster import t_caregiver_info
from server.storage.transaction import Transaction

_EARLIEST_MS, _LATEST_MS = 946_684_800_000, 4_102_444_800_000  # 2000 to 2100: what a cursor may name


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From `since` (inclusive) until `until` (exclusive); None: open."""

    since: datetime | None
    until: datetime | None


async def income_page(
    tx: Transaction, user_id: str, span: Span, *, limit: int, cursor: str | None
) -> tuple[list[RowMapping], str | None]:
    """Rows of the caregiver who has this account, newest first, and the cursor of the next page."""
    columns = settlement.c
    paid = _money_status()
    wanted = _own(select(settlement, paid), user_id, span)
    if cursor is not None:
        earned_at, order_id = _position(cursor)
        older = columns.earned_at < earned_at
        wanted = wanted.where(or_(older, and_(columns.earned_at == earned_at, columns.order_id < order_id)))
    rows = await tx.all(wanted.order_by(columns.earned_at.desc(), columns.order_id.desc()).limit(limit + 1))
    page = rows[:limit]
    return page, _cursor(page[-1]) if len(rows) > limit else None


async def income_totals(tx: Transaction, user_id: str, span: Span) -> dict[str, int]:
    """Sums over the span in fen, and what of the net is settled already."""
    columns = settlement.c
    names = ("gross_fen", "commission_fen", "adjustment_fen", "net_fen")
    by_status = _own(
        select(columns.status, func.count().label("orders"), *(func.sum(columns[n]).label(n) for n in names)),
        user_id,
        span,
    )
    rows = await tx.all(by_status.group_by(columns.status))
    totals = {name: sum(int(row[name]) for row in rows) for name in names}
    settled = sum(int(row["net_fen"]) for row in rows if row["status"] in ("available", "paid"))
    return {
        "orders": sum(int(row["orders"]) for row in rows),
        **totals,
        "settled_fen": settled,
        "unsettled_fen": totals["net_fen"] - settled,
    }


def _own(wanted: Select[Any], user_id: str, span: Span) -> Select[Any]:
    columns = settlement.c
    wanted = wanted.join(t_caregiver_info, t_caregiver_info.c.caregiver_id == columns.caregiver_id)
    wanted = wanted.where(t_caregiver_info.c.user_id == user_id)
    if span.since is not None:
        wanted = wanted.where(columns.earned_at >= span.since)
    if span.until is not None:
        wanted = wanted.where(columns.earned_at < span.until)
    return wanted


def _money_status() -> Any:
    """How the payment that paid the order stands: the earliest whose money came."""
    columns = payment.c
    came = columns.status.in_(("succeeded", "refunded"))
    first = select(columns.status).where(columns.order_id == settlement.c.order_id, came)
    return first.order_by(columns.paid_at).limit(1).scalar_subquery().label("pay_status")


def _cursor(row: RowMapping) -> str:
    return f"{round(row['earned_at'].timestamp() * 1000)}.{row['order_id']}"


def _position(cursor: str) -> tuple[datetime, str]:
    milliseconds, _, order_id = cursor.partition(".")
    digits = milliseconds.isascii() and milliseconds.isdigit() and len(milliseconds) <= 13
    if not digits or not _EARLIEST_MS <= int(milliseconds) <= _LATEST_MS or not looks_like_id(order_id):
        raise invalid("cursor", "不是有效的游标")
    seconds, rest = divmod(int(milliseconds), 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000), order_id
