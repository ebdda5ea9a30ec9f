"""Reads what orders and their people are called elsewhere."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.engine import RowMapping

from server.storage.tables.booking import t_order
from server.storage.tables.identity import t_user
from server.storage.tables.roster import t_caregiver_info
from server.storage.transaction import Transaction


async def services_of(tx: Transaction, order_ids: Collection[str]) -> list[RowMapping]:
    """`order_id`, `service_type`, `start_at` of each of the orders."""
    wanted = select(t_order.c.order_id, t_order.c.service_type, t_order.c.start_at)
    return await tx.all(wanted.where(t_order.c.order_id.in_(order_ids)))


async def accounts_in(tx: Transaction, order_id: str, user_ids: Collection[str]) -> list[RowMapping]:
    """`user_id`, `user_type`, `username`, a caregiver's `name`, and in `booked` the order if it is theirs; by id."""
    account, caregiver = t_user.c, t_caregiver_info.c
    theirs = (t_order.c.user_id == account.user_id) & (t_order.c.order_id == order_id)
    wanted = (
        select(account.user_id, account.user_type, account.username, caregiver.name, t_order.c.order_id.label("booked"))
        .outerjoin(t_caregiver_info, caregiver.user_id == account.user_id)
        .outerjoin(t_order, theirs)
        .where(account.user_id.in_(user_ids))
    )
    return await tx.all(wanted.order_by(account.user_id))
