"""Our Protobuf messages against the definitions that the official Python client carries."""

import pytest
from centrifuge.protocol import client_pb2
from google.protobuf.descriptor_pb2 import DescriptorProto

from server.ws.wire.protobuf_schema import MESSAGES, compiled, message_class

# Fields that are newer than that client; their numbers are protocol.md §15's.
NEWER = {("SubscribeRequest", "type"): 15}
POOL = compiled(MESSAGES)


def described(descriptor):
    """Every field of a message as (number, label, type, name of the type without its package), maps included."""
    message = DescriptorProto()
    descriptor.CopyToProto(message)
    fields = {field.name: field for field in message.field}
    entries = {entry.name.lower(): described_fields(entry) for entry in message.nested_type}
    return {
        name: (field.number, field.label, field.type, entries.get(_last(field.type_name), _last(field.type_name)))
        for name, field in fields.items()
    }


def described_fields(message):
    return {field.name: (field.number, field.type, _last(field.type_name)) for field in message.field}


def _last(type_name):
    return type_name.rpartition(".")[2].lower().replace("_", "")


@pytest.mark.parametrize("name", MESSAGES)
def test_every_field_has_the_number_and_type_of_the_public_protocol(name):
    ours = described(message_class(POOL, name).DESCRIPTOR)
    theirs = described(client_pb2.DESCRIPTOR.message_types_by_name[name])
    newer = {field: number for (message, field), number in NEWER.items() if message == name}
    assert {field: told[0] for field, told in ours.items() if field in newer} == newer
    assert {field: told for field, told in ours.items() if field not in newer} == {
        field: theirs[field] for field in ours if field not in newer
    }


def test_a_wrong_number_or_type_is_found():
    theirs = described(client_pb2.DESCRIPTOR.message_types_by_name["Unsubscribe"])
    for wrong in ({"code": (1, "uint32"), "reason": (3, "string")}, {"code": (2, "uint64"), "reason": (3, "string")}):
        assert described(message_class(compiled({"Unsubscribe": wrong}), "Unsubscribe").DESCRIPTOR) != theirs


def test_maps_and_repeated_fields_are_what_their_names_say():
    told = described(message_class(POOL, "ConnectResult").DESCRIPTOR)["subs"]
    assert told[3] == {"key": (1, 9, ""), "value": (2, 11, "subscriberesult")}
    assert described(message_class(POOL, "HistoryResult").DESCRIPTOR)["publications"][1] == 3
