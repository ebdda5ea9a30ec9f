"""Notices and their deliveries in SQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from server.core.ids import new_id
from server.storage.tables.identity import t_user, wechat_identity
from server.storage.tables.notices import message_delivery, t_message_notification
from server.storage.transaction import Transaction

_c = t_message_notification.c


async def insert_notice(tx: Transaction, row: dict[str, Any]) -> bool:
    """False when a notice of this `once_key` is there already."""
    try:
        async with tx.savepoint():
            await tx.run(insert(t_message_notification).values(**row))
    except IntegrityError:
        if await tx.value(select(_c.message_id).where(_c.once_key == row["once_key"])) is None:
            raise
        return False
    return True


async def user_exists(tx: Transaction, user_id: str) -> bool:
    return await tx.value(select(t_user.c.user_id).where(t_user.c.user_id == user_id)) is not None


async def address_of(tx: Transaction, user_id: str, channel: str) -> str | None:
    """The phone for "sms", an openid for "wechat"; None when there is none."""
    if channel == "sms":
        return await tx.value(select(t_user.c.phone).where(t_user.c.user_id == user_id))
    bound = select(wechat_identity.c.openid).where(wechat_identity.c.user_id == user_id)
    return await tx.value(bound.order_by(wechat_identity.c.bound_at.desc()))


async def insert_delivery(tx: Transaction, message_id: str, channel: str, *, at: datetime) -> str | None:
    """The id of a new delivery in state waiting; None when this channel has one already."""
    delivery_id = new_id()
    row = {"delivery_id": delivery_id, "message_id": message_id, "channel": channel, "status": "waiting", "at": at}
    try:
        async with tx.savepoint():
            await tx.run(insert(message_delivery).values(**row))
    except IntegrityError:
        return None
    return delivery_id


async def find_delivery(tx: Transaction, delivery_id: str) -> dict[str, Any] | None:
    """The delivery with its notice's user_id, template, content."""
    joined = select(message_delivery, _c.user_id, _c.template, _c.content).join(
        t_message_notification, _c.message_id == message_delivery.c.message_id
    )
    row = await tx.one(joined.where(message_delivery.c.delivery_id == delivery_id))
    return None if row is None else dict(row)


async def settle_delivery(
    tx: Transaction, delivery_id: str, *, status: str, failure_code: str | None, at: datetime
) -> bool:
    """Move a waiting delivery to `sent` or `failed`; False when it was settled already."""
    waiting = (message_delivery.c.delivery_id == delivery_id, message_delivery.c.status == "waiting")
    values = {"status": status, "failure_code": failure_code, "at": at, "attempts": message_delivery.c.attempts + 1}
    return await tx.run(update(message_delivery).where(*waiting).values(**values)) == 1


async def count_attempt(tx: Transaction, delivery_id: str) -> None:
    attempts = message_delivery.c.attempts
    one = update(message_delivery).where(message_delivery.c.delivery_id == delivery_id)
    await tx.run(one.values(attempts=attempts + 1))


async def deliveries_of(tx: Transaction, message_id: str) -> list[dict[str, Any]]:
    c = message_delivery.c
    wanted = select(c.channel, c.status).where(c.message_id == message_id).order_by(c.delivery_id)
    return [dict(row) for row in await tx.all(wanted)]


async def notices_of(tx: Transaction, user_id: str, *, before: str | None, limit: int) -> list[dict[str, Any]]:
    """Newest first; ids sort by time."""
    wanted = select(t_message_notification).where(_c.user_id == user_id)
    if before is not None:
        wanted = wanted.where(_c.message_id < before)
    return [dict(row) for row in await tx.all(wanted.order_by(_c.message_id.desc()).limit(limit))]


async def count_unread(tx: Transaction, user_id: str) -> int:
    unread = (_c.user_id == user_id, _c.read_at.is_(None))
    return await tx.value(select(func.count()).select_from(t_message_notification).where(*unread))


async def count_own(tx: Transaction, user_id: str, message_ids: Sequence[str]) -> int:
    mine = (_c.user_id == user_id, _c.message_id.in_(message_ids))
    return await tx.value(select(func.count()).select_from(t_message_notification).where(*mine))


async def mark_read(tx: Transaction, user_id: str, message_ids: Sequence[str] | None, *, at: datetime) -> int:
    """Mark these (None: all) unread notices of the user; how many that were."""
    wanted = [_c.user_id == user_id, _c.read_at.is_(None)]
    if message_ids is not None:
        wanted.append(_c.message_id.in_(message_ids))
    return await tx.run(update(t_message_notification).where(*wanted).values(read_at=at))
