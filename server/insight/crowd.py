"""How many caregivers are connected, over all instances.

Each instance writes down what it counts of itself; a figure that was not renewed belongs to an instance that is
gone. An account that is connected to two instances at once is counted by both.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from server.core.clock import server_now
from server.insight import store_crowd
from server.storage.sql import Database
from server.storage.transaction import Transaction

CONNECTED_CAREGIVERS = "connected_caregivers"
_RENEWED_AFTER = timedelta(seconds=30)  # also when nothing has changed
_FRESH_FOR = timedelta(seconds=90)  # two renewals may be late
_FORGOTTEN_AFTER = timedelta(hours=1)


class Crowd:
    """`count()` tells of this instance; `run_once` is a job of every instance."""

    def __init__(self, *, database: Database, instance_id: str, count: Callable[[], int]) -> None:
        self._database = database
        self._instance_id = instance_id
        self._count = count
        self._told: tuple[int, datetime] | None = None

    async def run_once(self) -> None:
        """Write the figure where it has changed or grown old. Raises Unavailable."""
        value, now = self._count(), server_now()
        if self._told is not None and self._told[0] == value and now - self._told[1] < _RENEWED_AFTER:
            return
        await self._database.write(lambda tx: self._tell(tx, value, now))
        self._told = (value, now)

    async def _tell(self, tx: Transaction, value: int, now: datetime) -> None:
        await store_crowd.put_figure(tx, self._instance_id, CONNECTED_CAREGIVERS, value, at=now)
        await store_crowd.forget_figures(tx, before=now - _FORGOTTEN_AFTER)


async def connected_caregivers(tx: Transaction) -> int:
    """Over all instances that live."""
    return await store_crowd.sum_of(tx, CONNECTED_CAREGIVERS, since=server_now() - _FRESH_FOR)
