"""Figures of instances in SQL."""

from datetime import datetime

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from server.storage.tables.system import instance_figure
from server.storage.transaction import Transaction

_figure = instance_figure.c


async def put_figure(tx: Transaction, instance_id: str, name: str, value: int, *, at: datetime) -> None:
    """Write one's own figure anew; nobody else writes it."""
    mine = (_figure.instance_id == instance_id, _figure.name == name)
    if await tx.run(update(instance_figure).where(*mine).values(value=value, at=at)) == 1:
        return
    row = {"instance_id": instance_id, "name": name, "value": value, "at": at}
    try:
        async with tx.savepoint():
            await tx.run(insert(instance_figure).values(**row))
    except IntegrityError:
        pass  # the row is there with these very values: the update changed nothing


async def forget_figures(tx: Transaction, *, before: datetime) -> None:
    """Instances that are gone."""
    await tx.run(delete(instance_figure).where(_figure.at < before))


async def sum_of(tx: Transaction, name: str, *, since: datetime) -> int:
    """The figure over all instances that have renewed it since."""
    fresh = (_figure.name == name, _figure.at >= since)
    return int(await tx.value(select(func.coalesce(func.sum(_figure.value), 0)).where(*fresh)))
