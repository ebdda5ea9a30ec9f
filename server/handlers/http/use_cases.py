"""Runs a use case to its end, whoever still waits for it.

A client that leaves, or a deadline that passes, ends the waiting and never the work: half a change is
worse than an answer nobody reads, and a keyed answer is found again by the retry.
"""
import asyncio
import logging
from collections.abc import Awaitable
from typing import Any

from server.core.errors import Refused, Unavailable
from server.core.tasks import Tasks

_log = logging.getLogger(__name__)


class Failed(Exception):
    """The use case had a bug; it is logged already and the caller learns nothing about it."""


class UseCases:
    """Gives every use case a task of its own and its caller a deadline."""

    def __init__(self, *, tasks: Tasks, deadline_s: float) -> None:
        self._tasks = tasks
        self._deadline_s = deadline_s

    async def run(self, name: str, work: Awaitable[Any], *, request_id: str, spent_s: float = 0.0) -> Any:
        """The work's result; `spent_s` of the caller's time are gone already.

        Raises Refused, Unavailable (its own, or no result in time) or Failed.
        """
        task = self._tasks.start(name, _outcome(name, work, request_id=request_id))
        done, _ = await asyncio.wait({task}, timeout=max(0.0, self._deadline_s - spent_s))
        if not done or task.cancelled():
            raise Unavailable()
        result, problem = task.result()
        if problem is not None:
            raise problem
        return result

    async def within_deadline(self, work: Awaitable[Any], *, spent_s: float = 0.0) -> Any:
        """The result of work that changes nothing and may be cancelled. Raises Unavailable."""
        try:
            async with asyncio.timeout(max(0.0, self._deadline_s - spent_s)):
                return await work
        except TimeoutError:
            raise Unavailable() from None


async def _outcome(name: str, work: Awaitable[Any], *, request_id: str) -> tuple[Any, Exception | None]:
    try:
        return await work, None
    except (Refused, Unavailable) as problem:
        return None, problem
    except Exception:  # the request edge: logged here once, also when nobody waits any more
        _log.exception("use case failed", extra={"operation": name, "request_id": request_id})
        return None, Failed()
