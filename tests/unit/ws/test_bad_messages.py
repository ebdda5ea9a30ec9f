"""Messages that no library sends (B38 to B60 of reliability.md §4B), over a real socket in each encoding.

What can be answered by its id costs one error and the connection goes on; what cannot ends with 3501. Either way the
neighbour is served, and nobody calls it a bug. Each codec's own cases stand in the tests beside this one.
"""
import gc
import tracemalloc

import msgpack
import pytest

from tests.unit.ws.raw_frames import BINARY, TEXT, frame
from tests.unit.ws.test_bad_frames import EACH_ENCODING, meeting
from tests.wires import WIRES, delimited, varint

JSON, PROTOBUF, MSGPACK = WIRES
ENDS, REFUSED, UNKNOWN = "ends", 107, 104  # with 3501, or an error to command 7
NO_KEY = b"\x91\x82\xa2id\x07\xa3rpc"  # the head of a command in msgpack whose content follows
RPC = b"\x08\x07\x6a"  # the same in Protobuf


def packed(content):
    return b"\x91\x82\xa2id\x07\xa3rpc\x81\xa4data" + content


def data(content):
    return delimited(RPC + delimited(b"\x0a" + delimited(content)))


SENT = {
    "B41 json, 900 deep": (JSON, '{"id":7,"rpc":{"data":' + "[" * 900 + "]" * 900 + "}}", REFUSED),
    "B41 json, 60,000 deep": (JSON, '{"id":7,"rpc":{"data":' + "[" * 60_000, ENDS),
    "B41 json, cut off": (JSON, '{"id":7,"rpc":{"data":', ENDS),
    "B42 json, unheard-of": (JSON, '{"id":7,"vanish":{}}', UNKNOWN),
    "B43 json, a number for a command": (JSON, '{"id":7,"rpc":1}', REFUSED),
    "B43 json, a list for a command": (JSON, '{"id":7,"subscribe":[]}', REFUSED),
    "B43 json, nothing for a command": (JSON, '{"id":7,"history":null}', REFUSED),
    "B44 json, no id": (JSON, '{"rpc":{}}', ENDS),
    "B44 json, an id of text": (JSON, '{"id":"7","rpc":{}}', ENDS),
    "B44 json, half an id": (JSON, '{"id":7.0,"rpc":{}}', ENDS),
    "A34 json, not a number": (JSON, '{"id":7,"rpc":{"data":NaN}}', REFUSED),
    "A35 json, infinity by exponent": (JSON, '{"id":7,"rpc":{"data":1e999}}', REFUSED),
    "A36 json, a key twice": (JSON, '{"id":7,"rpc":{"data":{"a":1,"a":2}}}', REFUSED),
    "A39 json, 5,000 digits": (JSON, '{"id":7,"rpc":{"data":' + "9" * 5_000 + "}}", ENDS),
    "A41 json, half a surrogate pair": (JSON, '{"id":7,"rpc":{"data":"\\ud800"}}', REFUSED),
    "A37 json, a byte order mark": (JSON, '\ufeff{"id":7,"rpc":{}}', ENDS),
    "B47 json, an offset of text": (JSON, '{"id":7,"subscribe":{"channel":"order:1","offset":"1"}}', REFUSED),
    "B47 json, an offset below zero": (JSON, '{"id":7,"subscribe":{"channel":"order:1","offset":-1}}', REFUSED),
    "B47 json, no offset": (JSON, '{"id":7,"subscribe":{"channel":"order:1","offset":null}}', REFUSED),
    "B42 protobuf, unheard-of": (PROTOBUF, delimited(b"\x08\x07\x9a\x06\x00"), UNKNOWN),
    "B43 protobuf, a wrong wire type": (PROTOBUF, delimited(b"\x08\x07\x32\x02\x08\x01"), REFUSED),
    "B44 protobuf, no id": (PROTOBUF, delimited(b"\x6a\x00"), ENDS),
    "protobuf, truncated": (PROTOBUF, data(b"{}")[:-1], ENDS),
    "protobuf, an over-long length": (PROTOBUF, b"\x84\x00" + data(b"{}")[1:], ENDS),
    "protobuf, a length without end": (PROTOBUF, b"\xff" * 10, ENDS),
    "protobuf, an id without end": (PROTOBUF, delimited(b"\x08" + b"\x80" * 11 + b"\x01"), ENDS),
    "protobuf, open groups without end": (PROTOBUF, delimited(b"\x0b" * 60_000), ENDS),
    "protobuf, wire type 7": (PROTOBUF, delimited(b"\x08\x07\x0f"), ENDS),
    "protobuf, a member of 4 GiB": (PROTOBUF, delimited(RPC + b"\xff\xff\xff\xff\x0f"), ENDS),
    "protobuf, data 60,000 deep": (PROTOBUF, data(b"[" * 60_000), REFUSED),
    "protobuf, data that is no JSON": (PROTOBUF, data(b"\x81\xa1a\x01"), REFUSED),
    "B47 protobuf, an offset of 2^64 - 1": (
        PROTOBUF, delimited(b"\x08\x07\x2a" + delimited(b"\x0a\x01a\x38" + varint(2**64 - 1))), REFUSED,
    ),
    "B42 msgpack, unheard-of": (MSGPACK, msgpack.packb([{"id": 7, "vanish": {}}]), UNKNOWN),
    "B43 msgpack, a number for a command": (MSGPACK, msgpack.packb([{"id": 7, "rpc": 1}]), REFUSED),
    "B44 msgpack, no id": (MSGPACK, msgpack.packb([{"rpc": {}}]), ENDS),
    "B52 msgpack, a key of a number": (MSGPACK, packed(b"\x81\x01\x02"), REFUSED),
    "B53 msgpack, a key of bytes": (MSGPACK, packed(b"\x81\xc4\x01a\x02"), REFUSED),
    "B54 msgpack, a key twice": (MSGPACK, packed(b"\x82\xa1a\x01\xa1a\x02"), REFUSED),
    "B55 msgpack, a list of 4 Gi": (MSGPACK, packed(b"\xdd\xff\xff\xff\xff"), ENDS),
    "B56 msgpack, a text of 4 GiB": (MSGPACK, packed(b"\xdb\xff\xff\xff\xff"), ENDS),
    "B57 msgpack, 1,000 deep": (MSGPACK, packed(b"\x91" * 1_000 + b"\x90"), REFUSED),
    "B57 msgpack, 60,000 deep": (MSGPACK, packed(b"\x91" * 60_000), ENDS),
    "B58 msgpack, an extension": (MSGPACK, packed(b"\xd4\x05\x00"), REFUSED),
    "B58 msgpack, an impossible instant": (MSGPACK, packed(b"\xc7\x0c\xff" + b"\xff" * 12), ENDS),
    "B59 msgpack, something behind it": (MSGPACK, packed(b"\x90") + b"\x01", ENDS),
    "B59 msgpack, 0xc1": (MSGPACK, b"\xc1", ENDS),
    "B59 msgpack, text that is not UTF-8": (MSGPACK, packed(b"\xa2\xff\xfe"), ENDS),
    "msgpack, not a number": (MSGPACK, packed(b"\xcb\x7f\xf8" + b"\0" * 6), REFUSED),
    "msgpack, truncated": (MSGPACK, NO_KEY, ENDS),
}  # fmt: skip


