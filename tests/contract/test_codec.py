"""What every encoding of the live channels promises."""

import pytest

from server.ws.wire import answers, commands
from server.ws.wire.answers import (
    Address,
    ClientInfo,
    DisconnectPush,
    MembershipPush,
    MessagePush,
    Publication,
    Reply,
    Result,
    SubscribePush,
    UnsubscribePush,
)
from server.ws.wire.codes import Disconnects, ErrorCode, Errors, Unsubscriptions
from server.ws.wire.commands import BadFrame, Malformed, Resume
from tests.wires import MOST_COMMANDS, WIRES, payload, wire_name

ANYTHING = {"名": "陪护", "n": [1, -2.5, True, False, None, {}, [], 2**53 - 1], "": {"deep": [[["x"]]]}}
SAID = {
    "pong": ({}, commands.Pong()),
    "connect": (
        {"id": 1, "connect": {"token": "t", "data": {"d": 1}, "name": "js", "version": "1", "headers": {"a": "b"}}},
        commands.Connect(1, "t", {}),
    ),
    "connect and recover": (
        {"id": 1, "connect": {"subs": {"user:1": {"recover": True, "offset": 17, "epoch": "E"}, "user:2": {}}}},
        commands.Connect(1, "", {"user:1": Resume(17, "E")}),
    ),
    "subscribe": (
        {"id": 2, "subscribe": {"channel": "order:1", "positioned": True, "recoverable": True, "join_leave": True,
                                "flag": 1}},
        commands.Subscribe(2, "order:1", None, join_leave=True, flag=1, kind=0),
    ),
    "subscribe and recover": (
        {"id": 2, "subscribe": {"channel": "订单:1", "recover": True, "offset": 2**53 - 1, "epoch": "E", "flag": 3}},
        commands.Subscribe(2, "订单:1", Resume(2**53 - 1, "E"), join_leave=False, flag=3, kind=0),
    ),
    "subscribe to what we do not offer": (
        {"id": 2, "subscribe": {"channel": "a", "type": 1}},
        commands.Subscribe(2, "a", None, join_leave=False, flag=0, kind=1),
    ),
    "unsubscribe": ({"id": 3, "unsubscribe": {"channel": "order:1"}}, commands.Unsubscribe(3, "order:1")),
    "publish": ({"id": 4, "publish": {"channel": "order:1", "data": {}}}, commands.Publish(4)),
    "presence": ({"id": 5, "presence": {"channel": "order:1"}}, commands.Presence(5, "order:1")),
    "presence_stats": ({"id": 6, "presence_stats": {"channel": "order:1"}}, commands.PresenceStats(6, "order:1")),
    "history": (
        {"id": 7, "history": {"channel": "order:1", "limit": 10, "since": {"offset": 3, "epoch": "E"},
                              "reverse": True}},
        commands.History(7, "order:1", 10, Resume(3, "E"), reverse=True),
    ),
    "history from the beginning": (
        {"id": 7, "history": {"channel": "order:1", "limit": -1, "since": {}}},
        commands.History(7, "order:1", -1, Resume(0, ""), reverse=False),
    ),
    "rpc": ({"id": 8, "rpc": {"method": "chat.send", "data": ANYTHING}}, commands.Rpc(8, "chat.send", ANYTHING)),
    "rpc without anything": ({"id": 2**32 - 1, "rpc": {}}, commands.Rpc(2**32 - 1, "", None)),
    "send": ({"send": {"data": [1]}}, commands.Send()),
    "refresh": ({"id": 9, "refresh": {"token": "t"}}, commands.Refresh(9, "t")),
    "sub_refresh": ({"id": 10, "sub_refresh": {"channel": "a", "token": "t"}}, commands.SubRefresh(10, "a")),
    "ping": ({"id": 11, "ping": {}}, commands.Ping(11)),
    "an unheard-of method": ({"id": 12}, Malformed(12, Errors.METHOD_NOT_FOUND)),
    "two methods": ({"id": 13, "ping": {}, "rpc": {}}, Malformed(13)),
    "no channel": ({"id": 14, "subscribe": {}}, Malformed(14)),
    "a channel too long": ({"id": 15, "presence": {"channel": "x" * 256}}, Malformed(15)),
    "a NUL in a name": ({"id": 16, "unsubscribe": {"channel": "a\0"}}, Malformed(16)),
    "a NUL in data": ({"id": 17, "rpc": {"data": {"a": "\0"}}}, Malformed(17)),
    "an offset that JavaScript cannot hold": (
        {"id": 18, "subscribe": {"channel": "a", "recover": True, "offset": 2**53}}, Malformed(18),
    ),
}  # fmt: skip
PUBLICATIONS = (Publication(6, '{"名": 1}'.encode()), Publication(7, b"[]"))
HEARD_PUBLICATIONS = [{"offset": 6, "data": {"名": 1}}, {"offset": 7, "data": []}]
SUBSCRIBED = answers.subscribed(
    epoch="E", offset=5, recoverable=True, was_recovering=True, publications=PUBLICATIONS
)
HEARD_SUBSCRIBED = {
    "recoverable": True, "positioned": True, "epoch": "E", "offset": 5, "was_recovering": True, "recovered": True,
    "publications": HEARD_PUBLICATIONS,
}  # fmt: skip
INFO, HEARD_INFO = ClientInfo("u", "c", {"name": "张"}), {"user": "u", "client": "c", "conn_info": {"name": "张"}}
ANSWERED = {
    "connect": (
        answers.connected(
            client="c", version="v", ttl_s=540, ping_s=25, subs={"user:1": SUBSCRIBED}, address=Address("s", "n")
        ),
        {"client": "c", "version": "v", "expires": True, "ttl": 540, "ping": 25, "pong": True, "session": "s",
         "node": "n", "subs": {"user:1": HEARD_SUBSCRIBED}},
    ),
    "subscribe": (SUBSCRIBED, HEARD_SUBSCRIBED),
    "unsubscribe": (Result("unsubscribe"), {}),
    "presence": (
        answers.presence({"c": INFO, "d": ClientInfo("u", "d")}),
        {"presence": {"c": HEARD_INFO, "d": {"user": "u", "client": "d"}}},
    ),
    "presence_stats": (answers.presence_stats(clients=2, users=1), {"num_clients": 2, "num_users": 1}),
    "history": (
        answers.history(epoch="E", offset=7, publications=PUBLICATIONS),
        {"epoch": "E", "offset": 7, "publications": HEARD_PUBLICATIONS},
    ),
    "rpc": (Result("rpc", {"data": ANYTHING}), {"data": ANYTHING}),
    "refresh": (
        answers.refreshed(client="c", version="v", ttl_s=540),
        {"client": "c", "version": "v", "expires": True, "ttl": 540},
    ),
    "ping": (Result("ping"), {}),
}  # fmt: skip
PUSHED = {
    "join": (MembershipPush("order:1", "join", INFO), {"channel": "order:1", "join": {"info": HEARD_INFO}}),
    "leave": (
        MembershipPush("order:1", "leave", ClientInfo("u", "c")),
        {"channel": "order:1", "leave": {"info": {"user": "u", "client": "c"}}},
    ),
    "unsubscribe": (
        UnsubscribePush("order:1", Unsubscriptions.INSUFFICIENT_STATE),
        {"channel": "order:1", "unsubscribe": {"code": 2500, "reason": "insufficient state"}},
    ),
    "subscribe": (
        SubscribePush("order:1", "E", 2**53 - 1, recoverable=True),
        {"channel": "order:1",
         "subscribe": {"recoverable": True, "positioned": True, "epoch": "E", "offset": 2**53 - 1}},
    ),
    "subscribe to a channel without positions": (
        SubscribePush("order:1", "", 0, recoverable=False), {"channel": "order:1", "subscribe": {}},
    ),
    "message": (MessagePush(ANYTHING), {"message": {"data": ANYTHING}}),
    "message of nothing": (MessagePush(None), {"message": {"data": None}}),
    "disconnect": (
        DisconnectPush(Disconnects.FORCED), {"disconnect": {"code": 3503, "reason": "force disconnect"}},
    ),
}  # fmt: skip


