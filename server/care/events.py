"""The live events of chat and notes (contract.md §8)."""

from datetime import datetime
from typing import Any

from server.core.clock import shanghai_text
from server.core.ids import new_id

MESSAGE_FIELDS = (
    "message_id", "msg_id", "order_id", "sender_id", "sender_type", "kind", "text", "file_id", "sent_at",
)
NOTE_FIELDS = (
    "note_id", "msg_id", "order_id", "caregiver_id", "kind", "text", "vitals", "file_ids", "corrects",
    "recorded_at", "received_at",
)  # fmt: skip


def _shown(row: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    return {name: shanghai_text(row[name]) if name.endswith("_at") else row[name] for name in fields}


def message_data(row: dict[str, Any]) -> dict[str, Any]:
    return _shown(row, MESSAGE_FIELDS)


def note_data(row: dict[str, Any]) -> dict[str, Any]:
    return _shown(row, NOTE_FIELDS)


def message_event(row: dict[str, Any]) -> dict[str, Any]:
    """`chat.message`; its id is the message's, so that it enters the channel once."""
    data = message_data(row)
    return {"type": "chat.message", "id": row["message_id"], "at": data["sent_at"], "data": data}


def note_event(row: dict[str, Any]) -> dict[str, Any]:
    """`note.added`; its id is the note's."""
    return _event("note.added", row["note_id"], row["received_at"], note_data(row))


def read_event(user_id: str, offset: int, at: datetime) -> dict[str, Any]:
    """`chat.read`: everything up to `offset` was seen by `user_id`."""
    return _event("chat.read", new_id(), at, {"user_id": user_id, "offset": offset})


def typing_event(user_id: str, at: datetime) -> dict[str, Any]:
    """`chat.typing`: never stored, without an offset."""
    return _event("chat.typing", new_id(), at, {"user_id": user_id})


def _event(type_: str, event_id: str, at: datetime, data: dict[str, Any]) -> dict[str, Any]:
    return {"type": type_, "id": event_id, "at": shanghai_text(at), "data": data}
