"""Notices to people: a row, an event, the ways out.

The row is the truth; everything else is a delivery of it with a state (domain.md §14). All of it is written
by the transaction in which the reason happened, so no notice is lost and none tells what did not happen.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zlib import crc32

from server.core.channels import user_channel
from server.core.clock import server_now, shanghai_text
from server.core.ids import new_id
from server.push import store
from server.push.templates import Rendered, Templates
from server.storage.channel_log.sql import SqlChannelLog
from server.storage.outbox import Outbox
from server.storage.transaction import Transaction

# Several lines, because each waits for a carrier's answer: a line sends what a carrier answers in a second.
PUSH_TOPICS = ("push", *(f"push.{number}" for number in range(1, 8)))
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
        filling = _filling(params, order_id) if rendered.critical else None
        about = {"user_id": user_id, "type": type, "template": template, "order_id": order_id}
        return await self._write(tx, rendered, {**about, "once_key": once_key, "sent_at": at}, filling)

    async def add_from_outside(
        self, tx: Transaction, *, params: Mapping[str, str | int], about: dict[str, Any]
    ) -> str | None:
        """As `add`, with general words for missing variables; `about` holds the other columns of the row."""
        rendered = self._templates().render_leniently(about["template"], params)
        return await self._write(tx, rendered, about, _filling(params, about["order_id"]))

    def knows(self, template: str) -> bool:
        return template in self._templates()

    async def _write(
        self, tx: Transaction, rendered: Rendered, about: dict[str, Any], filling: str | None
    ) -> str | None:
        row = {**about, "message_id": new_id(), "title": rendered.title, "content": rendered.content}
        if not await store.insert_notice(tx, row):
            return None
        at = row["sent_at"]
        item = notice_item({**row, "read_at": None})
        event = {"type": "notice", "id": row["message_id"], "at": shanghai_text(at), "data": item}
        await self._log.append(tx, user_channel(row["user_id"]), event, at=at, is_new=True)
        if rendered.critical:
            await self._send_out(tx, row["user_id"], row["message_id"], filling)
        return row["message_id"]

    async def _send_out(self, tx: Transaction, user_id: str, message_id: str, filling: str | None) -> None:
        """WeChat where it is bound, else a text message; the dispatcher falls back from one to the other."""
        channel = "wechat" if await store.openids_of(tx, user_id) else "sms"
        await queue_delivery(tx, self._outbox, message_id, channel, params=filling)


async def queue_delivery(
    tx: Transaction, outbox: Outbox, message_id: str, channel: str, *, params: str | None
) -> None:
    """Let a notice leave by a channel, once; `params` is JSON of what fills the carrier's own template."""
    delivery_id = await store.insert_delivery(tx, message_id, channel, params=params, at=server_now())
    if delivery_id is not None:
        await outbox.put(tx, line_of(delivery_id, PUSH_TOPICS), {"delivery_id": delivery_id})


def line_of(key: str, topics: Sequence[str]) -> str:
    """One of several lines; the same for the same key."""
    return topics[crc32(key.encode()) % len(topics)]


def _filling(params: Mapping[str, str | int], order_id: str | None) -> str:
    """The variables as JSON of texts, with the order, which opens the page behind a tap."""
    texts = {name: str(value) for name, value in params.items()} | {"order_id": order_id or ""}
    return json.dumps(texts, ensure_ascii=False)


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
