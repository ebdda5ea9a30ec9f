"""The days' figures, each read from one index."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.engine import RowMapping

from server.storage.tables.billing import ledger_entry, refund_request
from server.storage.tables.booking import t_order
from server.storage.tables.identity import t_user
from server.storage.tables.roster import t_caregiver_info, t_qualification_certification
from server.storage.transaction import Transaction

_order, _entry, _info = t_order.c, ledger_entry.c, t_caregiver_info.c
_LIVE = ("pending_payment", "paid", "awaiting_service", "in_service")


def _day_of(column: Any, borders: Sequence[datetime]) -> Any:
    """The number of the day in which an instant lies; `borders` are the first instants of the days, and the end.

    Compared with instants that we computed, because databases know no Shanghai.
    """
    days = [(column < border, number) for number, border in enumerate(borders[1:])]
    return case(*days, else_=len(days)).label("day")


async def orders_a_day(tx: Transaction, borders: Sequence[datetime]) -> list[RowMapping]:
    """`day`, `status`, `orders`: of those created each day, how they stand now."""
    day = _day_of(_order.created_at, borders)
    counted = select(day, _order.status, func.count().label("orders")).where(*_created(borders))
    return await tx.all(counted.group_by(day, _order.status))


async def orders_by(tx: Transaction, name: str, borders: Sequence[datetime]) -> list[RowMapping]:
    """`code`, `orders`, `cancelled` by `service_type` or `district`, the most first."""
    column, orders = _order[name], func.count().label("orders")
    cancelled = func.sum(case((_order.status == "cancelled", 1), else_=0)).label("cancelled")
    counted = select(column.label("code"), orders, cancelled).where(*_created(borders)).group_by(column)
    return await tx.all(counted.order_by(orders.desc(), column))


def _created(borders: Sequence[datetime]) -> tuple[Any, ...]:
    return _order.created_at >= borders[0], _order.created_at < borders[-1]


async def live_orders(tx: Transaction) -> dict[str, int]:
    """How many orders stand in each state that is not final."""
    counted = select(_order.status, func.count().label("orders")).where(_order.status.in_(_LIVE))
    return {row["status"]: row["orders"] for row in await tx.all(counted.group_by(_order.status))}


async def money_a_day(tx: Transaction, account: str, borders: Sequence[datetime]) -> list[RowMapping]:
    """`day`, `plus_fen` and `minus_fen`: what entered an account and what left it (a positive number)."""
    day = _day_of(_entry.at, borders)
    plus = func.sum(case((_entry.amount_fen > 0, _entry.amount_fen), else_=0)).label("plus_fen")
    minus = func.sum(case((_entry.amount_fen < 0, -_entry.amount_fen), else_=0)).label("minus_fen")
    here = (_entry.account == account, _entry.at >= borders[0], _entry.at < borders[-1])
    return await tx.all(select(day, plus, minus).where(*here).group_by(day))


async def accounts_by_type(tx: Transaction, *, since: datetime) -> list[RowMapping]:
    """`user_type`, `total` and how many are `new` since an instant."""
    new = func.sum(case((t_user.c.registered_at >= since, 1), else_=0)).label("new")
    counted = select(t_user.c.user_type, func.count().label("total"), new)
    return await tx.all(counted.group_by(t_user.c.user_type).order_by(t_user.c.user_type))


async def caregivers(tx: Transaction, *, today: Any) -> RowMapping:
    """`approved`, and how many of them are `listening`: those may be offered something today."""
    may_serve = (_info.banned_at.is_(None), _info.papers_valid_until >= today)
    fit = (_info.qualification_status == "approved", *may_serve)
    listening = func.coalesce(func.sum(case((_info.listening.is_(True), 1), else_=0)), 0).label("listening")
    row = await tx.one(select(func.count().label("approved"), listening).where(*fit))
    assert row is not None
    return row


async def waiting_work(tx: Transaction) -> dict[str, int]:
    """What lies on the administrators' desks."""
    papers, requests = t_qualification_certification, refund_request
    pending = select(func.count()).select_from(papers).where(papers.c.status == "pending")
    waiting = select(func.count()).select_from(requests).where(requests.c.state == "waiting")
    return {"qualifications": await tx.value(pending), "refund_requests": await tx.value(waiting)}
