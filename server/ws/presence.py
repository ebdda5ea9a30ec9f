"""Who is in which channel.

One entry a connection; a user is online while there is any entry of theirs. The instance that holds the
connection keeps its entries; what it no longer keeps expires by itself, also after a crash.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from server.ws.wire.answers import ClientInfo

Entry = tuple[str, ClientInfo]  # a channel and who is in it


class Presence(Protocol):
    """Entries by channel and client id, shared by all instances that share the store. All raise Unavailable."""

    async def add(self, channel: str, info: ClientInfo) -> bool:
        """The client is there, repeating it changes nothing. True: it is the only entry of its user there."""

    async def remove(self, channel: str, client: str) -> bool:
        """The client is gone. True: an entry was there, and it was the last one of its user."""

    async def keep(self, entries: Sequence[Entry]) -> None:
        """These are still there: live on for the store's time to live. Those that are missing are added."""

    async def take_expired(self) -> Sequence[Entry]:
        """Remove what nobody kept. Returns entries whose user has no other one there, each to one caller only."""

    async def members(self, channel: str) -> Mapping[str, ClientInfo]:
        """Client id to what others may see of it, without what has expired."""


@dataclass(slots=True)
class _Kept:
    info: ClientInfo
    until: float


class LocalPresence:
    """Implements `Presence` in memory. `now` is in seconds on a clock that never goes back."""

    def __init__(self, *, ttl_s: float, now: Callable[[], float] = time.monotonic) -> None:
        self._ttl_s = ttl_s
        self._now = now
        self._channels: dict[str, dict[str, _Kept]] = {}

    async def add(self, channel: str, info: ClientInfo) -> bool:
        self._put(channel, info)
        return not self._has_others(channel, info)

    async def remove(self, channel: str, client: str) -> bool:
        entries = self._channels.get(channel, {})
        gone = entries.pop(client, None)
        if not entries:
            self._channels.pop(channel, None)
        return gone is not None and not self._has_others(channel, gone.info)

    async def keep(self, entries: Sequence[Entry]) -> None:
        for channel, info in entries:
            self._put(channel, info)

    async def take_expired(self) -> Sequence[Entry]:
        now = self._now()
        expired = [
            (channel, kept.info)
            for channel, entries in self._channels.items()
            for kept in entries.values()
            if kept.until <= now
        ]
        return [(channel, info) for channel, info in expired if await self.remove(channel, info.client)]

    async def members(self, channel: str) -> Mapping[str, ClientInfo]:
        now, entries = self._now(), self._channels.get(channel, {})
        return {client: kept.info for client, kept in entries.items() if kept.until > now}

    def _put(self, channel: str, info: ClientInfo) -> None:
        self._channels.setdefault(channel, {})[info.client] = _Kept(info, self._now() + self._ttl_s)

    def _has_others(self, channel: str, info: ClientInfo) -> bool:
        """An expired entry counts until somebody took it: then its end is told once, as it must be."""
        entries = self._channels.get(channel, {})
        return any(kept.info.user == info.user for client, kept in entries.items() if client != info.client)
