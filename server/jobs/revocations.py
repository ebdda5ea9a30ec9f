"""Closes sockets of ended logins while the bus is away.

Ordinarily a logout or a ban is told over the bus and sockets close within two seconds. That message may be
lost; the store is asked instead, so that nobody who was shown out listens on for long (reliability.md F24).
"""

from collections.abc import Awaitable, Callable, Collection

POLL_EVERY_S = 15.0  # with the round itself below the 30 s that are promised

EndedLogins = Callable[[Collection[str]], Awaitable[set[str]]]


class RevocationPoll:
    """`revoke_login` closes this instance's connections of a login and returns how many."""

    def __init__(
        self, *, login_ids: Callable[[], set[str]], ended_logins: EndedLogins, revoke_login: Callable[[str], int]
    ) -> None:
        self._login_ids = login_ids
        self._ended_logins = ended_logins
        self._revoke_login = revoke_login

    async def run_once(self) -> int:
        """How many connections were closed. Raises Unavailable when the store is away too."""
        connected = self._login_ids()
        if not connected:
            return 0
        return sum([self._revoke_login(login_id) for login_id in await self._ended_logins(connected)])
