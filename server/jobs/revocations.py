"""Shows out whose right ended while the bus was away.

Ordinarily a logout, a ban, a relative who is removed or a caregiver who is replaced is told over the bus, and
sockets close or channels end within two seconds. That message may be lost; the store is asked instead, so that
nobody who was shown out listens on for long (reliability.md F24).
"""

from collections.abc import Awaitable, Callable, Collection, Mapping

from server.core.channels import order_channel, parse_channel

POLL_EVERY_S = 15.0  # with the round itself below the 30 s that are promised

EndedLogins = Callable[[Collection[str]], Awaitable[set[str]]]
Followers = Callable[[], Mapping[str, Mapping[str, str]]]  # types of users by their ids, by channel
Parties = Callable[[Collection[str]], Awaitable[Mapping[str, set[str]]]]  # accounts by order
_ORDERS_AT_ONCE = 500  # ids in one statement


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


class AccessPoll:
    """Asks for the parties of all orders that are followed here, hundreds in one read.

    `access_ended(user_id, channel)` ends this instance's subscriptions of a user.
    """

    def __init__(
        self, *, followers: Followers, parties: Parties, access_ended: Callable[[str, str], None]
    ) -> None:
        self._followers = followers
        self._parties = parties
        self._access_ended = access_ended

    async def run_once(self) -> int:
        """How many people lost a channel. Raises Unavailable when the store is away too."""
        named = [(*parse_channel(channel), people) for channel, people in self._followers().items()]
        orders = {subject: people for kind, subject, people in named if kind == "order"}
        asked, ended = list(orders), 0
        for start in range(0, len(asked), _ORDERS_AT_ONCE):
            some = asked[start : start + _ORDERS_AT_ONCE]
            parties = await self._parties(some)
            ended += sum([self._end(one, orders[one], parties.get(one, set())) for one in some])
        return ended

    def _end(self, order_id: str, people: Mapping[str, str], party: set[str]) -> int:
        strangers = [user_id for user_id, kind in people.items() if kind != "admin" and user_id not in party]
        for user_id in strangers:
            self._access_ended(user_id, order_channel(order_id))
        return len(strangers)
