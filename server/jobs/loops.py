"""The eternal jobs: what runs how often, and where.

Most run once in the cluster: under a lease, so that two instances neither do the same work nor get into each
other's way. What concerns an instance itself (its clock, its sockets, its disk) runs in each.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from server.core.errors import Unavailable
from server.core.tasks import Tasks
from server.storage.fencing import under
from server.storage.leases import Leases

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """A round and the pause after it, in seconds; `in_each`: every instance does it for itself.

    `lasts_s`: how long a round may take before somebody should look.
    """

    name: str
    run_once: Callable[[], Awaitable[Any]]
    every_s: float
    in_each: bool = False
    lasts_s: float = 0.0


class Jobs:
    """Runs the jobs until `stop`; a round that cannot be done now is tried again after the pause.

    Without `leases` this instance is alone and does everything.
    """

    def __init__(self, jobs: list[Job], *, leases: Leases | None = None) -> None:
        self._jobs = jobs
        self._leases = leases
        self._tasks = Tasks("jobs")
        self._hurry: dict[str, asyncio.Event] = {job.name: asyncio.Event() for job in jobs}

        self._last_done_s: dict[str, float] = {}

    @property
    def died(self) -> dict[str, int]:
        """How often a job had to be started again, by its name."""
        return dict(self._tasks.died)

    def late(self, *, by_s: float) -> list[str]:
        """Jobs whose last good round is longer ago than their pause, a round, and `by_s` seconds more."""
        now = time.monotonic()
        return [
            job.name
            for job in self._jobs
            if now - self._last_done_s.get(job.name, now) > job.every_s + job.lasts_s + by_s
        ]

    def start(self) -> None:
        if self._leases is not None:
            self._leases.start()
        for job in self._jobs:
            self._last_done_s[job.name] = time.monotonic()
            self._tasks.forever(job.name, lambda job=job: self._run(job))

    def hurry(self, *names: str) -> None:
        """Something has happened: these jobs look now, not after their pause; without names all (time has jumped)."""
        for name in names or self._hurry:
            self._hurry[name].set()

    async def _run(self, job: Job) -> None:
        hurry = self._hurry[job.name]
        while True:
            try:
                await self._run_once(job)
                self._last_done_s[job.name] = time.monotonic()
            except Unavailable:
                _log.info("job could not run now", extra={"job": job.name})
            try:
                async with asyncio.timeout(job.every_s):
                    await hurry.wait()
            except TimeoutError:
                pass
            hurry.clear()

    async def _run_once(self, job: Job) -> None:
        """A round, unless another instance does it."""
        if self._leases is None or job.in_each:
            await job.run_once()
            return
        held = await self._leases.hold(job.name)
        if held is not None:
            with under(held):
                await job.run_once()

    async def stop(self) -> None:
        """Also give back what is held: another instance goes on at once."""
        await self._tasks.stop()
        if self._leases is not None:
            await self._leases.stop()
