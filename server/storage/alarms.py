"""Alarms for administrators: each once."""
from datetime import datetime

from sqlalchemy import insert, select

from server.core.ids import new_id
from server.storage.tables.system import ops_alarm
from server.storage.transaction import Transaction


async def raise_alarm(
    tx: Transaction, *, kind: str, order_id: str | None, text: str, once_key: str, at: datetime
) -> str | None:
    """Store an alarm; its id, or None when the same `once_key` was raised before."""
    known = await tx.value(select(ops_alarm.c.alarm_id).where(ops_alarm.c.once_key == once_key))
    if known is not None:
        return None
    alarm_id = new_id()
    row = {"alarm_id": alarm_id, "kind": kind, "order_id": order_id, "text": text, "once_key": once_key}
    await tx.run(insert(ops_alarm).values(**row, raised_at=at))
    return alarm_id
