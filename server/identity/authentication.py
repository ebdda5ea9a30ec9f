"""Who is behind an access token, as the database knows it now.

The token only names a login; whether it lives, whose it is and what that account may be is read for
every request and every socket, so a logout, a ban and a new password count at once, on every instance
and with every cache gone.
"""

from dataclasses import dataclass

from server.core.call import Actor
from server.core.clock import server_now
from server.core.errors import Refused
from server.identity import store_logins
from server.identity.tokens import AccessTokens
from server.storage.sql import Database


@dataclass(frozen=True, slots=True)
class SocketIdentity:
    """Who a live connection speaks for; `expires_at` in unix seconds."""

    user_id: str
    user_type: str
    login_id: str
    expires_at: float


class Authenticator:
    """Raises Refused `unauthorized` or `token_expired`, or Unavailable when the database is gone."""

    def __init__(self, *, database: Database, tokens: AccessTokens) -> None:
        self._database = database
        self._tokens = tokens

    async def authenticate(self, token: str) -> Actor:
        """For a request."""
        identity = await self.authenticate_socket(token)
        return Actor(identity.user_id, identity.user_type, identity.login_id)

    async def authenticate_socket(self, token: str) -> SocketIdentity:
        """For a connection, which must end or be refreshed by `expires_at`."""
        now = server_now()
        claims = self._tokens.read(token, now=now)
        async with self._database.glance() as tx:
            login = await store_logins.speaks_for(tx, claims.login_id)
        if login is None or login["user_id"] != claims.user_id:
            raise Refused("unauthorized")
        if login["revoked_at"] is not None or login["banned_at"] is not None or login["expires_at"] <= now:
            raise Refused("unauthorized")
        return SocketIdentity(login["user_id"], login["user_type"], login["login_id"], float(claims.expires_at))
