"""The JSON encoding: one object a line, in text frames.

Data of publications is embedded, never parsed: it is one line of JSON text already (the hub refuses others).
"""

import json
from typing import Any

from server.core.strict_json import BadJson, dumps, parse
from server.ws.wire.answers import Publication, Push, Reply, Result, error_members, push_members
from server.ws.wire.codes import ErrorCode
from server.ws.wire.commands import BadFrame, Command, parse_command, salvage
from server.ws.wire.frames import framed


class JsonCodec:
    """Implements `Codec`."""

    subprotocol = "centrifuge-json"
    is_text = True
    ping = framed(b"{}", is_text=True)
    pong = "{}"

    def __init__(self, *, commands_per_frame: int) -> None:
        self._commands_per_frame = commands_per_frame

    def decode(self, message: str | bytes) -> list[Command]:
        if type(message) is not str:
            raise BadFrame("JSON travels in text frames")
        lines = message.strip().split("\n", self._commands_per_frame)
        if len(lines) > self._commands_per_frame:
            raise BadFrame("too many commands")
        commands = [_command(line) for line in lines if line and not line.isspace()]
        if not commands:
            raise BadFrame("no command")
        return commands

    def encode_reply(self, reply: Reply) -> bytes:
        head = b'{"id":%d,' % reply.id
        if isinstance(reply.answer, ErrorCode):
            return _frame(head + b'"error":' + _text(error_members(reply.answer)) + b"}")
        return _frame(head + b'"%b":' % reply.answer.method.encode() + _result(reply.answer) + b"}")

    def encode_publication(self, channel: str, publication: Publication) -> bytes:
        return _frame(b'{"push":{"channel":%b,"pub":%b}}' % (_text(channel), _publication(publication)))

    def encode_push(self, push: Push) -> bytes:
        return _frame(_text({"push": push_members(push)}))


def _command(line: str) -> Command:
    try:
        return parse_command(parse(line))
    except BadJson:
        return salvage(_loosely(line))


def _loosely(line: str) -> Any:
    """What the ordinary parser makes of a refused line: only its id is used, to answer it."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise BadFrame("not JSON") from None


def _frame(payload: bytes) -> bytes:
    return framed(payload, is_text=True)


def _text(value: Any) -> bytes:
    return dumps(value).encode("utf-8")


def _result(result: Result) -> bytes:
    members = [_text(name) + b":" + _text(value) for name, value in result.members.items()]
    if result.publications is not None:
        members.append(b'"publications":[%b]' % b",".join(map(_publication, result.publications)))
    if result.subs is not None:
        subs = (_text(channel) + b":" + _result(sub) for channel, sub in result.subs.items())
        members.append(b'"subs":{%b}' % b",".join(subs))
    return b"{%b}" % b",".join(members)


def _publication(publication: Publication) -> bytes:
    if publication.offset is None:
        return b'{"data":%b}' % publication.data
    return b'{"data":%b,"offset":%d}' % (publication.data, publication.offset)
