"""Ties uploads to the order whose chat or note shows them."""

from server.storage.files.shelf import FileShelf
from server.storage.transaction import Transaction


async def attach_upload(
    shelf: FileShelf, tx: Transaction, file_id: str, *, order_id: str, user_id: str, purpose: str, media_family: str
) -> bool:
    """Tie an own upload to an order.

    False when it is not there, somebody else's, of another purpose or family ("image", "audio"), or shown
    in another order already: then that order's party would come to see it by this one.
    """
    row = await shelf.find(tx, file_id)
    if row is None or not row["media_type"].startswith(f"{media_family}/"):
        return False
    return await shelf.show_in_order(tx, file_id, user_id=user_id, purpose=purpose, order_id=order_id)
