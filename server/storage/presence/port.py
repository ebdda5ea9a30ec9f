"""Who is in which channel.

One entry a connection; a user is online while there is any entry of theirs. The instance that holds the
connection keeps its entries; what it no longer keeps expires by itself, also after a crash.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class ClientInfo:
    """Who a connection belongs to, as others may see it."""

    user: str
    client: str
    conn_info: Mapping[str, Any] | None = None

    def members(self) -> dict[str, Any]:
        members: dict[str, Any] = {"user": self.user, "client": self.client}
        if self.conn_info is not None:
            members["conn_info"] = self.conn_info
        return members


Entry = tuple[str, ClientInfo]  # a channel and who is in it


class Presence(Protocol):
    """Entries by channel and client id, shared by all instances that share the store. All raise Unavailable."""

    async def add(self, channel: str, info: ClientInfo) -> bool:
        """The client is there, repeating it changes nothing. True: it is the only entry of its user there."""

    async def remove(self, channel: str, client: str) -> bool:
        """The client is gone. True: an entry was there, and it was the last one of its user."""

    async def keep(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """These are still there: live on for the store's time to live. Those that are missing are added.

        Returns those that were missing and are now the only ones of their users: somebody may have been told as gone,
        or never as there.
        """

    async def take_expired(self) -> Sequence[Entry]:
        """Remove what nobody kept. Returns entries whose user has no other one there, each to one caller only."""

    async def members(self, channel: str) -> Mapping[str, ClientInfo]:
        """Client id to what others may see of it, without what has expired."""
