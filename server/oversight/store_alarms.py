"""Alarms in the database, each once while its cause stands.

`once_key` is unique, so the same cause raises no second alarm, also after an administrator has closed the first.
When the cause is gone the key is given back (it becomes the alarm's own id), and may be raised anew.
"""
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import and_, func, insert, or_, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import IntegrityError

from server.core.ids import new_id
from server.storage.tables.identity import t_user
from server.storage.tables.system import ops_alarm
from server.storage.transaction import Transaction

_alarm = ops_alarm.c
_AT_ONCE = 500


async def add_alarm(
    tx: Transaction, *, kind: str, order_id: str | None, text: str, once_key: str, at: datetime
) -> str | None:
    """Store an alarm; its id, or None while the same `once_key` stands."""
    if await tx.value(select(_alarm.alarm_id).where(_alarm.once_key == once_key)) is not None:
        return None
    alarm_id = new_id()
    row = {"alarm_id": alarm_id, "kind": kind, "order_id": order_id, "text": text, "once_key": once_key}
    try:
        async with tx.savepoint():
            await tx.run(insert(ops_alarm).values(**row, raised_at=at))
    except IntegrityError:  # raised elsewhere at the same moment
        return None
    return alarm_id


async def standing_keys(tx: Transaction, kind: str) -> list[str]:
    """The keys of a kind whose cause was there when somebody looked last."""
    ours = (_alarm.once_key >= f"{kind}/", _alarm.once_key < f"{kind}0")  # "0" comes after "/"
    rows = await tx.all(select(_alarm.once_key).where(*ours).order_by(_alarm.once_key).limit(_AT_ONCE))
    return [row["once_key"] for row in rows]


async def by_keys(tx: Transaction, once_keys: Collection[str]) -> list[RowMapping]:
    return await tx.all(select(ops_alarm).where(_alarm.once_key.in_(once_keys)).order_by(_alarm.alarm_id))


async def give_key_back(tx: Transaction, alarm_id: str) -> None:
    await tx.run(update(ops_alarm).where(_alarm.alarm_id == alarm_id).values(once_key=alarm_id))


async def close_alarm(tx: Transaction, alarm_id: str, *, by: str | None, reason: str, at: datetime) -> bool:
    """False when it was closed before."""
    still_open = (_alarm.alarm_id == alarm_id, _alarm.closed_at.is_(None))
    values = {"closed_at": at, "closed_by": by, "close_reason": reason}
    return await tx.run(update(ops_alarm).where(*still_open).values(**values)) == 1


async def alarm_by_id(tx: Transaction, alarm_id: str) -> RowMapping | None:
    return await tx.one(select(ops_alarm).where(_alarm.alarm_id == alarm_id))


async def count_open(tx: Transaction) -> int:
    return await tx.value(select(func.count()).select_from(ops_alarm).where(_alarm.closed_at.is_(None)))


async def alarms_page(
    tx: Transaction,
    *,
    is_open: bool | None,
    kind: str | None,
    order_id: str | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[RowMapping]:
    """Alarms with `closed_by_name`, the latest first; `after` is the last one's (raised_at, id)."""
    wanted = []
    if is_open is not None:
        wanted.append(_alarm.closed_at.is_(None) if is_open else _alarm.closed_at.is_not(None))
    if kind is not None:
        wanted.append(_alarm.kind == kind)
    if order_id is not None:
        wanted.append(_alarm.order_id == order_id)
    if after is not None:
        at, alarm_id = after
        wanted.append(or_(_alarm.raised_at < at, and_(_alarm.raised_at == at, _alarm.alarm_id < alarm_id)))
    source = ops_alarm.outerjoin(t_user, t_user.c.user_id == _alarm.closed_by)
    statement = select(ops_alarm, t_user.c.username.label("closed_by_name")).select_from(source).where(*wanted)
    return await tx.all(statement.order_by(_alarm.raised_at.desc(), _alarm.alarm_id.desc()).limit(limit))
