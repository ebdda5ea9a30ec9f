"""Payments and what was heard about them, in the SQL database.

Every move of a status is one conditional UPDATE along the tables of `records`; who touches no row has
lost a race and does nothing.
"""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Update, insert, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import IntegrityError

from server.billing.records import Payment, PaymentStatus, payment_sources
from server.storage.tables.billing import payment, payment_notification
from server.storage.transaction import Transaction

_AT_ONCE = 100
_COLUMNS = payment.c


def _payment(row: RowMapping) -> Payment:
    values = {name: row[name] for name in Payment.__dataclass_fields__}
    voucher = values.pop("voucher")
    return Payment(**values, voucher=None if voucher is None else json.loads(voucher))


async def payment_by_id(tx: Transaction, payment_id: str) -> Payment | None:
    row = await tx.one(select(payment).where(_COLUMNS.payment_id == payment_id))
    return None if row is None else _payment(row)


async def payments_of(tx: Transaction, order_id: str) -> list[Payment]:
    """All attempts of an order, oldest first."""
    chosen = select(payment).where(_COLUMNS.order_id == order_id).order_by(_COLUMNS.created_at, _COLUMNS.payment_id)
    return [_payment(row) for row in await tx.all(chosen)]


async def attempt(tx: Transaction, order_id: str, attempt_key: str) -> Payment | None:
    """The payment that this very request has opened already and that did not come to nothing."""
    alive = (PaymentStatus.PROCESSING.value, PaymentStatus.SUCCEEDED.value)
    mine = select(payment).where(
        _COLUMNS.order_id == order_id, _COLUMNS.attempt_key == attempt_key, _COLUMNS.status.in_(alive)
    )
    row = await tx.one(mine)
    return None if row is None else _payment(row)


async def add_payment(tx: Transaction, row: dict[str, Any]) -> bool:
    """Open an attempt; False when the order has one in progress (`live_key` is unique)."""
    values = {**row, "status": PaymentStatus.PROCESSING.value, "live_key": row["order_id"]}
    try:
        async with tx.savepoint():
            await tx.run(insert(payment).values(**values))
    except IntegrityError:
        if await live_payment(tx, row["order_id"]) is None:
            raise
        return False
    return True


async def live_payment(tx: Transaction, order_id: str) -> Payment | None:
    """The one attempt of an order that is in progress."""
    row = await tx.one(select(payment).where(_COLUMNS.live_key == order_id))
    return None if row is None else _payment(row)


async def keep_voucher(tx: Transaction, payment_id: str, voucher: dict[str, Any]) -> None:
    text = json.dumps(voucher, ensure_ascii=False)
    await tx.run(update(payment).where(_COLUMNS.payment_id == payment_id).values(voucher=text))


def _move(payment_id: str, to: PaymentStatus) -> Update:
    return (
        update(payment)
        .where(_COLUMNS.payment_id == payment_id, _COLUMNS.status.in_(payment_sources(to)))
        .values(status=to.value, live_key=None, next_check_at=None)
    )


async def mark_succeeded(
    tx: Transaction, payment_id: str, *, transaction_id: str, at: datetime, provider_paid_at: str
) -> bool | None:
    """True when it was us, False when it had succeeded before.

    None when another payment owns this transaction.
    """
    move = _move(payment_id, PaymentStatus.SUCCEEDED).values(
        transaction_id=transaction_id, paid_at=at, provider_paid_at=provider_paid_at, failure_code=None, closed_at=None
    )
    try:
        async with tx.savepoint():
            return await tx.run(move) == 1
    except IntegrityError:
        return None


async def mark_ended(
    tx: Transaction, payment_id: str, to: PaymentStatus, *, at: datetime, failure_code: str | None = None
) -> bool:
    """Move to failed or closed; False when it is not in progress any more."""
    return await tx.run(_move(payment_id, to).values(closed_at=at, failure_code=failure_code)) == 1


async def count_returned(tx: Transaction, payment_id: str, amount_fen: int) -> bool:
    """Count what has gone back; True when that was the whole, and the payment is `refunded` now."""
    returned = _COLUMNS.returned_fen + amount_fen
    await tx.run(update(payment).where(_COLUMNS.payment_id == payment_id).values(returned_fen=returned))
    whole = _COLUMNS.returned_fen == _COLUMNS.amount_fen
    return await tx.run(_move(payment_id, PaymentStatus.REFUNDED).where(whole)) == 1


async def reserve_refund(tx: Transaction, payment_id: str, amount_fen: int, *, at_most: int) -> bool:
    """Count an amount as going back. The one statement that keeps refunds within what was paid."""
    take = (
        update(payment)
        .where(
            _COLUMNS.payment_id == payment_id,
            _COLUMNS.status == PaymentStatus.SUCCEEDED.value,
            _COLUMNS.refunded_fen + amount_fen <= _COLUMNS.amount_fen,
            _COLUMNS.refund_count < at_most,
        )
        .values(refunded_fen=_COLUMNS.refunded_fen + amount_fen, refund_count=_COLUMNS.refund_count + 1)
    )
    return await tx.run(take) == 1


async def due_checks(tx: Transaction, now: datetime) -> list[Payment]:
    """Payments in progress that nobody has told us about for long enough."""
    processing = _COLUMNS.status == PaymentStatus.PROCESSING.value
    due = select(payment).where(processing, _COLUMNS.next_check_at <= now)
    return [_payment(row) for row in await tx.all(due.order_by(_COLUMNS.next_check_at).limit(_AT_ONCE))]


async def claim_check(tx: Transaction, due: Payment, *, now: datetime, next_check_at: datetime) -> bool:
    """Put the next check off; False when another instance was faster."""
    same = update(payment).where(
        _COLUMNS.payment_id == due.payment_id,
        _COLUMNS.status == PaymentStatus.PROCESSING.value,
        _COLUMNS.next_check_at == due.next_check_at,
    )
    claimed = same.values(checked_at=now, checks=due.checks + 1, next_check_at=next_check_at)
    return await tx.run(claimed) == 1


async def check_soon(tx: Transaction, payment_id: str, *, at: datetime) -> None:
    processing = _COLUMNS.status == PaymentStatus.PROCESSING.value
    await tx.run(update(payment).where(_COLUMNS.payment_id == payment_id, processing).values(next_check_at=at))


async def notification_outcome(tx: Transaction, provider: str, notification_id: str) -> str | None:
    """What came of a notification when it was here before."""
    columns = payment_notification.c
    mine = (columns.provider == provider, columns.notification_id == notification_id)
    return await tx.value(select(columns.outcome).where(*mine))


async def note_notification(
    tx: Transaction, provider: str, notification_id: str, *, payment_id: str | None, outcome: str, at: datetime
) -> None:
    """Remember a notification by its id; a later outcome replaces the earlier one."""
    columns = payment_notification.c
    mine = update(payment_notification).where(
        columns.provider == provider, columns.notification_id == notification_id
    )
    if await tx.run(mine.values(outcome=outcome, payment_id=payment_id)) == 1:
        return
    row = {"provider": provider, "notification_id": notification_id, "payment_id": payment_id}
    try:
        async with tx.savepoint():
            await tx.run(insert(payment_notification).values(**row, outcome=outcome, received_at=at))
    except IntegrityError:
        pass  # its twin was noted at the same moment, with the same outcome
