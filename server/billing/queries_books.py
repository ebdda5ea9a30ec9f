"""Everything that money did for one order."""

from sqlalchemy import select
from sqlalchemy.engine import RowMapping

from server.storage.tables.billing import ledger_entry, payment, refund, settlement
from server.storage.transaction import Transaction


async def payments_of(tx: Transaction, order_id: str) -> list[RowMapping]:
    return await tx.all(
        select(payment).where(payment.c.order_id == order_id).order_by(payment.c.created_at, payment.c.payment_id)
    )


async def refunds_of(tx: Transaction, order_id: str) -> list[RowMapping]:
    return await tx.all(
        select(refund).where(refund.c.order_id == order_id).order_by(refund.c.created_at, refund.c.refund_id)
    )


async def entries_of(tx: Transaction, order_id: str) -> list[RowMapping]:
    return await tx.all(
        select(ledger_entry)
        .where(ledger_entry.c.order_id == order_id)
        .order_by(ledger_entry.c.at, ledger_entry.c.entry_id)
    )


async def settlement_of(tx: Transaction, order_id: str) -> RowMapping | None:
    return await tx.one(select(settlement).where(settlement.c.order_id == order_id))
