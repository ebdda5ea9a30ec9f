"""Equal questions at the same moment share one answer.

Only for answers that may be as old as the question that is under way: who asks later hears what was read for
who asked first.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

Answer = TypeVar("Answer")


class SharedReads:
    """The first who asks reads; who asks meanwhile waits for it, and for its error. Keeps nothing afterwards."""

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Future[Any] | None] = {}  # the future only where somebody waits

    async def ask(self, key: Hashable, read: Callable[[], Awaitable[Answer]]) -> Answer:
        """What `read()` returns or raises. One who is cancelled while reading leaves it to the next who waits."""
        while key in self._running:
            waiting = self._running[key]
            if waiting is None:
                waiting = self._running[key] = asyncio.get_running_loop().create_future()
            outcome = await asyncio.shield(waiting)
            if outcome is not None:
                return _told(outcome)
        self._running[key] = None
        outcome = None
        try:
            answer = await read()
            outcome = (answer, None)
            return answer
        except Exception as error:
            outcome = (None, error)
            raise
        finally:
            told = self._running.pop(key)
            if told is not None:
                told.set_result(outcome)


def _told(outcome: tuple[Any, Exception | None]) -> Any:
    answer, error = outcome
    if error is not None:
        raise error
    return answer
