"""Questions about money: nothing made, nothing lost."""

from typing import Any

from sqlalchemy import Select, and_, func, not_, or_, select

from server.billing.ledger import CUSTOMER_FUNDS, PROVIDER_CASH
from server.booking.rules.states import FINAL_STATES, OrderState
from server.storage.tables.billing import ledger_entry, payment, refund, settlement
from server.storage.tables.booking import t_order

_ORDER = t_order.c.order_id


def _sum(column: Any) -> Any:
    return func.coalesce(func.sum(column), 0)


def posting_without_balance() -> Select[Any]:
    columns = ledger_entry.c
    return select(columns.posting).group_by(columns.posting).having(func.sum(columns.amount_fen) != 0)


def account_of_an_order(account: str) -> Any:
    columns = ledger_entry.c
    return (
        select(columns.order_id, _sum(columns.amount_fen).label("fen"))
        .where(columns.account == account)
        .group_by(columns.order_id)
        .subquery()
    )


def more_out_than_in() -> Select[Any]:
    cash = account_of_an_order(PROVIDER_CASH)
    return select(cash.c.order_id).where(cash.c.fen < 0)


def funds_kept_after_the_end() -> Select[Any]:
    held = account_of_an_order(CUSTOMER_FUNDS)
    both = t_order.join(held, held.c.order_id == _ORDER)
    return select(_ORDER).select_from(both).where(t_order.c.status.in_(FINAL_STATES), held.c.fen != 0)


def money_from_nowhere() -> Select[Any]:
    """Entries of an order for which nothing was ever paid."""
    of_order = payment.c.order_id == ledger_entry.c.order_id
    paid = select(payment.c.payment_id).where(of_order, payment.c.paid_at.is_not(None))
    return select(ledger_entry.c.order_id).where(not_(paid.exists()))


def refunds_do_not_fit() -> Select[Any]:
    """More goes back than was paid, or of a cancelled order not what is left after the fee."""
    paid = (
        select(payment.c.order_id, _sum(payment.c.amount_fen).label("fen"))
        .where(payment.c.paid_at.is_not(None))
        .group_by(payment.c.order_id)
        .subquery()
    )
    back = (
        select(refund.c.order_id, _sum(refund.c.amount_fen).label("fen")).group_by(refund.c.order_id).subquery()
    )
    joined = t_order.outerjoin(paid, paid.c.order_id == _ORDER).outerjoin(back, back.c.order_id == _ORDER)
    paid_fen, back_fen = func.coalesce(paid.c.fen, 0), func.coalesce(back.c.fen, 0)
    not_whole = and_(
        t_order.c.status == OrderState.CANCELLED, paid_fen > 0, back_fen + t_order.c.cancel_fee_fen != paid_fen
    )
    return select(_ORDER).select_from(joined).where(or_(back_fen > paid_fen, not_whole))


def payment_gave_back_too_much() -> Select[Any]:
    columns = payment.c
    ordered = and_(0 <= columns.returned_fen, columns.returned_fen <= columns.refunded_fen)
    return select(columns.payment_id).where(not_(and_(ordered, columns.refunded_fen <= columns.amount_fen)))


def settlement_does_not_add_up() -> Select[Any]:
    columns = settlement.c
    net_fen = columns.gross_fen - columns.commission_fen + columns.adjustment_fen
    return select(columns.order_id).where(columns.net_fen != net_fen)
