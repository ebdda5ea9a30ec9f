"""Service notes in SQL, append-only."""

import json
from typing import Any

from sqlalchemy import insert, select

from server.care.store_chat import AlreadyThere, OnlyOnce
from server.core.ids import looks_like_id, new_id
from server.storage.tables.booking import t_order_detail
from server.storage.tables.care import service_note
from server.storage.transaction import Transaction


async def find_note(tx: Transaction, order_id: str, caregiver_id: str, msg_id: str) -> dict[str, Any] | None:
    c = service_note.c
    same = (c.order_id == order_id, c.caregiver_id == caregiver_id, c.msg_id == msg_id)
    row = await tx.one(select(c.note_id, c.offset, c.body_hash, c.received_at).where(*same))
    return None if row is None else dict(row)


async def is_note_of(tx: Transaction, note_id: str, order_id: str) -> bool:
    if not looks_like_id(note_id):
        return False
    here = (service_note.c.note_id == note_id, service_note.c.order_id == order_id)
    return await tx.value(select(service_note.c.note_id).where(*here)) is not None


async def ensure_detail(tx: Transaction, order_id: str) -> None:
    """The order's row of t_order_detail, to which notes belong; made at acceptance or here."""
    wanted = select(t_order_detail.c.detail_id).where(t_order_detail.c.order_id == order_id)
    if await tx.value(wanted) is not None:
        return
    try:
        async with OnlyOnce(tx):
            await tx.run(insert(t_order_detail).values(detail_id=new_id(), order_id=order_id))
    except AlreadyThere:
        pass  # which is all that was wanted


async def insert_note(tx: Transaction, row: dict[str, Any]) -> None:
    vitals = None if row["vitals"] is None else _json(row["vitals"])
    await tx.run(insert(service_note).values(**{**row, "vitals": vitals, "file_ids": _json(row["file_ids"])}))


async def notes_after(tx: Transaction, order_id: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Oldest first."""
    c = service_note.c
    wanted = select(service_note).where(c.order_id == order_id, c.offset > after)
    return [_read(dict(row)) for row in await tx.all(wanted.order_by(c.offset).limit(limit))]


def _read(row: dict[str, Any]) -> dict[str, Any]:
    vitals = None if row["vitals"] is None else json.loads(row["vitals"])
    return {**row, "vitals": vitals, "file_ids": json.loads(row["file_ids"])}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
