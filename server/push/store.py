"""Notices and their deliveries in SQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from server.core.ids import new_id
from server.storage.tables.identity import t_user, wechat_identity
from server.storage.tables.notices import message_delivery, t_message_notification
from server.storage.transaction import Transaction

_c = t_message_notification.c
_d = message_delivery.c
_ADD_NOTICE = insert(t_message_notification)
_TOLD = select(_c.message_id).where(_c.once_key == bindparam("told_once"))
_USER = select(t_user.c.user_id).where(t_user.c.user_id == bindparam("wanted_user"))
_PHONE = select(t_user.c.phone).where(t_user.c.user_id == bindparam("wanted_user"))
_OPENIDS = (
    select(wechat_identity.c.app, wechat_identity.c.openid)
    .where(wechat_identity.c.user_id == bindparam("wanted_user"))
    .order_by(wechat_identity.c.bound_at.desc(), wechat_identity.c.identity_id.desc())
)
_ADD_DELIVERY = insert(message_delivery)
_DELIVERIES = (
    select(message_delivery.c.channel, message_delivery.c.status)
    .where(message_delivery.c.message_id == bindparam("of_message"))
    .order_by(message_delivery.c.delivery_id)
)
_WITH_NOTICE = select(message_delivery, _c.user_id, _c.template, _c.content).join(
    t_message_notification, _c.message_id == _d.message_id
)
_DELIVERY = _WITH_NOTICE.where(_d.delivery_id == bindparam("wanted_delivery"))
_SENT = _WITH_NOTICE.where(_d.receipt == bindparam("called"), _d.channel == bindparam("through")).limit(1)
_SETTLE = (
    update(message_delivery)
    .where(_d.delivery_id == bindparam("settled_delivery"), _d.status == "waiting")
    .values(
        status=bindparam("new_status"), at=bindparam("settled_at"), attempts=bindparam("made"),
        failure_code=bindparam("found_code"), receipt=bindparam("found_receipt"),
    )
)  # fmt: skip


async def insert_notice(tx: Transaction, row: dict[str, Any]) -> bool:
    """False when a notice of this `once_key` is there already."""
    try:
        await tx.run(_ADD_NOTICE, row)
    except IntegrityError:
        if await tx.value(_TOLD, {"told_once": row["once_key"]}) is None:
            raise
        return False
    return True


async def user_exists(tx: Transaction, user_id: str) -> bool:
    return await tx.value(_USER, {"wanted_user": user_id}) is not None


async def phone_of(tx: Transaction, user_id: str) -> str | None:
    return await tx.value(_PHONE, {"wanted_user": user_id})


async def openids_of(tx: Transaction, user_id: str) -> list[tuple[str, str]]:
    """(app, openid) of every WeChat that is bound, the newest first; `app` is "mini" or "oa"."""
    return [(row["app"], row["openid"]) for row in await tx.all(_OPENIDS, {"wanted_user": user_id})]


async def insert_delivery(
    tx: Transaction, message_id: str, channel: str, *, params: str | None, at: datetime
) -> str | None:
    """The id of a new delivery in state waiting; None when this channel has one already."""
    delivery_id = new_id()
    row = {"delivery_id": delivery_id, "message_id": message_id, "channel": channel, "status": "waiting"}
    try:
        await tx.run(_ADD_DELIVERY, row | {"params": params, "at": at})
    except IntegrityError:
        return None
    return delivery_id


async def find_delivery(tx: Transaction, delivery_id: str) -> dict[str, Any] | None:
    """The delivery with its notice's user_id, template, content."""
    row = await tx.one(_DELIVERY, {"wanted_delivery": delivery_id})
    return None if row is None else dict(row)


async def find_sent(tx: Transaction, channel: str, *, receipt: str) -> dict[str, Any] | None:
    """As `find_delivery`: the one that the carrier calls so, whether or not it waits for a report."""
    row = await tx.one(_SENT, {"called": receipt, "through": channel})
    return None if row is None else dict(row)


async def take_delivery(tx: Transaction, delivery: dict[str, Any], *, now: datetime, until: datetime) -> bool:
    """Have a waiting delivery in hand until then, as a further attempt; False when somebody else has it."""
    free = (_d.status == "waiting", _d.attempts == delivery["attempts"], _d.at <= now)
    values = {"attempts": delivery["attempts"] + 1, "at": until}
    mine = (_d.delivery_id == delivery["delivery_id"], *free)
    return await tx.run(update(message_delivery).where(*mine).values(**values)) == 1


async def settle_delivery(
    tx: Transaction,
    delivery: dict[str, Any],
    *,
    status: str,
    at: datetime,
    failure_code: str | None = None,
    receipt: str | None = None,
) -> bool:
    """Move a waiting delivery on; False when it was settled already.

    `status` is "sent", "failed", or "waiting" again.
    """
    made = {"settled_delivery": delivery["delivery_id"], "made": delivery["attempts"] + 1, "settled_at": at}
    found = {"new_status": status, "found_code": failure_code, "found_receipt": receipt}
    return await tx.run(_SETTLE, made | found) == 1


async def report_delivery(
    tx: Transaction, delivery_id: str, *, status: str, failure_code: str | None, at: datetime
) -> bool:
    """Move a sent delivery to `delivered` or `failed`; False when a report came already."""
    sent = (_d.delivery_id == delivery_id, _d.status == "sent")
    values = {"status": status, "failure_code": failure_code, "at": at}
    return await tx.run(update(message_delivery).where(*sent).values(**values)) == 1


async def deliveries_of(tx: Transaction, message_id: str) -> list[dict[str, Any]]:
    return [dict(row) for row in await tx.all(_DELIVERIES, {"of_message": message_id})]


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
