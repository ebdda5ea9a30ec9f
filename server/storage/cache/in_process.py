"""A cache in the memory of the process."""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any

from server.core.strict_json import BadJson, dumps, parse

MOST_BYTES_OF_ONE = 65_536  # a caregiver's page has some 10 KB


class InProcessCache:
    """Implements `Cache`: over `most_bytes` of text what was asked for least recently makes room.

    Kept as text, so that nobody changes what another one finds.
    """

    def __init__(
        self, *, lifetime_s: float, most_bytes: int, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._lifetime_s = lifetime_s
        self._most_bytes = most_bytes
        self._now_s = now_s
        self._kept: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self.size_bytes = 0
        self.counts: Counter[str] = Counter()

    async def find(self, name: str) -> Any:
        until_s, text = self._kept.get(name, (0.0, b""))
        if not text or until_s <= self._now_s():
            self._drop(name)
            self.counts["missed"] += 1
            return None
        self._kept.move_to_end(name)
        try:
            value = parse(text)
        except BadJson:  # a text of the database that would be refused from a stranger
            self.counts["unreadable"] += 1
            return None
        self.counts["found"] += 1
        return value

    async def keep(self, name: str, value: Any) -> None:
        text = dumps(value).encode()
        if len(text) > MOST_BYTES_OF_ONE:
            self.counts["too_large"] += 1
            return
        self._drop(name)
        self._kept[name] = (self._now_s() + self._lifetime_s, text)
        self.size_bytes += len(text)
        self.counts["kept"] += 1
        while self.size_bytes > self._most_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, name: str) -> None:
        _, text = self._kept.pop(name, (0.0, b""))
        self.size_bytes -= len(text)
