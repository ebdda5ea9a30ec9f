"""Notices about one order with their deliveries."""

from typing import Any

from sqlalchemy import select

from server.core.clock import shanghai_text
from server.storage.tables.identity import t_user
from server.storage.tables.notices import message_delivery, t_message_notification
from server.storage.transaction import Transaction

_AT_MOST = 200
_CHANNEL_TEXTS = {"sms": "短信", "wechat": "微信", "in_app": "应用内"}
_STATUS_TEXTS = {"waiting": "待发送", "sent": "已发送", "delivered": "已送达", "failed": "失败"}
_notice, _delivery = t_message_notification.c, message_delivery.c


async def notices_of_order(tx: Transaction, order_id: str) -> list[dict[str, Any]]:
    """Who was told what, the first one first; for administrators."""
    told = select(t_message_notification, t_user.c.username).join(t_user, t_user.c.user_id == _notice.user_id)
    told = told.where(_notice.order_id == order_id).order_by(_notice.message_id).limit(_AT_MOST)
    notices = [_shown(row) for row in await tx.all(told)]
    by_id = {notice["message_id"]: notice for notice in notices}
    left = select(message_delivery).where(_delivery.message_id.in_(list(by_id))).order_by(_delivery.delivery_id)
    for row in await tx.all(left):
        by_id[row["message_id"]]["deliveries"].append(_sent(row))
    return notices


def _shown(row: Any) -> dict[str, Any]:
    plain = ("message_id", "user_id", "username", "template", "title", "content")
    instants = {name: shanghai_text(row[name]) for name in ("sent_at", "read_at")}
    return {name: row[name] for name in plain} | instants | {"deliveries": []}


def _sent(row: Any) -> dict[str, Any]:
    return {
        "channel": row["channel"],
        "channel_text": _CHANNEL_TEXTS.get(row["channel"], row["channel"]),
        "status": row["status"],
        "status_text": _STATUS_TEXTS[row["status"]],
        "attempts": row["attempts"],
        "failure_code": row["failure_code"],
        "at": shanghai_text(row["at"]),
    }
