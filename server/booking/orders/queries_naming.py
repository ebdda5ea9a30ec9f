"""Reads what orders and their people are called elsewhere."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.engine import RowMapping

from server.storage.tables.booking import t_order
from server.storage.transaction import Transaction


async def services_of(tx: Transaction, order_ids: Collection[str]) -> list[RowMapping]:
    """`order_id`, `service_type`, `start_at` of each of the orders."""
    wanted = select(t_order.c.order_id, t_order.c.service_type, t_order.c.start_at)
    return await tx.all(wanted.where(t_order.c.order_id.in_(order_ids)))
