"""Refunds in the SQL database, moved conditionally."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.engine import RowMapping

from server.billing.records import Refund, RefundStatus, refund_sources
from server.storage.tables.billing import refund
from server.storage.transaction import Transaction

_AT_ONCE = 100
_COLUMNS = refund.c


def _refund(row: RowMapping) -> Refund:
    return Refund(**{name: row[name] for name in Refund.__dataclass_fields__})


async def add_refund(tx: Transaction, row: dict[str, Any]) -> None:
    await tx.run(insert(refund).values(**row, status=RefundStatus.REQUESTED.value))


async def refund_by_id(tx: Transaction, refund_id: str) -> Refund | None:
    row = await tx.one(select(refund).where(_COLUMNS.refund_id == refund_id))
    return None if row is None else _refund(row)


async def refunds_of(tx: Transaction, order_ids: Iterable[str]) -> list[Refund]:
    """All refunds of these orders, oldest first."""
    chosen = select(refund).where(_COLUMNS.order_id.in_(list(order_ids)))
    return [_refund(row) for row in await tx.all(chosen.order_by(_COLUMNS.created_at, _COLUMNS.refund_id))]


async def move_refund(
    tx: Transaction, refund_id: str, to: RefundStatus, *, values: dict[str, Any] | None = None
) -> bool:
    """One step along the table; False when the refund is elsewhere."""
    move = update(refund).where(_COLUMNS.refund_id == refund_id, _COLUMNS.status.in_(refund_sources(to)))
    return await tx.run(move.values(status=to.value, **(values or {}))) == 1


async def due_refunds(tx: Transaction, now: datetime) -> list[Refund]:
    """Refunds to ask for again, or to ask about."""
    unfinished = _COLUMNS.status.in_((RefundStatus.REQUESTED.value, RefundStatus.PROCESSING.value))
    due = select(refund).where(unfinished, _COLUMNS.next_try_at <= now)
    return [_refund(row) for row in await tx.all(due.order_by(_COLUMNS.next_try_at).limit(_AT_ONCE))]


async def claim_try(tx: Transaction, due: Refund, *, next_try_at: datetime) -> bool:
    """Put the next try off and count this one; False when another instance was faster."""
    same = update(refund).where(
        _COLUMNS.refund_id == due.refund_id,
        _COLUMNS.status == due.status,
        _COLUMNS.next_try_at == due.next_try_at,
    )
    return await tx.run(same.values(attempts=due.attempts + 1, next_try_at=next_try_at)) == 1


async def note_failure(tx: Transaction, refund_id: str, failure_code: str) -> None:
    await tx.run(update(refund).where(_COLUMNS.refund_id == refund_id).values(failure_code=failure_code))
