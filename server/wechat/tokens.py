"""One access token for all who call as an app.

WeChat gives the token of an app for two hours; `stable_token` gives everybody who asks meanwhile the same.
So nobody can end another's token, and keeping it is thrift: one instance asks, the others find it on the shelf.
"""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Protocol


class TokenShelf(Protocol):
    """Where tokens lie, by app id. Losing one costs a call; nothing here ever raises for a shelf that is away."""

    async def find(self, app_id: str) -> str | None:
        """The token that lies there and has not run out."""

    async def keep(self, app_id: str, token: str, *, lifetime_s: float) -> None:
        """Lay a token there for so long."""

    async def forget(self, app_id: str, token: str) -> None:
        """Take this one away, unless another lies there already."""

    def turn(self, app_id: str) -> AbstractAsyncContextManager[None]:
        """Whoever wants to ask WeChat waits here until others have asked, but never for ever."""


class InProcessShelf:
    """Implements `TokenShelf` for the instance itself."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str, float]] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    async def find(self, app_id: str) -> str | None:
        token, until_s = self._kept.get(app_id, ("", 0.0))
        return token if asyncio.get_running_loop().time() < until_s else None

    async def keep(self, app_id: str, token: str, *, lifetime_s: float) -> None:
        self._kept[app_id] = token, asyncio.get_running_loop().time() + lifetime_s

    async def forget(self, app_id: str, token: str) -> None:
        if self._kept.get(app_id, ("", 0.0))[0] == token:
            del self._kept[app_id]

    def turn(self, app_id: str) -> asyncio.Lock:
        return self._turns.setdefault(app_id, asyncio.Lock())
