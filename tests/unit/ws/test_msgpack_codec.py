"""msgpack that says what JSON cannot, and frames that are none (B52 to B60 of the catalogue)."""

import logging
import time
import tracemalloc

import msgpack
import pytest

from server.ws.wire.answers import Publication
from server.ws.wire.codes import Errors
from server.ws.wire.commands import BadFrame, Malformed, Ping
from server.ws.wire.msgpack_codec import MsgpackCodec

CODEC = MsgpackCodec(commands_per_frame=192)
HEAD = b"\x91\x82\xa2id\x07\xa3rpc\x81\xa4data"  # [{"id": 7, "rpc": {"data": …


def nested(depth):
    return HEAD + b"\x91" * (depth - 1) + b"\x90"


@pytest.mark.parametrize(
    "data",
    [
        b"\x81\x01\x02",
        b"\x81\xc4\x01a\x02",
        b"\x82\xa1a\x01\xa1a\x02",
        b"\x81\x90\x01",
        b"\x81\xc0\x01",
        b"\xc4\x01a",
        b"\xc7\x01\x05a",
        b"\xd6\xff\x00\x00\x00\x00",
        b"\xc7\x0c\xff\x00\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00",
        b"\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00",
        b"\xa1\x00",
        nested(33).removeprefix(HEAD),
        nested(1_000).removeprefix(HEAD),
    ],
    ids=["int key", "bytes key", "key twice", "list key", "nil key", "bytes", "extension 5", "timestamp",
         "timestamp far away", "not a number", "infinity", "NUL", "33 deep", "1000 deep"],
)  # fmt: skip
def test_what_json_cannot_say_is_answered_with_bad_request(data):
    """The command is refused and the connection goes on, since its id is legible."""
    good = b"\x82\xa2id\x08\xa4ping\x80"
    message = b"\x92" + HEAD[1:] + data + good
    assert CODEC.decode(message) == [Malformed(7, Errors.BAD_REQUEST), Ping(8)]


def test_a_key_twice_in_the_command_itself_is_answered_too():
    assert CODEC.decode(b"\x91\x83\xa2id\x07\xa4ping\x80\xa4ping\x80") == [Malformed(7)]
    assert CODEC.decode(b"\x91\x83\xa2id\x07\xc4\x01a\x01\xa4ping\x80") == [Malformed(7)]


def test_a_depth_of_32_counts_the_command_as_one():
    [deepest] = CODEC.decode(nested(30))
    assert deepest.data == msgpack.unpackb(b"\x91" * 29 + b"\x90")
    assert CODEC.decode(nested(31)) == [Malformed(7)]


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x90",
        b"\x80",
        b"\x91",
        b"\x91\x90",
        b"\x91\x01",
        b"\xc0",
        b"\x91\xc1",
        b"\x91\x80\x80",
        b"\x91\x81\xa2\xff\xfe\x01",
        b"\x91\x82\xa2id\xa17\xa4ping\x80",
        b"\x91\x82\xa2id\xff\xa4ping\x80",
        b"\x91\x82\xa2id\xcf" + b"\xff" * 8 + b"\xa4ping\x80",
        b"\x91\x82\xa2id\xcb\x40\x00\x00\x00\x00\x00\x00\x00\xa4ping\x80",
        b"\x91\x82\xa2id\xc3\xa4ping\x80",
        b"\x91\x82\xc4\x02id\x07\xa4ping\x80",
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xffa",
        b"\xc6\xff\xff\xff\xffa",
        b"\xc9\xff\xff\xff\xff\x05a",
        b"\x91" * 2_000 + b"\x90",
        HEAD + b"\xc7\x0c\xff\xff\xff\xff\xff" + b"\x00" * 8,
        HEAD + b"\xdc\x04\x01" + b"\x01" * 1_025,
        msgpack.packb([{"id": 7, "ping": {}}])[:-1],
    ],
    ids=["empty", "no command", "a map", "truncated list", "a list in it", "a number in it", "nil", "0xc1", "trailing",
         "not utf-8", "id a text", "id negative", "id too large", "id a float", "id a boolean",
         "id key of bytes", "list of 4 Gi", "map of 4 Gi", "text of 4 GiB", "bytes of 4 GiB", "extension of 4 GiB",
         "2000 deep", "impossible timestamp", "a list of 1025", "truncated"],
)  # fmt: skip
def test_a_frame_that_is_not_legible_is_refused(message):
    with pytest.raises(BadFrame):
        CODEC.decode(message)


@pytest.mark.parametrize("head", [b"\xdc\xff\xff", b"\xdc\x04\x00", b"\xdd\x00\x00\x04\x00", b"\xde\x04\x00\xa1a"])
def test_nested_headers_that_promise_much_reserve_little(head):
    bomb = (head * 30_000)[:65_535]
    tracemalloc.start()
    try:
        with pytest.raises(BadFrame):
            CODEC.decode(bomb)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 24 * 1_048_576
    began = time.process_time()
    with pytest.raises(BadFrame):
        CODEC.decode(bomb)
    assert time.process_time() - began < 0.15, "one frame must not hold the loop"


def test_ten_thousand_refused_frames_leave_nothing_behind():
    refused = [b"\x91\x81\x01\x02", nested(33), HEAD + b"\xc1", b"\x91\x81\xc4\x01a\x02"]

    def refuse(times):
        for number in range(times):
            try:
                CODEC.decode(refused[number % len(refused)])
            except BadFrame:
                continue

    tracemalloc.start()
    try:
        refuse(1_000)
        before_bytes, _ = tracemalloc.get_traced_memory()
        refuse(10_000)
        assert tracemalloc.get_traced_memory()[0] - before_bytes < 16_384
    finally:
        tracemalloc.stop()


@pytest.mark.expects_warnings
@pytest.mark.parametrize("data", [b"no json", b'{"n": NaN}', b'"\\ud800"', b"1" * 40, b"[" * 600 + b"]" * 600, b"\xff"])
def test_an_event_that_nobody_of_us_stored_is_told_without_data_and_reported(data, caplog):
    """Raising would stop the channel for its other receivers too."""
    frame = CODEC.encode_publication("order:1", Publication(3, data))
    assert msgpack.unpackb(frame[2:]) == [{"push": {"channel": "order:1", "pub": {"data": None, "offset": 3}}}]
    [record] = caplog.records
    assert (record.levelno, record.getMessage()) == (logging.WARNING, "an event is no JSON")
