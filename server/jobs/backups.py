"""The scheduled backup: due, made, and old ones removed.

Runs once in the cluster. Whether one is due is read from the directory itself, so that a backup that somebody took
away is made again, and whoever takes the job over knows at once where it stands.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeVar

from server.core.clock import server_now
from server.jobs.backup_shelf import BackupShelf

ALARM = "backup_failed"
_AGAIN_AFTER_S = 900.0  # what failed is seldom well a minute later, and a day is too long
_OVERDUE = 1.5  # of the time between two
_log = logging.getLogger(__name__)

Result = TypeVar("Result")


class BackupFailed(Exception):
    """Why none was made, in one sentence for the operator."""


class Alarm(Protocol):
    """Calls administrators; both raise Unavailable."""

    async def raise_(self, text: str) -> None:
        """Nothing happens while it is raised already."""

    async def solve(self) -> None:
        """Nothing happens when it is not raised."""


class ScheduledBackup:
    """`make(path)` writes a whole archive that was read back, elsewhere than on this loop. Raises BackupFailed."""

    def __init__(
        self,
        *,
        shelf: BackupShelf,
        make: Callable[[Path], Awaitable[None]],
        alarm: Alarm,
        every_s: float,
        executor: Executor,
        now: Callable[[], datetime] = server_now,
    ) -> None:
        self._shelf = shelf
        self._make = make
        self._alarm = alarm
        self._executor = executor
        self._now = now
        self._newest_at: datetime | None = None
        self._not_before_s = 0.0
        self.every_s = every_s
        self.problem = ""  # why the last attempt failed; empty: it did not
        self.outcomes: Counter[str] = Counter()  # good, failed
        self.took_s: float | None = None
        self.size_bytes: int | None = None

    @property
    def age_s(self) -> float:
        """Of the newest good one, as it was seen last; infinite when there is none."""
        return (self._now() - self._newest_at).total_seconds() if self._newest_at else float("inf")

    @property
    def is_bad(self) -> bool:
        """The last attempt failed, or the newest one is too old."""
        return bool(self.problem) or (self._newest_at is not None and self.age_s > self.every_s * _OVERDUE)

    async def run_once(self) -> None:
        """Make one when it is due. Raises Unavailable (an alarm could not be stored)."""
        if self.problem and time.monotonic() < self._not_before_s:
            return
        try:
            if await self._is_due():
                await self._attempt()
        except (BackupFailed, OSError) as problem:
            await self._failed(str(problem))

    async def _is_due(self) -> bool:
        kept = await self._apart(self._shelf.kept)
        self._newest_at = kept[0].made_at if kept else None
        if self.age_s < self.every_s:
            self.problem = ""  # another instance has made it meanwhile
            return False
        return True

    async def _attempt(self) -> None:
        begun, at = time.monotonic(), self._now().replace(microsecond=0)
        path = self._shelf.path_for(at)
        await self._apart(self._shelf.clear_drafts)
        await self._make(path)
        self.size_bytes = (await self._apart(path.stat)).st_size
        self._newest_at, self.took_s, self.problem = at, time.monotonic() - begun, ""
        self.outcomes["good"] += 1
        gone = await self._apart(lambda: self._shelf.rotate(now=at))
        _log.info("backup made", extra={"path": str(path), "bytes": self.size_bytes, "removed": len(gone)})
        await self._alarm.solve()

    async def _failed(self, problem: str) -> None:
        self._not_before_s = time.monotonic() + min(_AGAIN_AFTER_S, self.every_s)
        is_news, self.problem = problem != self.problem, problem
        self.outcomes["failed"] += 1
        if is_news:
            _log.error("backup failed", extra={"reason": problem})
        await self._alarm.raise_(problem)

    async def _apart(self, work: Callable[[], Result]) -> Result:
        """In a thread: the directory may be somebody else's disk."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)
