"""How much an account has uploaded lately."""

from datetime import datetime

from sqlalchemy import func, select

from server.storage.tables.identity import t_user
from server.storage.tables.roster import stored_file
from server.storage.transaction import Transaction


async def lock_uploads(tx: Transaction, user_id: str) -> None:
    """Uploads of one account take turns until the commit; SQLite's only writer needs no lock."""
    await tx.value(select(t_user.c.user_id).where(t_user.c.user_id == user_id).with_for_update())


async def uploaded_since(tx: Transaction, user_id: str, since: datetime) -> tuple[int, int]:
    """Files and bytes."""
    c = stored_file.c
    mine = (c.user_id == user_id, c.created_at > since)
    row = await tx.one(select(func.count().label("files"), func.sum(c.size_bytes).label("bytes")).where(*mine))
    return (row["files"], int(row["bytes"] or 0)) if row else (0, 0)
