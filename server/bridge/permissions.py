"""Who may follow which live channel; asked at every subscribe."""

from server.booking.orders.standing import Standings
from server.core.channels import parse_channel
from server.storage.sql import Database
from server.ws.ports import Identity


class Permissions:
    """Implements `ws.ports.MayFollow` (contract.md §8, Channels)."""

    def __init__(self, *, database: Database, standings: Standings) -> None:
        self._database = database
        self._standings = standings

    async def may_follow(self, identity: Identity, channel: str) -> bool:
        """False for foreign and for missing channels alike. Raises Unavailable."""
        family, subject = parse_channel(channel)
        if family == "user":
            return subject == identity.user_id
        if family == "ops":
            return identity.user_type == "admin"
        if family != "order":
            return False
        async with self._database.glance() as tx:
            standing = await self._standings.standing(tx, subject, identity.user_id, identity.user_type)
        return standing is not None
