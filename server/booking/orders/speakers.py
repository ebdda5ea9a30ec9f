"""What those who write about an order are called there."""

from collections.abc import Collection
from typing import Any

from server.booking.orders import queries_naming
from server.roster.wording import masked_name
from server.storage.transaction import Row, Transaction

_RELATION_TEXTS = {"booker": "预约人", "viewer": "家属", "caregiver": "陪护人员"}


async def speakers_of(
    tx: Transaction, order_id: str, user_ids: Collection[str], *, told_to: str
) -> list[dict[str, Any]]:
    """{"user_id", "name", "relation", "relation_text"} of each account, by id.

    `told_to` is the relation of whoever asks: a caregiver reads the first sign of a family's names only, because
    an account is called whatever its owner likes; the family itself reads them in full.
    """
    if not user_ids:
        return []
    rows = await queries_naming.accounts_in(tx, order_id, user_ids)
    return [_speaker(row, hides_family=told_to == "caregiver") for row in rows]


def _speaker(row: Row, *, hides_family: bool) -> dict[str, Any]:
    if row["user_type"] == "caregiver":
        relation, name = "caregiver", row["name"]
    else:
        relation = "viewer" if row["booked"] is None else "booker"
        name = masked_name(row["username"]) if hides_family else row["username"]
    return {
        "user_id": row["user_id"],
        "name": name,
        "relation": relation,
        "relation_text": _RELATION_TEXTS[relation],
    }
