"""Who is in which channel, in the memory of the process."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from server.storage.presence.port import ClientInfo, Entry


@dataclass(slots=True)
class _Kept:
    info: ClientInfo
    until: float


class _Members:
    """One channel's entries, and how many each user has: a thousand may come to one channel at once."""

    __slots__ = ("by_client", "_entries_of")

    def __init__(self) -> None:
        self.by_client: dict[str, _Kept] = {}
        self._entries_of: dict[str, int] = {}

    def put(self, info: ClientInfo, until: float) -> None:
        self.take(info.client)
        self.by_client[info.client] = _Kept(info, until)
        self._entries_of[info.user] = self.entries_of(info.user) + 1

    def take(self, client: str) -> ClientInfo | None:
        kept = self.by_client.pop(client, None)
        if kept is None:
            return None
        left = self._entries_of.pop(kept.info.user) - 1
        if left:
            self._entries_of[kept.info.user] = left
        return kept.info

    def entries_of(self, user: str) -> int:
        """An expired entry counts until somebody took it: then its end is told once, as it must be."""
        return self._entries_of.get(user, 0)


class InProcessPresence:
    """Implements `Presence`. `now` is in seconds on a clock that never goes back."""

    def __init__(self, *, ttl_s: float, now: Callable[[], float] = time.monotonic) -> None:
        self._ttl_s = ttl_s
        self._now = now
        self._channels: dict[str, _Members] = {}

    async def add(self, channel: str, info: ClientInfo) -> bool:
        return self._put(channel, info).entries_of(info.user) == 1

    async def remove(self, channel: str, client: str) -> bool:
        members = self._channels.get(channel)
        gone = None if members is None else members.take(client)
        if members is None or gone is None:
            return False
        if not members.by_client:
            del self._channels[channel]
        return not members.entries_of(gone.user)

    async def keep(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        missing = [(channel, info) for channel, info in entries if not self._knows(channel, info.client)]
        for channel, info in entries:
            self._put(channel, info)
        return [(channel, info) for channel, info in missing if self._channels[channel].entries_of(info.user) == 1]

    def _knows(self, channel: str, client: str) -> bool:
        return channel in self._channels and client in self._channels[channel].by_client

    async def take_expired(self) -> Sequence[Entry]:
        now = self._now()
        expired = [
            (channel, kept.info)
            for channel, members in self._channels.items()
            for kept in members.by_client.values()
            if kept.until <= now
        ]
        return [(channel, info) for channel, info in expired if await self.remove(channel, info.client)]

    async def members(self, channel: str) -> Mapping[str, ClientInfo]:
        members = self._channels.get(channel)
        if members is None:
            return {}
        now = self._now()
        return {client: kept.info for client, kept in members.by_client.items() if kept.until > now}

    def _put(self, channel: str, info: ClientInfo) -> _Members:
        members = self._channels.setdefault(channel, _Members())
        members.put(info, self._now() + self._ttl_s)
        return members
