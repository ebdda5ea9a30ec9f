"""A few threads in which wechatpy may block.

How many callers may wait for them is bounded; a breaker turns the others away while WeChat is silent.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from server.core.breaker import Breaker
from server.core.errors import Unavailable
from server.wechat.client import Client, NoAnswer, WeChatRefused

Work = Callable[[Client], dict[str, Any]]


class Desk:
    """Asks WeChat. Raises WeChatRefused with its code, and Unavailable for every silence."""

    def __init__(
        self, new_client: Callable[[], Client], *, breaker: Breaker, threads: int, waiting_at_most: int
    ) -> None:
        self._new_client = new_client
        self._breaker = breaker
        self._room = threading.BoundedSemaphore(threads + waiting_at_most)
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="wechat")
        self._own = threading.local()
        self._clients: list[Client] = []

    async def ask(self, work: Work) -> dict[str, Any]:
        self._breaker.enter()
        try:
            answer = await self._in_thread(work)
        except NoAnswer:
            self._breaker.failed()
            raise Unavailable() from None
        except asyncio.CancelledError:
            self._breaker.failed()  # what the caller's deadline looks like from here
            raise
        except WeChatRefused:
            self._breaker.answered()
            raise
        self._breaker.answered()
        return answer

    def close(self) -> None:
        """Nobody is waited for: what runs ends by its own deadline."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        for client in self._clients:
            client.close()

    async def _in_thread(self, work: Work) -> dict[str, Any]:
        if not self._room.acquire(blocking=False):
            raise Unavailable()
        future = self._executor.submit(self._with_own_client, work)
        future.add_done_callback(lambda _: self._room.release())  # when the thread is free, not when we gave up
        return await asyncio.wrap_future(future)

    def _with_own_client(self, work: Work) -> dict[str, Any]:
        """In a thread: requests' sessions are not made for several at once."""
        if not hasattr(self._own, "client"):
            self._own.client = self._new_client()
            self._clients.append(self._own.client)
        return work(self._own.client)
