"""Which connections belong to whom."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from server.ws.ports import Identity
from server.ws.wire.codes import Disconnect, Disconnects

_REMEMBER_S = 60.0  # longer than any authentication lasts


class Member(Protocol):
    """A connection, as the registry sees it."""

    def close(self, disconnect: Disconnect) -> None:
        """End it."""

    def access_ended(self, channel: str) -> None:
        """End its subscription to the channel, if it has one."""


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
    """Connected members by user. Remembers revocations, for those who were just being let in."""

    def __init__(self, *, connections_per_user: int) -> None:
        self._connections_per_user = connections_per_user
        self._by_user: dict[str, dict[Member, Identity]] = {}
        self._revocations: deque[tuple[float, Revocation]] = deque()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, member: Member, identity: Identity, *, asked_at: float) -> Disconnect | None:
        """Let a member in, or say why not. `asked_at`: when its token began to be checked."""
        for at, revocation in self._revocations:
            if at >= asked_at and revocation.concerns(identity):
                return revocation.disconnect
        members = self._by_user.setdefault(identity.user_id, {})
        if len(members) >= self._connections_per_user:
            return Disconnects.CONNECTION_LIMIT
        members[member] = identity
        self._size += 1
        return None

    def replace(self, member: Member, identity: Identity) -> None:
        """The member showed a newer token of the same user."""
        self._by_user[identity.user_id][member] = identity

    def remove(self, member: Member, identity: Identity) -> None:
        members = self._by_user.get(identity.user_id, {})
        if members.pop(member, None) is not None:
            self._size -= 1
        if not members:
            self._by_user.pop(identity.user_id, None)

    def revoke(self, revocation: Revocation, *, now: float) -> int:
        """Close all whom it concerns; returns how many."""
        self._revocations.append((now, revocation))
        while self._revocations[0][0] < now - _REMEMBER_S:
            self._revocations.popleft()
        users: Iterable[str] = self._by_user if revocation.user_id is None else (revocation.user_id,)
        concerned = [
            member
            for user_id in users
            for member, identity in self._by_user.get(user_id, {}).items()
            if revocation.concerns(identity)
        ]
        for member in concerned:
            member.close(revocation.disconnect)
        return len(concerned)

    def access_ended(self, user_id: str, channel: str) -> None:
        for member in tuple(self._by_user.get(user_id, ())):
            member.access_ended(channel)

    def login_ids(self) -> set[str]:
        """All logins that hold a connection here."""
        return {identity.login_id for members in self._by_user.values() for identity in members.values()}
