"""The conversation of an order: send, look back, mark as read.

A message and its event share one transaction and one position; `msg_id` makes sending again harmless,
also from two places at once (reliability.md F6).
"""

from typing import Any

from config.reading import fingerprint
from server.care import store_chat as store
from server.care.attachments import attach_upload
from server.care.commands import MarkRead, ReadHistory, SendMessage
from server.care.events import message_data, message_event, read_event
from server.care.ports import Orders
from server.care.standing import may_chat, require_may_chat, require_standing
from server.core.call import Call
from server.core.channels import order_channel
from server.core.clock import BusinessClock, shanghai_text
from server.core.errors import Refused, invalid
from server.core.ids import new_id
from server.storage.channel_log.sql import SqlChannelLog
from server.storage.files.shelf import FileShelf
from server.storage.sql import Database
from server.storage.transaction import Transaction
from server.storage.unit_of_work import UnitOfWork

KIND_TEXTS = {"text": "文字", "image": "图片", "audio": "语音"}
SENDER_TEXTS = {"patient": "患者家属", "caregiver": "陪护人员"}


class Chat:
    """Use cases of the chat."""

    def __init__(
        self,
        *,
        units: UnitOfWork,
        database: Database,
        log: SqlChannelLog,
        orders: Orders,
        shelf: FileShelf,
        clock: BusinessClock,
    ) -> None:
        self._units = units
        self._database = database
        self._log = log
        self._orders = orders
        self._shelf = shelf
        self._clock = clock

    async def send_message(self, call: Call, command: SendMessage) -> dict[str, Any]:
        """{"message_id", "offset", "sent_at"}; the same for the same `msg_id` of a sender in an order.

        Raises `not_found`, `forbidden`, `chat_closed`, `invalid`, `idempotency_mismatch`.
        """
        _require_one_content(command)

        async def body(tx: Transaction) -> dict[str, Any]:
            standing = await require_standing(self._orders, tx, command.order_id, call.user)
            if not may_chat(standing) or command.file_id is not None:  # else its unique key finds it at no cost
                sent = await self._sent_before(tx, call, command)
                if sent is not None:
                    return sent
            require_may_chat(standing)
            await self._attach(tx, call, command)
            return await self._store(tx, call, command)

        return await self._units.run(call, body)

    async def _sent_before(self, tx: Transaction, call: Call, command: SendMessage) -> dict[str, Any] | None:
        row = await store.find_message(tx, command.order_id, call.user.user_id, command.msg_id)
        if row is None:
            return None
        if row["body_hash"] != _body_hash(command):
            raise Refused("idempotency_mismatch")
        return _sent(row)

    async def _attach(self, tx: Transaction, call: Call, command: SendMessage) -> None:
        if command.file_id is None:
            return
        mine = {"order_id": command.order_id, "user_id": call.user.user_id, "purpose": "chat"}
        if not await attach_upload(self._shelf, tx, command.file_id, **mine, media_family=command.kind):
            raise invalid("file_id", "文件不存在或不能用于该消息")

    async def _store(self, tx: Transaction, call: Call, command: SendMessage) -> dict[str, Any]:
        row = {
            "message_id": new_id(),
            "order_id": command.order_id,
            "sender_id": call.user.user_id,
            "sender_type": call.user.user_type,
            "msg_id": command.msg_id,
            "kind": command.kind,
            "text": command.text,
            "file_id": command.file_id,
            "sent_at": self._clock.now(),
        }
        try:
            async with store.OnlyOnce(tx):
                channel, event = order_channel(command.order_id), message_event(row)
                position = await self._log.append(tx, channel, event, at=row["sent_at"], is_new=True)
                row |= {"offset": position.offset, "body_hash": _body_hash(command)}
                await store.insert_message(tx, row)
        except store.AlreadyThere:
            sent = await self._sent_before(tx, call, command)
            if sent is None:
                raise
            return sent
        return {"message_id": row["message_id"], "offset": row["offset"], "sent_at": event["at"]}

    async def read_history(self, call: Call, command: ReadHistory) -> dict[str, Any]:
        """{"items": newest first, "next_cursor", "reads", "people": who wrote the items}. Raises `not_found`.

        `reads` are {"user_id", "offset"}, `people` as `Orders.speakers` tells. Names are no part of messages and
        their events: a family may read more of its own names than the caregiver beside it in the channel.
        """
        edges = [edge for edge in (command.before, command.cursor) if edge is not None]
        async with self._database.read() as tx:
            standing = await require_standing(self._orders, tx, command.order_id, call.user)
            before = min(edges, default=None)
            rows = await store.messages_before(tx, command.order_id, before, command.limit + 1)
            reads = await store.read_positions(tx, command.order_id)
            page = rows[: command.limit]
            wrote = {row["sender_id"] for row in page}
            people = await self._orders.speakers(tx, command.order_id, wrote, told_to=standing.relation)
        more = len(rows) > len(page)
        return {
            "items": [_item(row) for row in page],
            "next_cursor": str(page[-1]["offset"]) if more else None,
            "reads": reads,
            "people": people,
        }

    async def mark_read(self, call: Call, command: MarkRead) -> dict[str, Any]:
        """{"offset"}: where the caller's position stands now; it never goes back.

        Allowed after the chat has closed, because looking back goes on. Raises `not_found`, `forbidden`,
        `invalid` for an offset that the channel has not reached.
        """

        async def body(tx: Transaction) -> dict[str, Any]:
            standing = await require_standing(self._orders, tx, command.order_id, call.user)
            if standing.relation == "admin":
                raise Refused("forbidden")
            if command.offset > await store.top_of(tx, command.order_id):
                raise invalid("offset", "该位置尚无内容", code="out_of_range")
            user_id, at = call.user.user_id, self._clock.now()
            if await store.advance_read(tx, command.order_id, user_id, offset=command.offset, at=at):
                event = read_event(user_id, command.offset, at)
                await self._log.append(tx, order_channel(command.order_id), event, at=at)
            return {"offset": await store.read_position(tx, command.order_id, user_id)}

        return await self._units.run(call, body)


def _require_one_content(command: SendMessage) -> None:
    wants_text = command.kind == "text"
    wanted, unwanted = ("text", "file_id") if wants_text else ("file_id", "text")
    if getattr(command, wanted) is None:
        raise invalid(wanted, "必填", code="required")
    if getattr(command, unwanted) is not None:
        raise invalid(unwanted, "该类消息不能带有此内容")


def _body_hash(command: SendMessage) -> str:
    return fingerprint({"kind": command.kind, "text": command.text, "file_id": command.file_id})


def _sent(row: dict[str, Any]) -> dict[str, Any]:
    return {"message_id": row["message_id"], "offset": row["offset"], "sent_at": shanghai_text(row["sent_at"])}


def _item(row: dict[str, Any]) -> dict[str, Any]:
    texts = {"kind_text": KIND_TEXTS[row["kind"]], "sender_type_text": SENDER_TEXTS[row["sender_type"]]}
    return {**message_data(row), **texts, "offset": row["offset"]}
