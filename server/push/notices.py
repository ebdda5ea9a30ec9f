"""Notices to people: a row, an event, the ways out.

The row is the truth; everything else is a delivery of it with a state (domain.md §14). All of it is written
by the transaction in which the reason happened, so no notice is lost and none tells what did not happen.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from server.core.channels import user_channel
from server.core.clock import server_now, shanghai_text
from server.core.ids import new_id
from server.push import store
from server.push.templates import Rendered, Templates
from server.storage.channel_log.sql import SqlChannelLog
from server.storage.outbox import Outbox
from server.storage.transaction import Transaction

PUSH_TOPIC = "push"
TYPE_TEXTS = {"order": "订单通知", "system": "系统通知"}


class Notices:
    """Adds notices to transactions; `templates()` gives the texts in use at this moment."""

    def __init__(self, *, log: SqlChannelLog, outbox: Outbox, templates: Callable[[], Templates]) -> None:
        self._log = log
        self._outbox = outbox
        self._templates = templates

    async def add(
        self,
        tx: Transaction,
        *,
        user_id: str,
        type: str,
        template: str,
        params: Mapping[str, str | int],
        order_id: str | None,
        once_key: str,
        at: datetime,
    ) -> str | None:
        """The `message_id`, or None when `once_key` (up to 128 characters) was told already.

        `type` is "order" or "system", `at` business time. A missing variable is a bug and raises
        MissingVariable.
        """
        rendered = self._templates().render(template, params)
        about = {"user_id": user_id, "type": type, "template": template, "order_id": order_id}
        return await self._write(tx, rendered, {**about, "once_key": once_key, "sent_at": at})

    async def add_from_outside(
        self, tx: Transaction, *, params: Mapping[str, str | int], about: dict[str, Any]
    ) -> str | None:
        """As `add`, with general words for missing variables; `about` holds the other columns of the row."""
        rendered = self._templates().render_leniently(about["template"], params)
        return await self._write(tx, rendered, about)

    def knows(self, template: str) -> bool:
        return template in self._templates()

    async def _write(self, tx: Transaction, rendered: Rendered, about: dict[str, Any]) -> str | None:
        row = {**about, "message_id": new_id(), "title": rendered.title, "content": rendered.content}
        if not await store.insert_notice(tx, row):
            return None
        at = row["sent_at"]
        item = notice_item({**row, "read_at": None})
        event = {"type": "notice", "id": row["message_id"], "at": shanghai_text(at), "data": item}
        await self._log.append(tx, user_channel(row["user_id"]), event, at=at)
        if rendered.critical:
            await self._send_out(tx, row["user_id"], row["message_id"])
        return row["message_id"]

    async def _send_out(self, tx: Transaction, user_id: str, message_id: str) -> None:
        """WeChat where it is bound, else a text message; the dispatcher falls back from one to the other."""
        bound = await store.address_of(tx, user_id, "wechat")
        await queue_delivery(tx, self._outbox, message_id, "wechat" if bound else "sms")


async def queue_delivery(tx: Transaction, outbox: Outbox, message_id: str, channel: str) -> None:
    """Let a notice leave by a channel, once."""
    delivery_id = await store.insert_delivery(tx, message_id, channel, at=server_now())
    if delivery_id is not None:
        await outbox.put(tx, PUSH_TOPIC, {"delivery_id": delivery_id})


def notice_item(row: dict[str, Any]) -> dict[str, Any]:
    """A notice as `/api/message/list` and the `notice` event show it."""
    return {
        "message_id": row["message_id"],
        "type": row["type"],
        "type_text": TYPE_TEXTS[row["type"]],
        "template": row["template"],
        "title": row["title"],
        "content": row["content"],
        "sent_at": shanghai_text(row["sent_at"]),
        "read_at": shanghai_text(row["read_at"]),
        "order_id": row["order_id"],
    }
