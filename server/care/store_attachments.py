"""Uploads that a message or a note shows."""

from sqlalchemy import or_, update

from server.core.ids import looks_like_id
from server.storage.tables.roster import stored_file
from server.storage.transaction import Transaction


async def attach_file(
    tx: Transaction, file_id: str, *, order_id: str, user_id: str, purpose: str, media_family: str
) -> bool:
    """Bind an own upload to an order, from then on its party may see it.

    False when it is not there, somebody else's, of another purpose or family ("image", "audio"), or shown
    in another order already: then that order's party would come to see it by this one.
    """
    if not looks_like_id(file_id):
        return False
    c = stored_file.c
    mine = (c.file_id == file_id, c.user_id == user_id, c.purpose == purpose)
    fits = (c.media_type.like(f"{media_family}/%"), or_(c.order_id.is_(None), c.order_id == order_id))
    return await tx.run(update(stored_file).where(*mine, *fits).values(order_id=order_id)) == 1
