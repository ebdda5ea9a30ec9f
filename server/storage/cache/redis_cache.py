"""A cache in Redis, for all instances."""

from collections import Counter
from typing import Any

from server.core.errors import Unavailable
from server.core.strict_json import BadJson, dumps, parse
from server.storage.cache.in_process import MOST_BYTES_OF_ONE
from server.storage.redis.desk import RedisDesk
from server.storage.sealed import FieldKeys, SealBroken


class RedisCache:
    """Implements `Cache`. Values lie sealed to their names under `<prefix>cache:<name>` and expire by themselves."""

    def __init__(self, *, desk: RedisDesk, keys: FieldKeys, lifetime_s: float, prefix: str = "peihu:") -> None:
        self._desk = desk
        self._keys = keys
        self._lifetime_ms = max(1, int(lifetime_s * 1000))
        self._prefix = f"{prefix}cache:"
        self.counts: Counter[str] = Counter()

    async def find(self, name: str) -> Any:
        try:
            sealed = await self._desk.ask(lambda redis: redis.get(self._prefix + name))
        except Unavailable:
            self.counts["away"] += 1
            return None
        value = None if sealed is None else self._opened(sealed, name)
        self.counts["missed" if value is None else "found"] += 1
        return value

    async def keep(self, name: str, value: Any) -> None:
        text = dumps(value)
        if len(text.encode()) > MOST_BYTES_OF_ONE:
            self.counts["too_large"] += 1
            return
        sealed = self._keys.seal(text, self._column(name))
        try:
            await self._desk.ask(lambda redis: redis.set(self._prefix + name, sealed, px=self._lifetime_ms))
        except Unavailable:
            self.counts["away"] += 1
        else:
            self.counts["kept"] += 1

    def _opened(self, sealed: bytes, name: str) -> Any:
        """None for what is not ours, or of an instance with another key."""
        try:
            return parse(self._keys.open(sealed.decode("ascii"), self._column(name)))
        except (SealBroken, UnicodeDecodeError, BadJson):
            self.counts["unreadable"] += 1
            return None

    @staticmethod
    def _column(name: str) -> str:
        """The seal's associated data: a value that was put under another name does not open."""
        return f"cache/{name}"