@pytest.fixture(params=WIRES, ids=wire_name)
def wire(request):
    return request.param


def heard(wire, frame):
    """The one reply or push in a frame."""
    [message] = wire.hear(payload(frame, is_text=wire.codec.is_text))
    return message


@pytest.mark.parametrize("name", SAID)
def test_every_command_is_understood_alike(wire, name):
    said, meant = SAID[name]
    assert wire.codec.decode(wire.say(said)) == [meant]


def test_commands_of_one_frame_keep_their_order(wire):
    said = [command for command, _ in SAID.values() if command]
    assert wire.codec.decode(wire.say(*said)) == [meant for command, meant in SAID.values() if command]


def test_a_method_that_needs_an_answer_needs_an_id(wire):
    for method in ("connect", "subscribe", "rpc", "ping"):
        with pytest.raises(BadFrame):
            wire.codec.decode(wire.say({method: {}}))


def test_a_frame_holds_a_bounded_number_of_commands_and_at_least_one(wire):
    one = {"id": 1, "ping": {}}
    assert len(wire.codec.decode(wire.say(*[one] * MOST_COMMANDS))) == MOST_COMMANDS
    for said in (wire.say(*[one] * (MOST_COMMANDS + 1)), wire.say()):
        with pytest.raises(BadFrame):
            wire.codec.decode(said)


