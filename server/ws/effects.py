"""What a session wants done; the connection does it."""

from dataclasses import dataclass

from server.ws.wire.answers import Push, Reply
from server.ws.wire.codes import Disconnect
from server.ws.wire.commands import Connect, History, Presence, PresenceStats, Refresh, Rpc, Subscribe

Slow = Rpc | History | Presence | PresenceStats  # answered in the background, so that pongs are not delayed


@dataclass(frozen=True, slots=True)
class Answer:
    """Queue the answer to a command."""

    reply: Reply


@dataclass(frozen=True, slots=True)
class Tell:
    """Queue a push."""

    push: Push


@dataclass(frozen=True, slots=True)
class SendPing:
    pass


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Find out whose token it is; then `identified` or `refused`."""

    command: Connect


@dataclass(frozen=True, slots=True)
class Reauthenticate:
    """Find out whose newer token it is; then `refreshed` or `refresh_failed`."""

    command: Refresh


@dataclass(frozen=True, slots=True)
class Join:
    """Ask permission and take a seat; then `joined` or `join_failed`."""

    command: Subscribe


@dataclass(frozen=True, slots=True)
class Leave:
    """Give the seat up."""

    channel: str


@dataclass(frozen=True, slots=True)
class Run:
    """Work on it in the background and queue the reply."""

    command: Slow


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection; nothing else is wanted afterwards."""

    disconnect: Disconnect


Effect = Answer | Tell | SendPing | Authenticate | Reauthenticate | Join | Leave | Run | Close
