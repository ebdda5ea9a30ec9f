"""What clients may write, and the answers to nonsense."""

import json

import pytest

from server.ws.wire import commands
from server.ws.wire.codes import Errors
from server.ws.wire.commands import BadFrame, Malformed, Resume
from server.ws.wire.json_codec import JsonCodec

CODEC = JsonCodec(commands_per_frame=192)


def only(text):
    [command] = CODEC.decode(text)
    return command


def test_connect_and_its_subscribes_in_one_frame_are_read_in_order():
    frame = "\n".join(
        [
            '{"connect":{"token":"tok1","data":{"d":1},"name":"probe","version":"1.0"},"id":1}',
            '{"subscribe":{"channel":"order:1","positioned":true,"recoverable":true,"join_leave":true,"flag":1},"id":2}',
            '{"subscribe": {"channel": "order:2", "recover": true, "epoch": "E", "offset": 5, "flag": 3}, "id": 3}',
            "",
        ]
    )
    assert CODEC.decode(frame) == [
        commands.Connect(1, "tok1", {}),
        commands.Subscribe(2, "order:1", None, join_leave=True, flag=1, kind=0),
        commands.Subscribe(3, "order:2", Resume(5, "E"), join_leave=False, flag=3, kind=0),
    ]


def test_fields_of_later_protocol_versions_are_ignored():
    text = '{"id":1,"subscribe":{"channel":"ops","tf":{"k":1},"delta":"fossil","phase":2},"trace":"x"}'
    assert only(text) == commands.Subscribe(1, "ops", None, join_leave=False, flag=0, kind=0)


def test_server_side_positions_are_read_only_where_recovery_is_wanted():
    subs = {"user:a": {"recover": True, "offset": 17, "epoch": "x"}, "user:b": {"offset": 3}}
    command = only(json.dumps({"id": 1, "connect": {"subs": subs}}))
    assert command.subs == {"user:a": Resume(17, "x")}


def test_an_empty_object_is_a_pong_and_send_needs_no_id():
    assert only("{}") == commands.Pong()
    assert only('{"send":{"data":1}}') == commands.Send()


@pytest.mark.parametrize("offset", [-1, 2**63, 2**53, "1", 1.5, None, True])
def test_an_offset_that_is_none_is_a_bad_request(offset):
    body = {"channel": "order:1", "recover": True, "epoch": "e", "offset": offset}
    assert only(json.dumps({"id": 4, "subscribe": body})) == Malformed(4, Errors.BAD_REQUEST)


@pytest.mark.parametrize(
    "body",
    [
        {"rpc": 5},
        {"rpc": []},
        {"rpc": None},
        {"rpc": {"method": 5}},
        {"subscribe": {}},
        {"subscribe": {"channel": ""}},
        {"subscribe": {"channel": "x" * 256}},
        {"subscribe": {"channel": "a", "flag": "1"}},
        {"subscribe": {"channel": "a", "recover": 1}},
        {"subscribe": {"channel": ["a"]}},
        {"unsubscribe": {}},
        {"history": {"channel": "a", "limit": "5"}},
        {"history": {"channel": "a", "since": 5}},
        {"connect": {"subs": {"user:a": 5}}},
        {"connect": {"token": None}},
        {"rpc": {}, "subscribe": {"channel": "a"}},
    ],
    ids=str,
)
def test_a_wrong_type_is_answered_with_107(body):
    assert only(json.dumps({"id": 9, **body})) == Malformed(9, Errors.BAD_REQUEST)


@pytest.mark.parametrize("name", ["fly", "subscribe2", "Rpc"])
def test_an_unknown_command_is_answered_with_104(name):
    assert only(json.dumps({"id": 9, name: {}})) == Malformed(9, Errors.METHOD_NOT_FOUND)


@pytest.mark.parametrize(
    "line",
    [
        r'{"id":7,"rpc":{"data":"a\u0000b"}}',
        r'{"id":7,"rpc":{"data":"\ud83d"}}',
        '{"id":7,"rpc":{"data":NaN}}',
        '{"id":7,"rpc":{"data":1e999}}',
        '{"id":7,"rpc":{"method":"a","method":"b"}}',
        '{"id":7,"rpc":{"data":%s}}' % ("[" * 40 + "]" * 40),
        '{"id":7,"rpc":{"data":%s}}' % ("9" * 400),
    ],
)
def test_content_that_is_refused_costs_the_command_and_not_the_connection(line):
    assert only(line) == Malformed(7, Errors.BAD_REQUEST)


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "\n",
        "  \n \n",
        "[]",
        "null",
        "5",
        '"a"',
        "{",
        "\ufeff{}",
        b"{}",
        b"",
        '{"id":-1,"ping":{}}',
        '{"id":"1","ping":{}}',
        '{"id":1.0,"ping":{}}',
        '{"id":true,"ping":{}}',
        '{"id":4294967296,"ping":{}}',
        '{"rpc":{"method":"a"}}',
        '{"id":0,"subscribe":{"channel":"a"}}',
        '{"id":1,"ping":{}}\n{"id":2,',
        "[" * 900 + "]" * 900,
        "[" * 60_000,
    ],
    ids=lambda value: repr(value)[:24],
)
def test_a_frame_that_cannot_be_answered_is_a_bad_frame(frame):
    with pytest.raises(BadFrame):
        CODEC.decode(frame)


def test_a_frame_holds_connect_and_all_subscribes_of_one_connection_but_not_any_number():
    def ping(command_id):
        return json.dumps({"id": command_id, "ping": {}})

    assert len(CODEC.decode("\n".join(map(ping, range(1, 193))))) == 192
    with pytest.raises(BadFrame):
        CODEC.decode("\n".join(map(ping, range(1, 194))))
