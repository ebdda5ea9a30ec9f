"""The protocol's Protobuf messages, as a table.

Field numbers and types are the public protocol's (protocol.md §15). Only what this server reads or writes
is listed; Protobuf skips the rest by itself. tests/contract/test_protobuf_schema.py compares every line
with the definitions that official clients carry.
"""

from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

# message -> field -> its number and type; "*" means repeated, "text to X" a map from texts to messages.
MESSAGES: Mapping[str, Mapping[str, tuple[int, str]]] = {
    "Command": {
        "id": (1, "uint32"),
        "connect": (4, "ConnectRequest"),
        "subscribe": (5, "SubscribeRequest"),
        "unsubscribe": (6, "UnsubscribeRequest"),
        "publish": (7, "PublishRequest"),
        "presence": (8, "PresenceRequest"),
        "presence_stats": (9, "PresenceStatsRequest"),
        "history": (10, "HistoryRequest"),
        "ping": (11, "PingRequest"),
        "send": (12, "SendRequest"),
        "rpc": (13, "RPCRequest"),
        "refresh": (14, "RefreshRequest"),
        "sub_refresh": (15, "SubRefreshRequest"),
    },
    "ConnectRequest": {"token": (1, "string"), "subs": (3, "text to SubscribeRequest")},
    "SubscribeRequest": {
        "channel": (1, "string"),
        "recover": (3, "bool"),
        "epoch": (6, "string"),
        "offset": (7, "uint64"),
        "join_leave": (11, "bool"),
        "flag": (14, "int64"),
        "type": (15, "int32"),
    },
    "UnsubscribeRequest": {"channel": (1, "string")},
    "PublishRequest": {},
    "PresenceRequest": {"channel": (1, "string")},
    "PresenceStatsRequest": {"channel": (1, "string")},
    "HistoryRequest": {
        "channel": (1, "string"),
        "limit": (7, "int32"),
        "since": (8, "StreamPosition"),
        "reverse": (9, "bool"),
    },
    "StreamPosition": {"offset": (1, "uint64"), "epoch": (2, "string")},
    "PingRequest": {},
    "SendRequest": {},
    "RPCRequest": {"data": (1, "bytes"), "method": (2, "string")},
    "RefreshRequest": {"token": (1, "string")},
    "SubRefreshRequest": {"channel": (1, "string")},
    "Reply": {
        "id": (1, "uint32"),
        "error": (2, "Error"),
        "push": (4, "Push"),
        "connect": (5, "ConnectResult"),
        "subscribe": (6, "SubscribeResult"),
        "unsubscribe": (7, "UnsubscribeResult"),
        "presence": (9, "PresenceResult"),
        "presence_stats": (10, "PresenceStatsResult"),
        "history": (11, "HistoryResult"),
        "ping": (12, "PingResult"),
        "rpc": (13, "RPCResult"),
        "refresh": (14, "RefreshResult"),
    },
    "Error": {"code": (1, "uint32"), "message": (2, "string"), "temporary": (3, "bool")},
    "ConnectResult": {
        "client": (1, "string"),
        "version": (2, "string"),
        "expires": (3, "bool"),
        "ttl": (4, "uint32"),
        "subs": (6, "text to SubscribeResult"),
        "ping": (7, "uint32"),
        "pong": (8, "bool"),
        "session": (9, "string"),
        "node": (10, "string"),
    },
    "SubscribeResult": {
        "recoverable": (3, "bool"),
        "epoch": (6, "string"),
        "publications": (7, "Publication*"),
        "recovered": (8, "bool"),
        "offset": (9, "uint64"),
        "positioned": (10, "bool"),
        "was_recovering": (12, "bool"),
    },
    "UnsubscribeResult": {},
    "PresenceResult": {"presence": (1, "text to ClientInfo")},
    "PresenceStatsResult": {"num_clients": (1, "uint32"), "num_users": (2, "uint32")},
    "HistoryResult": {"publications": (1, "Publication*"), "epoch": (2, "string"), "offset": (3, "uint64")},
    "PingResult": {},
    "RPCResult": {"data": (1, "bytes")},
    "RefreshResult": {
        "client": (1, "string"),
        "version": (2, "string"),
        "expires": (3, "bool"),
        "ttl": (4, "uint32"),
    },
    "Push": {
        "channel": (2, "string"),
        "pub": (4, "Publication"),
        "join": (5, "Join"),
        "leave": (6, "Leave"),
        "unsubscribe": (7, "Unsubscribe"),
        "message": (8, "Message"),
        "subscribe": (9, "Subscribe"),
        "disconnect": (11, "Disconnect"),
    },
    "Publication": {"data": (4, "bytes"), "offset": (6, "uint64")},
    "ClientInfo": {"user": (1, "string"), "client": (2, "string"), "conn_info": (3, "bytes")},
    "Join": {"info": (1, "ClientInfo")},
    "Leave": {"info": (1, "ClientInfo")},
    "Unsubscribe": {"code": (2, "uint32"), "reason": (3, "string")},
    "Message": {"data": (1, "bytes")},
    "Subscribe": {
        "recoverable": (1, "bool"),
        "epoch": (4, "string"),
        "offset": (5, "uint64"),
        "positioned": (6, "bool"),
    },
    "Disconnect": {"code": (1, "uint32"), "reason": (2, "string")},
    "EmulationRequest": {"node": (1, "string"), "session": (2, "string"), "data": (3, "bytes")},
}
_PACKAGE = "peihu.live"
_PLAIN = {
    "bool": FieldDescriptorProto.TYPE_BOOL,
    "bytes": FieldDescriptorProto.TYPE_BYTES,
    "int32": FieldDescriptorProto.TYPE_INT32,
    "int64": FieldDescriptorProto.TYPE_INT64,
    "string": FieldDescriptorProto.TYPE_STRING,
    "uint32": FieldDescriptorProto.TYPE_UINT32,
    "uint64": FieldDescriptorProto.TYPE_UINT64,
}


def compiled(messages: Mapping[str, Mapping[str, tuple[int, str]]]) -> DescriptorPool:
    """A pool of its own with the messages of a table; names are below "peihu.live"."""
    definitions = FileDescriptorProto(name="peihu/live.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in messages.items():
        message = definitions.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            _add(message, field, number=number, kind=kind)
    pool = DescriptorPool()
    pool.AddSerializedFile(definitions.SerializeToString())
    return pool


def message_class(pool: DescriptorPool, name: str) -> Any:
    """The class of one message, as the library's compiler would have made it."""
    return GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))


def _add(message: DescriptorProto, name: str, *, number: int, kind: str) -> None:
    if kind.startswith("text to "):  # a map is a repeated pair (protobuf.dev, "Maps: Backwards Compatibility")
        entry = message.nested_type.add(name=f"{name.title()}Entry")
        entry.options.map_entry = True
        _add(entry, "key", number=1, kind="string")
        _add(entry, "value", number=2, kind=kind.removeprefix("text to "))
        kind = f"{message.name}.{entry.name}*"
    field = message.field.add(name=name, number=number, label=FieldDescriptorProto.LABEL_OPTIONAL)
    if kind.endswith("*"):
        field.label = FieldDescriptorProto.LABEL_REPEATED
    field.type = _PLAIN.get(kind, FieldDescriptorProto.TYPE_MESSAGE)
    if kind not in _PLAIN:
        field.type_name = f".{_PACKAGE}.{kind.removesuffix('*')}"
