"""The client's side of each encoding, for tests: plain dicts in, plain dicts out.

Protobuf is written and read with the definitions that the official Python client carries, which we did not make.
"""
import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgpack
from centrifuge.protocol import client_pb2
from google.protobuf.message import Message

from server.ws.wire.codec import Codec
from server.ws.wire.json_codec import JsonCodec
from server.ws.wire.msgpack_codec import MsgpackCodec
from server.ws.wire.protobuf_codec import ProtobufCodec

MOST_COMMANDS = 192
_NEWER_FIELDS = {"type": 15}  # of SubscribeRequest; the client's definitions are older


class JsonWire:
    codec: Codec = JsonCodec(commands_per_frame=MOST_COMMANDS)

    def say(self, *commands: Mapping[str, Any]) -> str:
        return "\n".join(json.dumps(command) for command in commands)

    def hear(self, message: str | bytes) -> list[dict[str, Any]]:
        """Replies and pushes of one message."""
        return [json.loads(line) for line in message.split("\n" if isinstance(message, str) else b"\n")]


class MsgpackWire:
    codec: Codec = MsgpackCodec(commands_per_frame=MOST_COMMANDS)

    def say(self, *commands: Mapping[str, Any]) -> bytes:
        return msgpack.packb(list(commands))

    def hear(self, message: str | bytes) -> list[dict[str, Any]]:
        return msgpack.unpackb(message)


class ProtobufWire:
    """Zero values are not on the wire: what is heard is without them, except in `data`."""

    codec: Codec = ProtobufCodec(commands_per_frame=MOST_COMMANDS)

    def say(self, *commands: Mapping[str, Any]) -> bytes:
        return b"".join(delimited(_filled(client_pb2.Command(), command)) for command in commands)

    def hear(self, message: str | bytes) -> list[dict[str, Any]]:
        assert isinstance(message, bytes)
        return [_plain(client_pb2.Reply.FromString(part)) for part in undelimited(message)]


WIRES = (JsonWire(), ProtobufWire(), MsgpackWire())


def wire_name(wire: Any) -> str:
    return wire.codec.subprotocol


def payload(frame: bytes, *, is_text: bool) -> str | bytes:
    """The message in one whole server frame; its head must be right to the byte."""
    assert frame[0] == (0x81 if is_text else 0x82)
    size, start = frame[1], 2
    if size >= 126:
        start = {126: 4, 127: 10}[size]
        size = int.from_bytes(frame[2:start])
    assert len(frame) == start + size
    return frame[start:].decode() if is_text else frame[start:]


def varint(number: int) -> bytes:
    """As Protobuf writes a number that is not negative."""
    groups = [number >> shift & 0x7F for shift in range(0, max(number.bit_length(), 1), 7)]
    return bytes([group | 0x80 for group in groups[:-1]] + groups[-1:])


def delimited(message: bytes) -> bytes:
    return varint(len(message)) + message


def undelimited(message: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(message):
        size = shift = 0
        while True:
            byte = message[at]
            size, shift, at = size | (byte & 0x7F) << shift, shift + 7, at + 1
            if byte < 0x80:
                break
        yield message[at : at + size]
        at += size


def _filled(message: Message, members: Mapping[str, Any]) -> bytes:
    _fill(message, members)
    return message.SerializeToString()


def _fill(message: Message, members: Mapping[str, Any]) -> None:
    for name, value in members.items():
        if name in _NEWER_FIELDS:
            message.MergeFromString(bytes((_NEWER_FIELDS[name] << 3, value)))
            continue
        field = message.DESCRIPTOR.fields_by_name[name]
        if field.type == field.TYPE_BYTES:
            setattr(message, name, json.dumps(value).encode())
        elif field.type != field.TYPE_MESSAGE:
            setattr(message, name, value)
        elif field.message_type.GetOptions().map_entry:
            _fill_map(getattr(message, name), value)
        else:
            getattr(message, name).SetInParent()
            _fill(getattr(message, name), value)


def _fill_map(entries: Any, members: Mapping[str, Any]) -> None:
    for key, value in members.items():
        if isinstance(value, Mapping):
            _fill(entries[key], value)
        else:
            entries[key] = value


def _plain(value: Any) -> Any:
    if isinstance(value, Message):
        return {field.name: _plain(part) for field, part in value.ListFields()}
    if isinstance(value, bytes):
        return json.loads(value)
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    return value if isinstance(value, int | str) else [_plain(part) for part in value]
