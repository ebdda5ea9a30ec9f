"""Ledger entries and settlement rows in the SQL database."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.engine import RowMapping

from server.core.ids import new_id
from server.storage.tables.billing import ledger_entry, settlement
from server.storage.transaction import Transaction

_ADD = insert(ledger_entry)


async def add_entries(
    tx: Transaction, order_id: str, posting: str, entries: dict[str, int], *, at: datetime
) -> None:
    """Write the entries that are not zero; the same posting again raises IntegrityError."""
    rows = [
        {
            "entry_id": new_id(),
            "posting": posting,
            "order_id": order_id,
            "account": account,
            "amount_fen": amount_fen,
            "at": at,
        }
        for account, amount_fen in entries.items()
        if amount_fen
    ]
    await tx.run(_ADD, rows)


async def order_balances(tx: Transaction, order_id: str) -> dict[str, int]:
    """Sum an account over the order's entries."""
    columns = ledger_entry.c
    sums = select(columns.account, func.sum(columns.amount_fen).label("fen"))
    rows = await tx.all(sums.where(columns.order_id == order_id).group_by(columns.account))
    return {row["account"]: int(row["fen"]) for row in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Earning:
    """What a caregiver earned with one order; amounts in fen."""

    order_id: str
    caregiver_id: str
    gross_fen: int
    commission_fen: int
    earned_at: datetime
    due_at: datetime


async def add_settlement(tx: Transaction, earning: Earning) -> None:
    """Open the row, frozen until it is due."""
    await tx.run(
        insert(settlement).values(
            order_id=earning.order_id,
            caregiver_id=earning.caregiver_id,
            gross_fen=earning.gross_fen,
            commission_fen=earning.commission_fen,
            net_fen=earning.gross_fen - earning.commission_fen,
            status="frozen",
            earned_at=earning.earned_at,
            due_at=earning.due_at,
        )
    )


async def lock_settlement(tx: Transaction, order_id: str) -> RowMapping | None:
    """The order's row; nobody else adjusts or releases it before the commit."""
    return await tx.one(select(settlement).where(settlement.c.order_id == order_id).with_for_update())


async def adjust_settlement(tx: Transaction, order_id: str, *, by_fen: int) -> None:
    """Change what the caregiver gets, whether or not it is due already."""
    columns = settlement.c
    values = {"adjustment_fen": columns.adjustment_fen + by_fen, "net_fen": columns.net_fen + by_fen}
    await tx.run(update(settlement).where(columns.order_id == order_id).values(**values))


async def due_settlements(tx: Transaction, now: datetime, *, limit: int) -> list[RowMapping]:
    """Frozen rows whose time has come."""
    columns = settlement.c
    due = select(columns.order_id).where(columns.status == "frozen", columns.due_at <= now)
    return await tx.all(due.order_by(columns.due_at).limit(limit))


async def release_settlement(tx: Transaction, order_id: str, *, at: datetime) -> bool:
    """frozen -> available; False when it is not frozen any more."""
    columns = settlement.c
    values: dict[str, Any] = {"status": "available", "settled_at": at}
    frozen = update(settlement).where(columns.order_id == order_id, columns.status == "frozen")
    return await tx.run(frozen.values(**values)) == 1
