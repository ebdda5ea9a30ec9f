"""Which connections belong to whom."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from server.ws.guest import Guest
from server.ws.ports import Identity
from server.ws.wire.codes import Disconnect, Disconnects, Unsubscriptions

_REMEMBER_S = 60.0  # longer than any authentication lasts


@dataclass(frozen=True, slots=True)
class Revocation:
    """An order to close connections; an id that is None matches all, and not both are None."""

    user_id: str | None
    login_id: str | None
    disconnect: Disconnect

    def concerns(self, identity: Identity) -> bool:
        if self.user_id is not None and self.user_id != identity.user_id:
            return False
        return self.login_id is None or self.login_id == identity.login_id


class Registry:
    """Connected guests by user. Remembers revocations, for those who were just being let in."""

    def __init__(self, *, connections_per_user: int) -> None:
        self._connections_per_user = connections_per_user
        self._by_user: dict[str, dict[Guest, Identity]] = {}
        self._revocations: deque[tuple[float, Revocation]] = deque()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, guest: Guest, identity: Identity, *, asked_at: float) -> Disconnect | None:
        """Let a guest in, or say why not. `asked_at`: when its token began to be checked."""
        revoked = self.revoked_since(asked_at, identity)
        if revoked is not None:
            return revoked
        members = self._by_user.setdefault(identity.user_id, {})
        if len(members) >= self._connections_per_user:
            return Disconnects.CONNECTION_LIMIT
        members[guest] = identity
        self._size += 1
        return None

    def revoked_since(self, asked_at: float, identity: Identity) -> Disconnect | None:
        """Why somebody must not be let in whose token began to be checked at `asked_at`."""
        for at, revocation in self._revocations:
            if at >= asked_at and revocation.concerns(identity):
                return revocation.disconnect
        return None

    def replace(self, guest: Guest, identity: Identity) -> None:
        """The guest showed a newer token of the same user."""
        self._by_user[identity.user_id][guest] = identity

    def remove(self, guest: Guest, identity: Identity) -> None:
        members = self._by_user.get(identity.user_id, {})
        if members.pop(guest, None) is not None:
            self._size -= 1
        if not members:
            self._by_user.pop(identity.user_id, None)

    def revoke(self, revocation: Revocation, *, now: float) -> int:
        """Close all whom it concerns; returns how many."""
        self._revocations.append((now, revocation))
        while self._revocations[0][0] < now - _REMEMBER_S:
            self._revocations.popleft()
        concerned = self.guests(revocation.user_id, revocation.login_id)
        for guest in concerned:
            guest.close(revocation.disconnect)
        return len(concerned)

    def guests(self, user_id: str | None, login_id: str | None) -> list[Guest]:
        """Those of a user and a login; an id that is None matches all."""
        users: Iterable[str] = self._by_user if user_id is None else (user_id,)
        return [
            guest
            for one in users
            for guest, identity in self._by_user.get(one, {}).items()
            if login_id in (None, identity.login_id)
        ]

    def access_ended(self, user_id: str, channel: str) -> None:
        for guest in self.guests(user_id, None):
            guest.unsubscribe(channel, Unsubscriptions.ACCESS_ENDED)

    def followers(self) -> dict[str, dict[str, str]]:
        """Who follows which channel here: types of users by their ids, by channel."""
        found: dict[str, dict[str, str]] = {}
        for members in self._by_user.values():
            for guest, identity in members.items():
                for channel in guest.seats:
                    found.setdefault(channel, {})[identity.user_id] = identity.user_type
        return found

    def users_of_type(self, user_type: str) -> int:
        """How many accounts of a kind hold a connection here."""
        here = self._by_user.values()
        return sum(any(identity.user_type == user_type for identity in members.values()) for members in here)

    def login_ids(self) -> set[str]:
        """All logins that hold a connection here."""
        return {identity.login_id for members in self._by_user.values() for identity in members.values()}