def test_the_other_kind_of_frame_is_refused(wire):
    said = wire.say({"id": 1, "ping": {}})
    with pytest.raises(BadFrame):
        wire.codec.decode(said.encode() if isinstance(said, str) else said.decode("latin-1"))


@pytest.mark.parametrize("name", ANSWERED)
def test_every_result_is_told_alike(wire, name):
    result, told = ANSWERED[name]
    assert heard(wire, wire.codec.encode_reply(Reply(7, result))) == {"id": 7, result.method: told}


@pytest.mark.parametrize("data", [None, True, 0, -(2**63), 2**64 - 1, 1.5, "", "文", [], {}, [[]], {"a": None}])
def test_an_answer_may_be_any_value(wire, data):
    assert heard(wire, wire.codec.encode_reply(Reply(7, Result("rpc", {"data": data})))) == {
        "id": 7, "rpc": {"data": data},
    }  # fmt: skip


@pytest.mark.parametrize("data", [float("nan"), float("inf"), b"bytes", {1, 2}, object()])
def test_an_answer_that_is_no_json_is_a_bug_in_every_encoding(wire, data):
    with pytest.raises((TypeError, ValueError)):
        wire.codec.encode_reply(Reply(7, Result("rpc", {"data": {"a": data}})))


def test_every_error_is_told_and_only_temporary_ones_say_so(wire):
    errors = [error for error in vars(Errors).values() if isinstance(error, ErrorCode)]
    for error in (*errors, ErrorCode(409, "offer_taken"), ErrorCode(503, "unavailable", temporary=True)):
        told = {"code": error.code, "message": error.message} | ({"temporary": True} if error.temporary else {})
        assert heard(wire, wire.codec.encode_reply(Reply(3, error))) == {"id": 3, "error": told}


@pytest.mark.parametrize("name", PUSHED)
def test_every_push_is_told_alike(wire, name):
    push, told = PUSHED[name]
    assert heard(wire, wire.codec.encode_push(push)) == {"push": told}


def test_a_publication_carries_its_data_and_its_position(wire):
    for publication, told in zip(PUBLICATIONS, HEARD_PUBLICATIONS, strict=True):
        frame = wire.codec.encode_publication("订单:1", publication)
        assert heard(wire, frame) == {"push": {"channel": "订单:1", "pub": told}}


def test_what_is_never_stored_carries_no_position(wire):
    frame = wire.codec.encode_publication("order:1", Publication(None, b'{"typing": true}'))
    assert heard(wire, frame) == {"push": {"channel": "order:1", "pub": {"data": {"typing": True}}}}


@pytest.mark.parametrize("size", [1, 100, 125, 126, 127, 128, 16_384, 65_535, 65_536, 3_000_000])
def test_a_publication_of_any_size_is_one_frame(wire, size):
    text = "x" * size
    frame = wire.codec.encode_publication("order:1", Publication(2**53 - 1, f'"{text}"'.encode()))
    assert heard(wire, frame)["push"]["pub"] == {"data": text, "offset": 2**53 - 1}


def test_zero_values_are_left_out_where_clients_have_a_default(wire):
    result = answers.subscribed(epoch="", offset=0, recoverable=True, was_recovering=False, publications=None)
    assert heard(wire, wire.codec.encode_reply(Reply(2, result))) == {
        "id": 2, "subscribe": {"recoverable": True, "positioned": True},
    }  # fmt: skip


@pytest.mark.parametrize("wire", [wire for wire in WIRES if "protobuf" not in wire_name(wire)], ids=wire_name)
@pytest.mark.parametrize(
    ("result", "told"),
    [
        (answers.history(epoch="", offset=0, publications=()), {"epoch": "", "offset": 0, "publications": []}),
        (answers.presence({}), {"presence": {}}),
        (answers.presence_stats(clients=0, users=0), {"num_clients": 0, "num_users": 0}),
        (answers.presence({"": ClientInfo("", "")}), {"presence": {"": {"user": "", "client": ""}}}),
    ],
)
def test_members_that_clients_read_without_default_are_always_written(wire, result, told):
    """Protobuf has defaults of its own; in the others a missing member is `undefined` to a client."""
    assert heard(wire, wire.codec.encode_reply(Reply(1, result))) == {"id": 1, result.method: told}


def test_a_ping_is_an_empty_message_and_so_is_its_answer(wire):
    assert heard(wire, wire.codec.ping) == {}
    assert wire.codec.pong == wire.say({})
    assert wire.codec.decode(wire.codec.pong) == [commands.Pong()]
