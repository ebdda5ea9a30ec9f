"""What care must know of an order; the booking area tells it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from server.storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Standing:
    """How an account stands to an order at this moment, by the database and business time.

    `chat_open`: from acceptance until 7 days after completion (contract.md §6, Time).
    """

    order_id: str
    relation: str  # "booker", "viewer", "caregiver" (the assigned one), "admin"
    status: str
    may_chat: bool  # False only for family who was invited without it
    chat_open: bool
    finished: bool  # the caregiver has finished; the status may still be in_service
    caregiver_id: str | None  # assigned
    started_at: datetime | None = None
    finished_at: datetime | None = None


class Orders(Protocol):
    """Reads orders inside the caller's transaction."""

    async def standing(self, tx: Transaction, order_id: str, user_id: str, user_type: str) -> Standing | None:
        """None when the order does not exist or the account is no party of it; both look the same.

        Within a writing transaction it tells what is committed at that statement, not at its beginning.
        """

    async def speakers(
        self, tx: Transaction, order_id: str, user_ids: Collection[str], *, told_to: str
    ) -> list[dict[str, Any]]:
        """{"user_id", "name", "relation", "relation_text"} of the accounts, as the relation `told_to` may read it."""
