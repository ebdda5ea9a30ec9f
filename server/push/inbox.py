"""A person's notices: look through them, mark them read."""

from typing import Any

from server.core.call import Call
from server.core.clock import BusinessClock
from server.core.errors import Refused, invalid
from server.core.ids import looks_like_id
from server.push import store
from server.push.commands import ListNotices, ReadNotices
from server.push.notices import notice_item
from server.storage.sql import Database
from server.storage.transaction import Transaction
from server.storage.unit_of_work import UnitOfWork


class Inbox:
    """Use cases of the caller's own notices."""

    def __init__(self, *, units: UnitOfWork, database: Database, clock: BusinessClock) -> None:
        self._units = units
        self._database = database
        self._clock = clock

    async def list_notices(self, call: Call, command: ListNotices) -> dict[str, Any]:
        """{"items": newest first, "next_cursor", "unread_count"} of one snapshot."""
        if command.cursor is not None and not looks_like_id(command.cursor):
            raise invalid("cursor", "不正确")
        user_id = call.user.user_id
        async with self._database.read() as tx:
            rows = await store.notices_of(tx, user_id, before=command.cursor, limit=command.limit + 1)
            unread_count = await store.count_unread(tx, user_id)
        page = rows[: command.limit]
        more = len(rows) > len(page)
        return {
            "items": [notice_item(row) for row in page],
            "next_cursor": page[-1]["message_id"] if more else None,
            "unread_count": unread_count,
        }

    async def read_notices(self, call: Call, command: ReadNotices) -> dict[str, Any]:
        """{"read_count": newly read, "unread_count"}. Raises `invalid`, and `not_found` for a foreign id."""
        if (command.message_ids is None) == (command.all is None):
            raise invalid("message_ids", "请指定消息或选择全部", code="required")
        wanted = None if command.message_ids is None else sorted(set(command.message_ids))
        user_id = call.user.user_id

        async def body(tx: Transaction) -> dict[str, Any]:
            if wanted is not None:
                await _require_own(tx, user_id, wanted)
            read_count = await store.mark_read(tx, user_id, wanted, at=self._clock.now())
            return {"read_count": read_count, "unread_count": await store.count_unread(tx, user_id)}

        return await self._units.run(call, body)


async def _require_own(tx: Transaction, user_id: str, message_ids: list[str]) -> None:
    plausible = all(looks_like_id(message_id) for message_id in message_ids)
    if not plausible or await store.count_own(tx, user_id, message_ids) != len(message_ids):
        raise Refused("not_found")
