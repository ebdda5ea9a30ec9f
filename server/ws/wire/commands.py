"""What clients say, as types.

Strict about what it knows (a wrong type is refused), blind to what it does not: clients send fields of
later protocol versions, and those are ignored.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from server.ws.wire.codes import ErrorCode, Errors
from server.ws.wire.fields import Fields, WrongField

_HIGHEST_ID = 2**32 - 1
REJECT_UNRECOVERED = 2  # the flag bit that asks for error 112 instead of `recovered: false`


class BadFrame(ValueError):
    """The frame cannot be answered command by command; its connection is closed with 3501."""


@dataclass(frozen=True, slots=True)
class Resume:
    """The position a client holds and wants to go on from."""

    offset: int
    epoch: str


@dataclass(frozen=True, slots=True)
class Pong:
    id: int = 0


@dataclass(frozen=True, slots=True)
class Send:
    id: int = 0


@dataclass(frozen=True, slots=True)
class Malformed:
    """A command whose id could be read, and what to answer it."""

    id: int
    error: ErrorCode = Errors.BAD_REQUEST


@dataclass(frozen=True, slots=True)
class Connect:
    id: int
    token: str
    subs: Mapping[str, Resume]


@dataclass(frozen=True, slots=True)
class Subscribe:
    id: int
    channel: str
    resume: Resume | None
    join_leave: bool
    flag: int
    kind: int  # `type` on the wire; other than 0 are subscriptions we do not offer

    @property
    def rejects_unrecovered(self) -> bool:
        return bool(self.flag & REJECT_UNRECOVERED)


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    id: int
    channel: str


@dataclass(frozen=True, slots=True)
class Publish:
    id: int


@dataclass(frozen=True, slots=True)
class Presence:
    id: int
    channel: str


@dataclass(frozen=True, slots=True)
class PresenceStats:
    id: int
    channel: str


@dataclass(frozen=True, slots=True)
class History:
    id: int
    channel: str
    limit: int  # -1: as many as the server gives
    since: Resume | None
    reverse: bool


@dataclass(frozen=True, slots=True)
class Rpc:
    id: int
    method: str
    data: Any


@dataclass(frozen=True, slots=True)
class Refresh:
    id: int
    token: str


@dataclass(frozen=True, slots=True)
class SubRefresh:
    id: int
    channel: str


@dataclass(frozen=True, slots=True)
class Ping:
    id: int


Command = (
    Pong | Send | Malformed | Connect | Subscribe | Unsubscribe | Publish | Presence | PresenceStats
    | History | Rpc | Refresh | SubRefresh | Ping
)  # fmt: skip


def parse_command(value: Any) -> Command:
    """The command in one decoded message. Raises BadFrame when it cannot even be answered."""
    if type(value) is not dict:
        raise BadFrame("not an object")
    command_id = _read_id(value)
    methods = [method for method in _READERS if method in value]
    if not methods:
        return Malformed(command_id, Errors.METHOD_NOT_FOUND) if command_id else Pong()
    if methods == ["send"]:
        return Send()
    if not command_id:
        raise BadFrame("a command without an id")
    if len(methods) > 1:
        return Malformed(command_id)
    try:
        return _READERS[methods[0]](command_id, Fields(value[methods[0]]))
    except WrongField:
        return Malformed(command_id)


def salvage(value: Any) -> Malformed:
    """For a message whose content was refused: what to answer, if its id is legible. Raises BadFrame."""
    if type(value) is not dict or not _read_id(value):
        raise BadFrame("not legible")
    return Malformed(_read_id(value))


def _read_id(value: dict[str, Any]) -> int:
    command_id = value.get("id", 0)
    if type(command_id) is not int or not 0 <= command_id <= _HIGHEST_ID:
        raise BadFrame("not an id")
    return command_id


def _resume(fields: Fields) -> Resume | None:
    resume = Resume(fields.offset("offset"), fields.text("epoch"))
    return resume if fields.yes("recover") else None


def _connect(command_id: int, fields: Fields) -> Connect:
    wanted = {channel: _resume(wish) for channel, wish in fields.objects("subs").items()}
    subs = {channel: resume for channel, resume in wanted.items() if resume is not None}
    return Connect(command_id, fields.text("token"), subs)


def _subscribe(command_id: int, fields: Fields) -> Subscribe:
    return Subscribe(
        command_id,
        fields.channel(),
        _resume(fields),
        join_leave=fields.yes("join_leave"),
        flag=fields.number("flag"),
        kind=fields.number("type"),
    )


def _history(command_id: int, fields: Fields) -> History:
    since = fields.object("since")
    return History(
        command_id,
        fields.channel(),
        fields.number("limit"),
        None if since is None else Resume(since.offset("offset"), since.text("epoch")),
        reverse=fields.yes("reverse"),
    )


def _rpc(command_id: int, fields: Fields) -> Rpc:
    return Rpc(command_id, fields.text("method"), fields.any("data"))


_READERS: dict[str, Callable[[int, Fields], Command]] = {
    "connect": _connect,
    "subscribe": _subscribe,
    "unsubscribe": lambda command_id, fields: Unsubscribe(command_id, fields.channel()),
    "publish": lambda command_id, _fields: Publish(command_id),
    "presence": lambda command_id, fields: Presence(command_id, fields.channel()),
    "presence_stats": lambda command_id, fields: PresenceStats(command_id, fields.channel()),
    "history": _history,
    "rpc": _rpc,
    "refresh": lambda command_id, fields: Refresh(command_id, fields.text("token")),
    "sub_refresh": lambda command_id, fields: SubRefresh(command_id, fields.text("channel")),
    "ping": lambda command_id, _fields: Ping(command_id),
    "send": lambda _command_id, _fields: Send(),
}
