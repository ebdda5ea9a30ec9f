"""Protobuf frames that are none: lengths, wire types, texts, bombs."""

import time
import tracemalloc

import pytest

from server.ws.wire.answers import Publication
from server.ws.wire.codes import Errors
from server.ws.wire.commands import BadFrame, Malformed, Ping, Pong, Rpc, Unsubscribe
from server.ws.wire.protobuf_codec import ProtobufCodec
from tests.wires import delimited, varint

CODEC = ProtobufCodec(commands_per_frame=192)
PING = delimited(b"\x08\x07\x5a\x00")  # id 7, ping {}


def rpc(data):
    """The command `{"id": 7, "rpc": {"data": data}}`."""
    return delimited(b"\x08\x07\x6a" + delimited(b"\x0a" + delimited(data)))


def test_the_bytes_of_a_push_are_those_of_the_public_protocol():
    """Written out, so that this test and the codec cannot be wrong together."""
    frame = CODEC.encode_publication("a:1", Publication(300, b"{}"))
    assert frame == (
        b"\x82\x11" + b"\x10"  # one binary frame; a message of 16 bytes
        b"\x22\x0e" b"\x12\x03a:1"  # push 4: channel 2
        b"\x22\x07" b"\x22\x02{}" b"\x30\xac\x02"  # pub 4: data 4, offset 6
    )  # fmt: skip


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x05",
        PING[:-1],
        PING + b"\x01",
        b"\x80",
        b"\x80\x00",
        b"\x84\x00" + PING[1:],
        b"\x84\x80\x80\x80\x00" + PING[1:],
        b"\xff" * 10 + b"\x01",
        b"\xff\xff\xff\xff\x0f" + PING[1:],
        b"\xff\xff\xff\xff\x7f",
        delimited(b"\x08"),
        delimited(b"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"),
        delimited(b"\x00\x01"),
        delimited(b"\x08\x07\x6a\x7f"),
        delimited(b"\x08\x07\x6a\xff\xff\xff\xff\x0f"),
        delimited(b"\x08\x07\x32" + delimited(b"\x0a" + delimited(b"\xff\xfe"))),
        delimited(b"\x08\x07\x0f"),
        delimited(b"\x0b" * 30_000),
        delimited(b"\x0b" * 30_000 + b"\x0c" * 30_000),
        delimited(b"\x6a\x00"),
        delimited(b"\x00"),
    ],
    ids=["empty", "truncated", "a byte missing", "a byte too many", "half a length", "over-long zero", "over-long 4",
         "over-long 4 in five", "length without end", "4 GiB", "32 GiB", "half an id", "id without end", "field 0",
         "member too long", "member of 4 GiB", "not utf-8", "wire type 7", "30,000 groups open", "30,000 groups",
         "no id", "tag 0"],
)  # fmt: skip
def test_a_frame_that_is_not_legible_is_refused(message):
    with pytest.raises(BadFrame):
        CODEC.decode(message)


def test_one_bad_message_refuses_its_whole_frame():
    with pytest.raises(BadFrame):
        CODEC.decode(PING + delimited(b"\x08"))


def test_a_known_field_of_a_wrong_wire_type_is_an_unknown_field():
    """As in every Protobuf implementation; what is left decides."""
    no_method = Malformed(7, Errors.METHOD_NOT_FOUND)
    assert CODEC.decode(delimited(b"\x08\x07\x68\x01")) == [no_method]  # rpc as a number
    assert CODEC.decode(delimited(b"\x08\x07\x32\x02\x08\x01")) == [Malformed(7)]  # channel as a number
    assert CODEC.decode(delimited(b"\x0a\x01\x07")) == [Pong()]  # id as bytes: nothing known is left
    with pytest.raises(BadFrame):
        CODEC.decode(delimited(b"\x0d\x07\x00\x00\x00\x5a\x00"))  # id as four bytes: a ping without id


def test_unknown_fields_are_ignored_wherever_they_stand():
    unknown = varint(99 << 3) + b"\x01" + varint(98 << 3 | 2) + delimited(b"\xff" * 50)
    assert CODEC.decode(delimited(unknown + PING[1:] + unknown)) == [Ping(7)]
    told = delimited(b"\x08\x07\x32" + delimited(unknown + b"\x0a\x01a"))
    assert CODEC.decode(told) == [Unsubscribe(7, "a")]


def test_numbers_beyond_their_type_wrap_as_in_every_implementation_and_are_then_checked():
    assert CODEC.decode(delimited(b"\x08" + varint(2**32 + 7) + b"\x5a\x00")) == [Ping(7)]
    minus_one = varint(2**64 - 1)
    told = delimited(b"\x08\x07\x2a" + delimited(b"\x0a\x01a\x18\x01\x38" + minus_one))
    assert CODEC.decode(told) == [Malformed(7)]  # an offset beyond what JavaScript can hold


def test_data_is_json_text_and_nothing_else():
    assert CODEC.decode(rpc(' {"名": [1]} '.encode())) == [Rpc(7, "", {"名": [1]})]
    assert CODEC.decode(rpc(b"")) == [Rpc(7, "", None)]


@pytest.mark.parametrize(
    "data",
    [b"{", b"\xff", b"\xef\xbb\xbf{}", b'{"a":1,"a":2}', b"NaN", b'"\\ud800"', b'"\\u0000"', b"1" * 30,
     b"[" * 33 + b"]" * 33, b"[" * 30_000, b"\x81\xa1a\x01"],
    ids=["half", "not utf-8", "mark", "key twice", "not a number", "surrogate", "NUL", "a long number", "33 deep",
         "30,000 deep", "msgpack"],
)  # fmt: skip
def test_data_that_is_no_strict_json_is_answered_with_bad_request(data):
    """The command is refused and the connection goes on."""
    assert CODEC.decode(rpc(data) + PING) == [Malformed(7), Ping(7)]


def test_data_that_is_refused_in_a_command_without_id_ends_the_connection():
    with pytest.raises(BadFrame):
        CODEC.decode(delimited(b"\x6a" + delimited(b"\x0a" + delimited(b"{"))))


@pytest.mark.parametrize(
    "bomb",
    [
        delimited(b"\x22" + delimited(b"".join(b"\x1a\x06\x0a\x04%04d" % number for number in range(8_000)))),
        delimited(b"\x32\x00" * 32_000),
        delimited(b"\x08\x01" * 32_000),
        delimited(b"\x6b" * 65_000),
        rpc(b"[" * 65_000),
        b"\x00" * 65_000,
    ],
    ids=["a map of 8,000", "one member 32,000 times", "an id 32,000 times", "open groups", "open lists", "pongs"],
)
def test_a_frame_that_promises_much_costs_little(bomb):
    def decode():
        try:
            CODEC.decode(bomb)
        except BadFrame:
            return

    tracemalloc.start()
    try:
        decode()
        assert tracemalloc.get_traced_memory()[1] < 8 * 1_048_576
    finally:
        tracemalloc.stop()
    began = time.process_time()
    decode()
    assert time.process_time() - began < 0.15, "one frame must not hold the loop"
