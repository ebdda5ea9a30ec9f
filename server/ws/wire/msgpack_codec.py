"""The msgpack encoding: the JSON envelopes as maps.

A binary frame is one list of commands, or of replies and pushes. `data` are msgpack values, converted from
the stored JSON text once a publication. Whatever JSON cannot say is refused: other keys than texts, keys
twice, bytes, extension types, NaN. The decoder by itself takes all of them (reliability.md §5.5).
"""

import json
import logging
import math
from typing import Any

import msgpack

from server.core.strict_json import MAX_DEPTH, BadJson, dumps, parse
from server.ws.wire.answers import Publication, Push, Reply, Result, error_members, push_members
from server.ws.wire.codes import ErrorCode
from server.ws.wire.commands import BadFrame, Command, parse_command, salvage
from server.ws.wire.frames import framed

_log = logging.getLogger(__name__)
# A header reserves room before its items are read: 1,024 nested ones of 64 Ki items took 0.2 s to refuse.
_MOST_ITEMS = 1_024


class MsgpackCodec:
    """Implements `Codec`."""

    subprotocol = "peihu.msgpack"
    is_text = False
    pong = msgpack.packb([{}])
    ping = framed(pong, is_text=False)

    def __init__(self, *, commands_per_frame: int) -> None:
        self._commands_per_frame = commands_per_frame

    def decode(self, message: str | bytes) -> list[Command]:
        if type(message) is not bytes:
            raise BadFrame("msgpack travels in binary frames")
        values = _unpacked(message)
        if type(values) is not list or not 0 < len(values) <= self._commands_per_frame:
            raise BadFrame("not a list of commands, or too many")
        return [_command(value) for value in values]

    def encode_reply(self, reply: Reply) -> bytes:
        answer = reply.answer
        if isinstance(answer, ErrorCode):
            return _frame({"id": reply.id, "error": error_members(answer)})
        return _frame({"id": reply.id, answer.method: _result(answer)})

    def encode_publication(self, channel: str, publication: Publication) -> bytes:
        return _frame({"push": {"channel": channel, "pub": _publication(publication)}})

    def encode_push(self, push: Push) -> bytes:
        return _frame({"push": push_members(push)})


class _Odd(dict[str, Any]):
    """Members that JSON could not have said; the command is refused, its id may still be read."""


def _unpacked(message: bytes) -> Any:
    """Never a reused unpacker: after an error its state is undefined. Dates beyond the calendar overflow."""
    try:
        return msgpack.unpackb(
            message, raw=False, strict_map_key=False, object_pairs_hook=_members, ext_hook=msgpack.ExtType,
            max_array_len=_MOST_ITEMS, max_map_len=_MOST_ITEMS,
        )  # fmt: skip
    except (ValueError, OverflowError, RecursionError):
        raise BadFrame("not msgpack") from None


def _members(pairs: list[tuple[Any, Any]]) -> dict[str, Any]:
    """`strict_map_key` would admit keys of bytes, and refuse a whole frame for one wrong key."""
    members = {key: value for key, value in pairs if type(key) is str}
    return members if len(members) == len(pairs) else _Odd(members)


def _command(value: Any) -> Command:
    return parse_command(value) if _is_sayable(value) else salvage(dict(value) if type(value) is _Odd else value)


def _is_sayable(value: Any) -> bool:
    """Whether the value could have come as strict JSON."""
    pending = [(value, 1)]
    while pending:
        item, depth = pending.pop()
        kind = type(item)
        if kind is str:
            if "\x00" in item:
                return False
        elif kind is dict or kind is list:
            if depth > MAX_DEPTH:
                return False
            pending.extend((part, depth + 1) for part in (item if kind is list else (*item, *item.values())))
        elif kind is float:
            if not math.isfinite(item):
                return False
        elif kind is not int and kind is not bool and item is not None:
            return False
    return True


def _frame(envelope: dict[str, Any]) -> bytes:
    try:
        return framed(msgpack.packb([envelope]), is_text=False)
    except OverflowError:
        raise ValueError("an integer beyond 64 bits") from None


def _result(result: Result) -> dict[str, Any]:
    members: dict[str, Any] = json.loads(dumps(dict(result.members)))  # raises for what the JSON codec refuses
    if result.publications is not None:
        members["publications"] = [_publication(publication) for publication in result.publications]
    if result.subs is not None:
        members["subs"] = {channel: _result(sub) for channel, sub in result.subs.items()}
    return members


def _publication(publication: Publication) -> dict[str, Any]:
    told = {"data": _value(publication.data)}
    return told if publication.offset is None else {**told, "offset": publication.offset}


def _value(data: bytes) -> Any:
    """The value of an event's JSON text; nothing for what no program of ours stored, so that others still hear."""
    try:
        return parse(data)
    except BadJson as refusal:
        _log.warning("an event is no JSON", extra={"reason": refusal.reason})
        return None
