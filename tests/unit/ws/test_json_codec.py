"""What the server writes, where clients depend on it."""

import json

import pytest

from server.storage.presence.port import ClientInfo
from server.ws.wire import answers
from server.ws.wire.answers import MembershipPush, Publication, Reply, UnsubscribePush
from server.ws.wire.codes import Disconnects, ErrorCode, Errors, Unsubscriptions
from server.ws.wire.frames import framed
from server.ws.wire.json_codec import JsonCodec

CODEC = JsonCodec(commands_per_frame=1)


def payload(frame):
    """The text of one short or middle-sized frame."""
    assert frame[0] == 0x81
    size, start = (frame[1], 2) if frame[1] < 126 else (int.from_bytes(frame[2:4]), 4)
    assert len(frame) == start + size
    return frame[start:].decode()


def test_data_of_a_publication_is_embedded_as_it_is():
    frame = CODEC.encode_publication("order:1", Publication(18, '{"名": 1}'.encode()))
    assert payload(frame) == '{"push":{"channel":"order:1","pub":{"data":{"名": 1},"offset":18}}}'


def test_what_is_never_stored_carries_no_offset():
    frame = CODEC.encode_publication("order:1", Publication(None, b"{}"))
    assert payload(frame) == '{"push":{"channel":"order:1","pub":{"data":{}}}}'


def test_a_channel_name_cannot_break_out_of_its_string():
    assert json.loads(payload(CODEC.encode_publication('a"}\n', Publication(1, b"1"))))["push"]["channel"] == 'a"}\n'


def test_zero_values_are_left_out_of_a_subscribe_result():
    result = answers.subscribed(epoch="", offset=0, recoverable=True, was_recovering=False, publications=None)
    assert (
        payload(CODEC.encode_reply(Reply(2, result))) == '{"id":2,"subscribe":{"recoverable":true,"positioned":true}}'
    )


def test_recovered_publications_stand_in_the_reply():
    missed = (Publication(6, b'{"a":1}'), Publication(7, b"[]"))
    result = answers.subscribed(epoch="E", offset=5, recoverable=True, was_recovering=True, publications=missed)
    assert json.loads(payload(CODEC.encode_reply(Reply(9, result)))) == {
        "id": 9,
        "subscribe": {
            "recoverable": True,
            "positioned": True,
            "epoch": "E",
            "offset": 5,
            "was_recovering": True,
            "recovered": True,
            "publications": [{"data": {"a": 1}, "offset": 6}, {"data": [], "offset": 7}],
        },
    }


def test_members_that_clients_read_without_default_are_always_written():
    assert json.loads(payload(CODEC.encode_reply(Reply(1, answers.history(epoch="", offset=0, publications=()))))) == {
        "id": 1,
        "history": {"epoch": "", "offset": 0, "publications": []},
    }
    stats = payload(CODEC.encode_reply(Reply(1, answers.presence_stats(clients=0, users=0))))
    assert stats == '{"id":1,"presence_stats":{"num_clients":0,"num_users":0}}'
    assert payload(CODEC.encode_reply(Reply(1, answers.presence({})))) == '{"id":1,"presence":{"presence":{}}}'


def test_only_temporary_errors_say_so():
    assert payload(CODEC.encode_reply(Reply(3, Errors.PERMISSION_DENIED))) == (
        '{"id":3,"error":{"code":103,"message":"permission denied"}}'
    )
    assert json.loads(payload(CODEC.encode_reply(Reply(3, Errors.INTERNAL))))["error"]["temporary"] is True


def test_pushes_carry_what_the_python_client_indexes():
    ending = UnsubscribePush("order:1", Unsubscriptions.ACCESS_ENDED)
    assert json.loads(payload(CODEC.encode_push(ending)))["push"] == {
        "channel": "order:1",
        "unsubscribe": {"code": 2000, "reason": "access ended"},
    }
    join = MembershipPush("order:1", "join", ClientInfo("u", "c", {"name": "张"}))
    assert json.loads(payload(CODEC.encode_push(join)))["push"]["join"]["info"] == {
        "user": "u",
        "client": "c",
        "conn_info": {"name": "张"},
    }


@pytest.mark.parametrize(("size", "head"), [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)])
def test_a_frame_states_its_length_in_the_shortest_form(size, head):
    frame = framed(b"x" * size, is_text=True)
    assert len(frame) == head + size
    assert frame[1] == {2: size, 4: 126, 10: 127}[head]
    assert framed(b"", is_text=False)[0] == 0x82


def codes(family):
    return [value for name, value in vars(family).items() if not name.startswith("_")]


def test_the_families_of_codes_keep_the_protocols_rules():
    assert all(disconnect.reason and len(disconnect.reason.encode()) <= 123 for disconnect in codes(Disconnects))
    assert {code.code for code in codes(Disconnects) if not code.reconnects} == {3500, 3501, 3502, 3503, 3504}
    assert {code.code for code in codes(Errors) if code.temporary} == {100, 111, 503}
    assert [ending.resubscribes for ending in codes(Unsubscriptions)] == [False, False, True]
    assert isinstance(Errors.INTERNAL, ErrorCode)
