"""What the sandbox would have sent."""

from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from server.storage.tables.identity import t_user, wechat_identity
from server.storage.tables.notices import sandbox_message
from server.storage.transaction import Transaction

_KEEP = insert(sandbox_message)
_RECIPIENT = "sandbox_recipient"  # keeps these hashes apart from those of accounts


async def keep_message(
    tx: Transaction,
    *,
    channel: str,
    recipient: str,
    template: str,
    text: str,
    code: str | None,
    once_key: str,
    at: datetime,
) -> None:
    """Keep a message; a second one of the same `once_key` changes nothing."""
    row = {"channel": channel, "template": template, "text": text, "code": code, "once_key": once_key, "at": at}
    to = {"recipient": recipient, "recipient_hash": tx.keys.lookup_hash(recipient, _RECIPIENT)}
    try:
        await tx.run(_KEEP, row | to)
    except IntegrityError:
        pass  # a parcel that came again


async def kept_messages(tx: Transaction, phone: str | None, limit: int) -> list[dict[str, Any]]:
    """Newest first; `phone`: only those to this number or to the WeChat of its account."""
    wanted = select(sandbox_message).order_by(sandbox_message.c.number.desc()).limit(limit)
    if phone is not None:
        recipients = [phone, *await _openids_of(tx, phone)]
        hashes = [tx.keys.lookup_hash(recipient, _RECIPIENT) for recipient in recipients]
        wanted = wanted.where(sandbox_message.c.recipient_hash.in_(hashes))
    return [dict(row) for row in await tx.all(wanted)]


async def _openids_of(tx: Transaction, phone: str) -> list[str]:
    bound = select(wechat_identity.c.openid).join(t_user, t_user.c.user_id == wechat_identity.c.user_id)
    mine = bound.where(t_user.c.phone_hash == tx.keys.lookup_hash(phone, "phone"))
    return [row["openid"] for row in await tx.all(mine)]
