"""Chat messages and read positions in SQL."""

from datetime import datetime
from types import TracebackType
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from server.core.channels import order_channel
from server.storage.tables.care import chat_message, chat_read
from server.storage.tables.system import channel_head
from server.storage.transaction import Transaction

_ADD_MESSAGE = insert(chat_message)
_SAME_MESSAGE = select(
    chat_message.c.message_id, chat_message.c.offset, chat_message.c.body_hash, chat_message.c.sent_at
).where(
    chat_message.c.order_id == bindparam("in_order"),
    chat_message.c.sender_id == bindparam("by_sender"),
    chat_message.c.msg_id == bindparam("with_msg_id"),
)


class AlreadyThere(Exception):
    """Somebody else stored the same unique thing first."""


class OnlyOnce:
    """`async with`: undo everything inside and raise AlreadyThere when a unique key was taken meanwhile."""

    __slots__ = ("_savepoint",)

    def __init__(self, tx: Transaction) -> None:
        self._savepoint = tx.savepoint()

    async def __aenter__(self) -> None:
        await self._savepoint.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._savepoint.__aexit__(kind, error, trace)
        if isinstance(error, IntegrityError):
            raise AlreadyThere from None


async def find_message(tx: Transaction, order_id: str, sender_id: str, msg_id: str) -> dict[str, Any] | None:
    row = await tx.one(_SAME_MESSAGE, {"in_order": order_id, "by_sender": sender_id, "with_msg_id": msg_id})
    return None if row is None else dict(row)


async def insert_message(tx: Transaction, row: dict[str, Any]) -> None:
    await tx.run(_ADD_MESSAGE, row)


async def messages_before(tx: Transaction, order_id: str, before: int | None, limit: int) -> list[dict[str, Any]]:
    """Newest first."""
    wanted = select(chat_message).where(chat_message.c.order_id == order_id)
    if before is not None:
        wanted = wanted.where(chat_message.c.offset < before)
    rows = await tx.all(wanted.order_by(chat_message.c.offset.desc()).limit(limit))
    return [dict(row) for row in rows]


async def top_of(tx: Transaction, order_id: str) -> int:
    """The offset of the order's newest event; 0 before the first."""
    wanted = select(channel_head.c.top).where(channel_head.c.channel == order_channel(order_id))
    return await tx.value(wanted) or 0


async def read_positions(tx: Transaction, order_id: str) -> list[dict[str, Any]]:
    wanted = select(chat_read.c.user_id, chat_read.c.offset).where(chat_read.c.order_id == order_id)
    return [dict(row) for row in await tx.all(wanted.order_by(chat_read.c.user_id))]


async def read_position(tx: Transaction, order_id: str, user_id: str) -> int:
    here = (chat_read.c.order_id == order_id, chat_read.c.user_id == user_id)
    return await tx.value(select(chat_read.c.offset).where(*here)) or 0


async def advance_read(tx: Transaction, order_id: str, user_id: str, *, offset: int, at: datetime) -> bool:
    """Move a read position forward; False when it stands there already or further."""
    if await _move_read(tx, order_id, user_id, offset=offset, at=at):
        return True
    if await read_position(tx, order_id, user_id) >= offset:
        return False
    first = {"order_id": order_id, "user_id": user_id, "offset": offset, "read_at": at}
    try:
        async with OnlyOnce(tx):
            await tx.run(insert(chat_read).values(**first))
    except AlreadyThere:
        return await _move_read(tx, order_id, user_id, offset=offset, at=at)
    return True


async def _move_read(tx: Transaction, order_id: str, user_id: str, *, offset: int, at: datetime) -> bool:
    here = (chat_read.c.order_id == order_id, chat_read.c.user_id == user_id, chat_read.c.offset < offset)
    return await tx.run(update(chat_read).where(*here).values(offset=offset, read_at=at)) == 1
