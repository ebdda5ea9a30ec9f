"""The only place where tasks are made.

An eternal task that dies is started again with a growing pause and counted; `/readyz` and the metrics
read `died`. Nothing is fired and forgotten.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")

_log = logging.getLogger(__name__)
_CANCEL_AGAIN_S = 1.0  # SQLAlchemy over aiosqlite now and then swallows a cancellation
_PAUSE_AFTER_DEATH_S = (0.1, 0.5, 2.0, 5.0)  # the last one repeats


async def unless_given_up(answer: "asyncio.Future[Result]") -> Result:
    """What comes of it. Whoever is cancelled meanwhile leaves it to its end, and nobody minds how that ends.

    Tornado logs as an error what becomes of a request whose future was cancelled, asyncio what nobody asked for.
    """
    answer.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    return await asyncio.shield(answer)


class Tasks:
    """Owns tasks; `stop()` cancels what is left and waits for it."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._running: set[asyncio.Task[Any]] = set()
        self.died: Counter[str] = Counter()

    def start(self, name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run a coroutine once; a failure is logged with its name, never lost."""
        task = asyncio.get_running_loop().create_task(work, name=f"{self._owner}.{name}")
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def forever(self, name: str, work: Callable[[], Awaitable[None]]) -> asyncio.Task[Any]:
        """Run `work()` until it returns or `stop()`; if it raises it is started again after a pause."""
        return self.start(name, self._guard(name, work))

    async def _guard(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        deaths = 0
        while True:
            try:
                await work()
                return
            except asyncio.CancelledError:
                raise
            except Exception:
                self.died[name] += 1
                _log.exception("task died and is started again", extra={"task": name})
                await asyncio.sleep(_PAUSE_AFTER_DEATH_S[min(deaths, len(_PAUSE_AFTER_DEATH_S) - 1)])
                deaths += 1

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.died[task.get_name()] += 1
            _log.error("task failed", extra={"task": task.get_name()}, exc_info=task.exception())

    async def finish(self, *, within_s: float) -> None:
        """Wait until nothing runs, also not what starts meanwhile; what still runs then is left running."""
        try:
            async with asyncio.timeout(within_s):
                while self._running:
                    await asyncio.wait(set(self._running))
        except TimeoutError:
            _log.warning("tasks go on", extra={"owner": self._owner, "tasks": len(self._running)})

    async def stop(self) -> None:
        """Cancel everything that still runs and wait until it has ended."""
        running = set(self._running)
        while running:
            for task in running:
                task.cancel()
            _, running = await asyncio.wait(running, timeout=_CANCEL_AGAIN_S)
