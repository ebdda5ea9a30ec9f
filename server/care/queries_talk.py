"""How much was said about one order, and what."""

from typing import Any

from sqlalchemy import func, select

from server.care import store_chat, store_notes
from server.care.events import message_data, note_data
from server.storage.tables.care import chat_message, service_note
from server.storage.transaction import Transaction

_SHOWN_AT_MOST = 500


async def talk_of(tx: Transaction, order_id: str, *, with_content: bool) -> dict[str, Any]:
    """{"message_count", "note_count", "messages", "notes"}; what was said is None unless asked for, oldest first."""
    counts = {
        "message_count": await _count(tx, chat_message, order_id),
        "note_count": await _count(tx, service_note, order_id),
    }
    if not with_content:
        return counts | {"messages": None, "notes": None}
    said = await store_chat.messages_before(tx, order_id, None, _SHOWN_AT_MOST)
    noted = await store_notes.notes_after(tx, order_id, 0, _SHOWN_AT_MOST)
    messages, notes = [message_data(row) for row in reversed(said)], [note_data(row) for row in noted]
    return counts | {"messages": messages, "notes": notes}


async def _count(tx: Transaction, table: Any, order_id: str) -> int:
    return await tx.value(select(func.count()).select_from(table).where(table.c.order_id == order_id))
