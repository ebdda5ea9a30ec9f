"""Who is in which channel."""

from collections.abc import Mapping
from typing import Protocol

from server.ws.wire.answers import ClientInfo


class Presence(Protocol):
    """Members of channels by client id. All raise Unavailable."""

    async def add(self, channel: str, info: ClientInfo) -> None:
        """The client is there; repeating it changes nothing."""

    async def remove(self, channel: str, client: str) -> None:
        """The client is gone; unknown clients are ignored."""

    async def members(self, channel: str) -> Mapping[str, ClientInfo]:
        """Client id to what others may see of it."""


class LocalPresence:
    """Implements `Presence` for one instance."""

    def __init__(self) -> None:
        self._members: dict[str, dict[str, ClientInfo]] = {}

    async def add(self, channel: str, info: ClientInfo) -> None:
        self._members.setdefault(channel, {})[info.client] = info

    async def remove(self, channel: str, client: str) -> None:
        members = self._members.get(channel, {})
        members.pop(client, None)
        if not members:
            self._members.pop(channel, None)

    async def members(self, channel: str) -> Mapping[str, ClientInfo]:
        return dict(self._members.get(channel, {}))
