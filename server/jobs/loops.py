"""The eternal jobs: what runs how often."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from server.core.errors import Unavailable
from server.core.tasks import Tasks

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """A round and the pause after it, in seconds."""

    name: str
    run_once: Callable[[], Awaitable[Any]]
    every_s: float


class Jobs:
    """Runs the jobs until `stop`; a round that cannot be done now is tried again after the pause."""

    def __init__(self, jobs: list[Job]) -> None:
        self._jobs = jobs
        self._tasks = Tasks("jobs")
        self._hurry: dict[str, asyncio.Event] = {job.name: asyncio.Event() for job in jobs}

        self._last_done_s: dict[str, float] = {}

    @property
    def died(self) -> dict[str, int]:
        """How often a job had to be started again, by its name."""
        return dict(self._tasks.died)

    def late(self, *, by_s: float) -> list[str]:
        """Jobs whose last good round is longer ago than their pause and `by_s` seconds more."""
        now = time.monotonic()
        return [job.name for job in self._jobs if now - self._last_done_s.get(job.name, now) > job.every_s + by_s]

    def start(self) -> None:
        for job in self._jobs:
            self._last_done_s[job.name] = time.monotonic()
            self._tasks.forever(job.name, lambda job=job: self._run(job))

    def hurry(self) -> None:
        """Business time has jumped: every job looks now, not after its pause."""
        for event in self._hurry.values():
            event.set()

    async def _run(self, job: Job) -> None:
        hurry = self._hurry[job.name]
        while True:
            try:
                await job.run_once()
                self._last_done_s[job.name] = time.monotonic()
            except Unavailable:
                _log.info("job could not run now", extra={"job": job.name})
            try:
                async with asyncio.timeout(job.every_s):
                    await hurry.wait()
            except TimeoutError:
                pass
            hurry.clear()

    async def stop(self) -> None:
        await self._tasks.stop()
