"""Tokens of outside services, shared by all instances.

Redis holds them sealed and for as long as they live. It is never needed: while it is away each instance goes
by the shelf of its own, and fetches for itself, which the services behind these tokens allow
(server/wechat/tokens.py).
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from server.core.errors import Unavailable
from server.storage.redis.desk import RedisDesk
from server.storage.sealed import FieldKeys, SealBroken

_AWAY = object()  # true, so that nobody waits for a turn at a shelf that is away
_COLUMN = "shared_token"  # the seal's associated data
_TURN_MS = 5_000  # longer than one fetch takes; who died with the turn in hand holds up nobody for longer
_LOOK_AGAIN_S = 0.05
_WAIT_S = 1.0  # then one fetches too: it is thrift, not safety
# Compare and delete in one step: what is not ours any more stays.
_TAKE_AWAY = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"


class RedisTokenShelf:
    """Implements `server.wechat.tokens.TokenShelf`; `beside` is one in the process, for when Redis is away.

    Keys are `<prefix>token:<app id>` and the same with `:turn`.
    """

    def __init__(self, *, desk: RedisDesk, keys: FieldKeys, beside: Any, prefix: str = "peihu:") -> None:
        self._desk = desk
        self._keys = keys
        self._beside = beside
        self._prefix = prefix

    async def find(self, app_id: str) -> str | None:
        sealed = await self._asked(lambda redis: redis.get(self._key(app_id)))
        return await self._beside.find(app_id) if sealed is _AWAY else self._opened(sealed)

    async def keep(self, app_id: str, token: str, *, lifetime_s: float) -> None:
        await self._beside.keep(app_id, token, lifetime_s=lifetime_s)
        sealed = self._keys.seal(token, _COLUMN)
        lifetime_ms = max(1, int(lifetime_s * 1000))
        await self._asked(lambda redis: redis.set(self._key(app_id), sealed, px=lifetime_ms))

    async def forget(self, app_id: str, token: str) -> None:
        await self._beside.forget(app_id, token)
        sealed = await self._asked(lambda redis: redis.get(self._key(app_id)))
        if sealed not in (None, _AWAY) and self._opened(sealed) in (token, None):
            await self._asked(lambda redis: redis.eval(_TAKE_AWAY, 1, self._key(app_id), sealed))

    @asynccontextmanager
    async def turn(self, app_id: str) -> AsyncIterator[None]:
        key, mine = self._key(app_id) + ":turn", secrets.token_hex(16)
        until_s = asyncio.get_running_loop().time() + _WAIT_S
        async with self._beside.turn(app_id):  # within the instance first
            while not await self._asked(lambda redis: redis.set(key, mine, nx=True, px=_TURN_MS)):
                if asyncio.get_running_loop().time() > until_s or await self.find(app_id) is not None:
                    break
                await asyncio.sleep(_LOOK_AGAIN_S)
            try:
                yield
            finally:
                await self._asked(lambda redis: redis.eval(_TAKE_AWAY, 1, key, mine))

    def _key(self, app_id: str) -> str:
        return f"{self._prefix}token:{app_id}"

    def _opened(self, sealed: str | bytes | None) -> str | None:
        if sealed is None:
            return None
        try:
            return self._keys.open(sealed if isinstance(sealed, str) else sealed.decode("ascii"), _COLUMN)
        except (SealBroken, UnicodeDecodeError):
            return None  # of an instance with another key, or nobody's

    async def _asked(self, work: Callable[[Any], Awaitable[Any]]) -> Any:
        """What Redis says, or _AWAY."""
        try:
            return await self._desk.ask(work)
        except Unavailable:
            return _AWAY