@pytest.mark.parametrize("name", SENT)
async def test_a_bad_message_costs_one_error_or_its_own_connection(database, outbox, name):
    wire, said, outcome = SENT[name]
    raw = said.encode() if isinstance(said, str) else said
    async with meeting(database, outbox, wire) as (_, socket):
        await socket.send(frame(TEXT if wire is JSON else BINARY, raw))
        if outcome == ENDS:
            assert await socket.ended() == (3501, "bad request")
        else:
            heard = await socket.heard()
            assert (heard["id"], heard["error"]["code"]) == (7, outcome) and "temporary" not in heard["error"]
            assert await socket.answers()


@EACH_ENCODING
async def test_b42_nonsense_ends_with_its_twentieth_piece_unless_there_is_sense_between(database, outbox, wire):
    async with meeting(database, outbox, wire) as (_, socket):
        for _ in range(3):
            await socket.say(*[{"id": 7}] * 19)
            assert [(await socket.heard())["error"]["code"] for _ in range(19)] == [104] * 19
            assert await socket.answers()
        await socket.say(*[{"id": 7}] * 20)
        assert await socket.ended() == (3501, "bad request")


@EACH_ENCODING
async def test_b48_to_b51_resuming_and_subscribing_nonsense_is_told_and_harms_nobody(database, outbox, wire):
    async with meeting(database, outbox, wire) as (here, socket):
        top = await here.publish("order:1", "one")
        for offset, epoch in ((99, top.epoch), (0, "old"), (0, "_")):
            wish = {"channel": "order:1", "recover": True, "offset": offset, "epoch": epoch}
            await socket.say({"id": 2, "subscribe": wish}, {"id": 3, "unsubscribe": {"channel": "order:1"}})
            told = (await socket.heard())["subscribe"]
            assert told["was_recovering"] and not told.get("recovered") and "publications" not in told
            assert told["offset"] == top.offset and (await socket.heard())["unsubscribe"] == {}
        await socket.say({"id": 4, "subscribe": {"channel": "order:foreign", "recover": True, "epoch": top.epoch}})
        assert (await socket.heard())["error"] == {"code": 103, "message": "permission denied"}
        await socket.say(*[{"id": 5, "subscribe": {"channel": "order:1"}}] * 100)
        answers = [await socket.heard() for _ in range(100)]
        assert "subscribe" in answers[0]
        assert all(one["error"] == {"code": 105, "message": "already subscribed"} for one in answers[1:])


@EACH_ENCODING
async def test_b60_thousands_of_refusals_leave_nothing_behind(database, outbox, wire):
    refused = {JSON: b'{"id":7,"rpc":{"data":NaN}}', PROTOBUF: data(b"NaN"), MSGPACK: packed(b"\x81\x01\x02")}[wire]
    sound = wire.say({"id": 7, "ping": {}})
    pair = frame(TEXT if wire is JSON else BINARY, refused) + frame(
        TEXT if wire is JSON else BINARY, sound.encode() if wire is JSON else sound
    )

    async def refuse(socket, times):
        for _ in range(times):
            await socket.send(pair)
            assert "error" in await socket.heard() and "ping" in await socket.heard()

    async with meeting(database, outbox, wire, commands_per_s=1e9) as (_, socket):
        tracemalloc.start()
        try:
            await refuse(socket, 200)
            gc.collect()
            before = tracemalloc.get_traced_memory()[0]
            await refuse(socket, 2_000)
            gc.collect()
            grown = tracemalloc.get_traced_memory()[0] - before
            assert grown < 65_536, f"{grown / 2_000:.0f} bytes a refusal"
        finally:
            tracemalloc.stop()
