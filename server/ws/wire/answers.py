"""What the server says, as types that every codec can write.

`data` of a publication is JSON text made once, when the event was stored; codecs embed it as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from server.storage.presence.port import ClientInfo
from server.ws.wire.codes import Disconnect, ErrorCode, Unsubscription


@dataclass(frozen=True, slots=True)
class Publication:
    """`offset` is None for what is never stored."""

    offset: int | None
    data: bytes


@dataclass(frozen=True, slots=True)
class Result:
    """The successful answer to one method: plain members, and publications where it has some."""

    method: str
    members: Mapping[str, Any] = field(default_factory=dict)
    publications: tuple[Publication, ...] | None = None
    subs: "Mapping[str, Result] | None" = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to the command with this id."""

    id: int
    answer: Result | ErrorCode


def subscribed(
    *, epoch: str, offset: int, recoverable: bool, was_recovering: bool, publications: tuple[Publication, ...] | None
) -> Result:
    """The result of a subscribe; publications other than None mean that recovery succeeded."""
    members: dict[str, Any] = {
        "recoverable": recoverable,
        "positioned": recoverable,
        "epoch": epoch,
        "offset": offset,
        "was_recovering": was_recovering,
        "recovered": publications is not None,
    }
    return Result("subscribe", _without_zeros(members), publications or None)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a client of the HTTP fallbacks sends its commands; whoever knows `session` speaks for it."""

    session: str
    node: str


def connected(
    *, client: str, version: str, ttl_s: int, ping_s: int, subs: Mapping[str, Result], address: Address | None = None
) -> Result:
    """The result of a connect; `subs` is the complete list of server-side subscriptions."""
    members = {"client": client, "version": version, "expires": True, "ttl": ttl_s, "ping": ping_s, "pong": True}
    if address is not None:
        members |= {"session": address.session, "node": address.node}
    return Result("connect", members, subs=subs)


def refreshed(*, client: str, version: str, ttl_s: int) -> Result:
    """The result of a refresh; without `client` the JavaScript client would lose its id."""
    return Result("refresh", {"client": client, "version": version, "expires": True, "ttl": ttl_s})


def history(*, epoch: str, offset: int, publications: tuple[Publication, ...]) -> Result:
    """The result of a history; clients read all three members without defaults."""
    return Result("history", {"epoch": epoch, "offset": offset}, publications)


def presence(members: Mapping[str, ClientInfo]) -> Result:
    return Result("presence", {"presence": {client: info.members() for client, info in members.items()}})


def presence_stats(*, clients: int, users: int) -> Result:
    return Result("presence_stats", {"num_clients": clients, "num_users": users})


def _without_zeros(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value}


@dataclass(frozen=True, slots=True)
class MembershipPush:
    """Somebody joined or left a channel; `kind` is "join" or "leave"."""

    channel: str
    kind: str
    info: ClientInfo


@dataclass(frozen=True, slots=True)
class UnsubscribePush:
    channel: str
    ending: Unsubscription


@dataclass(frozen=True, slots=True)
class DisconnectPush:
    """Says where there is no close frame why the connection ends."""

    disconnect: Disconnect


@dataclass(frozen=True, slots=True)
class SubscribePush:
    """The server has subscribed the client to a channel; what follows comes after this position."""

    channel: str
    epoch: str
    offset: int
    recoverable: bool


@dataclass(frozen=True, slots=True)
class MessagePush:
    """Something for this connection alone, of no channel: JSON-able, never stored, never recovered."""

    data: Any


Push = MembershipPush | UnsubscribePush | DisconnectPush | SubscribePush | MessagePush


def push_members(push: Push) -> dict[str, Any]:
    """A push as every encoding says it; clients index `reason` without default."""
    match push:
        case MembershipPush(channel=channel, kind=kind, info=info):
            return {"channel": channel, kind: {"info": info.members()}}
        case UnsubscribePush(channel=channel, ending=ending):
            return {"channel": channel, "unsubscribe": {"code": ending.code, "reason": ending.reason}}
        case SubscribePush(channel=channel, epoch=epoch, offset=offset, recoverable=recoverable):
            told = {"recoverable": recoverable, "positioned": recoverable, "epoch": epoch, "offset": offset}
            return {"channel": channel, "subscribe": _without_zeros(told)}
        case MessagePush(data=data):
            return {"message": {"data": data}}
        case DisconnectPush(disconnect=disconnect):
            return {"disconnect": {"code": disconnect.code, "reason": disconnect.reason}}


def error_members(error: ErrorCode) -> dict[str, Any]:
    """An error as every encoding says it."""
    return _without_zeros({"code": error.code, "message": error.message, "temporary": error.temporary})
