"""Where behaviour events are kept.

Whether a person agreed is asked by whoever adds them, in the same transaction: consent stays in the SQL database.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from server.storage.transaction import Transaction


class BehaviourLog(Protocol):
    """`detail` is sealed at rest. A row: event_id, user_id, kind, page, detail, entered_at, duration_ms."""

    async def add(self, tx: Transaction, rows: Sequence[dict[str, Any]]) -> None:
        """Kept with the commit of the transaction, whatever else is away. Raises Unavailable as its statements do."""

    async def forget_before(self, instant: datetime) -> int:
        """Forget what was entered earlier; how much that was. May run anywhere, at any time. Raises Unavailable."""
