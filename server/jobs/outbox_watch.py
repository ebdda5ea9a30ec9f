"""Parcels that do not leave, for an alarm."""

from collections.abc import Awaitable, Callable, Collection, Iterable
from datetime import datetime

from server.jobs.alarms import Trouble
from server.storage.transaction import Transaction

_SUBJECT = "outbox"


class OutboxWatch:
    """`oldest_age_s()` is how long the oldest parcel has waited, on the server's clock."""

    kind = "outbox_stuck"

    def __init__(self, *, oldest_age_s: Callable[[], Awaitable[float]], stuck_after_s: float) -> None:
        self._oldest_age_s = oldest_age_s
        self._stuck_after_s = stuck_after_s

    async def begun(self, tx: Transaction, *, at: datetime, besides: Collection[str]) -> Iterable[Trouble]:
        """One at most. Raises Unavailable."""
        if _SUBJECT in besides or not await self._is_stuck():
            return []
        return [Trouble(_SUBJECT, None, f"待发事项积压超过{self._stuck_after_s:g}秒，通知与退款可能延迟")]

    async def still(self, tx: Transaction, *, at: datetime, among: Collection[str]) -> set[str]:
        return {_SUBJECT} if await self._is_stuck() else set()

    async def _is_stuck(self) -> bool:
        return await self._oldest_age_s() > self._stuck_after_s
